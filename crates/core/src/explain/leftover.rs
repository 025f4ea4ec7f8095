//! What was not taken back, or can't be: what hooks and migrations did, what was left out, data.

use std::collections::BTreeSet;

use super::{Facts, listed};
use crate::{
    deployment::{Deployment, StepStatus},
    id::ServiceName,
    plan::{PlannedStep, Step},
    spec::{HookMoment, MigrateKind},
};

/// What was left, in words.
pub(super) fn left(facts: &Facts<'_>) -> Vec<String> {
    let mut left = Vec::new();
    let mut hooked = BTreeSet::new();
    for (ran, planned) in forward(facts.deployment) {
        match &planned.step {
            Step::Hooks { when, .. } if *when != HookMoment::OnRollback => hooked.extend(&planned.service),
            Step::Migrate { release, kind } => left.push(migrated(facts, planned, release, *kind, ran)),
            Step::RestoreData { snapshot, .. } => {
                left.push(format!("{}: data folders were put back from {snapshot}, and stay so", of(planned)));
            }
            Step::Snapshot { name, .. } if ran == StepStatus::Done => {
                left.push(format!("{}: the copy {name} of its data folders stays", of(planned)));
            }
            _ => {}
        }
    }
    if !hooked.is_empty() {
        left.push(format!("hooks of {} ran: what they did outside of Shipway stays", listed(hooked)));
    }
    left.extend(data(facts));
    left.extend(facts.deployment.skipped.iter().map(|skipped| {
        let by = &skipped.by.name;
        format!("`{}` was left out of the way back by {by}: {}", skipped.step, skipped.reason)
    }));
    left
}

/// Steps of the plan that ran or may have run.
fn forward(deployment: &Deployment) -> impl Iterator<Item = (StepStatus, &PlannedStep)> {
    let plan = deployment.course.plan.as_ref();
    let begun = deployment.steps.iter().filter(|state| !state.back && state.status != StepStatus::Waiting);
    begun.filter_map(move |state| Some((state.status, plan?.steps.get(state.number)?)))
}

fn of(planned: &PlannedStep) -> &str {
    planned.service.as_ref().map_or("all", ServiceName::as_str)
}

fn migrated(
    facts: &Facts<'_>,
    planned: &PlannedStep,
    release: &crate::id::ReleaseId,
    kind: MigrateKind,
    ran: StepStatus,
) -> String {
    let command = facts.release(release).and_then(|release| release.serve.migrate.as_ref());
    let command = command.map(|migrate| format!(" `{}`", migrate.command)).unwrap_or_default();
    let ran = if ran == StepStatus::Done { "ran" } else { "ran, or may have run" };
    match kind {
        MigrateKind::Expand => format!(
            "{}: the `expand` migration{command} {ran}, and is not undone: old releases are meant to work with it",
            of(planned)
        ),
        MigrateKind::Contract => format!(
            "{}: the `contract` migration{command} {ran}, and can't be undone: old releases may not work with it",
            of(planned)
        ),
    }
}

/// What new instances may have written.
fn data(facts: &Facts<'_>) -> Option<String> {
    let started = forward(facts.deployment).filter(|(_, planned)| matches!(planned.step, Step::Start { .. }));
    let with_data = started.filter_map(|(_, planned)| {
        let release = facts.release(planned.step.release()?)?;
        (!release.serve.data.is_empty()).then_some(planned.service.as_ref()?)
    });
    let services: BTreeSet<_> = with_data.collect();
    let names = listed(services.iter().copied());
    (!services.is_empty()).then(|| format!("data folders of {names}: what the new instances wrote there stays"))
}
