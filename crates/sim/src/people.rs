//! What people ask for: deployments and all that goes with them, through whichever server is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shipway_core::{
    command::{Command, Registration},
    deployment::{Kind, OnConflict, Request, Source},
    id::{Actor, ArtifactDigest, DeploymentId, ServiceName},
    phase::Phase,
};
use shipway_engine::{Engine, Refusal, Reply};

use crate::{
    machine::Behaviour,
    scenario::{ENVIRONMENT, PROJECT, Scenario, bad, good},
    world::Shared,
};

/// The servers that are up.
#[derive(Clone, Default)]
pub struct Servers(Arc<Mutex<Vec<Option<Arc<Engine>>>>>);

impl Servers {
    /// So many, none up.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![None; count])))
    }

    fn with(&self) -> MutexGuard<'_, Vec<Option<Arc<Engine>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that one is up, or down.
    pub fn set(&self, server: usize, engine: Option<Arc<Engine>>) {
        // The old one is dropped after the lock: what it drops may look here.
        let _old = std::mem::replace(&mut self.with()[server], engine);
    }

    /// None is up any more.
    pub fn clear(&self) {
        let _old = std::mem::take(&mut *self.with());
    }

    fn any(&self, number: u64) -> Option<Arc<Engine>> {
        let up: Vec<_> = self.with().iter().flatten().cloned().collect();
        let place = usize::try_from(number).ok()?.checked_rem(up.len())?;
        up.get(place).cloned()
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Person {
    /// The simulation.
    pub shared: Shared,
    /// Whom they ask.
    pub servers: Servers,
    /// What they work on.
    pub scenario: Arc<Scenario>,
}

/// How often somebody asks again when they got no answer.
const TRIES_MAX: u32 = 12;
/// Deployments that every seed has.
const DEPLOYMENTS_MIN: usize = 3;
/// Polls that every seed has.
const POLLS_MIN: u64 = 200;
/// How long they wait in between.
const AGAIN_MS: u64 = 700;
/// How long they look at a deployment before they go on with something else.
const PATIENCE_MS: u64 = 25_000;

impl Person {
    fn below(&self, bound: u64) -> u64 {
        self.shared.world().random.below(bound)
    }

    fn chance(&self, share: u64) -> bool {
        self.shared.world().random.per_mille(share)
    }

    /// Asks until there is an answer, whatever it is.
    async fn ask(&self, command: Command) -> Option<Result<Reply, Refusal>> {
        for _ in 0..TRIES_MAX {
            let number = self.below(8);
            if let Some(engine) = self.servers.any(number) {
                match engine.execute(command.clone(), Actor::admin()).await {
                    Err(Refusal::Fault(fault)) if fault.kind == shipway_core::ports::FaultKind::Unavailable => {}
                    answer => return Some(answer),
                }
            }
            self.shared.sleep(AGAIN_MS).await;
        }
        None
    }

    /// Registers the project.
    pub async fn register(&self) {
        let text = self.scenario.text.clone();
        let command = Command::Register(Registration { file: "shipway.toml".into(), text, folder: None });
        if let Some(Err(refusal)) = self.ask(command).await {
            let words = format!("the spec was refused: {refusal:?}\n{}", self.scenario.text);
            self.shared.world().watcher.violate("scenario", || words);
        }
    }

    async fn submit(&self, kind: Kind, services: Vec<ServiceName>, source: Source) -> Option<DeploymentId> {
        let request = Request::new(PROJECT.into(), ENVIRONMENT.into(), kind);
        self.submit_request(Request { services, source, ..request }).await
    }

    async fn submit_request(&self, request: Request) -> Option<DeploymentId> {
        let on_conflict = match self.below(6) {
            0 => OnConflict::Refuse,
            1 => OnConflict::Supersede,
            _ => OnConflict::Queue,
        };
        let request = Request { on_conflict, ..request };
        match self.ask(Command::Deploy(Box::new(request))).await? {
            Ok(Reply::Deployment(deployment)) => {
                let watcher = &mut self.shared.world().watcher;
                let kept = watcher.deployments.contains_key(&deployment.id) || watcher.restored;
                watcher.check("I16", kept, || format!("{} was acknowledged, and is not kept", deployment.id));
                Some(deployment.id.clone())
            }
            Ok(_) => None,
            Err(refusal) => {
                self.shared.world().tell(|| format!("refused: {refusal}"));
                None
            }
        }
    }

    /// Lets a moment pass.
    pub async fn rest(&self) {
        self.shared.sleep(AGAIN_MS).await;
    }

    /// Deploys new artifacts of some services. Says which deployment it became.
    pub async fn deploy(&self, services: Vec<ServiceName>, goes_badly: bool) -> Option<DeploymentId> {
        let all: Vec<ServiceName> = self.scenario.services.iter().map(|name| name.as_str().into()).collect();
        let named = if services.is_empty() { all } else { services.clone() };
        let mut behaviours = BTreeMap::new();
        {
            let mut world = self.shared.world();
            let which = world.random.below(named.len() as u64);
            for (number, service) in named.into_iter().enumerate() {
                let is_bad = goes_badly && number as u64 == which;
                let behaviour = if is_bad { bad(&mut world.random) } else { good(&mut world.random) };
                behaviours.insert(service, behaviour);
            }
        }
        self.deploy_as(services, behaviours).await
    }

    /// Deploys new artifacts that do what is said.
    pub async fn deploy_as(
        &self,
        services: Vec<ServiceName>,
        behaviours: BTreeMap<ServiceName, Behaviour>,
    ) -> Option<DeploymentId> {
        let mut artifacts = BTreeMap::new();
        {
            let mut world = self.shared.world();
            let world = &mut *world;
            for (service, behaviour) in behaviours {
                let digest = ArtifactDigest::new(format!("{:016x}{:048x}", world.random.number(), 0));
                world.behaviours.insert(digest.clone(), behaviour);
                artifacts.insert(service, digest);
            }
        }
        self.submit(Kind::Deploy, services, Source::Artifact(artifacts)).await
    }

    /// Deploys the artifacts of services that are live, with another variable: nothing else changes.
    pub async fn configure(&self, services: Vec<ServiceName>) -> Option<DeploymentId> {
        let (artifacts, level) = {
            let mut world = self.shared.world();
            let level = world.random.below(1000);
            let watcher = &world.watcher;
            let live = watcher.slots.values().filter_map(|slot| watcher.releases.get(&slot.live.as_ref()?.release));
            let live = live.filter(|release| services.is_empty() || services.contains(&release.slot.service));
            let artifacts: BTreeMap<_, _> =
                live.map(|release| (release.slot.service.clone(), release.artifact.clone())).collect();
            (artifacts, level.to_string())
        };
        let named: Vec<_> = artifacts.keys().cloned().collect();
        let own: BTreeMap<_, _> =
            named.iter().map(|name| (name, serde_json::json!({ "variables": { "LEVEL": level } }))).collect();
        let config = Some(serde_json::json!({ "services": own }));
        let request = Request::new(PROJECT.into(), ENVIRONMENT.into(), Kind::Deploy);
        // Without a version of its own, the artifact's short name stays the version.
        self.submit_request(Request { services: named, source: Source::Artifact(artifacts), config, ..request }).await
    }

    /// Ends a deployment.
    pub async fn cancel(&self, deployment: DeploymentId) {
        let _ = self.ask(Command::Cancel { deployment, reason: None }).await;
    }

    /// Has the way back of a stuck deployment tried again. Says why not, when it is refused.
    pub async fn retry(&self, deployment: DeploymentId) -> Option<String> {
        let mut why = None;
        for _ in 0..TRIES_MAX {
            match self.ask(Command::Retry { deployment: deployment.clone() }).await {
                Some(Ok(_)) => return None,
                Some(Err(refusal)) => why = Some(refusal.to_string()),
                None => why = Some("nobody answers".to_owned()),
            }
            self.rest().await;
        }
        why
    }

    /// Puts the data of services back from their newest copies.
    pub async fn put_data_back(&self) -> Option<DeploymentId> {
        let copies: BTreeMap<_, _> = {
            let world = self.shared.world();
            let copies = world.machine.all_copies();
            copies.map(|(slot, copy)| (slot.service.clone(), copy.name.clone())).collect()
        };
        self.submit(Kind::RestoreData { snapshots: copies }, Vec::new(), Source::Artifact(BTreeMap::new())).await
    }

    /// Waits until a deployment has ended, or for as long as anybody would.
    pub async fn see_end(&self, id: &DeploymentId) {
        for _ in 0..PATIENCE_MS / AGAIN_MS {
            if !self.shared.world().watcher.open.contains(id) {
                return;
            }
            self.shared.sleep(AGAIN_MS).await;
        }
    }

    fn some_services(&self) -> Vec<ServiceName> {
        if self.chance(500) {
            return Vec::new();
        }
        let names = self.scenario.services.iter().filter(|_| self.chance(500));
        names.map(|name| name.as_str().into()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn one_service(&self) -> ServiceName {
        self.shared.world().random.pick(&self.scenario.services).as_str().into()
    }

    fn any_open(&self) -> Option<DeploymentId> {
        let mut world = self.shared.world();
        let open: Vec<_> = world.watcher.open.iter().cloned().collect();
        (!open.is_empty()).then(|| world.random.pick(&open).clone())
    }

    async fn change_something(&self) -> Option<DeploymentId> {
        let nothing = Source::Artifact(BTreeMap::new());
        if let Some(snapshots) = self.any_copy().filter(|_| self.scenario.puts_data_back && self.chance(700)) {
            return self.submit(Kind::RestoreData { snapshots }, Vec::new(), nothing).await;
        }
        if self.scenario.reloads && self.chance(700) {
            return self.configure(self.some_services()).await;
        }
        match self.below(20) {
            0..=6 => self.deploy(self.some_services(), false).await,
            7..=11 => self.deploy(self.some_services(), true).await,
            12..=13 => {
                let count = u32::try_from(self.below(3) + 1).unwrap_or(1);
                let instances = BTreeMap::from([(self.one_service(), count)]);
                self.submit(Kind::Scale { instances }, Vec::new(), nothing).await
            }
            14..=16 => {
                let undo = self.newest().filter(|_| self.chance(500));
                let force = self.chance(300);
                let kind = Kind::Rollback {
                    undo,
                    to: None,
                    force,
                    artifact_only: self.chance(150),
                    accept_contract: self.chance(500),
                    with_data: self.chance(200),
                    snapshots: BTreeMap::new(),
                };
                self.submit(kind, Vec::new(), nothing).await
            }
            18 => match self.any_copy() {
                Some(snapshots) => self.submit(Kind::RestoreData { snapshots }, Vec::new(), nothing).await,
                None => self.deploy(self.some_services(), true).await,
            },
            17 => self.submit(Kind::Decommission, vec![self.one_service()], nothing).await,
            _ => self.deploy(vec![self.one_service()], self.chance(300)).await,
        }
    }

    fn any_copy(&self) -> Option<BTreeMap<ServiceName, String>> {
        let mut world = self.shared.world();
        let copies: Vec<_> =
            world.machine.all_copies().map(|(slot, copy)| (slot.service.clone(), copy.name.clone())).collect();
        (!copies.is_empty()).then(|| BTreeMap::from([world.random.pick(&copies).clone()]))
    }

    fn any_stuck(&self) -> Option<DeploymentId> {
        let world = self.shared.world();
        let stuck = world.watcher.deployments.iter().filter(|(_, watched)| watched.phase == Some(Phase::Stuck));
        stuck.map(|(id, _)| id.clone()).next_back()
    }

    /// What somebody does about a stuck deployment.
    async fn unstick(&self, deployment: DeploymentId) {
        let reason = "simulated".to_owned();
        let step = usize::try_from(self.below(12)).unwrap_or(0);
        let command = match self.below(4) {
            0..=1 => Command::Retry { deployment },
            2 => Command::Skip { deployment, step, reason },
            _ => Command::Resolve { deployment, reason },
        };
        let _ = self.ask(command).await;
    }

    fn newest(&self) -> Option<DeploymentId> {
        self.shared.world().watcher.deployments.keys().next_back().cloned()
    }

    async fn meddle(&self) {
        if let Some(stuck) = self.any_stuck().filter(|_| self.chance(600)) {
            return self.unstick(stuck).await;
        }
        let Some(deployment) = self.any_open() else { return };
        let command = match self.below(8) {
            0..=1 => Command::Cancel { deployment, reason: None },
            2 => Command::Pause { deployment },
            3..=4 => Command::Resume { deployment },
            _ => Command::Advance { deployment },
        };
        let _ = self.ask(command).await;
    }

    /// One thing that somebody does on a usual day.
    pub async fn act(&self) {
        let submitted = self.change_something().await;
        for _ in 0..self.below(3) {
            let span_ms = self.below(1500);
            self.shared.sleep(span_ms).await;
            self.meddle().await;
        }
        match submitted {
            Some(id) if self.chance(700) => self.see_end(&id).await,
            _ => {
                let span_ms = self.below(800);
                self.shared.sleep(span_ms).await;
            }
        }
    }

    /// Deploys until the seed has what every seed has.
    pub async fn fill(&self) {
        while self.is_thin() {
            let goes_badly = self.chance(400);
            match self.deploy(Vec::new(), goes_badly).await {
                Some(id) => self.see_end(&id).await,
                None => self.let_go_on().await,
            }
        }
    }

    /// Somebody was refused: perhaps because the environment had too many rollbacks.
    async fn let_go_on(&self) {
        if self.scenario.rollbacks_max.is_some() {
            let (name, reason) = (format!("{PROJECT}/{ENVIRONMENT}"), "simulated".into());
            let _ = self.ask(Command::ResetBreaker { name, reason }).await;
        }
        self.rest().await;
    }

    fn is_thin(&self) -> bool {
        let world = self.shared.world();
        world.watcher.deployments.len() < DEPLOYMENTS_MIN || world.polls < POLLS_MIN
    }

    /// Lets everything that waits for a person go on, for as long as something is open.
    pub async fn see_to_the_end(&self) {
        loop {
            let open: Vec<_> = self.shared.world().watcher.open.iter().cloned().collect();
            let reset = Command::ResetBreaker { name: "local".into(), reason: "simulated".into() };
            let _ = self.ask(reset).await;
            for deployment in open {
                let _ = self.ask(Command::Resume { deployment: deployment.clone() }).await;
                let _ = self.ask(Command::Advance { deployment }).await;
            }
            self.shared.sleep(AGAIN_MS).await;
        }
    }
}
