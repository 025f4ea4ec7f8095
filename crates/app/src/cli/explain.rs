//! `shipway explain`: why a deployment failed, or why it waits, as somebody reads it at night.

use shipway_api::DeploymentPage;
use shipway_core::{
    deployment::{FailureReport, StepStatus},
    explain::{Change, ChangeSort, Explanation, OpenStep, Seen, Serves, Standing, Undone, Wait},
    phase::Phase,
    time::Timestamp,
};

use super::{
    Exit, Outcome,
    context::Context,
    ending,
    errors::CliError,
    findings,
    remote::{Remote, escaped, with_query},
    scope::{EnvironmentArg, Scope},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Differences that are shown; all of them are in `--json`.
const CHANGES_SHOWN_MAX: usize = 24;
/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 44;

/// Say why a deployment failed or why it waits, and what to do next
#[derive(clap::Args)]
pub struct Args {
    /// The deployment, by id or name; the newest one when absent
    deployment: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let id = match args.deployment {
        Some(deployment) => deployment,
        None => newest(context, &remote, args.environment).await?,
    };
    let told: Explanation = remote.get(&format!("/api/deployments/{}/explain", escaped(&id))).await?;
    context.terminal.show(&told, |paint| lines(paint, &told, words::now()));
    Ok(Exit::Done)
}

async fn newest(context: &Context, remote: &Remote, environment: EnvironmentArg) -> Result<String, CliError> {
    let scope = Scope::find(context, remote).await?;
    let query = [("environment", environment.environment), ("limit", Some("1".to_owned()))];
    let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
    let newest = page.items.first().map(|view| view.id.to_string());
    newest.ok_or_else(|| {
        CliError::failed(
            format!("{} has no deployment yet", scope.project),
            "`shipway deploy -e ENVIRONMENT` makes one",
        )
    })
}

/// All of it, block by block.
fn lines(paint: Paint, told: &Explanation, now: Timestamp) -> Vec<String> {
    let mut lines = vec![headline(paint, told)];
    for block in [
        first_cause(paint, told, now),
        waiting(paint, told, now),
        followed(paint, told),
        changed(paint, told),
        listed(paint, "what its plan notes", &told.planned),
        undone(paint, told),
        serving(paint, told),
        listed(paint, "what stays", &told.left),
        next(paint, told),
        listed(paint, "what could not be read", &told.notes),
    ] {
        if !block.is_empty() {
            lines.push(String::new());
            lines.extend(block);
        }
    }
    lines
}

fn headline(paint: Paint, told: &Explanation) -> String {
    let (mark, hue) = match told.phase {
        Phase::Completed => ("✓", Hue::Good),
        Phase::Stuck => ("!", Hue::Bad),
        phase if phase.is_end() => ("✗", Hue::Bad),
        _ => ("…", Hue::Busy),
    };
    format!("{} {}", paint.put(hue, mark), paint.put(Hue::Bold, &told.headline))
}

fn title(paint: Paint, words: &str) -> String {
    paint.put(Hue::Bold, words)
}

fn fact(paint: Paint, name: &str, fact: &str) -> String {
    format!("  {}  {fact}", paint.put(Hue::Faint, format!("{name:8}")))
}

/// A fact below a line of a list.
fn below(paint: Paint, name: &str, words: &str) -> String {
    format!("    {}  {words}", paint.put(Hue::Faint, format!("{name:9}")))
}

fn first_cause(paint: Paint, told: &Explanation, now: Timestamp) -> Vec<String> {
    let Some(first) = &told.first_cause else { return Vec::new() };
    let mut first = first.clone();
    // What to do stands at the end, with everything else that may help.
    first.hint = None;
    let at = format!("{} ({})", first.at, words::ago(first.at, now));
    let mut lines = ending::failure(paint, &first);
    lines.insert(1, fact(paint, "when", &at));
    lines.extend(findings::lines(paint, &told.findings).into_iter().map(|line| format!("  {line}")));
    lines
}

fn followed(paint: Paint, told: &Explanation) -> Vec<String> {
    let then = |failure: &FailureReport| {
        let mut lines = ending::failure(paint, failure);
        lines[0] = format!("{} {}", paint.put(Hue::Bad, "then failed:"), failure.message);
        lines
    };
    told.followed.iter().flat_map(then).collect()
}

fn waiting(paint: Paint, told: &Explanation, now: Timestamp) -> Vec<String> {
    if told.waiting.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![title(paint, "what it waits for")];
    for wait in &told.waiting {
        lines.push(format!("  {} {}", paint.put(Hue::Warn, "·"), wait.words()));
        lines.extend(facts_of(wait, now).into_iter().map(|(name, words)| below(paint, name, &words)));
        if let Wait::Health { seen: Some(seen), .. } = wait {
            lines.extend(seen_lines(paint, seen));
        }
    }
    lines
}

fn seen_lines(paint: Paint, seen: &Seen) -> Vec<String> {
    let mut lines = vec![below(paint, "now", &format!("it {}", seen.life))];
    lines.extend(seen.log_tail.iter().map(|line| format!("    {} {line}", paint.put(Hue::Faint, "│"))));
    lines
}

fn since(at: Option<Timestamp>, now: Timestamp) -> Option<(&'static str, String)> {
    at.map(|at| ("since", format!("{at} ({})", words::ago(at, now))))
}

/// What is known of a wait besides its words.
fn facts_of(wait: &Wait, now: Timestamp) -> Vec<(&'static str, String)> {
    let until = |at: &Timestamp| match at.since_ms(now) {
        0 => "now".to_owned(),
        ms => format!("in {}", words::span(ms)),
    };
    match wait {
        Wait::Lease { since: at, token, phase, reason, server, expires_at, .. } => {
            let phase = phase.map(|phase| match reason {
                Some(reason) => format!("{phase}: {reason}"),
                None => phase.to_string(),
            });
            let carried = server.as_ref().map(|server| match expires_at {
                Some(at) => format!("{server}, taken for dead {} unless it says that it is there", until(at)),
                None => format!("{server}, which is not there"),
            });
            let token = token.map(|token| ("token", token.to_string()));
            let rows = [since(*at, now), token, phase.map(|phase| ("it is", phase)), carried.map(|it| ("server", it))];
            rows.into_iter().flatten().collect()
        }
        Wait::Retry { attempts, next_at, .. } => {
            vec![("tried", words::count(u64::from(*attempts), "time")), ("again", until(next_at))]
        }
        Wait::Breaker { until: at, .. } => vec![("until", format!("{at} ({})", until(at)))],
        Wait::Server { expired_at, .. } => since(*expired_at, now).into_iter().collect(),
        Wait::Sample { since: at, left_ms, min_requests, .. } => {
            let left = if *left_ms == 0 { "over".to_owned() } else { words::span(*left_ms) };
            let least = min_requests.iter().map(|(service, count)| format!("{count} to {service}")).collect::<Vec<_>>();
            let least = (!least.is_empty()).then(|| ("requests", format!("at least {}", least.join(", "))));
            since(*at, now).into_iter().chain([("time left", left)]).chain(least).collect()
        }
        Wait::Paused { since: at }
        | Wait::Soak { since: at, .. }
        | Wait::Person { since: at, .. }
        | Wait::Making { since: at, .. }
        | Wait::Health { since: at, .. }
        | Wait::Step { since: at, .. } => since(*at, now).into_iter().collect(),
        Wait::Gate { since: at, until: opens, who, risk, .. } => {
            let opens = opens.as_ref().map(|at| ("opens", format!("{at} ({})", until(at))));
            let risk = risk.as_ref().map(|risk| ("risk", words::risk(risk)));
            let who = [("can open it", who.clone())];
            since(*at, now).into_iter().chain(opens).chain(who).chain(risk).collect()
        }
        Wait::Ending { .. } | Wait::Dependency { .. } => Vec::new(),
    }
}

fn changed(paint: Paint, told: &Explanation) -> Vec<String> {
    if told.last_good.is_empty() || told.phase == Phase::Completed {
        return Vec::new();
    }
    let is_made = told.first_cause.as_ref().is_none_or(|first| first.phase >= Phase::Staging);
    if told.changed.is_empty() && !is_made {
        // What should have come was never made, so there is nothing to compare.
        return Vec::new();
    }
    let mut lines = vec![format!("{} {}", title(paint, "what changed against"), against(told))];
    if told.changed.is_empty() {
        lines.push("  nothing that Shipway knows of: look for what changed around it".into());
    }
    let mut table = Table::new(&["", "service", "what", "before", "after"]);
    for change in told.changed.iter().take(CHANGES_SHOWN_MAX) {
        table.row(row(change));
    }
    // The head says nothing that the rows don't.
    lines.extend(table.lines(paint, 2).into_iter().skip(1));
    let hidden = told.changed.len().saturating_sub(CHANGES_SHOWN_MAX) + told.changed_more;
    if hidden > 0 {
        lines.push(format!("  and {hidden} more: `shipway explain {} --json`", told.deployment));
    }
    lines
}

/// The last good state in words: `catalog 1.4 (staging-3), web 2.0 (staging-6)`.
fn against(told: &Explanation) -> String {
    let one = |good: &shipway_core::explain::LastGood| match &good.version {
        Some(version) => {
            let by = good.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
            format!("{} {version}{by}", good.service)
        }
        None => format!("{}: nothing was live", good.service),
    };
    told.last_good.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn row(change: &Change) -> Vec<(Hue, String)> {
    let sort = match change.sort {
        ChangeSort::Code => "code",
        ChangeSort::Configuration => "configuration",
        ChangeSort::Dependencies => "dependencies",
        ChangeSort::Environment => "environment",
    };
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), shortened);
    vec![
        (Hue::Faint, sort.to_owned()),
        plain(change.service.as_ref().map_or("all", |service| service.as_str())),
        plain(&change.what),
        plain(value(&change.before)),
        (Hue::Warn, format!("→ {}", value(&change.after))),
    ]
}

fn shortened(value: &str) -> String {
    let line = value.replace(['\n', '\r'], " ");
    match line.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn undone(paint: Paint, told: &Explanation) -> Vec<String> {
    let Some(undone) = &told.undone else { return Vec::new() };
    let took = words::span(undone.took_ms);
    let traffic = undone.traffic_back_ms.map(|ms| format!("users were back on the old after {}; ", words::span(ms)));
    let goes_on = if told.phase == Phase::RollingBack { "so far" } else { "all of it took" };
    let mut lines =
        vec![format!("{} · {}{goes_on} {took}", title(paint, "what was undone"), traffic.unwrap_or_default())];
    lines.extend(undone.what.iter().map(|what| format!("  {} {what}", paint.put(Hue::Good, "✓"))));
    if undone.what.is_empty() {
        lines.push("  nothing yet".into());
    }
    lines.extend(open(paint, undone));
    lines
}

fn open(paint: Paint, undone: &Undone) -> Vec<String> {
    let line = |step: &OpenStep| {
        let service = step.service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
        let note = step.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let words = format!("step {} · {service}{}", step.number, step.step);
        match step.status {
            StepStatus::Failed => {
                let tries = words::count(u64::from(step.attempts), "time");
                format!("  {} {words} · tried {tries}{note}", paint.put(Hue::Bad, "✗"))
            }
            StepStatus::Running => format!("  {} {words} · under way{note}", paint.put(Hue::Busy, "…")),
            _ => format!("  {} {words} · not begun", paint.put(Hue::Faint, "·")),
        }
    };
    let mut lines: Vec<_> = undone.open.iter().map(line).collect();
    if !undone.given_up.is_empty() {
        let names = undone.given_up.iter().map(|service| service.as_str()).collect::<Vec<_>>().join(", ");
        lines.push(format!("  {} the others went back without {names}", paint.put(Hue::Warn, "!")));
    }
    lines
}

/// What users meet; only worth a block while it is not simply the old.
fn serving(paint: Paint, told: &Explanation) -> Vec<String> {
    let settled = |serves: &Serves| serves.is == Standing::Old && serves.beside.is_none() && !serves.held;
    if told.phase != Phase::Stuck && told.serving.iter().all(settled) {
        return Vec::new();
    }
    let when = if told.phase.is_end() { "what users met when it ended" } else { "what users meet now" };
    let mut lines = vec![title(paint, when)];
    lines.extend(told.serving.iter().map(|serves| format!("  {}", serving_line(paint, serves))));
    lines
}

fn serving_line(paint: Paint, serves: &Serves) -> String {
    let version = serves.version.as_deref().unwrap_or("-");
    let (hue, is) = match serves.is {
        Standing::Old => (Hue::Good, "the old".to_owned()),
        Standing::New => (Hue::Warn, "the new".to_owned()),
        Standing::Other => (Hue::Warn, "another one, deployed since".to_owned()),
        Standing::Nothing => (Hue::Bad, "nothing".to_owned()),
    };
    let beside = serves.beside.as_ref().map(|beside| format!("; {beside}")).unwrap_or_default();
    let held = if serves.held { "; its requests are held" } else { "" };
    let version = if serves.is == Standing::Nothing { String::new() } else { format!(" ({version})") };
    format!("{}: {}{version}{beside}{held}", serves.service, paint.put(hue, is))
}

fn listed(paint: Paint, what: &str, items: &[String]) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let items = items.iter().map(|item| format!("  {} {item}", paint.put(Hue::Faint, "·")));
    std::iter::once(title(paint, what)).chain(items).collect()
}

fn next(paint: Paint, told: &Explanation) -> Vec<String> {
    if told.next.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![title(paint, "what to do next")];
    for step in &told.next {
        lines.push(format!("  {} {}", paint.put(Hue::Busy, "→"), step.words));
        lines.extend(step.command.iter().map(|command| format!("      {}", paint.put(Hue::Good, command))));
    }
    lines
}
