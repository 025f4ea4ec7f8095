//! What environments use: two readings of instances and proxy, some time apart. Not here: the arithmetic
//! (`core::utilization`), what is declared (`quota`).

use std::collections::BTreeMap;

use shipway_core::{
    id::{EnvironmentName, InstanceId, ProjectId, SlotKey},
    instance::Instance,
    ports::Fault,
    slot::Slot,
    spec::Limits,
    utilization::{EnvironmentUsage, Load, Reading, Readings, Usage},
};

use crate::{Engine, Refusal};

/// Between two readings, in milliseconds, when nobody says otherwise.
pub const USAGE_INTERVAL_MS: u64 = 1000;
/// The shortest and the longest time between two readings, in milliseconds.
pub const USAGE_INTERVALS_MS: std::ops::RangeInclusive<u64> = 100..=10_000;

/// An instance, what it may use, and what it uses; none when it does not run.
pub type Used = (Instance, Limits, Option<Usage>);

impl Engine {
    /// What an environment uses, counted over an interval of `USAGE_INTERVALS_MS`.
    ///
    /// # Errors
    /// There is no such environment, or the instances can't be read. A proxy that doesn't answer is no error.
    pub async fn utilization(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        interval_ms: u64,
    ) -> Result<EnvironmentUsage, Refusal> {
        self.refuse_unknown_environment(project, environment).await?;
        let scope = format!("{project}/{environment}");
        let slots: Vec<Slot> = self.ports.store.below(&scope).await?;
        let instances = self.limited(&scope).await?;
        let readings = self.readings(&instances, interval_ms).await?;
        let mut of_slots: BTreeMap<SlotKey, Vec<(Instance, Limits)>> = BTreeMap::new();
        for slot in slots.into_iter().filter(|slot| !slot.is_empty()) {
            of_slots.entry(slot.key).or_default();
        }
        for (instance, limits) in instances {
            of_slots.entry(instance.slot.clone()).or_default().push((instance, limits));
        }
        let services: Vec<_> = of_slots.iter().map(|(slot, instances)| readings.service(slot, instances)).collect();
        Ok(EnvironmentUsage {
            project_id: project.clone(),
            environment: environment.clone(),
            interval_ms: readings.interval_ms,
            target: self.ports.driver.capacity()?,
            total: Load::of_all(&services),
            services,
        })
    }

    /// What all instances use now.
    ///
    /// # Errors
    /// The instances can't be read.
    pub async fn usage_of_all(&self) -> Result<Vec<Used>, Fault> {
        let instances = self.limited("").await?;
        let usage = self.ports.driver.usage(&ids(&instances)).await?;
        let used = |(instance, limits): (Instance, Limits)| {
            let usage = usage.get(&instance.id).copied();
            (instance, limits, usage)
        };
        Ok(instances.into_iter().map(used).collect())
    }

    /// Instances with the limits of their releases.
    async fn limited(&self, scope: &str) -> Result<Vec<(Instance, Limits)>, Fault> {
        let instances: Vec<Instance> = self.ports.store.below(scope).await?;
        let mut limited = Vec::with_capacity(instances.len());
        for instance in instances {
            let limits = self.release(&instance.release).await?.serve.limits.clone();
            limited.push((instance, limits));
        }
        Ok(limited)
    }

    async fn readings(&self, instances: &[(Instance, Limits)], interval_ms: u64) -> Result<Readings, Fault> {
        let (clock, ids) = (&self.ports.clock, ids(instances));
        let (before, first) = (self.reading(&ids).await?, clock.now());
        clock.sleep_ms(interval_ms).await;
        let (now, second) = (self.reading(&ids).await?, clock.now());
        Ok(Readings { before, now, interval_ms: second.since_ms(first) })
    }

    async fn reading(&self, ids: &[InstanceId]) -> Result<Reading, Fault> {
        let usage = self.ports.driver.usage(ids).await?;
        Ok(Reading { usage, traffic: self.publisher.traffic().await.ok() })
    }
}

fn ids(instances: &[(Instance, Limits)]) -> Vec<InstanceId> {
    instances.iter().map(|(instance, _)| instance.id.clone()).collect()
}
