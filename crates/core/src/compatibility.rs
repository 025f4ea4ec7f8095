//! Whether an environment can run something: each thing that it takes, against what was measured.
//!
//! Not here: the measuring (`ports::Driver`), how much a strategy needs beside what runs (`headroom`), quotas (`quota`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::{Finding, Severity},
    id::{EnvironmentName, ProjectId, ServiceName},
    ports::{Capacity, HeldLimits},
    quota::Demand,
    spec::{EnvironmentFacts, EnvironmentType},
    strategy::StrategySpec,
};

/// Sums of cores are compared up to this.
const EPSILON: f64 = 1e-6;

/// What is asked of an environment. Without any of it, everything that the project's spec says for it is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Requirements {
    /// Services of the project, with all that its spec says of them there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// How those services would be replaced; each one's own strategy when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategySpec>,
    /// Instances of something that no spec describes; 1 when only their size is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Mebibytes of memory of one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Cores of one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Mebibytes of disk of all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_mb: Option<u64>,
    /// A version of Node.js, as `node_version` of a service says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_version: Option<String>,
    /// The environment's type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<EnvironmentType>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whose machines it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Labels that it must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Requirements {
    /// Whether they describe something that no spec does.
    pub fn has_size(&self) -> bool {
        self.instances.is_some() || self.memory_mb.is_some() || self.cpu.is_some() || self.disk_mb.is_some()
    }

    /// Whether the spec of services is asked: by name, or because nothing else is.
    pub fn asks_spec(&self) -> bool {
        let others = Self { strategy: None, ..self.clone() };
        !self.services.is_empty() || others == Self::default()
    }

    /// What that something takes.
    pub fn demand(&self) -> Demand {
        let Self { cpu, memory_mb, disk_mb, .. } = *self;
        Demand { instances: self.instances.unwrap_or(1), cpu, memory_mb, disk_mb }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compatibility {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether it meets all of them.
    pub can: bool,
    /// Each requirement.
    pub requirements: Vec<Requirement>,
}

/// One requirement, and whether it is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// What it is about: `memory`, `cpu`, `disk`, `node`, `quota`, `region`, `label KEY`, …
    pub name: String,
    /// What is wanted.
    pub wanted: String,
    /// What was found.
    pub measured: String,
    /// Whether that is enough.
    pub met: bool,
    /// Why, or why not.
    pub reason: String,
}

/// What an environment has to offer, as it was measured.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What the target has, and what is free now.
    pub capacity: Capacity,
    /// Cores that nobody used over a short time.
    pub cores_idle: f64,
    /// Cores that are declared by what runs there already.
    pub cores_promised: f64,
    /// Which limits the target holds.
    pub held: HeldLimits,
    /// Mebibytes of disk that a deployment leaves free.
    pub disk_spare_mb: u64,
}

/// What comes, and what it needs at its worst moment, beside what runs.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// Mebibytes of memory beside what runs.
    pub memory_mb: u64,
    /// Cores more than are declared now.
    pub cores: f64,
    /// Mebibytes of disk.
    pub disk_mb: u64,
    /// How the memory comes about: `web: blue-green of 2 × 64 MiB over 2 × 64 MiB needs 128 MiB more`.
    pub arithmetic: Vec<String>,
}

impl Offer {
    /// What it has for something that comes.
    pub fn answer(&self, arrival: &Arrival) -> Vec<Requirement> {
        vec![self.memory(arrival), self.cpu(arrival.cores), self.disk(arrival.disk_mb)]
    }

    fn memory(&self, arrival: &Arrival) -> Requirement {
        let Capacity { memory_mb, memory_free_mb, .. } = self.capacity;
        let met = arrival.memory_mb <= memory_free_mb;
        let mut reason = match (met, arrival.memory_mb) {
            (_, 0) => "nothing is declared to need more than what runs".to_owned(),
            (true, needed) => format!("{} MiB stay free", memory_free_mb - needed),
            (false, needed) => format!("{} MiB are missing", needed - memory_free_mb),
        };
        for line in &arrival.arithmetic {
            reason.push_str(&format!("; {line}"));
        }
        if arrival.memory_mb > 0 && !self.held.memory {
            reason.push_str("; nothing holds the limit there");
        }
        let wanted = format!("{} MiB beside what runs", arrival.memory_mb);
        let measured = format!("{memory_free_mb} MiB free of {memory_mb}");
        Requirement { name: "memory".into(), wanted, measured, met, reason }
    }

    fn cpu(&self, cores: f64) -> Requirement {
        let has = self.capacity.cores as f64;
        let unpromised = has - self.cores_promised;
        let (fits, is_idle) = (cores <= unpromised + EPSILON, cores <= self.cores_idle + EPSILON);
        let missing = if fits { cores - self.cores_idle } else { cores - unpromised };
        let mut reason = match (fits, is_idle) {
            _ if cores <= EPSILON => "nothing is declared to need more than what runs".to_owned(),
            (true, true) => "they are there and idle".to_owned(),
            (true, false) => format!("{missing:.2} are missing now: others are at work"),
            (false, _) if cores > has => format!("{missing:.2} are missing: the target has no more"),
            (false, _) => format!("{missing:.2} are missing: others were promised them"),
        };
        if cores > EPSILON && !self.held.cpu {
            reason.push_str("; nothing holds the limit there");
        }
        let wanted = format!("{cores:.2} cores");
        let measured = format!("{has} cores, {:.2} idle, {:.2} promised", self.cores_idle, self.cores_promised);
        Requirement { name: "cpu".into(), wanted, measured, met: cores <= EPSILON || (fits && is_idle), reason }
    }

    fn disk(&self, disk_mb: u64) -> Requirement {
        let (free_mb, needed_mb) = (self.capacity.disk_free_mb, disk_mb.saturating_add(self.disk_spare_mb));
        let met = needed_mb <= free_mb;
        let reason = match met {
            true => format!("{} MiB stay free", free_mb - disk_mb),
            false => format!("{} MiB are missing: {} MiB are to stay free", needed_mb - free_mb, self.disk_spare_mb),
        };
        let (wanted, measured) = (format!("{disk_mb} MiB"), format!("{free_mb} MiB free"));
        Requirement { name: "disk".into(), wanted, measured, met, reason }
    }
}

/// What is said of an environment, against what it must be.
pub fn facts(wanted: &Requirements, kind: EnvironmentType, facts: &EnvironmentFacts) -> Vec<Requirement> {
    let same = |name: String, wanted: &str, found: Option<&str>| Requirement {
        name,
        wanted: wanted.to_owned(),
        measured: found.unwrap_or("-").to_owned(),
        met: found == Some(wanted),
        reason: match found {
            Some(found) if found == wanted => "it is so".to_owned(),
            Some(_) => "it is another".to_owned(),
            None => "nothing is said of it".to_owned(),
        },
    };
    let mut all = Vec::new();
    all.extend(wanted.kind.map(|wanted| same("type".into(), wanted.name(), Some(kind.name()))));
    all.extend(wanted.region.as_ref().map(|wanted| same("region".into(), wanted, facts.region.as_deref())));
    all.extend(wanted.provider.as_ref().map(|wanted| same("provider".into(), wanted, facts.provider.as_deref())));
    for (key, wanted) in &wanted.labels {
        all.push(same(format!("label {key}"), wanted, facts.labels.get(key).map(String::as_str)));
    }
    all
}

/// A version of Node.js against the one that was found.
pub fn node(wanted: &str, found: Option<&str>) -> Requirement {
    let met = found.is_some_and(|found| node_fits(wanted, found));
    let reason = match (met, found) {
        (true, _) => "it is that one".to_owned(),
        (false, Some(_)) => "it is another".to_owned(),
        (false, None) => "there is no `node` on the server's PATH".to_owned(),
    };
    let measured = found.map_or_else(|| "-".to_owned(), |found| format!("Node.js {found}"));
    Requirement { name: "node".into(), wanted: format!("Node.js {wanted}"), measured, met, reason }
}

/// Whether a version of Node.js is the wanted one: `24` is any `24.x`.
pub fn node_fits(wanted: &str, found: &str) -> bool {
    found == wanted || found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// What was found of a subject: one requirement for each that blocks, or one that is met.
pub fn findings<'a>(name: &str, wanted: &str, found: impl Iterator<Item = &'a Finding>) -> Vec<Requirement> {
    let of = |finding: &Finding| Requirement {
        name: name.to_owned(),
        wanted: wanted.to_owned(),
        measured: finding.details.clone().or_else(|| finding.field.clone()).unwrap_or_else(|| "-".into()),
        met: false,
        reason: finding.message.clone(),
    };
    let (blocking, others): (Vec<_>, Vec<_>) = found.partition(|finding| finding.severity == Severity::Critical);
    if !blocking.is_empty() {
        return blocking.into_iter().map(of).collect();
    }
    let words: Vec<_> = others.iter().map(|finding| finding.message.as_str()).collect();
    let reason = if words.is_empty() { "nothing stands against it".to_owned() } else { words.join("; ") };
    let measured = "-".to_owned();
    vec![Requirement { name: name.to_owned(), wanted: wanted.to_owned(), measured, met: true, reason }]
}
