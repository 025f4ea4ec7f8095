//! A drawn plan as it is shown: what changes for each service, field by field.

use shipway_api::{FieldChange, PlanView, ServiceChange, ServingView, planned_steps};
use shipway_core::{
    compare::{Key, keys},
    id::ServiceName,
    release::Release,
    slot::{Serving, Slot},
};
use shipway_engine::Drawn;

pub(super) fn plan_view(drawn: Drawn) -> PlanView {
    let plan = drawn.plan.as_ref();
    let kind = plan.map(|plan| plan.strategy);
    let changes: Vec<_> = drawn
        .deployment
        .course
        .goal
        .iter()
        .map(|(service, to)| {
            let from = drawn.before.iter().find(|slot| slot.key.service == *service).and_then(live);
            change(&drawn, service, from, to.as_ref())
        })
        .collect();
    PlanView {
        differs: changes.iter().any(|change| change.action != "none"),
        hash: plan.map(|plan| plan.hash()),
        approval_hash: plan.map(|plan| plan.approval_hash(&drawn.before)),
        risk: drawn.risk,
        gates: drawn.held,
        strategy: kind,
        promise: kind.map(|kind| kind.promise().into()),
        steps: plan.map(planned_steps).unwrap_or_default(),
        notes: plan.map(|plan| plan.notes.clone()).unwrap_or_default(),
        findings: drawn.findings,
        errors: drawn.deployment.failures,
        changes,
    }
}

fn live(slot: &Slot) -> Option<&Serving> {
    slot.live.as_ref()
}

fn change(drawn: &Drawn, service: &ServiceName, from: Option<&Serving>, to: Option<&Serving>) -> ServiceChange {
    let release = |serving: Option<&Serving>| serving.and_then(|serving| drawn.releases.get(&serving.release));
    let action = match (from, to) {
        (None, None) => "none",
        (None, Some(_)) => "create",
        (Some(_), None) => "remove",
        (Some(from), Some(to)) if from == to => "none",
        (Some(from), Some(to)) if from.release == to.release => "scale",
        (Some(_), Some(_)) => "change",
    };
    ServiceChange {
        service: service.clone(),
        action: action.into(),
        from: serving_view(from, release(from)),
        to: serving_view(to, release(to)),
        fields: fields(release(from), release(to)),
    }
}

fn serving_view(serving: Option<&Serving>, release: Option<&Release>) -> Option<ServingView> {
    let (serving, release) = serving.zip(release)?;
    Some(ServingView {
        release: release.id.clone(),
        version: release.version.clone(),
        artifact: release.artifact.clone(),
        instances: serving.instances,
    })
}

fn fields(from: Option<&Release>, to: Option<&Release>) -> Vec<FieldChange> {
    let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
    let tree = |release: &Release| serde_json::to_value(&release.serve).unwrap_or_default();
    let differing = keys(&tree(from), &tree(to)).into_iter().filter(Key::differs);
    let changes = differing.map(|key| FieldChange { field: key.key, from: key.from, to: key.to });
    changes.filter(|change| change.field != "instances").collect()
}
