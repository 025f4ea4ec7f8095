//! A plan as a graph that runs, and what is recorded of its steps.

use shipway_core::{
    deployment::{Deployment, StepState, StepStatus},
    plan::Plan,
};
use shipway_saga::{Graph, Recorded};

/// Steps that were not begun.
pub(super) fn waiting_steps(plan: &Plan, back: bool) -> Vec<StepState> {
    (0..plan.steps.len()).map(|number| StepState::waiting(back, number)).collect()
}

/// The graph of a plan, and what is recorded of its steps.
pub(super) fn graph(deployment: &Deployment, plan: &Plan, back: bool) -> (Graph, Vec<Recorded>) {
    let needs = plan.steps.iter().map(|planned| planned.needs.clone()).collect();
    let graph = Graph::new(needs).expect("the planner lets a step need only earlier ones");
    let recorded = deployment.steps.iter().filter(|state| state.back == back).map(|state| match state.status {
        StepStatus::Waiting => Recorded::Nothing,
        StepStatus::Running => Recorded::Begun { attempts: state.attempts },
        StepStatus::Failed => Recorded::Failed,
        StepStatus::Done | StepStatus::Skipped => Recorded::Done,
    });
    (graph, recorded.collect())
}
