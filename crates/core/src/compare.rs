//! Comparing two environments: what is the same, what differs, and what is only in one of them. It looks at what runs
//! and at what the spec wants of the environment as a whole.
//!
//! Not here: reading the two (`engine::compare`), how a comparison is shown (`app`). A secret is compared by a
//! fingerprint that comes from outside: no value of one ever enters this room.

mod keys;
mod takeover;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    keys::{Key, KeyState, keys},
    takeover::{BOUND, Takeover, not_live, takeover},
};
use crate::{
    id::{ArtifactDigest, EnvironmentName, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    release::Release,
    slot::Slot,
    spec::{EnvironmentPlan, ServiceKind},
};

/// One environment as it was at one commit.
#[derive(Debug)]
pub struct Side<'a> {
    /// The environment.
    pub environment: EnvironmentName,
    /// What the spec and its layers want of it; none when they are wrong.
    pub plan: Option<&'a EnvironmentPlan>,
    /// Its slots.
    pub slots: Vec<&'a Slot>,
    /// Its instances.
    pub instances: Vec<&'a Instance>,
    /// The releases that its slots name.
    pub releases: &'a BTreeMap<ReleaseId, std::sync::Arc<Release>>,
    /// Keyed fingerprints of the secrets of what runs, by service and by the secret's name.
    pub secrets: BTreeMap<ServiceName, BTreeMap<String, String>>,
}

/// Two environments, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The first.
    pub from: EnvironmentName,
    /// The second.
    pub to: EnvironmentName,
    /// The commit of the store that both were read at: nothing of it is older or newer.
    pub commit: u64,
    /// Whether anything differs.
    pub differs: bool,
    /// Every service that runs in one of them or that the spec has.
    pub services: BTreeMap<ServiceName, ServiceComparison>,
    /// What holds for the environments as a whole, key by key.
    pub policies: Vec<Key>,
}

/// One service in two environments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceComparison {
    /// Whether anything of it differs.
    pub differs: bool,
    /// The version that people call it by.
    pub version: Pair<String>,
    /// What runs.
    pub artifact: Pair<ArtifactDigest>,
    /// How it runs, key by key: the resolved configuration of the live releases.
    pub configuration: Vec<Key>,
    /// Secrets by name; the values are keyed fingerprints.
    pub secrets: Vec<Key>,
    /// How many instances are wanted.
    pub instances: Pair<u32>,
    /// How it is.
    pub health: Pair<ServiceHealth>,
}

/// What two environments have of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pair<T> {
    /// Whether it is the same in both.
    pub same: bool,
    /// In the first; none where the service does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<T>,
    /// In the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<T>,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceHealth {
    /// All that is wanted takes requests.
    Healthy,
    /// Some of it does.
    Degraded,
    /// None of it does.
    Down,
}

impl ServiceHealth {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

impl<T: PartialEq> Pair<T> {
    fn of(from: Option<T>, to: Option<T>) -> Self {
        Self { same: from == to, from, to }
    }
}

/// Compares two environments. Only the services that are named, when any are.
pub fn compare(commit: u64, from: &Side<'_>, to: &Side<'_>, only: &BTreeSet<ServiceName>) -> Comparison {
    let (old, new) = (Seen::of(from), Seen::of(to));
    let names: BTreeSet<_> = [from, to].into_iter().flat_map(Side::services).collect();
    let wanted = names.into_iter().filter(|name| only.is_empty() || only.contains(*name));
    let services: BTreeMap<_, _> =
        wanted.map(|name| (name.clone(), service(name, &old, &new))).filter(|(_, one)| one.is_anywhere()).collect();
    let policies = keys(&policies(from), &policies(to));
    let differs = services.values().any(|one| one.differs) || policies.iter().any(Key::differs);
    let (from, to) = (from.environment.clone(), to.environment.clone());
    Comparison { from, to, commit, differs, services, policies }
}

impl Side<'_> {
    fn services(&self) -> impl Iterator<Item = &ServiceName> {
        let live = self.slots.iter().filter(|slot| slot.live.is_some()).map(|slot| &slot.key.service);
        live.chain(self.plan.iter().flat_map(|plan| plan.services.keys()))
    }
}

/// A side with its slots and instances by service.
struct Seen<'a> {
    side: &'a Side<'a>,
    slots: BTreeMap<&'a ServiceName, &'a Slot>,
    ready: BTreeMap<(&'a ServiceName, &'a ReleaseId), u32>,
}

impl<'a> Seen<'a> {
    fn of(side: &'a Side<'a>) -> Self {
        let slots = side.slots.iter().map(|slot| (&slot.key.service, *slot)).collect();
        let mut ready = BTreeMap::new();
        for instance in side.instances.iter().filter(|one| one.state == InstanceState::Ready) {
            *ready.entry((&instance.slot.service, &instance.release)).or_default() += 1;
        }
        Self { side, slots, ready }
    }

    fn live(&self, name: &ServiceName) -> Option<Live<'a>> {
        let serving = self.slots.get(name)?.live.as_ref()?;
        let release = self.side.releases.get(&serving.release)?;
        let ready = self.ready.get(&(&release.slot.service, &release.id)).copied().unwrap_or(0);
        Some(Live { release, instances: serving.instances, ready })
    }
}

/// What serves of a service.
struct Live<'a> {
    release: &'a Release,
    instances: u32,
    ready: u32,
}

impl Live<'_> {
    fn health(&self) -> ServiceHealth {
        match (self.release.serve.kind, self.ready) {
            (ServiceKind::Static, _) => ServiceHealth::Healthy,
            (ServiceKind::Process, 0) => ServiceHealth::Down,
            (ServiceKind::Process, ready) if ready < self.instances => ServiceHealth::Degraded,
            (ServiceKind::Process, _) => ServiceHealth::Healthy,
        }
    }

    /// The configuration without the count, which is compared by itself.
    fn configuration(&self) -> Value {
        let mut tree = serde_json::to_value(&self.release.serve).unwrap_or_default();
        if let Some(tree) = tree.as_object_mut() {
            tree.remove("instances");
        }
        tree
    }
}

fn service(name: &ServiceName, from: &Seen<'_>, to: &Seen<'_>) -> ServiceComparison {
    let (old, new) = (from.live(name), to.live(name));
    let tree = |live: &Option<Live<'_>>| live.as_ref().map_or(Value::Null, Live::configuration);
    let secrets = |seen: &Seen<'_>| serde_json::to_value(seen.side.secrets.get(name)).unwrap_or_default();
    let pair = |of: fn(&Live<'_>) -> u32| Pair::of(old.as_ref().map(of), new.as_ref().map(of));
    let mut one = ServiceComparison {
        differs: false,
        version: Pair::of(
            old.as_ref().map(|live| live.release.version.clone()),
            new.as_ref().map(|live| live.release.version.clone()),
        ),
        artifact: Pair::of(
            old.as_ref().map(|live| live.release.artifact.clone()),
            new.as_ref().map(|live| live.release.artifact.clone()),
        ),
        configuration: both(&tree(&old), &tree(&new)),
        secrets: both(&secrets(from), &secrets(to)),
        instances: pair(|live| live.instances),
        health: Pair::of(old.as_ref().map(Live::health), new.as_ref().map(Live::health)),
    };
    one.differs = one.has_differences();
    one
}

/// Key by key; nothing where one side has nothing at all: that it doesn't run says enough.
fn both(from: &Value, to: &Value) -> Vec<Key> {
    if from.is_null() && to.is_null() { Vec::new() } else { keys(&table(from), &table(to)) }
}

fn table(value: &Value) -> Value {
    if value.is_null() { Value::Object(serde_json::Map::new()) } else { value.clone() }
}

impl ServiceComparison {
    /// Whether it runs anywhere.
    fn is_anywhere(&self) -> bool {
        self.artifact.from.is_some() || self.artifact.to.is_some()
    }

    fn has_differences(&self) -> bool {
        let pairs = self.version.same && self.artifact.same && self.instances.same && self.health.same;
        !pairs || self.configuration.iter().chain(&self.secrets).any(Key::differs)
    }
}

/// Everything that the spec says of an environment as a whole.
fn policies(side: &Side<'_>) -> Value {
    let mut tree = serde_json::to_value(side.plan).unwrap_or_default();
    if let Some(tree) = tree.as_object_mut() {
        tree.retain(|key, _| !["name", "services", "interactions"].contains(&key.as_str()));
    }
    table(&tree)
}

#[cfg(test)]
mod tests;
