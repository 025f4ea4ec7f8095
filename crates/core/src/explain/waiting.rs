//! Why a deployment that has not ended is where it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facts, Other, Wait, listed};
use crate::{
    deployment::{Deployment, StepState, StepStatus},
    gate::{GateKind, Held},
    id::{DeploymentId, ServiceName, SlotKey},
    phase::Phase,
    plan::{Plan, PlannedStep, Step},
    strategy::Pause,
    time::Timestamp,
};

/// What it waits for, what holds up the most first.
pub(super) fn waiting(facts: &Facts<'_>) -> Vec<Wait> {
    let deployment = facts.deployment;
    if deployment.phase.is_end() {
        return Vec::new();
    }
    let mut waits = Vec::new();
    waits.extend(server(facts));
    waits.extend(asked(deployment));
    waits.extend(leases(facts));
    waits.extend(gates(deployment));
    if deployment.phase < Phase::Staging {
        if waits.is_empty() {
            waits.push(making(deployment));
        }
        return waits;
    }
    waits.extend(breakers(facts));
    waits.extend(steps(facts));
    waits
}

/// The server that should carry it, when it is not there.
fn server(facts: &Facts<'_>) -> Option<Wait> {
    let carrier = &facts.deployment.carrier.server;
    // Without a list nothing can be said.
    if facts.around.servers.is_empty() || carrier.is_empty() {
        return None;
    }
    let known = facts.around.servers.iter().find(|server| server.id == *carrier);
    let gone = known.is_none_or(|server| server.expires_at <= facts.now);
    gone.then(|| Wait::Server { server: carrier.clone(), expired_at: known.map(|server| server.expires_at) })
}

/// What a person asked for.
fn asked(deployment: &Deployment) -> Option<Wait> {
    let back = deployment.phase == Phase::RollingBack;
    if let Some(by) = deployment.cancel.as_ref().filter(|_| !back) {
        return Some(Wait::Ending { by: by.name.clone() });
    }
    (deployment.paused && !back).then_some(Wait::Paused { since: deployment.paused_since })
}

/// Who has its slots, or asked for them before; or what soaks where it wants to go.
fn leases(facts: &Facts<'_>) -> Vec<Wait> {
    let deployment = facts.deployment;
    let Some(waiting) = &deployment.waiting else { return Vec::new() };
    if waiting.on.is_empty() && deployment.phase == Phase::Queued {
        return vec![Wait::Soak { reason: waiting.reason.clone(), since: Some(waiting.since) }];
    }
    waiting.on.iter().map(|holder| lease(facts, holder, waiting.since)).collect()
}

/// What holds it before anything moves.
fn gates(deployment: &Deployment) -> Vec<Wait> {
    let gated = &deployment.gated;
    let risk = gated.proposed.as_ref().map(|proposed| proposed.risk.clone());
    let wait = |held: &Held| Wait::Gate {
        gate: held.gate,
        why: held.why.clone(),
        since: deployment.waiting.as_ref().map(|waiting| waiting.since),
        until: held.until,
        who: held.who.replace(" ID", &format!(" {}", deployment.name)),
        risk: risk.clone().filter(|_| held.gate == GateKind::Approval),
    };
    gated.held.iter().map(wait).collect()
}

fn lease(facts: &Facts<'_>, holder: &DeploymentId, waits_since: Timestamp) -> Wait {
    let deployment = facts.deployment;
    let leases = facts.around.leases.as_ref();
    let wanted = |service: &ServiceName| deployment.course.goal.contains_key(service);
    let held = leases.map(|leases| &leases.held).into_iter().flatten();
    let held: Vec<_> = held.filter(|(service, lease)| lease.holder == *holder && wanted(service)).collect();
    let claim = leases.and_then(|leases| leases.queue.iter().find(|claim| claim.deployment == *holder));
    let claimed = claim.map(|claim| &claim.services).into_iter().flatten().filter(|service| wanted(service));
    let (since, token) = match held.first() {
        Some((_, lease)) => (Some(lease.since), Some(lease.token)),
        None => (claim.map(|claim| claim.since), None),
    };
    let other: Option<&Other> = facts.around.others.get(holder);
    let server = other.map(|other| other.server.clone());
    let there = facts.around.servers.iter().find(|one| Some(&one.id) == server.as_ref());
    let services: BTreeSet<_> = held.iter().map(|(service, _)| *service).chain(claimed).cloned().collect();
    Wait::Lease {
        services: services.into_iter().collect(),
        holder: holder.clone(),
        name: facts.around.names.get(holder).cloned(),
        holds: !held.is_empty(),
        since: since.or(Some(waits_since)),
        token,
        phase: other.map(|other| other.phase),
        reason: other.and_then(|other| other.reason.clone()),
        expires_at: there.map(|there| there.expires_at),
        server,
    }
}

fn making(deployment: &Deployment) -> Wait {
    let since = deployment.phases.iter().rev().find(|record| record.phase == deployment.phase).map(|record| record.at);
    let unmade = deployment.services.iter().filter(|(_, state)| state.artifact.is_none() && state.release.is_none());
    let services = unmade.map(|(service, _)| service.clone()).collect();
    Wait::Making { phase: deployment.phase, services, since }
}

fn breakers(facts: &Facts<'_>) -> Vec<Wait> {
    let open = facts.around.breakers.iter().filter_map(|breaker| Some((breaker, breaker.blocks(facts.now)?)));
    open.map(|(breaker, until)| Wait::Breaker { name: breaker.name.clone(), until, last: breaker.last.clone() })
        .collect()
}

/// Steps under way, then what waits for them across services.
fn steps(facts: &Facts<'_>) -> Vec<Wait> {
    let deployment = facts.deployment;
    let back = deployment.phase == Phase::RollingBack;
    let plan = if back { &deployment.course.unwind } else { &deployment.course.plan };
    let Some(plan) = plan else { return Vec::new() };
    let states: Vec<_> = deployment.steps.iter().filter(|state| state.back == back).collect();
    let running = states.iter().filter(|state| state.status == StepStatus::Running);
    let running = running.filter_map(|state| Some(running_step(facts, state, plan.steps.get(state.number)?)));
    let mut waits: Vec<_> = running.collect();
    waits.sort_by_key(rank);
    // What comes after this phase is nothing that anybody waits for yet.
    waits.extend(dependencies(plan, &states, deployment.phase));
    waits
}

/// What a person would want to hear of first.
fn rank(wait: &Wait) -> u8 {
    match wait {
        Wait::Retry { .. } => 0,
        Wait::Person { .. } => 1,
        Wait::Health { .. } => 2,
        Wait::Sample { .. } => 3,
        _ => 4,
    }
}

fn running_step(facts: &Facts<'_>, state: &StepState, planned: &PlannedStep) -> Wait {
    let service = planned.service.clone();
    let since = state.started_at;
    if let Some(next_at) = state.next_at {
        let (step, attempts, why) = (planned.step.to_string(), state.attempts, state.note.clone());
        return Wait::Retry { step, service, attempts, next_at, why };
    }
    match &planned.step {
        Step::Prove { instance, .. } | Step::Reload { instance, .. } => {
            let seen = facts.around.seen.get(instance).cloned();
            Wait::Health { service, instance: instance.clone(), since, seen }
        }
        Step::Watch { pause: Pause::Manual, percent, .. } => Wait::Person { percent: *percent, since },
        Step::Watch { pause: Pause::For(span), percent, slots } => sample(facts, state, (span.ms, *percent), slots),
        step => Wait::Step { step: step.to_string(), service, since },
    }
}

fn sample(facts: &Facts<'_>, state: &StepState, (span_ms, percent): (u64, u8), slots: &[SlotKey]) -> Wait {
    let deployment = facts.deployment;
    // Time that a person holds it does not count.
    let at = deployment.paused_since.unwrap_or(facts.now);
    let ends_at = state.started_at.unwrap_or(at).plus_ms(span_ms + state.held_ms);
    let services: Vec<_> = slots.iter().map(|slot| slot.service.clone()).collect();
    let wanted = |service: &ServiceName| {
        let limits = facts.release(facts.coming(service)?)?.serve.success.as_ref()?;
        (limits.min_requests > 0).then_some((service.clone(), limits.min_requests))
    };
    let min_requests: BTreeMap<_, _> = services.iter().filter_map(wanted).collect();
    let reason = deployment.waiting.as_ref().map(|waiting| waiting.reason.clone());
    Wait::Sample { percent, services, since: state.started_at, left_ms: ends_at.since_ms(at), min_requests, reason }
}

/// For each service the first step that waits for one of another service.
fn dependencies(plan: &Plan, states: &[&StepState], until: Phase) -> Vec<Wait> {
    let status = |number: usize| states.iter().find(|state| state.number == number).map(|state| state.status);
    let is_open = |number: &&usize| !matches!(status(**number), Some(StepStatus::Done | StepStatus::Skipped) | None);
    let mut told = BTreeSet::new();
    let mut waits = Vec::new();
    for (number, planned) in plan.steps.iter().enumerate().filter(|(_, planned)| planned.phase <= until) {
        let Some(service) = planned.service.as_ref().filter(|_| status(number) == Some(StepStatus::Waiting)) else {
            continue;
        };
        let needed = planned.needs.iter().filter(is_open).filter_map(|need| plan.steps.get(*need));
        let mut others = needed.filter_map(|need| Some((need, need.service.as_ref()?)));
        let Some((need, needs)) = others.rfind(|(_, other)| *other != service) else { continue };
        if told.insert(service) {
            let (step, needs_step) = (planned.step.to_string(), need.step.to_string());
            waits.push(Wait::Dependency { service: service.clone(), step, needs: needs.clone(), needs_step });
        }
    }
    waits
}

impl Wait {
    /// What is waited for, in one line, without times.
    pub fn words(&self) -> String {
        match self {
            Self::Lease { services, holder, name, holds, .. } => {
                let who = name.clone().unwrap_or_else(|| holder.to_string());
                let what = if services.is_empty() { "the same services".to_owned() } else { listed(services) };
                match holds {
                    true => format!("it waits for {who}, which writes {what}"),
                    false => format!("it waits for {who}, which asked for {what} before"),
                }
            }
            Self::Server { server, .. } => format!("the server {server} that carried it is gone; another takes over"),
            Self::Soak { reason, .. } => reason.clone(),
            Self::Paused { .. } => "a person paused it".into(),
            Self::Ending { by } => format!("{by} asked for its end, and what runs comes to a stop first"),
            Self::Making { services, phase, .. } if services.is_empty() => format!("it is {phase}"),
            Self::Making { services, .. } => format!("releases of {} are being made", listed(services)),
            Self::Health { instance, seen, .. } => {
                let answer = seen.as_ref().and_then(|seen| seen.answer.as_ref()).filter(|answer| !answer.passed);
                let got = answer.map(|answer| format!(": expected {}, got {}", answer.expected, answer.got));
                format!("{instance} is not healthy yet{}", got.unwrap_or_default())
            }
            Self::Sample { reason: Some(reason), .. } => format!("it {reason}"),
            Self::Sample { percent, services, .. } => format!("{} is watched at {percent}%", listed(services)),
            Self::Gate { why, .. } => why.clone(),
            Self::Person { percent, .. } => format!("it waits at {percent}% for a person"),
            Self::Retry { step, why, .. } => {
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("`{step}` failed and is tried again{why}")
            }
            Self::Breaker { name, last, .. } => {
                let last = last.as_ref().map(|last| format!(": {last}")).unwrap_or_default();
                format!("the target {name} failed too often and is left alone{last}")
            }
            Self::Dependency { service, needs, needs_step, .. } => format!("{service} waits for {needs}: {needs_step}"),
            Self::Step { step, service, .. } => match service {
                Some(service) => format!("{service}: {step}"),
                None => step.clone(),
            },
        }
    }
}
