//! How many requests a deployment's switch failed: the data plane's counts before the first change of traffic and at
//! the end.

use shipway_core::{
    deployment::{Deployment, SwitchBaseline},
    ports::{Fault, Traffic},
};
use tracing::warn;

use super::Active;
use crate::{Engine, traffic::sum};

/// Notes the counts before traffic moves, once.
pub(super) async fn open(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    if deployment.switch.before.is_some() {
        return Ok(());
    }
    let Some(baseline) = counts(engine, &deployment).await else { return Ok(()) };
    let noted = |deployment: &mut Deployment| {
        deployment.switch.before = Some(baseline);
        Vec::new()
    };
    active.update(engine, noted).await.map(|_| ())
}

/// Notes the difference.
pub(super) async fn close(engine: &Engine, active: &Active) -> Result<(), Fault> {
    let deployment = active.read().await;
    let Some(before) = deployment.switch.before.clone() else { return Ok(()) };
    let Some(after) = counts(engine, &deployment).await else { return Ok(()) };
    let (requests, failed) = difference(&before, &after);
    let noted = |deployment: &mut Deployment| {
        deployment.switch.requests = requests;
        deployment.switch.failed = failed;
        Vec::new()
    };
    active.update(engine, noted).await.map(|_| ())
}

async fn counts(engine: &Engine, deployment: &Deployment) -> Option<SwitchBaseline> {
    match engine.publisher.traffic().await {
        Ok(traffic) => Some(baseline(&traffic, deployment)),
        Err(fault) => {
            warn!(%fault, "the numbers of the proxy can't be read");
            None
        }
    }
}

fn baseline(traffic: &Traffic, deployment: &Deployment) -> SwitchBaseline {
    let slots: Vec<_> = deployment.slot_keys().into_iter().collect();
    let (requests, failed) = sum(traffic, &slots);
    SwitchBaseline { boot: traffic.boot.clone(), requests, failed, lost_in_flight: traffic.lost_in_flight }
}

/// Requests and failures between two readings. A proxy that started again counts from 0, and what its death cut off
/// is added to the failed ones.
fn difference(before: &SwitchBaseline, after: &SwitchBaseline) -> (u64, u64) {
    let lost = after.lost_in_flight.saturating_sub(before.lost_in_flight);
    if before.boot == after.boot {
        let requests = after.requests.saturating_sub(before.requests);
        return (requests, after.failed.saturating_sub(before.failed) + lost);
    }
    (after.requests + lost, after.failed + lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_proxy_counts_from_zero() {
        let reading = |boot: &str, requests, failed, lost_in_flight| SwitchBaseline {
            boot: boot.into(),
            requests,
            failed,
            lost_in_flight,
        };
        assert_eq!(difference(&reading("a", 10, 1, 0), &reading("a", 30, 1, 0)), (20, 0));
        assert_eq!(difference(&reading("a", 10, 1, 0), &reading("b", 5, 0, 3)), (8, 3));
    }
}
