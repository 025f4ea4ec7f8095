//! What to do next: commands to paste, the likeliest first.

use super::{Facts, NextStep, Wait, undone};
use crate::{
    deployment::{Cause, Deployment, Kind, StepStatus, Stuck},
    gate::GateKind,
    phase::Phase,
    plan::Step,
};

/// What to do next.
pub(super) fn next(facts: &Facts<'_>, waiting: &[Wait]) -> Vec<NextStep> {
    let deployment = facts.deployment;
    let mut steps = match deployment.phase {
        Phase::Completed => Vec::new(),
        Phase::Stuck => stuck(facts),
        phase if phase.is_end() => ended(facts),
        _ => under_way(deployment, waiting),
    };
    steps.extend(stopped(facts));
    steps
}

fn step(words: impl Into<String>, command: impl Into<String>) -> NextStep {
    NextStep { words: words.into(), command: Some(command.into()) }
}

fn advice(words: impl Into<String>) -> NextStep {
    NextStep { words: words.into(), command: None }
}

/// The very same request, as far as it can be typed.
fn the_same(deployment: &Deployment) -> String {
    let request = &deployment.request;
    let mut words = again(deployment);
    let version = request.version.iter().map(ToString::to_string);
    let versions = request.versions.iter().map(|(service, version)| format!("{service}={version}"));
    words.extend(version.chain(versions).map(|version| format!(" --version {version}")));
    words.extend(request.artifacts.iter().map(|(service, digest)| format!(" --artifact {service}={digest}")));
    words
}

/// A request for the same, with what was mended.
fn again(deployment: &Deployment) -> String {
    let request = &deployment.request;
    let environment = &request.environment;
    let names: Vec<_> = request.services.iter().map(|service| format!(" {service}")).collect();
    match &request.kind {
        Kind::Deploy => format!("shipway deploy{} -e {environment}", names.concat()),
        Kind::Scale { instances } => {
            let counts: Vec<_> = instances.iter().map(|(service, count)| format!(" {service}={count}")).collect();
            format!("shipway scale{} -e {environment}", counts.concat())
        }
        Kind::Decommission => format!("shipway decommission{} -e {environment}", names.concat()),
        Kind::Rollback { undo, accept_contract, with_data, .. } => {
            let which = undo.as_ref().map_or_else(|| format!("-e {environment}"), ToString::to_string);
            let accepts = if *accept_contract { " --accept-contract" } else { "" };
            let data = if *with_data { " --with-data" } else { "" };
            format!("shipway rollback {which}{accepts}{data}")
        }
        Kind::RestoreData { snapshots } => {
            let first = snapshots.iter().next().map(|(service, name)| format!(" {service} {name}"));
            format!("shipway snapshot restore{} -e {environment}", first.unwrap_or_default())
        }
    }
}

/// The logs, unless the failure's own advice names them.
fn logs(deployment: &Deployment) -> Option<NextStep> {
    let hint = deployment.failures.first().and_then(|first| first.hint.as_ref());
    let named = hint.is_some_and(|hint| hint.contains("shipway logs"));
    let wrote = deployment.failed_in.is_some_and(|phase| phase >= Phase::Preparing);
    let words = "see all that its builds, hooks and instances wrote";
    (wrote && !named).then(|| step(words, format!("shipway logs {}", deployment.id)))
}

/// The first cause's own advice.
fn its_hint(deployment: &Deployment) -> Option<NextStep> {
    deployment.failures.first()?.hint.as_ref().map(advice)
}

fn ended(facts: &Facts<'_>) -> Vec<NextStep> {
    let deployment = facts.deployment;
    let again = again(deployment);
    let mut steps: Vec<NextStep> = Vec::new();
    let is_quarantine = deployment.failures.first().is_some_and(|failure| failure.step == "quarantine");
    match deployment.cause {
        Some(Cause::Person) if is_quarantine => {
            let environment = &deployment.request.environment;
            steps.push(step("see what showed it", format!("shipway quarantine -e {environment}")));
            steps.push(step("deploy something else", again));
            steps.push(step(unchanged("deploy it all the same, if you know better", deployment), allowed(deployment)));
        }
        Some(Cause::Person) => {
            steps.extend(its_hint(deployment));
            steps.push(step(unchanged("ask for it again", deployment), the_same(deployment)));
        }
        Some(Cause::Machinery) => {
            steps.extend(its_hint(deployment));
            steps.extend(logs(deployment));
            let words = unchanged("when that is mended, ask for the same again", deployment);
            steps.push(step(words, the_same(deployment)));
        }
        Some(Cause::Release) | None => {
            steps.extend(its_hint(deployment));
            steps.extend(logs(deployment));
            steps.push(step("mend it, and deploy again", again));
            if is_quarantined(deployment) {
                let words = "the same is quarantined now; deploy it unchanged only with a reason";
                steps.push(step(unchanged(words, deployment), allowed(deployment)));
            }
        }
    }
    steps
}

fn allowed(deployment: &Deployment) -> String {
    format!("{} --allow-quarantined --reason WHY", the_same(deployment))
}

/// Configuration of the request itself can't be told in a command.
fn unchanged(words: &str, deployment: &Deployment) -> String {
    let own = deployment.request.config.is_some();
    if own { format!("{words}, with the configuration that it came with") } else { words.to_owned() }
}

/// Whether its failure quarantined what it brought: its own fault, after its releases were made.
fn is_quarantined(deployment: &Deployment) -> bool {
    let release = deployment.cause == Some(Cause::Release);
    release && deployment.course.plan.is_some() && matches!(deployment.request.kind, Kind::Deploy)
}

fn stuck(facts: &Facts<'_>) -> Vec<NextStep> {
    let deployment = facts.deployment;
    let id = &deployment.id;
    let resolve = || {
        let words = "when you have put the world right by hand, declare it to be dealt with";
        step(words, format!("shipway resolve {id} --reason WHY"))
    };
    match deployment.stuck {
        Some(Stuck::Contract) => contract(facts),
        Some(Stuck::OnFailureStop) => {
            let look = logs(deployment).into_iter();
            let back = step("take it back", format!("shipway retry {id}"));
            look.chain([back, step("or mend it and go forward", again(deployment)), resolve()]).collect()
        }
        Some(Stuck::UnknownPlan) => vec![
            advice("start the version of Shipway that made the plan, and `shipway retry` there"),
            step(
                "or go back by a plan made now, from what is observed; hooks and migrations that ran are not undone by it",
                format!("shipway retry {id}"),
            ),
            resolve(),
        ],
        Some(Stuck::RollbackTooLong) => vec![
            advice("raise `timeouts.rollback_s` when going back only needs longer"),
            step("go on with the way back", format!("shipway retry {id}")),
            resolve(),
        ],
        Some(Stuck::UndoFailed) | None => {
            let failed = undone::open(deployment).into_iter().filter(|open| open.status == StepStatus::Failed);
            let mut steps =
                vec![step("mend what failed, then have the way back tried again", format!("shipway retry {id}"))];
            steps.extend(failed.map(|open| {
                let words = format!("or go back without step {} (`{}`)", open.number, open.step);
                step(words, format!("shipway skip {id} {} --reason WHY", open.number))
            }));
            steps.push(resolve());
            steps
        }
    }
}

fn contract(facts: &Facts<'_>) -> Vec<NextStep> {
    let deployment = facts.deployment;
    let id = &deployment.id;
    let mut steps = vec![
        step("go forward: mend it, and deploy again", again(deployment)),
        step(
            "or go back, when you know that the old works with the data as it is",
            format!("shipway rollback {id} --accept-contract"),
        ),
    ];
    let mut plan = deployment.course.plan.iter().flat_map(|plan| &plan.steps);
    if plan.any(|planned| matches!(planned.step, Step::Snapshot { .. })) {
        let words = "or go back with the data as it was before the migration; a copy of what was written since is kept: \
             `shipway snapshot list` shows it, `shipway snapshot restore` puts it back";
        steps.push(step(words, format!("shipway rollback {id} --with-data")));
    }
    steps
}

fn under_way(deployment: &Deployment, waiting: &[Wait]) -> Vec<NextStep> {
    let mut steps: Vec<NextStep> = waiting.iter().flat_map(|wait| for_wait(deployment, wait)).collect();
    let goes_on = !steps.is_empty() && deployment.phase != Phase::RollingBack && deployment.cancel.is_none();
    if goes_on {
        steps.push(step("or end it, and undo what it did", format!("shipway abort {}", deployment.id)));
    }
    steps
}

fn for_wait(deployment: &Deployment, wait: &Wait) -> Vec<NextStep> {
    let id = &deployment.id;
    match wait {
        Wait::Lease { holder, name, .. } => {
            let who = name.as_ref().map_or_else(|| holder.to_string(), Clone::clone);
            vec![
                step(format!("see what {who} is doing"), format!("shipway explain {holder}")),
                step(format!("end {who}, so that this one may go on"), format!("shipway abort {holder}")),
            ]
        }
        Wait::Server { .. } => {
            vec![step("see whether a server is there; it takes over within seconds", "shipway status")]
        }
        Wait::Gate { gate: GateKind::Approval, .. } => {
            vec![step("approve it, if somebody else asked for it", format!("shipway approve {id}"))]
        }
        Wait::Gate { .. } => {
            let glass = format!("shipway break-glass {id} --reason WHY");
            vec![step("in an emergency, let it pass every gate: everyone is told", glass)]
        }
        Wait::Paused { .. } => vec![step("let it go on", format!("shipway resume {id}"))],
        Wait::Person { .. } => vec![step("let it go on to its next step", format!("shipway advance {id}"))],
        Wait::Sample { reason: Some(_), .. } => {
            vec![step("go on without waiting for more requests", format!("shipway advance {id}"))]
        }
        Wait::Health { instance, .. } => vec![step("see what it writes", format!("shipway logs {instance}"))],
        Wait::Breaker { name, .. } => {
            vec![step("mend what it says, then try at once", format!("shipway breakers reset {name} --reason WHY"))]
        }
        Wait::Soak { .. } => vec![
            step("end it, and ask again without waiting", format!("shipway abort {id}")),
            step("then", "shipway deploy … --on-conflict supersede"),
        ],
        Wait::Ending { .. }
        | Wait::Making { .. }
        | Wait::Sample { .. }
        | Wait::Retry { .. }
        | Wait::Dependency { .. }
        | Wait::Step { .. } => Vec::new(),
    }
}

/// What an environment with too many automatic rollbacks needs before anything else.
fn stopped(facts: &Facts<'_>) -> Option<NextStep> {
    let rollbacks = facts.around.rollbacks.as_ref().filter(|rollbacks| rollbacks.stopped.is_some())?;
    let name = rollbacks.name();
    let words = format!("{name} takes nothing but rollbacks after too many of them: allow deployments again");
    Some(step(words, format!("shipway breakers reset {name} --reason WHY")))
}
