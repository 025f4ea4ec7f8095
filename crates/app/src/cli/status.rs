//! `shipway status`: the server, the environments with their services, and what runs.

use serde::Serialize;
use shipway_api::{BackupStatus, DeploymentView, EnvironmentView, MasterKeyView, ProjectView, ServerView, SlotView};
use shipway_core::time::Timestamp;

use super::{
    Exit, Outcome, acts,
    context::Context,
    errors::CliError,
    history,
    remote::{Remote, escaped},
    scope::{EnvironmentArg, Scope},
    stuck,
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Show the server, the environments, and the deployments that run
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    server: ServerView,
    master_key: MasterKeyView,
    projects: Vec<ProjectStatus>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectStatus {
    project: String,
    environments: Vec<EnvironmentView>,
    running: Vec<DeploymentView>,
    stuck: Vec<DeploymentView>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let server: ServerView = remote.get("/api/server").await?;
    let master_key: MasterKeyView = remote.get("/api/master-key").await?;
    let mut projects = Vec::new();
    for scope in scopes(context, &remote).await? {
        projects.push(look(&remote, scope, &args.environment).await?);
    }
    let status = Status { server, master_key, projects };
    context.terminal.show(&status, |paint| lines(paint, &remote, &status, words::now()));
    Ok(Exit::Done)
}

/// The project that is meant; all when none is.
async fn scopes(context: &Context, remote: &Remote) -> Result<Vec<Scope>, CliError> {
    let known: Vec<ProjectView> = remote.get("/api/projects").await?;
    let is_known = |project: &str| known.iter().any(|known| known.id.as_str() == project);
    match Scope::find(context, remote).await {
        Ok(scope) if context.project.is_some() || is_known(&scope.project) => Ok(vec![scope]),
        // None is meant, several are there, or the one of this folder was never deployed.
        _ => Ok(known.into_iter().map(Scope::known).collect()),
    }
}

async fn look(remote: &Remote, scope: Scope, environment: &EnvironmentArg) -> Result<ProjectStatus, CliError> {
    let path = scope.path("/environments");
    let environments = remote.get::<Vec<EnvironmentView>>(&path);
    let recent = acts::recent(remote, &scope, environment);
    let (mut environments, recent) = futures_util::try_join!(environments, recent)?;
    if let Some(wanted) = &environment.environment {
        environments.retain(|one| one.name.as_str() == wanted);
        if environments.is_empty() {
            let message = format!("{} has no environment `{wanted}`", scope.project);
            return Err(CliError::failed(message, "`shipway status` shows all of them"));
        }
    }
    let running = acts::running(&recent);
    let mut stuck = Vec::new();
    for summary in acts::stuck(&recent) {
        // A list has no steps, and those that failed are what matters here.
        stuck.push(remote.get(&format!("/api/deployments/{}", escaped(summary.id.as_str()))).await?);
    }
    Ok(ProjectStatus { project: scope.project, environments, running, stuck })
}

fn lines(paint: Paint, remote: &Remote, status: &Status, now: Timestamp) -> Vec<String> {
    let mut lines = server(paint, remote, &status.server, now);
    lines.extend(sealed(paint, &status.master_key));
    if status.projects.is_empty() {
        lines.push("no project is registered: `shipway deploy -e ENVIRONMENT` in its folder does it".into());
    }
    for project in &status.projects {
        for one in &project.environments {
            lines.push(String::new());
            lines.extend(environment(paint, &project.project, one, now));
        }
        for view in &project.running {
            lines.push(String::new());
            lines.extend(running(paint, view, now));
        }
        for view in &project.stuck {
            lines.push(String::new());
            lines.extend(stands_still(paint, view));
        }
    }
    lines
}

fn server(paint: Paint, remote: &Remote, server: &ServerView, now: Timestamp) -> Vec<String> {
    let proxy = match server.proxy_up {
        true => paint.put(Hue::Good, "up"),
        false => paint.put(Hue::Bad, "does not answer"),
    };
    let up = words::span(now.since_ms(server.started_at));
    let mut lines = vec![format!(
        "server {} at {} (pid {}, up {up}) · proxy http://{} {proxy}",
        server.version,
        remote.base(),
        server.pid,
        server.proxy
    )];
    let limits =
        [("memory_mb", server.limits.memory), ("cpu", server.limits.cpu), ("processes", server.limits.processes)];
    let missing: Vec<_> = limits.iter().filter(|(_, held)| !held).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let words = format!("not limited on this machine: {} ({})", missing.join(", "), server.limits.reason);
        lines.push(paint.put(Hue::Warn, words));
    }
    lines.extend(server.backup.iter().map(|status| backup(paint, status)));
    lines
}

/// Secrets that can't be opened: what needs them goes on, and can't be started or deployed.
fn sealed(paint: Paint, view: &MasterKeyView) -> Vec<String> {
    let fault = view.keys.fault.iter().map(|fault| format!("the master key can't be read: {fault}"));
    let Some(first) = view.troubles.first() else {
        return fault.map(|line| paint.put(Hue::Bad, line)).collect();
    };
    let count = words::count(view.troubles.len() as u64, "secret");
    let lines = fault.chain([format!("{count} can't be opened, for instance: {}", first.message)]);
    let hint = first.hint.iter().map(|hint| format!("→ {hint}"));
    lines.map(|line| paint.put(Hue::Bad, line)).chain(hint).collect()
}

/// Backups that are older than two of their intervals are late.
fn backup(paint: Paint, status: &BackupStatus) -> String {
    let age = status.age_ms.map_or_else(|| "none yet".to_owned(), |ms| format!("{} old", words::span(ms)));
    let (every, folder) = (words::span(status.every_ms), status.folder.display());
    let line = format!("backup {age} (recovery point), every {every} into {folder}");
    match &status.fault {
        Some(fault) => paint.put(Hue::Bad, format!("{line}; the last one failed: {fault}")),
        None if status.age_ms.is_some_and(|age_ms| age_ms > 2 * status.every_ms) => paint.put(Hue::Warn, line),
        None => line,
    }
}

fn environment(paint: Paint, project: &str, view: &EnvironmentView, now: Timestamp) -> Vec<String> {
    let hue = match view.status.as_str() {
        "healthy" => Hue::Good,
        "degraded" => Hue::Warn,
        _ => Hue::Bad,
    };
    let (name, status) = (paint.put(Hue::Bold, format!("{project}/{}", view.name)), paint.put(hue, &view.status));
    let mut lines = vec![format!("{name} {status} · {}", view.reason)];
    lines.extend(view.stopped_since.map(|since| stopped(paint, view, since, now)));
    let mut table = Table::new(&["service", "version", "ready", "warm until", "address"]);
    for slot in &view.services {
        table.row(service(slot, now));
    }
    lines.extend(table.lines(paint, 2));
    let drift = view.drift.iter().flat_map(|drift| super::repair::lines(paint, drift));
    lines.extend(drift.map(|line| format!("  {line}")));
    lines
}

fn stopped(paint: Paint, view: &EnvironmentView, since: Timestamp, now: Timestamp) -> String {
    let since = words::ago(since, now);
    let words = format!(
        "  takes nothing but rollbacks since {since}: too many deployments were taken back; when that is mended: \
         `shipway breakers reset {} --reason WHY`",
        view.id
    );
    paint.put(Hue::Bad, words)
}

fn service(slot: &SlotView, now: Timestamp) -> Vec<(Hue, String)> {
    let wanted = slot.live.as_ref().map_or(0, |live| live.instances);
    let ready = match (&slot.live, wanted) {
        (None, _) => (Hue::Faint, "-".to_owned()),
        (Some(_), 0) => plain("files"),
        (Some(_), wanted) => {
            let hue = if slot.ready >= wanted { Hue::Good } else { Hue::Bad };
            (hue, format!("{}/{wanted}", slot.ready))
        }
    };
    let warm = slot.warm.iter().map(|warm| warm.until).max().filter(|until| *until > now);
    let warm = warm.map_or_else(|| "-".to_owned(), |until| format!("in {}", words::span(until.since_ms(now))));
    let version = slot.version.as_deref().unwrap_or("-");
    let coming = if slot.candidate.is_some() { " (another comes)" } else { "" };
    vec![
        plain(slot.service.as_str()),
        plain(format!("{version}{coming}")),
        ready,
        plain(warm),
        plain(slot.urls.join(" ")),
    ]
}

fn running(paint: Paint, view: &DeploymentView, now: Timestamp) -> Vec<String> {
    let elapsed = words::span(now.since_ms(view.created_at));
    let phase = paint.put(history::hue(view.phase), view.phase);
    let name = paint.put(Hue::Bold, &view.name);
    let mut lines =
        vec![format!("{name} ({} of {}) {phase} · {}% · {elapsed}", view.kind.name(), view.environment, view.progress)];
    // The reason of a canary that waits for a person names the command that lets it go on.
    lines.extend(view.waiting.iter().map(|waiting| format!("  {}", paint.put(Hue::Warn, &waiting.reason))));
    if view.paused {
        lines.push(format!("  paused: `shipway resume {}` lets it go on", view.name));
    }
    lines
}

fn stands_still(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let (name, stuck) = (paint.put(Hue::Bold, &view.name), paint.put(Hue::Bad, view.phase));
    let mut lines = vec![format!("{name} ({} of {}, {}) {stuck}", view.kind.name(), view.environment, view.id)];
    for failure in &view.errors {
        lines.push(format!("  {}: {}", failure.step, failure.message));
        lines.extend(failure.hint.iter().map(|hint| format!("  → {hint}")));
    }
    lines.extend(stuck::lines(paint, view).into_iter().map(|line| format!("  {line}")));
    lines
}
