//! How a deployment ended, as it is said at the end: where its services answer, or exactly what failed.

use shipway_api::{DeploymentView, SkippedView};
use shipway_core::{
    deployment::{FailureReport, Resolved},
    phase::Phase,
};

use super::{
    Exit, findings, stuck,
    terminal::{Hue, Paint, Terminal},
    words,
};

/// Lines of a log that are shown; the others are in `shipway logs`.
const LOG_LINES_MAX: usize = 20;

/// Says how a deployment ended, and gives what the process exits with.
pub fn tell(terminal: &Terminal, view: &DeploymentView) -> Exit {
    let exit = if has_failed(view.phase) { Exit::Failed } else { Exit::Done };
    if terminal.json {
        terminal.json(view);
        return exit;
    }
    for line in lines(terminal.paint, view) {
        terminal.say(line);
    }
    exit
}

fn has_failed(phase: Phase) -> bool {
    phase.is_end() && phase != Phase::Completed
}

/// What is said of a deployment that has ended, or is as far as it was waited for.
pub fn lines(paint: Paint, view: &DeploymentView) -> Vec<String> {
    if !has_failed(view.phase) {
        return good(paint, view);
    }
    let mut lines = vec![bad(paint, view)];
    for report in &view.errors {
        lines.push(String::new());
        lines.extend(failure(paint, report));
    }
    if view.errors.is_empty() {
        lines.extend(findings::lines(paint, &view.findings));
    }
    if view.phase == Phase::Stuck {
        lines.push(String::new());
        lines.extend(stuck::lines(paint, view));
    }
    lines.extend(said_by_persons(paint, view));
    lines
}

fn good(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let took = view.duration_ms.map(|ms| format!(" in {}", words::span(ms))).unwrap_or_default();
    let mark = paint.put(Hue::Good, format!("✓ {} {}", view.name, view.phase));
    let mut lines = vec![format!("{mark}{took} · {}", switched(view))];
    lines.extend(view.urls.iter().map(|url| format!("  {}", paint.put(Hue::Bold, url))));
    lines
}

/// What the switch did to requests.
fn switched(view: &DeploymentView) -> String {
    let metrics = &view.metrics;
    let failed = words::count(metrics.failed_by_switch, "request");
    format!("{failed} failed by the switch ({} served)", metrics.requests)
}

fn bad(paint: Paint, view: &DeploymentView) -> String {
    let took = view.duration_ms.map(|ms| format!(" after {}", words::span(ms))).unwrap_or_default();
    let mut line = paint.put(Hue::Bad, format!("✗ {} {}", view.name, view.phase.name().replace('_', " ")));
    line.push_str(&took);
    if let Some(ms) = view.metrics.back_ms {
        line.push_str(&format!(" · going back took {}", words::span(ms)));
    }
    let moved = view.phases.iter().any(|record| (Phase::Promoting..=Phase::Cleaning).contains(&record.phase));
    let seen = if moved { switched(view) } else { "users saw nothing of it".to_owned() };
    format!("{line} · {seen}")
}

/// Everything that is known about one failure.
pub fn failure(paint: Paint, report: &FailureReport) -> Vec<String> {
    let mut lines = vec![format!("{} {}", paint.put(Hue::Bad, "what failed:"), report.message)];
    let facts = [
        ("step", Some(format!("{} ({})", report.step, report.phase))),
        ("service", report.service.as_ref().map(ToString::to_string)),
        ("instance", report.instance.as_ref().map(ToString::to_string)),
        ("check", report.check.clone()),
        ("expected", report.expected.clone()),
        ("got", report.got.clone()),
    ];
    let known = facts.into_iter().filter_map(|(name, fact)| Some((name, fact?)));
    lines.extend(known.map(|(name, fact)| format!("  {}  {fact}", paint.put(Hue::Faint, format!("{name:8}")))));
    if !report.log_tail.is_empty() {
        lines.push(format!("  {}", paint.put(Hue::Faint, "the last lines of its log")));
        let from = report.log_tail.len().saturating_sub(LOG_LINES_MAX);
        lines.extend(report.log_tail[from..].iter().map(|line| format!("  {} {line}", paint.put(Hue::Faint, "│"))));
    }
    lines.extend(report.hint.iter().map(|hint| format!("  {} {hint}", paint.put(Hue::Busy, "→"))));
    lines
}

/// What persons left out of the way back, and how they dealt with it.
fn said_by_persons(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let left_out = |skipped: &SkippedView| format!("{} left out `{}`: {}", skipped.by, skipped.title, skipped.reason);
    let resolved = |resolved: &Resolved| format!("{} dealt with it: {}", resolved.by, resolved.reason);
    let said = view.skipped.iter().map(left_out).chain(view.resolved.iter().map(resolved));
    said.map(|words| paint.put(Hue::Warn, words)).collect()
}
