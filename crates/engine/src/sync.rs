//! Synchronisation: another environment's configuration becomes this one's, but for what is bound to it. What is taken
//! over is set in the target's settings, by the difference of what both want; then a deployment like any other brings
//! it live, with the artifacts that run there.
//!
//! Not here: what differs and what stays (`core::compare`).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};
use shipway_core::{
    command::Command,
    compare::{Takeover, not_live, takeover},
    deployment::{Deployment, Kind, Request, Source},
    id::{Actor, EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    promotion::Origin,
    slot::Slot,
};

use crate::{
    Engine, Refusal, Reply,
    refusal::{conflict, unknown},
};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct SyncWish {
    /// The project.
    pub project: ProjectId,
    /// Whose configuration is taken over.
    pub from: EnvironmentName,
    /// Who gets it.
    pub to: EnvironmentName,
    /// Only these services; all when empty.
    pub services: Vec<ServiceName>,
    /// Only these keys; all when empty.
    pub keys: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

/// How two environments stand to each other, as far as configuration goes over.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What is to be taken over, and what stays, by service.
    pub services: BTreeMap<ServiceName, Takeover>,
    /// The keys in which what runs in the target is not what the source wants, by service.
    pub not_live: BTreeMap<ServiceName, Vec<String>>,
}

impl Engine {
    /// What a synchronisation would take over.
    ///
    /// # Errors
    /// There is no such project, environment or service, or the spec is wrong.
    pub async fn sync_standing(&self, wish: &SyncWish) -> Result<Standing, Refusal> {
        let project = self.known_project(&wish.project).await?;
        let mut plans = Vec::new();
        for name in [&wish.from, &wish.to] {
            self.known_environment(&project, name)?;
            let plan = self.environment_plan(&project, name).await;
            plans.push(plan.ok_or_else(|| {
                conflict(format!("the spec of {name} is wrong"), "`shipway check` lists everything that was found")
            })?);
        }
        if wish.from == wish.to {
            return Err(conflict(format!("{} is what it is", wish.to), "name two environments"));
        }
        let known = &plans[0].services;
        if let Some(stranger) = wish.services.iter().find(|service| !known.contains_key(*service)) {
            return Err(unknown("service", stranger.as_str(), known.keys().map(ServiceName::as_str)));
        }
        let services = takeover(&plans[0], &plans[1], &wish.services, &wish.keys);
        let mut behind = BTreeMap::new();
        for slot in self.slots_of(wish).await? {
            let Some(live) = &slot.live else { continue };
            let release = self.release(&live.release).await?;
            let names = not_live(&plans[0], &plans[1], &slot.key.service, &release.serve, &wish.keys);
            if !names.is_empty() {
                behind.insert(slot.key.service, names);
            }
        }
        Ok(Standing { services, not_live: behind })
    }

    /// Takes over what differs, and asks for the deployment that brings it live. None when nothing has to come live.
    ///
    /// # Errors
    /// As `sync_standing`; the settings that would come of it are wrong; the deployment is refused.
    pub async fn sync(self: &Arc<Self>, wish: &SyncWish, actor: Actor) -> Result<Option<Arc<Deployment>>, Refusal> {
        let standing = self.sync_standing(wish).await?;
        let taken = standing.services.iter().filter(|(_, one)| !one.taken.is_empty());
        let set: Map<_, _> = taken.map(|(service, one)| (service.to_string(), one.set.clone())).collect();
        if !set.is_empty() {
            let (project, environment) = (wish.project.clone(), wish.to.clone());
            let set = json!({ "services": Value::Object(set) });
            let reason = wish.reason.clone().or_else(|| Some(format!("as {} has it", wish.from)));
            let (unset, expected) = (Vec::new(), None);
            let command = Command::SetLayer { project, environment, set, unset, reason, expected };
            self.execute(command, actor.clone()).await?;
        }
        // Asked again: now that the settings are there, what runs is what is left behind.
        let behind = self.sync_standing(wish).await?.not_live;
        if behind.is_empty() {
            return Ok(None);
        }
        let request = self.sync_request(wish, behind.into_keys().collect()).await?;
        match self.execute(Command::Deploy(Box::new(request)), actor).await? {
            Reply::Deployment(deployment) => Ok(Some(deployment)),
            _ => Err(Fault::unavailable("that was no deployment").into()),
        }
    }

    /// The artifacts that run, with the configuration that is wanted now.
    async fn sync_request(&self, wish: &SyncWish, services: Vec<ServiceName>) -> Result<Request, Fault> {
        let (mut artifacts, mut versions, mut counts) = (BTreeMap::new(), BTreeMap::new(), Map::new());
        for slot in self.slots_of(wish).await?.into_iter().filter(|slot| services.contains(&slot.key.service)) {
            let Some(live) = &slot.live else { continue };
            let release = self.release(&live.release).await?;
            artifacts.insert(slot.key.service.clone(), release.artifact.clone());
            if live.instances > 0 {
                counts.insert(slot.key.service.to_string(), json!({ "instances": live.instances }));
            }
            versions.insert(slot.key.service, release.version.clone());
        }
        Ok(Request {
            services,
            source: Source::Artifact(artifacts),
            versions,
            // Also what `scale` made of them: counts belong to the environment.
            config: (!counts.is_empty()).then(|| json!({ "services": counts })),
            reason: wish.reason.clone(),
            origin: Some(Origin::Sync { from: wish.from.clone() }),
            ..Request::new(wish.project.clone(), wish.to.clone(), Kind::Deploy)
        })
    }

    async fn slots_of(&self, wish: &SyncWish) -> Result<Vec<Slot>, Fault> {
        let mut slots: Vec<Slot> = self.ports.store.below(&format!("{}/{}", wish.project, wish.to)).await?;
        slots.retain(|slot| wish.services.is_empty() || wish.services.contains(&slot.key.service));
        Ok(slots)
    }
}
