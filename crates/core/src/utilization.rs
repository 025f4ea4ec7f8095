//! What an environment uses: from two readings of its instances and of the proxy's counters to cores, bytes and
//! requests a second.
//!
//! Not here: how an instance is read (`ports::Driver`), what is declared (`quota`), what would still fit
//! (`compatibility`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{EnvironmentName, InstanceId, ProjectId, ReleaseId, ServiceName, SlotKey},
    instance::{Instance, InstanceState},
    ports::{Capacity, Traffic},
    spec::Limits,
};

const BYTES_PER_MIB: u64 = 1024 * 1024;

/// What an instance has used and uses, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// When it was read, in microseconds of a clock that never goes back; its beginning means nothing.
    pub at_us: u64,
    /// Processor time of all its processes since it was started, in microseconds.
    pub cpu_us: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// What counts as its memory.
    pub memory_of: MemoryOf,
    /// Its processes.
    pub processes: u64,
}

/// Processor time that nobody used, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTime {
    /// When it was read, in microseconds of a clock that never goes back; its beginning means nothing.
    pub at_us: u64,
    /// Of all cores together, in microseconds.
    pub idle_us: u64,
}

/// Cores of a target that nobody used between two readings.
pub fn cores_idle(before: IdleTime, now: IdleTime, cores: usize) -> f64 {
    let span_us = now.at_us.saturating_sub(before.at_us).max(1);
    // A target may be told to use fewer cores than its machine has.
    rounded((now.idle_us.saturating_sub(before.idle_us) as f64 / span_us as f64).min(cores as f64))
}

/// What counts as the memory of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MemoryOf {
    /// What the kernel charges its control group, less the pages of files that it could drop at once.
    ControlGroup,
    /// What its processes have in memory; what they share counts for each.
    Processes,
}

/// What an environment uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentUsage {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Over how long processor time and requests a second were counted, in milliseconds.
    pub interval_ms: u64,
    /// What the target has, and what of it is free for everybody.
    pub target: Capacity,
    /// All of its services together.
    pub total: Load,
    /// Its services.
    pub services: Vec<ServiceUsage>,
}

/// What a service uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceUsage {
    /// The service.
    pub service: ServiceName,
    /// All of its instances together.
    pub load: Load,
    /// Each instance that is recorded; also those that stand by, come, or leave.
    pub instances: Vec<InstanceUsage>,
}

/// What an instance uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceUsage {
    /// Which one.
    pub id: InstanceId,
    /// What it runs.
    pub release: ReleaseId,
    /// How far it is.
    pub state: InstanceState,
    /// Cores that it used over the interval; none when it did not run all the while.
    pub cpu_cores: Option<f64>,
    /// Cores that it may use; none when nothing is declared.
    pub cpu_limit: Option<f64>,
    /// Bytes of memory; none when it does not run.
    pub memory_bytes: Option<u64>,
    /// Bytes that it may use; none when nothing is declared.
    pub memory_limit_bytes: Option<u64>,
    /// Its memory as a share of the limit, 1 for all of it.
    pub memory_share: Option<f64>,
    /// What counts as its memory.
    pub memory_of: Option<MemoryOf>,
    /// Its processes.
    pub processes: Option<u64>,
    /// Requests in flight at it; none when the proxy does not answer.
    pub in_flight: Option<u64>,
}

/// What instances use together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Instances that run.
    pub instances: u32,
    /// Cores that they used over the interval.
    pub cpu_cores: f64,
    /// Cores that they may use; none when one of them declares nothing.
    pub cpu_limit: Option<f64>,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes that they may use; none when one of them declares nothing.
    pub memory_limit_bytes: Option<u64>,
    /// Their memory as a share of the limit, 1 for all of it.
    pub memory_share: Option<f64>,
    /// The requests; none when the proxy does not answer.
    pub requests: Option<RequestLoad>,
}

/// Requests, as the proxy counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestLoad {
    /// Answered or failed a second, over the interval.
    pub per_s: f64,
    /// Answered or failed since the proxy was started.
    pub total: u64,
    /// Of those, refused, reset, cut, timed out, or answered by the proxy itself.
    pub failed: u64,
    /// Of those, answered by the application with a status of 500 and above.
    pub server_errors: u64,
    /// In flight now.
    pub in_flight: u64,
}

/// Everything that was read at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The instances that run.
    pub usage: BTreeMap<InstanceId, Usage>,
    /// The proxy's numbers; none when it does not answer.
    pub traffic: Option<Traffic>,
}

/// Two readings of an environment, and how far they lie apart.
#[derive(Clone, Debug)]
pub struct Readings {
    /// The first.
    pub before: Reading,
    /// The second.
    pub now: Reading,
    /// What lies between them, in milliseconds.
    pub interval_ms: u64,
}

impl Readings {
    /// What a service used between them. Each instance stands with the limits of its release.
    pub fn service(&self, slot: &SlotKey, instances: &[(Instance, Limits)]) -> ServiceUsage {
        let instances: Vec<_> = instances.iter().map(|(one, limits)| self.instance(one, limits)).collect();
        let mut load = together(&instances);
        load.requests = self.requests(slot, &instances);
        ServiceUsage { service: slot.service.clone(), load, instances }
    }

    fn instance(&self, one: &Instance, limits: &Limits) -> InstanceUsage {
        let usage = self.now.usage.get(&one.id);
        let before = self.before.usage.get(&one.id);
        let memory_limit_bytes = limits.memory_mb.map(|mb| mb.saturating_mul(BYTES_PER_MIB));
        let memory_bytes = usage.map(|usage| usage.memory_bytes);
        let traffic = self.now.traffic.as_ref();
        InstanceUsage {
            id: one.id.clone(),
            release: one.release.clone(),
            state: one.state,
            cpu_cores: usage.zip(before).and_then(|(now, before)| cores(before, now)),
            cpu_limit: limits.cpu,
            memory_bytes,
            memory_limit_bytes,
            memory_share: memory_bytes.and_then(|bytes| share(bytes, memory_limit_bytes)),
            memory_of: usage.map(|usage| usage.memory_of),
            processes: usage.map(|usage| usage.processes),
            in_flight: traffic.map(|traffic| traffic.in_flight.get(&one.id).copied().unwrap_or(0)),
        }
    }

    fn requests(&self, slot: &SlotKey, instances: &[InstanceUsage]) -> Option<RequestLoad> {
        let pool = slot.to_string();
        let now = self.now.traffic.as_ref()?;
        // A proxy that was started in between counts from 0 again.
        let before = self.before.traffic.as_ref().filter(|before| before.boot == now.boot);
        let counted = |traffic: &Traffic| -> u64 {
            traffic.releases.iter().filter(|release| release.pool == pool).map(|release| release.requests).sum()
        };
        let mut load = RequestLoad { total: counted(now), ..RequestLoad::default() };
        for release in now.releases.iter().filter(|release| release.pool == pool) {
            load.failed += release.failed;
            load.server_errors += release.server_errors;
        }
        let new = load.total.saturating_sub(before.map_or(0, counted));
        load.per_s = rounded(new as f64 * 1000.0 / self.interval_ms.max(1) as f64);
        load.in_flight = instances.iter().filter_map(|one| one.in_flight).sum();
        Some(load)
    }
}

impl Load {
    /// What services use together.
    pub fn of_all(services: &[ServiceUsage]) -> Self {
        let mut all = together(services.iter().flat_map(|service| &service.instances));
        for requests in services.iter().filter_map(|service| service.load.requests) {
            let sum = all.requests.get_or_insert_default();
            sum.per_s = rounded(sum.per_s + requests.per_s);
            sum.total += requests.total;
            sum.failed += requests.failed;
            sum.server_errors += requests.server_errors;
            sum.in_flight += requests.in_flight;
        }
        all
    }
}

/// Cores used between two readings; none when no time lies between them.
fn cores(before: &Usage, now: &Usage) -> Option<f64> {
    let span_us = now.at_us.checked_sub(before.at_us).filter(|span| *span > 0)?;
    // A process that ended in between may have taken its time with it.
    Some(rounded(now.cpu_us.saturating_sub(before.cpu_us) as f64 / span_us as f64))
}

fn together<'a>(instances: impl IntoIterator<Item = &'a InstanceUsage>) -> Load {
    let running: Vec<_> = instances.into_iter().filter(|one| one.memory_bytes.is_some()).collect();
    let memory_bytes = running.iter().filter_map(|one| one.memory_bytes).sum();
    let declared = |some: bool| some && !running.is_empty();
    let cpu_limit = declared(running.iter().all(|one| one.cpu_limit.is_some()))
        .then(|| rounded(running.iter().filter_map(|one| one.cpu_limit).sum()));
    let memory_limit_bytes = declared(running.iter().all(|one| one.memory_limit_bytes.is_some()))
        .then(|| running.iter().filter_map(|one| one.memory_limit_bytes).sum());
    Load {
        instances: u32::try_from(running.len()).unwrap_or(u32::MAX),
        cpu_cores: rounded(running.iter().filter_map(|one| one.cpu_cores).sum()),
        cpu_limit,
        memory_bytes,
        memory_limit_bytes,
        memory_share: share(memory_bytes, memory_limit_bytes),
        requests: None,
    }
}

fn share(bytes: u64, limit_bytes: Option<u64>) -> Option<f64> {
    limit_bytes.filter(|limit| *limit > 0).map(|limit| rounded(bytes as f64 / limit as f64))
}

/// To three places: more would be noise. The sum of nothing is a negative zero, and nobody wants to read that.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0 + 0.0
}
