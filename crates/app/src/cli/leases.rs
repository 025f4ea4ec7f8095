//! `shipway leases`: who may write which service, and who waits for it.

use shipway_api::{ClaimView, LeaseView, LeasesView};
use shipway_core::time::Timestamp;

use super::{
    Exit, Outcome,
    context::Context,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// The few characters of a server's id that a person reads.
const SERVER_CHARS: usize = 8;

/// Show which deployment may write which service, since when, and who waits
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let mut all: Vec<LeasesView> = Vec::new();
    for environment in scope.environments(&remote, &args.environment).await? {
        all.push(remote.get(&scope.environment_path(&environment, "/leases")).await?);
    }
    let now = words::now();
    context.terminal.show(&all, |paint| all.iter().flat_map(|view| lines(paint, view, now)).collect());
    Ok(Exit::Done)
}

fn lines(paint: Paint, view: &LeasesView, now: Timestamp) -> Vec<String> {
    let name = paint.put(Hue::Bold, format!("{}/{}", view.project_id, view.environment));
    if view.held.is_empty() && view.waiting.is_empty() {
        return vec![format!("{name}  no service is being written")];
    }
    let mut lines = vec![name];
    let mut held = Table::new(&["service", "written by", "id", "phase", "by", "since", "token", "server"]);
    for lease in &view.held {
        held.row(held_row(lease, now));
    }
    lines.extend(held.lines(paint, 2));
    let mut waiting = Table::new(&["waits", "id", "for", "since", "behind"]);
    for claim in &view.waiting {
        waiting.row(waiting_row(claim, view, now));
    }
    lines.extend(waiting.lines(paint, 2));
    lines
}

fn held_row(lease: &LeaseView, now: Timestamp) -> Vec<(Hue, String)> {
    let or_dash = |text: Option<&String>| text.map_or_else(|| "-".to_owned(), Clone::clone);
    vec![
        plain(lease.service.as_str()),
        (Hue::Bold, or_dash(lease.name.as_ref())),
        (Hue::Faint, lease.deployment.as_str().to_owned()),
        plain(lease.phase.map_or("-", |phase| phase.name())),
        plain(or_dash(lease.initiated_by.as_ref())),
        plain(words::ago(lease.since, now)),
        plain(lease.token.to_string()),
        server(lease, now),
    ]
}

/// The server that carries it, and until when it is believed to be there.
fn server(lease: &LeaseView, now: Timestamp) -> (Hue, String) {
    let Some(server) = &lease.server else { return plain("-") };
    let server = server.get(..SERVER_CHARS).unwrap_or(server);
    match lease.server_expires_at {
        Some(until) if until > now => plain(format!("{server} (expires in {})", words::span(until.since_ms(now)))),
        Some(until) => (Hue::Warn, format!("{server} (expired {}: another takes it over)", words::ago(until, now))),
        None => (Hue::Warn, format!("{server} (gone: another takes it over)")),
    }
}

fn waiting_row(claim: &ClaimView, view: &LeasesView, now: Timestamp) -> Vec<(Hue, String)> {
    let held = view.held.iter().filter_map(|lease| Some((&lease.deployment, lease.name.as_ref()?)));
    let waiting = view.waiting.iter().filter_map(|claim| Some((&claim.deployment, claim.name.as_ref()?)));
    let named: std::collections::BTreeMap<_, _> = held.chain(waiting).collect();
    let behind = claim.behind.iter().map(|id| named.get(id).map_or(id.as_str(), |name| name.as_str()));
    let services = claim.services.iter().map(|service| service.as_str()).collect::<Vec<_>>().join(", ");
    vec![
        (Hue::Bold, claim.name.clone().unwrap_or_else(|| "-".into())),
        (Hue::Faint, claim.deployment.as_str().to_owned()),
        plain(services),
        plain(words::ago(claim.since, now)),
        plain(behind.collect::<Vec<_>>().join(", ")),
    ]
}
