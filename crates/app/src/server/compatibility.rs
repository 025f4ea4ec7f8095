//! Whether an environment can run something, over HTTP.

use axum::{
    Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_core::{
    compatibility::{Compatibility, Requirements},
    id::{EnvironmentName, ProjectId},
};

use super::{
    State,
    answer::{Answer, Rejected},
};

/// Instances that can be asked about.
const INSTANCES_MAX: u32 = 10_000;
/// Cores and mebibytes of one instance that can be asked about: far more than any machine has, and far from overflow.
const AMOUNT_MAX: u64 = 1_000_000_000;

pub(super) async fn ask(
    shared: State,
    Path((project, environment)): Path<(String, String)>,
    body: Result<Json<Requirements>, JsonRejection>,
) -> Answer<Compatibility> {
    let Json(wanted) = body?;
    refuse_nonsense(&wanted)?;
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    Ok(Json(shared.engine.compatibility(&project, &environment, &wanted).await?))
}

fn refuse_nonsense(wanted: &Requirements) -> Result<(), Rejected> {
    let bad = |field: &str, most: u64| Err(Rejected::bad_request(format!("`{field}` is a number from 0 to {most}")));
    let too_much = |amount: Option<u64>| amount.is_some_and(|amount| amount > AMOUNT_MAX);
    match wanted {
        _ if wanted.instances.is_some_and(|count| count > INSTANCES_MAX) => bad("instances", INSTANCES_MAX.into()),
        _ if wanted.cpu.is_some_and(|cores| !(0.0..=AMOUNT_MAX as f64).contains(&cores)) => bad("cpu", AMOUNT_MAX),
        _ if too_much(wanted.memory_mb) => bad("memoryMb", AMOUNT_MAX),
        _ if too_much(wanted.disk_mb) => bad("diskMb", AMOUNT_MAX),
        _ => Ok(()),
    }
}
