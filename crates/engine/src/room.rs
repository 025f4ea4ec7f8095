//! Whether the machine has room for what comes, beside what runs: measured, and by the strategy that brings it.
//!
//! Not here: how much each strategy needs (`core::headroom`), what may be used at all (`quota`).

use shipway_core::{
    finding::{Category, Finding},
    headroom::memory_beside_mb,
    id::ServiceName,
    ports::Fault,
    quota::Demand,
    strategy::StrategySpec,
};

use crate::{Engine, quota::Demands};

const VALIDATOR: &str = "machine";

impl Engine {
    /// Whether there is disk for a deployment at all.
    pub(crate) fn disk_room(&self) -> Result<Vec<Finding>, Fault> {
        let (free_mb, wanted_mb) = (self.ports.driver.capacity()?.disk_free_mb, self.settings.disk_free_mb_min);
        if free_mb >= wanted_mb {
            return Ok(Vec::new());
        }
        let message = format!("the data folder's disk has {free_mb} MiB left");
        let advice = format!("free some space: a deployment needs at least {wanted_mb} MiB; what runs goes on");
        Ok(vec![Finding::critical(VALIDATOR, Category::Hardware, message).recommendation(advice)])
    }

    /// Whether there is memory for what comes while it replaces what runs. A limit is what an instance *may* use, so
    /// this warns.
    pub(crate) fn memory_room<'a>(
        &self,
        runs: &Demands,
        comes: &Demands,
        strategy: impl Fn(&ServiceName) -> &'a StrategySpec,
    ) -> Result<Vec<Finding>, Fault> {
        let (needed_mb, lines) = memory_needed(runs, comes, strategy);
        let free_mb = self.ports.driver.capacity()?.memory_free_mb;
        if needed_mb <= free_mb {
            return Ok(Vec::new());
        }
        let message = format!(
            "beside what runs, the services may need {needed_mb} MiB while they are replaced, and {free_mb} MiB are free"
        );
        let advice = "lower `limits.memory_mb` or `instances`, replace them with `rolling` or `recreate`, deploy fewer \
                      services at a time, or give the machine more memory";
        let finding = Finding::warning(VALIDATOR, Category::Hardware, message).details(lines.join("; "));
        Ok(vec![finding.recommendation(advice)])
    }
}

/// Mebibytes that what comes may need beside what runs, and how they come about.
pub(crate) fn memory_needed<'a>(
    runs: &Demands,
    comes: &Demands,
    strategy: impl Fn(&ServiceName) -> &'a StrategySpec,
) -> (u64, Vec<String>) {
    let mut lines = Vec::new();
    let mut needed_mb: u64 = 0;
    for (slot, new) in comes {
        let old = runs.get(slot).copied().unwrap_or_default();
        let strategy = strategy(&slot.service);
        let beside_mb = memory_beside_mb(strategy, &old, new);
        needed_mb = needed_mb.saturating_add(beside_mb);
        lines.extend((beside_mb > 0).then(|| line(slot.service.as_str(), strategy, &old, new, beside_mb)));
    }
    (needed_mb, lines)
}

fn line(service: &str, strategy: &StrategySpec, old: &Demand, new: &Demand, beside_mb: u64) -> String {
    let of = |demand: &Demand| format!("{} × {} MiB", demand.instances, demand.memory_mb.unwrap_or(0));
    format!("{service}: {} of {} over {} needs {beside_mb} MiB more", strategy.kind().name(), of(new), of(old))
}
