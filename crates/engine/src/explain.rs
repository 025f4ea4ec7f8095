//! Reads what it takes to explain a deployment. An end that is not a good one is explained and stored with it; anything
//! else is explained as things are when somebody asks.
//!
//! What can't be read is noted, and never stands in the way: neither of an answer, nor of a deployment's end. Not here:
//! what is said (`core::explain`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join_all;
use shipway_core::{
    breaker::Rollbacks,
    deployment::{Deployment, StepStatus},
    explain::{Around, Explanation, Facts, Other, Seen, explain},
    id::{DeploymentId, InstanceId, ReleaseId},
    phase::Phase,
    plan::Step,
    ports::{Answer, Fault, Life},
    release::Release,
    slot::Slot,
    spec::{Ask, Probe},
    store::Stored,
};

use crate::{Engine, deploy};

/// Deployments whose names are looked up.
const NAMES_MAX: usize = 8;
/// Instances that are looked at.
const SEEN_MAX: usize = 8;
/// How long a probe may take when somebody only asks.
const PROBE_MS_MAX: u64 = 1000;
/// Lines of an instance's log that are read when somebody asks.
const LOG_TAIL_LINES: usize = 10;

impl Engine {
    /// Why a deployment failed, as it was stored with its end; or why it waits, as things are now.
    ///
    /// # Errors
    /// There is no such deployment, or the store can't be read.
    pub async fn explain(&self, id_or_name: &str) -> Result<Explanation, Fault> {
        let deployment = self.find_deployment(id_or_name).await?;
        if let Some(stored) = self.explained(&deployment).await {
            return Ok(stored);
        }
        let around = around_now(self, &deployment).await;
        Ok(explain(&Facts { deployment: &deployment, around: &around, now: self.ports.clock.now() }))
    }

    /// What was stored with its end. One that can't be read, or is of an earlier end, is made again.
    async fn explained(&self, deployment: &Deployment) -> Option<Explanation> {
        if !deployment.phase.is_end() || deployment.phase == Phase::Completed {
            return None;
        }
        let stored: Option<Explanation> = self.ports.store.find(deployment.id.as_str()).await.ok().flatten();
        stored.filter(|stored| stored.phase == deployment.phase)
    }
}

/// What is noted at a deployment's end.
pub(crate) async fn around_end(engine: &Engine, deployment: &Deployment) -> Around {
    let mut reader = Reader { engine, around: Around::default() };
    reader.standing(deployment).await;
    reader.around
}

/// What is looked at when somebody asks.
async fn around_now(engine: &Engine, deployment: &Deployment) -> Around {
    let mut reader = Reader { engine, around: Around::default() };
    reader.standing(deployment).await;
    if !deployment.phase.is_end() {
        reader.holders(deployment).await;
        reader.instances(deployment).await;
    }
    reader.around
}

/// Reads, and notes what can't be read.
struct Reader<'a> {
    engine: &'a Engine,
    around: Around,
}

impl Reader<'_> {
    fn or_note<T: Default>(&mut self, what: &str, read: Result<T, Fault>) -> T {
        read.unwrap_or_else(|fault| {
            self.around.notes.push(format!("{what} could not be read: {}", fault.message));
            T::default()
        })
    }

    async fn find<T: Stored>(&mut self, what: &str, key: &str) -> Option<T> {
        let read = self.engine.ports.store.find(key).await;
        self.or_note(what, read)
    }

    async fn below<T: Stored>(&mut self, what: &str, scope: &str) -> Vec<T> {
        let read = self.engine.ports.store.below(scope).await;
        self.or_note(what, read)
    }

    /// What stands: slots, releases, settings, and who brought what was live before.
    async fn standing(&mut self, deployment: &Deployment) {
        let (project, environment) = (&deployment.request.project, &deployment.request.environment);
        let scope = format!("{project}/{environment}");
        self.around.slots = self.below("the slots", &scope).await;
        self.around.layer = self.find("the settings", &scope).await;
        let rollbacks = Rollbacks::none(project.clone(), environment.clone()).name();
        self.around.rollbacks = self.find("the automatic rollbacks", &rollbacks).await;
        self.releases(deployment).await;
        let before = if deployment.course.parents.is_empty() { &self.around.slots } else { &deployment.course.parents };
        let live = before.iter().filter_map(|slot| self.around.releases.get(&slot.live.as_ref()?.release));
        let makers: BTreeSet<_> = live.map(|release| release.made_by.clone()).collect();
        for maker in makers.into_iter().take(NAMES_MAX) {
            if let Some(made) = self.deployment(&maker).await {
                let good = made.phase == Phase::Completed || !made.phase.is_end();
                let name = if good { made.name.clone() } else { format!("{}, {}", made.name, made.phase) };
                self.around.names.insert(maker, name);
            }
        }
    }

    async fn releases(&mut self, deployment: &Deployment) {
        let goal = deployment.course.goal.values().flatten().map(|serving| &serving.release);
        let made = deployment.services.values().filter_map(|state| state.release.as_ref());
        let slots = deployment.course.parents.iter().chain(&self.around.slots).flat_map(Slot::releases);
        let ids: BTreeSet<ReleaseId> = goal.chain(made).chain(slots).cloned().collect();
        for id in ids {
            let read = self.engine.release(&id).await.map(|release| Some((*release).clone()));
            if let Some(release) = self.or_note(&format!("release {}", id.short()), read) {
                self.around.releases.insert(id, release);
            }
        }
    }

    /// A deployment as this server has it, else as it is stored.
    async fn deployment(&mut self, id: &DeploymentId) -> Option<Arc<Deployment>> {
        let running = self.engine.active().get(id).cloned();
        match running {
            Some(running) => Some(running.read().await),
            None => {
                let read = self.engine.ports.store.deployment(id.as_str()).await;
                self.or_note(&format!("deployment {id}"), read)
            }
        }
    }

    /// Who has what it waits for.
    async fn holders(&mut self, deployment: &Deployment) {
        let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
        self.around.leases = self.find("the leases", &scope).await;
        self.around.servers = self.below("the servers", "").await;
        self.around.breakers = self.below("the breakers", "").await;
        let on: Vec<_> = deployment.waiting.iter().flat_map(|waiting| waiting.on.clone()).take(NAMES_MAX).collect();
        for id in on {
            let Some(other) = self.deployment(&id).await else { continue };
            let paused = other.paused.then(|| "a person paused it".to_owned());
            let reason = paused.or_else(|| other.waiting.as_ref().map(|waiting| waiting.reason.clone()));
            let (phase, server) = (other.phase, other.carrier.server.clone());
            self.around.names.insert(id.clone(), other.name.clone());
            self.around.others.insert(id, Other { phase, reason, server });
        }
    }

    /// The instances that are being proven, as they answer now.
    async fn instances(&mut self, deployment: &Deployment) {
        let proven: Vec<_> = being_proven(deployment).into_iter().take(SEEN_MAX).collect();
        let (engine, releases) = (self.engine, &self.around.releases);
        let looks = proven.into_iter().map(|(id, release)| async move {
            let seen = look(engine, releases.get(&release), &id).await;
            (id, seen)
        });
        let seen: BTreeMap<InstanceId, Seen> = join_all(looks).await.into_iter().collect();
        self.around.seen = seen;
    }
}

fn being_proven(deployment: &Deployment) -> Vec<(InstanceId, ReleaseId)> {
    let back = deployment.phase == Phase::RollingBack;
    let plan = if back { &deployment.course.unwind } else { &deployment.course.plan };
    let running = deployment.steps.iter().filter(|state| state.back == back && state.status == StepStatus::Running);
    let steps = running.filter_map(|state| plan.as_ref()?.steps.get(state.number));
    let proven = steps.filter_map(|planned| match &planned.step {
        Step::Prove { release, instance } | Step::Reload { release, instance } => {
            Some((instance.clone(), release.clone()))
        }
        _ => None,
    });
    proven.collect()
}

async fn look(engine: &Engine, release: Option<&Release>, id: &InstanceId) -> Seen {
    let (life, answer) = match engine.ports.driver.observe(id).await {
        Ok(Life::Running { address, pid, .. }) => {
            let answer = match release {
                Some(release) => probe(engine, release, id, address).await,
                None => None,
            };
            (format!("runs as process {pid} at {address}"), answer)
        }
        Ok(Life::Exited { signal: Some(signal), .. }) => (format!("was ended by signal {signal}"), None),
        Ok(Life::Exited { status: Some(status), .. }) => (format!("exited with status {status}"), None),
        Ok(Life::Exited { .. }) => ("has ended".to_owned(), None),
        Ok(Life::Absent) => ("is not there".to_owned(), None),
        Err(fault) => (format!("can't be seen: {}", fault.message), None),
    };
    let log_tail = engine.ports.driver.log_tail(id, LOG_TAIL_LINES).await.unwrap_or_default();
    Seen { life, answer, log_tail }
}

/// Asks what its start-up is asked. A command is not run for somebody who only asks.
async fn probe(engine: &Engine, release: &Release, id: &InstanceId, address: std::net::SocketAddr) -> Option<Answer> {
    let health = &release.serve.health;
    let probe = health.startup.as_ref().or(health.readiness.as_ref());
    let ask = probe.map_or_else(|| Ask { tcp: Some(true), ..Ask::default() }, |probe| probe.ask.clone());
    if ask.command.is_some() {
        return None;
    }
    let timeout_ms = probe.map_or(PROBE_MS_MAX, |probe| probe.timeout_ms.min(PROBE_MS_MAX));
    let probe = Probe { ask, timeout_ms, interval_ms: timeout_ms, failure_threshold: 1, success_threshold: 1 };
    Some(deploy::ask(engine, release, id, &probe, address).await)
}
