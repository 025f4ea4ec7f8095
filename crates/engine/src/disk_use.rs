//! What the data folders of services take on the disk, beside what they declare (`limits.disk_mb`). Nothing holds them
//! there: who takes more is told of, at a validation and by an event, and goes on.
//!
//! Not here: measuring (`ports::Driver`), what quotas make of what is declared (`quota`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    finding::{Category, Finding},
    id::{ProjectId, ServiceName, SlotKey},
    ports::Fault,
    slot::Slot,
    spec::{EnvironmentPlan, ServeSpec},
    store::Commit,
    time::Timestamp,
};
use tracing::warn;

use crate::Engine;

const VALIDATOR: &str = "machine";
const MIB: u64 = 1024 * 1024;
/// How often data folders are measured: it takes a look at every file.
const TICK_MS: u64 = 300_000;
/// What was measured is taken to hold for so many times as long as measuring took: asking again and again costs a tenth
/// of the disk's time at most.
const HOLDS_TIMES: u64 = 10;
/// How long it is taken to hold at most.
const HOLDS_MS_MAX: u64 = 30_000;

/// What was measured last, of each service that was asked about.
#[derive(Default)]
pub(crate) struct Measured(Mutex<BTreeMap<SlotKey, Reading>>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    bytes: u64,
    holds_until: Timestamp,
}

impl Reading {
    fn new(bytes: u64, begun: Timestamp, ended: Timestamp) -> Self {
        let took_ms = ended.since_ms(begun);
        Self { bytes, holds_until: ended.plus_ms(took_ms.saturating_mul(HOLDS_TIMES).min(HOLDS_MS_MAX)) }
    }
}

impl Measured {
    fn all(&self) -> MutexGuard<'_, BTreeMap<SlotKey, Reading>> {
        // Each reading is replaced whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes that a service's data folders take, now or a little earlier where measuring takes long.
async fn measured(engine: &Engine, slot: &SlotKey) -> Result<u64, Fault> {
    let begun = engine.ports.clock.now();
    let known = engine.measured.all().get(slot).copied();
    if let Some(known) = known.filter(|known| begun < known.holds_until) {
        return Ok(known.bytes);
    }
    let bytes = engine.ports.driver.data_use(slot).await?;
    let now = engine.ports.clock.now();
    let mut all = engine.measured.all();
    all.retain(|_, reading| now < reading.holds_until);
    all.insert(slot.clone(), Reading::new(bytes, begun, now));
    Ok(bytes)
}

/// Tells of data folders that grew over what is declared, for as long as the engine lives: of each once, until it is
/// below again. Who leads anew tells again.
pub(crate) async fn run(engine: Arc<Engine>) {
    let mut told = BTreeSet::new();
    loop {
        match engine.itself.leads(engine.ports.clock.now()) {
            None => told.clear(),
            Some(_) => {
                if let Err(fault) = look(&engine, &mut told).await {
                    warn!(%fault, "data folders could not be measured");
                }
            }
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn look(engine: &Engine, told: &mut BTreeSet<SlotKey>) -> Result<(), Fault> {
    let slots: Vec<Slot> = engine.ports.store.below("").await?;
    for slot in slots {
        let Some(live) = &slot.live else { continue };
        let release = engine.release(&live.release).await?;
        let over = over(engine, &slot.key, &release.serve).await?;
        let Some((used_mb, declared_mb)) = over else {
            told.remove(&slot.key);
            continue;
        };
        if told.insert(slot.key.clone()) {
            let message = words(&slot.key.service, used_mb, declared_mb);
            let event = EventBody {
                project: Some(slot.key.project.clone()),
                environment: Some(slot.key.environment.clone()),
                services: vec![slot.key.service.clone()],
                details: serde_json::json!({ "usedMb": used_mb, "declaredMb": declared_mb }),
                ..EventBody::new(EventKind::DiskOver, EventStatus::Warning, "machine", message)
            };
            engine.ports.store.commit(Commit::at(engine.ports.clock.now()).event(event)).await?;
        }
    }
    Ok(())
}

/// The mebibytes that a service's data folders take and those that it declares, when they are more.
async fn over(engine: &Engine, slot: &SlotKey, serve: &ServeSpec) -> Result<Option<(u64, u64)>, Fault> {
    let Some(declared_mb) = serve.limits.disk_mb.filter(|_| !serve.data.is_empty()) else { return Ok(None) };
    let used_mb = measured(engine, slot).await?.div_ceil(MIB);
    Ok((used_mb > declared_mb).then_some((used_mb, declared_mb)))
}

fn words(service: &ServiceName, used_mb: u64, declared_mb: u64) -> String {
    format!("the data folders of {service} take {used_mb} MiB, and `limits.disk_mb` is {declared_mb}")
}

impl Engine {
    /// The mebibytes that a service's data folders take; 0 when it has none. Every file is looked at, unless
    /// that takes long and was done a little earlier.
    ///
    /// # Errors
    /// They can't be measured.
    pub async fn disk_used_mb(&self, slot: &SlotKey) -> Result<u64, Fault> {
        Ok(measured(self, slot).await?.div_ceil(MIB))
    }

    /// What is to be said of data folders that hold more than their services would declare. It warns: what is there is
    /// there, whatever is deployed.
    pub(crate) async fn disk_findings(
        &self,
        project: &ProjectId,
        plan: &EnvironmentPlan,
        services: &[ServiceName],
    ) -> Result<Vec<Finding>, Fault> {
        let mut findings = Vec::new();
        for (name, service) in plan.services.iter().filter(|(name, _)| services.is_empty() || services.contains(name)) {
            let slot = SlotKey { project: project.clone(), environment: plan.name.clone(), service: name.clone() };
            let Some((used_mb, declared_mb)) = over(self, &slot, &service.serve).await? else { continue };
            let advice = format!(
                "remove what is not needed, or declare what it needs: `limits.disk_mb = {used_mb}`; nothing holds it \
                 below that"
            );
            let finding = Finding::warning(VALIDATOR, Category::Hardware, words(name, used_mb, declared_mb));
            findings.push(finding.field(format!("services.{name}.limits.disk_mb")).recommendation(advice));
        }
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_holds_longer_up_to_a_bound() {
        let begun = Timestamp(1000);
        for (took_ms, holds_ms) in [(0, 0), (1, 10), (200, 2000), (60_000, HOLDS_MS_MAX)] {
            let ended = begun.plus_ms(took_ms);
            assert_eq!(Reading::new(7, begun, ended).holds_until, ended.plus_ms(holds_ms), "{took_ms} ms");
        }
    }
}
