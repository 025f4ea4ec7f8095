//! What was undone, how long it took, and what of it is open.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facts, OpenStep, Undone, counted, listed};
use crate::{
    deployment::{Deployment, StepState, StepStatus},
    id::ServiceName,
    phase::Phase,
    plan::{CheckThrough, PlannedStep, Step},
};

/// What was undone; none when nothing had to be.
pub(super) fn undone(facts: &Facts<'_>) -> Option<Undone> {
    let deployment = facts.deployment;
    deployment.course.unwind.as_ref()?;
    let decided = deployment.phases.iter().find(|record| record.phase == Phase::RollingBack)?.at;
    let until = deployment.completed_at.unwrap_or(facts.now);
    Some(Undone {
        what: summed_up(deployment),
        traffic_back_ms: deployment.switch.back_ms.filter(|_| deployment.promotion_began()),
        took_ms: until.since_ms(decided),
        open: open(deployment),
        given_up: deployment.given_up.iter().cloned().collect(),
    })
}

fn steps(deployment: &Deployment) -> impl Iterator<Item = (&StepState, &PlannedStep)> {
    let plan = deployment.course.unwind.as_ref();
    let back = deployment.steps.iter().filter(|state| state.back);
    back.filter_map(move |state| Some((state, plan?.steps.get(state.number)?)))
}

/// Steps that are not done: those that failed, and those that never had their turn.
pub(super) fn open(deployment: &Deployment) -> Vec<OpenStep> {
    let is_open = |state: &&StepState| !matches!(state.status, StepStatus::Done | StepStatus::Skipped);
    let open = steps(deployment).filter(|(state, _)| is_open(state));
    let mut open: Vec<_> = open
        .map(|(state, planned)| OpenStep {
            number: state.number,
            step: planned.step.to_string(),
            service: planned.service.clone(),
            status: state.status,
            attempts: state.attempts,
            note: state.note.clone(),
        })
        .collect();
    open.sort_by_key(|step| (step.status != StepStatus::Failed, step.number));
    open
}

/// What the done steps of the way back did, in the order in which it is told: traffic first.
fn summed_up(deployment: &Deployment) -> Vec<String> {
    let mut done = Done::default();
    for (_, planned) in steps(deployment).filter(|(state, _)| state.status == StepStatus::Done) {
        done.add(planned);
    }
    done.lines(deployment.promotion_began())
}

/// Done steps by what they did.
#[derive(Default)]
struct Done<'a> {
    started: BTreeMap<&'a ServiceName, usize>,
    switched: BTreeSet<&'a ServiceName>,
    stopped: BTreeMap<&'a ServiceName, usize>,
    hooks: BTreeSet<&'a ServiceName>,
    verified: BTreeSet<&'a ServiceName>,
}

impl<'a> Done<'a> {
    fn add(&mut self, planned: &'a PlannedStep) {
        let count = |counts: &mut BTreeMap<&'a ServiceName, usize>| {
            planned.service.iter().for_each(|service| *counts.entry(service).or_default() += 1);
        };
        match &planned.step {
            Step::Start { .. } => count(&mut self.started),
            Step::Stop { .. } => count(&mut self.stopped),
            Step::Commit { writes, .. } => self.switched.extend(writes.iter().map(|write| &write.slot.key.service)),
            Step::Hooks { .. } => self.hooks.extend(&planned.service),
            Step::Check { through: CheckThrough::Route, .. } => self.verified.extend(&planned.service),
            _ => {}
        }
    }

    fn lines(self, traffic_moved: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let instances = |counts: &BTreeMap<&ServiceName, usize>| counted(counts.values().sum(), "instance");
        if !self.started.is_empty() {
            let names = listed(self.started.keys().copied());
            lines.push(format!("{} of {names} started again", instances(&self.started)));
        }
        if !self.switched.is_empty() {
            let names = listed(self.switched);
            lines.push(match traffic_moved {
                true => format!("{names} put back to what it was, in one switch"),
                false => format!("the new of {names} withdrawn; no traffic of users had moved"),
            });
        }
        if !self.stopped.is_empty() {
            let names = listed(self.stopped.keys().copied());
            lines.push(format!("{} of {names} stopped", instances(&self.stopped)));
        }
        if !self.hooks.is_empty() {
            lines.push(format!("hooks for going back ran for {}", listed(self.hooks)));
        }
        if !self.verified.is_empty() {
            lines.push(format!("{} verified through the route again", listed(self.verified)));
        }
        lines
    }
}
