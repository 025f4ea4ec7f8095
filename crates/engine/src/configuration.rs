//! What is set for an environment through the API: changed in versions, explained, and deployed on its own.
//!
//! Not here: the layers of the file (crate `config`), how a version is made of a change (`core::config::version`).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shipway_core::{
    config::{
        chain::Explained,
        version::{ConfigVersion, authors, differences, lay, remove},
    },
    deployment::{Kind, Request, Source},
    event::{EventBody, EventKind, EventStatus},
    id::{Actor, EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    project::{EnvironmentLayer, Project},
    promotion::Origin,
    slot::Slot,
    store::{Commit, Guarded, Listing},
};

use crate::{
    Engine, Refusal, Reply,
    refusal::conflict,
    remote,
    spec::{layers, settings_layer},
};

/// Changes of others that a conflict names.
const TOLD_MAX: usize = 10;
/// Versions that are read at a time.
const PAGE: u32 = 50;

/// A change of an environment's settings.
pub(crate) struct Change {
    pub(crate) project: ProjectId,
    pub(crate) environment: EnvironmentName,
    pub(crate) what: What,
    pub(crate) reason: Option<String>,
    /// The version that whoever asks has seen.
    pub(crate) expected: Option<u64>,
}

/// What is changed.
pub(crate) enum What {
    /// Single values.
    Set { set: Value, unset: Vec<String> },
    /// All of them, to what they were.
    Restore(u64),
}

impl Engine {
    /// Makes another version of an environment's settings, or leaves them when nothing differs.
    pub(crate) async fn change_settings(&self, change: Change, actor: &Actor) -> Result<Reply, Refusal> {
        let Change { project, environment, what, reason, expected } = change;
        let registered = self.known_project(&project).await?;
        self.known_environment(&registered, &environment)?;
        let _one_at_a_time = self.intake.all().await;
        let known: Option<EnvironmentLayer> = self.ports.store.find(&format!("{project}/{environment}")).await?;
        let newest = self.newest_version(&project, &environment).await?;
        self.refuse_outdated(&project, &environment, newest, expected).await?;
        let before = known.as_ref().map_or_else(|| json!({}), |layer| layer.tree.clone());
        let tree = match &what {
            What::Set { set, unset } => changed(before.clone(), set, unset),
            What::Restore(number) => self.config_version(&project, &environment, *number).await?.tree,
        };
        let now = self.ports.clock.now();
        let version = ConfigVersion {
            number: newest + 1,
            by: actor.name.clone(),
            at: now,
            reason,
            changes: differences(&before, &tree),
            tree,
            project,
            environment,
        };
        if version.changes.is_empty()
            && let Some(known) = known
        {
            return Ok(Reply::Layer(Box::new(known)));
        }
        let written = known.map(|layer| layer.authors).unwrap_or_default();
        let layer = EnvironmentLayer {
            project: version.project.clone(),
            environment: version.environment.clone(),
            tree: version.tree.clone(),
            by: version.by.clone(),
            at: now,
            version: version.number,
            authors: authors(&written, &version),
        };
        self.refuse_bad_settings(&registered, &layer).await?;
        let guarded = Guarded::Configuration(layer.project.clone(), layer.environment.clone());
        let commit = Commit::at(now).put(&layer).put(&version).event(told(&version, &what));
        self.ports.store.commit(commit.raise(guarded, newest)).await?;
        Ok(Reply::Layer(Box::new(layer)))
    }

    /// The number of an environment's newest version; 0 before the first.
    async fn newest_version(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<u64, Fault> {
        Ok(self.config_versions(project, environment, None, 1).await?.first().map_or(0, |newest| newest.number))
    }

    /// Refuses a change by somebody who hasn't seen what others changed meanwhile, and says what that was.
    async fn refuse_outdated(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        newest: u64,
        expected: Option<u64>,
    ) -> Result<(), Refusal> {
        let Some(expected) = expected.filter(|expected| *expected != newest) else { return Ok(()) };
        let since = self.config_versions(project, environment, None, PAGE).await?;
        let since = since.into_iter().filter(|version| version.number > expected);
        let list = since.take(TOLD_MAX).map(|version| {
            let keys: Vec<&str> = version.changes.iter().map(|change| change.key.as_str()).collect();
            let why = version.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("version {} by {} at {} changed {}{why}", version.number, version.by, version.at, keys.join(", "))
        });
        Err(Refusal::Conflict {
            message: format!("the configuration of {environment} is at version {newest}, not at {expected}"),
            list: list.collect(),
            hint: Some(format!(
                "see `shipway config diff {expected} {newest} -e {environment}`, then ask with --expect {newest}"
            )),
        })
    }

    /// What is set must leave the environment valid.
    async fn refuse_bad_settings(&self, project: &Project, layer: &EnvironmentLayer) -> Result<(), Refusal> {
        let spec = self.understood.of(project).map_err(Refusal::Findings)?;
        let mut layers = remote::remembered(self, &spec.source, &project.id, &layer.environment).await?;
        layers.push(settings_layer(layer.clone()));
        spec.environment(&layer.environment, &layers).map(|_| ()).map_err(Refusal::Findings)
    }

    /// Versions of an environment's settings, the newest first, from before a number when one is given.
    ///
    /// # Errors
    /// The store can't be read; so with all queries.
    pub async fn config_versions(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ConfigVersion>, Fault> {
        let before = before.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
        let listing = Listing { scope: format!("{project}/{environment}"), before, newest_first: true, limit };
        self.ports.store.all(listing).await
    }

    /// One version. Version 0 is that nothing was ever set.
    ///
    /// # Errors
    /// There is none of that number.
    pub async fn config_version(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        number: u64,
    ) -> Result<ConfigVersion, Refusal> {
        if number == 0 {
            return Ok(never_set(project, environment));
        }
        let found: Option<ConfigVersion> = self.ports.store.find(&format!("{project}/{environment}/{number}")).await?;
        found.ok_or_else(|| {
            let fault = Fault::not_found(format!("the configuration of {environment} has no version {number}"));
            Refusal::Fault(fault.with_hint("`shipway config history` lists them"))
        })
    }

    /// Every value of an environment's services as a deployment would use it now, with who said what about it.
    ///
    /// # Errors
    /// The spec is wrong, or there is no such environment.
    pub async fn configuration(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<BTreeMap<ServiceName, Vec<Explained>>, Refusal> {
        let project = crate::spec::newest(self, &self.known_project(project).await?).await?;
        self.known_environment(&project, environment)?;
        let spec = self.understood.of(&project).map_err(Refusal::Findings)?;
        let layers = layers(self, &spec.source, &project.id, environment).await?;
        shipway_config::explained::configuration(&spec.source, environment, &layers).map_err(Refusal::Findings)
    }

    /// A request that deploys a change of configuration alone: the live artifacts in new releases, with the same
    /// versions, checks and strategies. Services that nothing changes for are left out.
    ///
    /// # Errors
    /// A service that is named does not run, or none does.
    pub async fn configuration_request(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        services: &[ServiceName],
    ) -> Result<Request, Refusal> {
        let registered = self.known_project(project).await?;
        self.known_environment(&registered, environment)?;
        let slots: Vec<Slot> = self.ports.store.below(&format!("{project}/{environment}")).await?;
        let mut request = Request::new(project.clone(), environment.clone(), Kind::Deploy);
        let mut artifacts = BTreeMap::new();
        for slot in &slots {
            let service = &slot.key.service;
            let Some(live) = slot.live.as_ref().filter(|_| services.is_empty() || services.contains(service)) else {
                continue;
            };
            let release = self.release(&live.release).await?;
            artifacts.insert(service.clone(), release.artifact.clone());
            request.versions.insert(service.clone(), release.version.clone());
        }
        if let Some(missing) = services.iter().find(|service| !artifacts.contains_key(*service)) {
            let fault = Fault::not_found(format!("{missing} does not run in {environment}"));
            return Err(Refusal::Fault(fault.with_hint("see `shipway ps`, or deploy it first")));
        }
        if artifacts.is_empty() {
            return Err(conflict(format!("nothing runs in {environment}"), "deploy it first: `shipway deploy`"));
        }
        let version = self.newest_version(project, environment).await?;
        request.origin = Some(Origin::Configuration { version });
        request.services = artifacts.keys().cloned().collect();
        request.source = Source::Artifact(artifacts);
        request.changed = true;
        Ok(request)
    }
}

fn changed(mut tree: Value, set: &Value, unset: &[String]) -> Value {
    lay(&mut tree, set);
    for path in unset {
        remove(&mut tree, path);
    }
    tree
}

fn never_set(project: &ProjectId, environment: &EnvironmentName) -> ConfigVersion {
    ConfigVersion {
        project: project.clone(),
        environment: environment.clone(),
        number: 0,
        by: String::new(),
        at: Default::default(),
        reason: None,
        changes: Vec::new(),
        tree: json!({}),
    }
}

fn told(version: &ConfigVersion, what: &What) -> EventBody {
    let why = version.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let did = match what {
        What::Set { .. } => format!("changed the settings of {}", version.environment),
        What::Restore(number) => format!("put the settings of {} back to version {number}", version.environment),
    };
    let keys: Vec<&str> = version.changes.iter().map(|change| change.key.as_str()).collect();
    let message = format!("{} {did}{why}", version.by);
    EventBody {
        project: Some(version.project.clone()),
        environment: Some(version.environment.clone()),
        details: json!({ "version": version.number, "keys": keys }),
        ..EventBody::new(EventKind::EnvironmentChanged, EventStatus::Ok, "commands", message)
    }
}
