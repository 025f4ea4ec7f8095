//! Quotas over HTTP.

use axum::{
    Extension, Json,
    extract::{Path, Query, rejection::QueryRejection},
};
use serde::Deserialize;
use shipway_api::{QuotaView, QuotasView, ResourceView, ServiceDemandView};
use shipway_core::{
    id::{Actor, EnvironmentName, ProjectId, SlotKey},
    quota::Demand,
};
use shipway_engine::{QuotaUse, QuotasStanding};

use super::{State, answer::Answer};

/// Of what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    environment: Option<String>,
}

pub(super) async fn show(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    of: Result<Query<Of>, QueryRejection>,
) -> Answer<QuotasView> {
    let Query(Of { environment }) = of?;
    let (project_id, environment) = (ProjectId::new(id), environment.map(EnvironmentName::new));
    let QuotasStanding { currency, quotas, services } = shared.engine.quotas(&project_id, environment.as_ref()).await?;
    let seen = |quota: &QuotaUse| quota.environment.as_ref().is_none_or(|name| actor.sees(name));
    let quotas = quotas.into_iter().filter(seen).map(quota_view).collect();
    let mut measured = Vec::new();
    for (slot, demand, cost) in services.into_iter().filter(|(slot, ..)| actor.sees(&slot.environment)) {
        // What can't be measured keeps nobody from seeing the rest.
        let disk_used_mb = shared.engine.disk_used_mb(&slot).await.ok();
        measured.push(ServiceDemandView { disk_used_mb, ..service_view((slot, demand, cost)) });
    }
    let services = measured;
    Ok(Json(QuotasView { project_id, currency, quotas, services }))
}

fn quota_view(quota: QuotaUse) -> QuotaView {
    let resource = |(resource, used, limit)| ResourceView { resource, used, limit };
    QuotaView { environment: quota.environment, resources: quota.resources.into_iter().map(resource).collect() }
}

fn service_view((slot, demand, cost_per_month): (SlotKey, Demand, f64)) -> ServiceDemandView {
    let SlotKey { environment, service, .. } = slot;
    let Demand { instances, cpu, memory_mb, disk_mb } = demand;
    ServiceDemandView { environment, service, instances, cpu, memory_mb, disk_mb, disk_used_mb: None, cost_per_month }
}
