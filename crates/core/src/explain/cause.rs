//! What failed first, what followed from it, and all of it in one sentence.

use super::{FOLLOWED_MAX, Wait, listed};
use crate::{
    deployment::{Cause, Deployment, FailureReport, StepStatus, Stuck},
    finding::{Finding, Severity},
    phase::{End, Phase},
};

/// Characters of a message that a headline has room for.
const HEADLINE_CHARS_MAX: usize = 140;

/// The first cause.
pub(super) fn first(deployment: &Deployment) -> Option<FailureReport> {
    deployment.failures.first().cloned()
}

/// What failed after the first cause. A step that failed in several tries of the way back is told once, as it failed
/// last.
pub(super) fn followed(deployment: &Deployment) -> Vec<FailureReport> {
    let mut told: Vec<FailureReport> = Vec::new();
    for failure in deployment.failures.iter().skip(1).filter(|failure| !is_freeze(failure)) {
        let same = |other: &FailureReport| {
            (other.phase, &other.step, &other.service) == (failure.phase, &failure.step, &failure.service)
        };
        told.retain(|other| !same(other));
        told.push(failure.clone());
    }
    let surplus = told.len().saturating_sub(FOLLOWED_MAX);
    told.drain(..surplus);
    told
}

/// A note that nothing goes back by itself: the headline says so.
fn is_freeze(failure: &FailureReport) -> bool {
    failure.step == "going back" && failure.cause == Cause::Person
}

/// Findings that block, when it went no further than that.
pub(super) fn blocking(deployment: &Deployment) -> Vec<Finding> {
    let blocks = deployment.failed_in == Some(Phase::Validating);
    let critical = deployment.findings.iter().filter(|finding| blocks && finding.severity == Severity::Critical);
    critical.cloned().collect()
}

/// All of it in one sentence.
pub(super) fn headline(deployment: &Deployment, waiting: &[Wait]) -> String {
    let name = &deployment.name;
    match deployment.phase {
        Phase::Completed => completed(deployment),
        Phase::Stuck => stuck(deployment),
        Phase::Failed | Phase::RolledBack | Phase::Cancelled => ended(deployment),
        Phase::RollingBack => format!("{name} goes back: it {}", failed(deployment)),
        phase => match waiting.first() {
            Some(first) => format!("{name} is {phase}: {}", first.words()),
            None => format!("{name} is {phase}, and waits for nothing"),
        },
    }
}

fn completed(deployment: &Deployment) -> String {
    let back = deployment.rolled_back_by.as_ref().map(|by| format!("; it was taken back later, by {by}"));
    format!("{} is complete: nothing failed{}", deployment.name, back.unwrap_or_default())
}

fn ended(deployment: &Deployment) -> String {
    let name = &deployment.name;
    if let Some(resolved) = &deployment.resolved {
        let (by, reason) = (&resolved.by, &resolved.reason);
        return format!("{name} {}; {by} declared it to be dealt with: {reason}", failed(deployment));
    }
    match deployment.phase {
        Phase::RolledBack => format!("{name} was taken back: it {}", failed(deployment)),
        Phase::Cancelled if deployment.course.unwind.is_some() => {
            format!("{name} was {}, and undone", failed(deployment))
        }
        Phase::Cancelled => format!("{name} was {} before it changed anything", failed(deployment)),
        _ if deployment.course.unwind.is_some() => {
            format!("{name} {}; users saw nothing of it, and it was undone", failed(deployment))
        }
        _ => format!("{name} {}; nothing was changed", failed(deployment)),
    }
}

fn stuck(deployment: &Deployment) -> String {
    let name = &deployment.name;
    let failed_first = failed(deployment);
    match deployment.stuck {
        Some(Stuck::Contract) => format!(
            "{name} is stuck past a `contract` migration: it {failed_first}; nothing was taken back, because the old may \
             not work with the data any more"
        ),
        Some(Stuck::OnFailureStop) => {
            format!(
                "{name} is stuck because `on_failure = \"stop\"`: it {failed_first}; everything is left as it was then"
            )
        }
        Some(Stuck::UnknownPlan) => format!(
            "{name} is stuck: another version of Shipway made its plan, in a form that this one doesn't run; everything is \
             left as it was found"
        ),
        Some(Stuck::RollbackTooLong) => {
            format!("{name} is stuck: it {failed_first}, and going back took longer than `timeouts.rollback_s`")
        }
        Some(Stuck::UndoFailed) | None => {
            let lost = lost(deployment);
            let whose = if lost.is_empty() { String::new() } else { format!(" of {lost}") };
            format!("{name} is stuck: it {failed_first}, and the way back{whose} failed, too")
        }
    }
}

/// The services whose way back has failed steps.
fn lost(deployment: &Deployment) -> String {
    let Some(plan) = &deployment.course.unwind else { return String::new() };
    let failed = deployment.steps.iter().filter(|state| state.back && state.status == StepStatus::Failed);
    let services = failed.filter_map(|state| plan.steps.get(state.number)?.service.as_ref());
    listed(services.collect::<std::collections::BTreeSet<_>>())
}

/// `failed in testing: web: not healthy after 3 s`, as it follows a name.
fn failed(deployment: &Deployment) -> String {
    let Some(first) = deployment.failures.first() else { return "failed".into() };
    let phase = deployment.failed_in.unwrap_or(first.phase);
    let is_cancel = deployment.cancel.is_some() && deployment.ending.is_none_or(|ending| ending == End::Cancelled);
    match is_cancel && first.message.starts_with("cancelled") {
        true => format!("{} in {phase}", first.message),
        false => format!("failed in {phase}: {}", message(first)),
    }
}

/// A message as far as a headline has room: what was expected and what came is told by fields of their own.
fn shortened(message: &str) -> String {
    let message = message.split_once(": expected ").map_or(message, |(before, _)| before);
    match message.char_indices().nth(HEADLINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// A failure in one line that names its instance or service.
fn message(failure: &FailureReport) -> String {
    let message = shortened(&failure.message);
    let whose = failure.instance.as_ref().map(ToString::to_string);
    let whose = whose.or_else(|| failure.service.as_ref().map(ToString::to_string));
    match whose.filter(|whose| !message.contains(whose.as_str())) {
        Some(whose) => format!("{whose}: {message}"),
        None => message,
    }
}
