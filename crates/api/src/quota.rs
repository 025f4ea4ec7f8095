//! Quotas on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    id::{EnvironmentName, ProjectId, ServiceName},
    quota::Resource,
};

/// What a project takes of its quotas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotasView {
    /// The project.
    pub project_id: ProjectId,
    /// The currency of its prices; none when it has no prices, and then nothing costs anything.
    pub currency: Option<String>,
    /// The whole project first, then its environments.
    pub quotas: Vec<QuotaView>,
    /// Each service in each environment.
    pub services: Vec<ServiceDemandView>,
}

/// What an environment, or the whole project, takes of its quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaView {
    /// The environment; none for the whole project.
    pub environment: Option<EnvironmentName>,
    /// Each resource.
    pub resources: Vec<ResourceView>,
}

/// How much of a resource is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceView {
    /// Which one.
    pub resource: Resource,
    /// What is declared by all that runs or is about to: instances, cores, mebibytes, money a month.
    pub used: f64,
    /// How much there may be; none when it is not limited.
    pub limit: Option<f64>,
}

/// What a service takes in an environment with all its instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDemandView {
    /// The environment.
    pub environment: EnvironmentName,
    /// The service.
    pub service: ServiceName,
    /// Its instances.
    pub instances: u32,
    /// Cores of one instance; none when it declares none.
    pub cpu: Option<f64>,
    /// Mebibytes of memory of one instance; none when it declares none.
    pub memory_mb: Option<u64>,
    /// Mebibytes of its data folders; none when it declares none.
    pub disk_mb: Option<u64>,
    /// Mebibytes that its data folders take, measured now; none when that can't be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_used_mb: Option<u64>,
    /// What it all costs a month.
    pub cost_per_month: f64,
}
