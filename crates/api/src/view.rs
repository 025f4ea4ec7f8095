//! From the recorded deployment to what is shown of it.

use shipway_core::{
    deployment::{Deployment, Skipped, StepState},
    phase::Phase,
    plan::{Plan, PlannedStep},
    progress::{coarse_status, current_stage, estimated_completion, progress},
    time::Timestamp,
};

use crate::{
    deployments::{DeploymentMetrics, DeploymentView, StepView},
    standing::SkippedView,
};

/// A deployment as it is shown. `urls` are where its services answer, `earlier_ms` how long earlier ones took.
pub fn deployment_view(
    deployment: &Deployment,
    urls: Vec<String>,
    earlier_ms: &[u64],
    now: Timestamp,
) -> DeploymentView {
    let ended = deployment.completed_at.unwrap_or(now);
    let states = deployment.services.iter();
    DeploymentView {
        id: deployment.id.clone(),
        name: deployment.name.clone(),
        description: deployment.request.description.clone(),
        kind: deployment.request.kind.clone(),
        project_id: deployment.request.project.clone(),
        environment: deployment.request.environment.clone(),
        version: shared_version(deployment),
        git_commit: deployment.git.as_ref().map(|git| git.commit.clone()),
        git_branch: deployment.git.as_ref().and_then(|git| git.branch.clone()),
        phase: deployment.phase,
        status: coarse_status(deployment).into(),
        current_stage: current_stage(deployment.phase).into(),
        progress: progress(deployment),
        created_at: deployment.created_at,
        started_at: deployment.started_at,
        updated_at: deployment.updated_at,
        completed_at: deployment.completed_at,
        estimated_completion: estimated_completion(deployment, earlier_ms, now),
        duration_ms: deployment.started_at.map(|started| ended.since_ms(started)),
        initiated_by: deployment.actor.name.clone(),
        reason: deployment.request.reason.clone(),
        origin: deployment.request.origin.clone(),
        strategy: deployment.course.plan.as_ref().map(|plan| plan.strategy).or(deployment.strategy_kind()),
        waiting: deployment.waiting.clone(),
        paused: deployment.paused,
        cause: deployment.cause,
        services: deployment.services.clone(),
        deployment_url: urls.first().cloned(),
        urls,
        artifacts: states.filter_map(|(name, state)| Some((name.clone(), state.artifact.clone()?))).collect(),
        findings: deployment.findings.clone(),
        errors: deployment.failures.clone(),
        metrics: metrics(deployment),
        steps: steps(deployment),
        phases: deployment.phases.clone(),
        plan_hash: deployment.course.plan.as_ref().map(Plan::hash),
        gated: deployment.gated.clone(),
        at: deployment.request.at,
        quarantined: deployment.quarantined,
        stuck: deployment.stuck.filter(|_| deployment.phase == Phase::Stuck),
        given_up: deployment.given_up.clone(),
        skipped: deployment.skipped.iter().map(skipped_view).collect(),
        resolved: deployment.resolved.clone(),
        rolled_back_by: deployment.rolled_back_by.clone(),
        correlation_id: deployment.correlation_id.clone(),
        metadata: deployment.request.metadata.clone(),
    }
}

/// The same without its steps, for lists.
pub fn summary_view(deployment: &Deployment, now: Timestamp) -> DeploymentView {
    DeploymentView { steps: Vec::new(), ..deployment_view(deployment, Vec::new(), &[], now) }
}

fn shared_version(deployment: &Deployment) -> Option<String> {
    let mut versions = deployment.services.values().filter_map(|state| state.version.as_ref());
    let first = versions.next()?;
    versions.all(|version| version == first).then(|| first.clone())
}

fn skipped_view(skipped: &Skipped) -> SkippedView {
    SkippedView {
        title: skipped.step.to_string(),
        by: skipped.by.name.clone(),
        reason: skipped.reason.clone(),
        at: skipped.at,
    }
}

fn metrics(deployment: &Deployment) -> DeploymentMetrics {
    DeploymentMetrics {
        requests: deployment.switch.requests,
        failed_by_switch: deployment.switch.failed,
        back_ms: deployment.switch.back_ms,
        build_ms: deployment.services.values().filter_map(|state| state.build_ms).sum(),
    }
}

fn steps(deployment: &Deployment) -> Vec<StepView> {
    let of = |state: &StepState| {
        let plan = if state.back { deployment.course.unwind.as_ref() } else { deployment.course.plan.as_ref() };
        Some(step_view(plan?.steps.get(state.number)?, state))
    };
    deployment.steps.iter().filter_map(of).collect()
}

fn step_view(planned: &PlannedStep, state: &StepState) -> StepView {
    StepView {
        back: state.back,
        number: state.number,
        phase: planned.phase,
        service: planned.service.clone(),
        title: planned.step.to_string(),
        needs: planned.needs.clone(),
        status: state.status,
        started_at: state.started_at,
        ended_at: state.ended_at,
        attempts: state.attempts,
        next_at: state.next_at,
        note: state.note.clone(),
    }
}

/// The steps of a plan that was not run.
pub fn planned_steps(plan: &Plan) -> Vec<StepView> {
    let state = |number| StepState::waiting(false, number);
    plan.steps.iter().enumerate().map(|(number, planned)| step_view(planned, &state(number))).collect()
}
