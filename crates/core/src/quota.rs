//! Quotas: how much of a machine and of money an environment and a project may take, and what a deployment would make
//! of it. What counts is what is declared (`limits`, `instances`), as it would be once a deployment is done.
//!
//! Not here: what is free on the machine (`engine::room`), where the slots come from (`engine::quota`).

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::{Category, Finding},
    id::SlotKey,
    spec::{ServeSpec, ServiceKind},
};

const VALIDATOR: &str = "quota";
const MIB_PER_GIB: f64 = 1024.0;
/// Sums of numbers with decimals are compared up to this.
const EPSILON: f64 = 1e-6;

/// What an environment or a project may take; what is not said is not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaSpec {
    /// Instances of all services together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u64>,
    /// Cores: the sum of `limits.cpu` of all instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cpu: Option<f64>,
    /// Mebibytes: the sum of `limits.memory_mb` of all instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Mebibytes: the sum of `limits.disk_mb` of all services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_mb: Option<u64>,
    /// What it all may cost, in the currency of `[prices]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cost_per_month: Option<f64>,
}

/// What things cost, each for a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesSpec {
    /// The currency, as it is shown: `EUR`.
    pub currency: String,
    /// One instance, whatever it takes.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub instance: f64,
    /// One core of `limits.cpu`.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub cpu: f64,
    /// One gibibyte of `limits.memory_mb`.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub memory_gb: f64,
    /// One gibibyte of `limits.disk_mb`.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub disk_gb: f64,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// Instances.
    Instances,
    /// Cores.
    Cpu,
    /// Mebibytes of memory.
    MemoryMb,
    /// Mebibytes of disk.
    DiskMb,
    /// Money for a month.
    CostPerMonth,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Instances, Self::Cpu, Self::MemoryMb, Self::DiskMb, Self::CostPerMonth];

    /// The key in a quota.
    pub fn key(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Cpu => "cpu",
            Self::MemoryMb => "memory_mb",
            Self::DiskMb => "disk_mb",
            Self::CostPerMonth => "cost_per_month",
        }
    }

    /// An amount of it, for people.
    fn amount(self, amount: f64, prices: Option<&PricesSpec>) -> String {
        match self {
            Self::Instances => counted(amount, "instance"),
            Self::Cpu => counted((amount * 100.0).round() / 100.0, "core"),
            Self::MemoryMb => format!("{amount} MiB of memory"),
            Self::DiskMb => format!("{amount} MiB of disk"),
            Self::CostPerMonth => {
                let currency = prices.map(|prices| prices.currency.as_str()).unwrap_or_default();
                format!("{amount:.2} {currency} a month")
            }
        }
    }
}

fn counted(amount: f64, one: &str) -> String {
    if (amount - 1.0).abs() < EPSILON { format!("1 {one}") } else { format!("{amount} {one}s") }
}

/// What a service takes with all its instances, as far as it declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// Its instances.
    pub instances: u32,
    /// Cores of one instance; none when it declares none.
    pub cpu: Option<f64>,
    /// Mebibytes of one instance; none when it declares none.
    pub memory_mb: Option<u64>,
    /// Mebibytes of its data folders; none when it declares none.
    pub disk_mb: Option<u64>,
}

impl Demand {
    /// What a service takes with that many instances.
    pub fn of(serve: &ServeSpec, instances: u32) -> Self {
        let instances = if serve.kind == ServiceKind::Static { 0 } else { instances };
        let limits = &serve.limits;
        Self { instances, cpu: limits.cpu, memory_mb: limits.memory_mb, disk_mb: limits.disk_mb }
    }

    /// How much it takes of a resource; money only by prices.
    pub fn of_resource(&self, resource: Resource, prices: Option<&PricesSpec>) -> f64 {
        let instances = f64::from(self.instances);
        let (cpu, memory_mb) = (instances * self.cpu.unwrap_or(0.0), instances * whole(self.memory_mb));
        let disk_mb = whole(self.disk_mb);
        match resource {
            Resource::Instances => instances,
            Resource::Cpu => cpu,
            Resource::MemoryMb => memory_mb,
            Resource::DiskMb => disk_mb,
            Resource::CostPerMonth => prices.map_or(0.0, |prices| {
                instances * prices.instance
                    + cpu * prices.cpu
                    + memory_mb / MIB_PER_GIB * prices.memory_gb
                    + disk_mb / MIB_PER_GIB * prices.disk_gb
            }),
        }
    }

    /// Whether it runs and does not say how much of a resource it takes.
    fn hides(&self, resource: Resource) -> bool {
        match resource {
            Resource::Cpu => self.instances > 0 && self.cpu.is_none(),
            Resource::MemoryMb => self.instances > 0 && self.memory_mb.is_none(),
            Resource::Instances | Resource::DiskMb | Resource::CostPerMonth => false,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes of a machine have far fewer than 53 bits")]
fn whole(amount: Option<u64>) -> f64 {
    amount.unwrap_or(0) as f64
}

/// What a quota is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaOf {
    /// A project, with all its environments.
    Project(String),
    /// One environment of it.
    Environment(String),
}

impl fmt::Display for QuotaOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(name) => write!(f, "the project {name}"),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

impl QuotaOf {
    fn field(&self, resource: Resource) -> String {
        match self {
            Self::Project(_) => format!("project.quota.{}", resource.key()),
            Self::Environment(name) => format!("environments.{name}.quota.{}", resource.key()),
        }
    }
}

/// What each slot takes now, and what those that a deployment writes would take instead.
pub struct Change<'a> {
    /// What each slot within the quota takes.
    pub runs: &'a BTreeMap<SlotKey, Demand>,
    /// What a deployment would make of the slots that it writes.
    pub comes: &'a BTreeMap<SlotKey, Demand>,
}

impl Quota<'_> {
    /// Everything that a change would take beyond the quota, with the arithmetic.
    pub fn findings(&self, change: &Change<'_>) -> Vec<Finding> {
        Resource::ALL.into_iter().flat_map(|resource| self.findings_of(resource, change)).collect()
    }

    fn findings_of(&self, resource: Resource, change: &Change<'_>) -> Vec<Finding> {
        let Some(limit) = self.limit(resource) else { return Vec::new() };
        let undeclared = change.comes.iter().filter(|(_, demand)| demand.hides(resource));
        let mut findings: Vec<_> = undeclared.map(|(slot, _)| self.undeclared(slot, resource)).collect();
        let sum = |demands: &mut dyn Iterator<Item = &Demand>| -> f64 {
            // The sum of nothing is a negative zero, and nobody wants to read that.
            demands.map(|demand| demand.of_resource(resource, self.prices)).sum::<f64>() + 0.0
        };
        let runs = sum(&mut change.runs.values());
        let goes = sum(&mut change.runs.iter().filter(|(slot, _)| change.comes.contains_key(slot)).map(|(_, it)| it));
        let comes = sum(&mut change.comes.values());
        let after = runs - goes + comes;
        // What is over already may be made less, and what leaves it as it is breaks nothing anew.
        if after > limit + EPSILON && comes > goes + EPSILON {
            findings.push(self.over(resource, [runs, goes, comes, after, limit]));
        }
        findings
    }

    fn over(&self, resource: Resource, [runs, goes, comes, after, limit]: [f64; 5]) -> Finding {
        let amount = |amount: f64| resource.amount(amount, self.prices);
        let message = format!("{} would take {}, and its quota is {}", self.of, amount(after), amount(limit));
        let arithmetic = format!(
            "{} now, less {} that this replaces, and {} that comes: {}; the quota is {}, which is {} less",
            amount(runs),
            amount(goes),
            amount(comes),
            amount(after),
            amount(limit),
            amount(after - limit)
        );
        let field = self.of.field(resource);
        Finding::critical(VALIDATOR, Category::Configuration, message)
            .recommendation(format!("ask for less, take something away, or have `{field}` raised; `shipway quota`"))
            .field(field)
            .details(arithmetic)
    }

    fn undeclared(&self, slot: &SlotKey, resource: Resource) -> Finding {
        let (service, key) = (&slot.service, resource.key());
        let message = format!("{service} has no `limits.{key}`, and the quota of {} counts it", self.of);
        Finding::critical(VALIDATOR, Category::Configuration, message)
            .field(format!("services.{service}.limits.{key}"))
            .recommendation(format!("say what one instance may use: `limits = {{ {key} = … }}`"))
    }

    /// The limit of a resource; none when it is not limited.
    pub fn limit(&self, resource: Resource) -> Option<f64> {
        match resource {
            Resource::Instances => self.quota.instances.map(|limit| whole(Some(limit))),
            Resource::Cpu => self.quota.cpu,
            Resource::MemoryMb => self.quota.memory_mb.map(|limit| whole(Some(limit))),
            Resource::DiskMb => self.quota.disk_mb.map(|limit| whole(Some(limit))),
            Resource::CostPerMonth => self.quota.cost_per_month,
        }
    }
}

/// A quota, of what it is, and the prices that it counts money by.
pub struct Quota<'a> {
    /// Of what it is.
    pub of: QuotaOf,
    /// The limits.
    pub quota: &'a QuotaSpec,
    /// What things cost.
    pub prices: Option<&'a PricesSpec>,
}
