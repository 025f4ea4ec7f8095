//! What can be asked of the engine without changing anything.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    artifact::Provenance,
    deployment::{Deployment, Request},
    event::Event,
    finding::Finding,
    gate::Held,
    id::{Actor, EnvironmentName, InstanceId, ProjectId, ReleaseId, SlotKey},
    instance::Instance,
    phase::Phase,
    plan::Plan,
    ports::{Fault, HeldLimits, Life, LogPage, LogPosition, Logs, Traffic},
    project::{EnvironmentLayer, Project},
    release::Release,
    risk::Risk,
    route::RouteTable,
    slot::Slot,
    spec::EnvironmentPlan,
    store::Listing,
};

use crate::{
    Engine, Refusal,
    deploy::{self, Active, Fail},
    gates, make,
    submission::refuse_stranger,
    traffic,
};

/// A plan that was drawn and not run.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The deployment that it would be; it is not recorded.
    pub deployment: Deployment,
    /// The steps; none when something stands against it.
    pub plan: Option<Plan>,
    /// The slots as they are.
    pub before: Vec<Slot>,
    /// How much may go wrong.
    pub risk: Option<Risk>,
    /// The gates that would hold it now.
    pub held: Vec<Held>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The releases that the slots would serve.
    pub releases: BTreeMap<ReleaseId, Release>,
}

impl Engine {
    /// Makes everything that a request needs, plans, and stops there.
    ///
    /// # Errors
    /// The request is refused, or what comes before the plan failed; the message says which.
    pub async fn draw(self: &Arc<Self>, mut request: Request, actor: Actor) -> Result<Drawn, Refusal> {
        self.authorize_draw(&request, &actor).await?;
        refuse_stranger(&request, &actor)?;
        let project = self.known_project(&request.project).await?;
        self.complete_request(&mut request, &project).await?;
        let (clock, ids) = (&self.ports.clock, &self.ports.ids);
        let deployment = Deployment::new(ids.deployment(), 0, request, actor, ids.token(), clock.now());
        let builds = self.settings.folders.builds().join(deployment.id.as_str());
        let active = Active::unrecorded(deployment);
        let made = make::make(self, &active).await;
        self.ports.sources.remove(&builds).await?;
        let goal = match made {
            Ok(goal) => goal,
            Err(Fail::Halt(fault)) => return Err(Refusal::Fault(fault)),
            Err(Fail::Failed(failure)) => {
                let mut deployment = Arc::unwrap_or_clone(active.read().await);
                let findings = deployment.findings.clone();
                deployment.failures.push(*failure);
                let (plan, before, releases) = (None, Vec::new(), BTreeMap::new());
                return Ok(Drawn { deployment, plan, before, risk: None, held: Vec::new(), findings, releases });
            }
        };
        let deployment = active.read().await;
        let (plan, before) = deploy::draw(self, &deployment, &goal).await?;
        let look = gates::look_at(self, &deployment, (&plan, &before), &goal).await?;
        let (risk, held) = (Some(look.risk), look.held);
        let mut releases = BTreeMap::new();
        let old = before.iter().filter_map(|slot| slot.live.as_ref());
        for serving in goal.values().flatten().chain(old) {
            releases.insert(serving.release.clone(), (*self.release(&serving.release).await?).clone());
        }
        let findings = deployment.findings.clone();
        let deployment = Arc::unwrap_or_clone(deployment);
        Ok(Drawn { deployment, plan: Some(plan), before, risk, held, findings, releases })
    }

    /// All projects.
    ///
    /// # Errors
    /// The store can't be read; so with all queries.
    pub async fn projects(&self) -> Result<Vec<Project>, Fault> {
        self.ports.store.below("").await
    }

    /// One project.
    pub async fn project(&self, id: &ProjectId) -> Result<Project, Refusal> {
        self.known_project(id).await
    }

    /// A project with the text that its spec has now.
    pub async fn newest_spec(&self, id: &ProjectId) -> Result<Project, Refusal> {
        let project = self.known_project(id).await?;
        Ok(crate::spec::newest(self, &project).await?)
    }

    /// Deployments of a project, newest first.
    pub async fn deployments(
        &self,
        scope: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Arc<Deployment>>, Fault> {
        let listing = Listing { scope: scope.into(), before, newest_first: true, limit };
        self.ports.store.deployments(listing).await
    }

    /// The slots below a scope.
    pub async fn slots(&self, scope: &str) -> Result<Vec<Slot>, Fault> {
        self.ports.store.below(scope).await
    }

    /// The instances below a scope, with what is seen of each.
    pub async fn instances(&self, scope: &str) -> Result<Vec<(Instance, Life)>, Fault> {
        let instances: Vec<Instance> = self.ports.store.below(scope).await?;
        let mut seen = Vec::with_capacity(instances.len());
        for instance in instances {
            let life = self.ports.driver.observe(&instance.id).await?;
            seen.push((instance, life));
        }
        Ok(seen)
    }

    /// The releases below a scope, newest first.
    pub async fn releases(&self, scope: &str, limit: u32) -> Result<Vec<Release>, Fault> {
        let listing = Listing { scope: scope.into(), before: None, newest_first: true, limit };
        self.ports.store.all(listing).await
    }

    /// One release.
    pub async fn find_release(&self, id: &ReleaseId) -> Result<Arc<Release>, Fault> {
        self.release(id).await
    }

    /// An environment as the spec and its layers say now; none when they are wrong.
    pub async fn environment(&self, project: &Project, name: &EnvironmentName) -> Option<Arc<EnvironmentPlan>> {
        self.environment_plan(project, name).await
    }

    /// What was set for an environment through the API.
    pub async fn layer(&self, project: &ProjectId, name: &EnvironmentName) -> Result<Option<EnvironmentLayer>, Fault> {
        self.ports.store.find(&format!("{project}/{name}")).await
    }

    /// The route table as the slots say.
    pub async fn route_table(&self) -> Result<RouteTable, Fault> {
        traffic::derive_table(self).await
    }

    /// The data plane's numbers.
    pub async fn traffic(&self) -> Result<Traffic, Fault> {
        self.publisher.traffic().await
    }

    /// Where the data plane takes requests.
    pub fn proxy_address(&self) -> std::net::SocketAddr {
        self.ports.router.address()
    }

    /// Which limits the target holds.
    pub fn held_limits(&self) -> HeldLimits {
        self.ports.driver.held_limits()
    }

    /// Events after a place.
    pub async fn events(&self, after: u64, deployment: Option<&str>, limit: u32) -> Result<Vec<Event>, Fault> {
        self.ports.store.events(after, deployment, limit).await
    }

    /// The newest event's place.
    pub async fn last_event(&self) -> Result<u64, Fault> {
        self.ports.store.last_event().await
    }

    /// Ends when there is an event after a place.
    pub async fn wait_event(&self, after: u64) {
        self.ports.store.wait_event(after).await;
    }

    /// Lines of a log of a deployment: `build/SERVICE`, `hooks/SERVICE`.
    pub fn deployment_log(&self, id: &str, log: &str, from: LogPosition, lines_max: usize) -> Result<LogPage, Fault> {
        let logs: &dyn Logs = &*self.ports.logs;
        logs.read(&format!("deployments/{id}/{log}"), from, lines_max)
    }

    /// The slot that an instance is of; none when nobody knows it any more.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn slot_of(&self, id: &InstanceId) -> Result<Option<SlotKey>, Fault> {
        let known = self.ports.store.share::<Instance>(id.as_str()).await?;
        Ok(known.map(|instance| instance.slot.clone()))
    }

    /// Lines of an instance's output.
    pub async fn instance_log(&self, id: &InstanceId, from: LogPosition, lines_max: usize) -> Result<LogPage, Fault> {
        self.ports.driver.log(id, from, lines_max).await
    }

    /// The last lines of an instance's output.
    pub async fn instance_log_tail(&self, id: &InstanceId, lines_max: usize) -> Result<Vec<String>, Fault> {
        self.ports.driver.log_tail(id, lines_max).await
    }

    /// How long earlier deployments that completed took, newest first, in milliseconds.
    pub async fn past_durations_ms(&self, deployment: &Deployment) -> Result<Vec<u64>, Fault> {
        const SAMPLE_MAX: u32 = 7;
        let scope = format!("{}/{}", deployment.request.project, deployment.request.environment);
        let past = self.deployments(&scope, None, SAMPLE_MAX).await?;
        let done = past.into_iter().filter(|past| past.phase == Phase::Completed);
        let done = done.filter(|past| past.request.kind.name() == deployment.request.kind.name());
        Ok(done.filter_map(|past| Some(past.completed_at?.since_ms(past.started_at?))).collect())
    }

    /// Removes a folder below the data folder.
    pub async fn forget_folder(&self, folder: &std::path::Path) -> Result<(), Fault> {
        self.ports.sources.remove(folder).await
    }

    /// Where artifacts of a project came from, newest first.
    pub async fn builds(&self, scope: &str, limit: u32) -> Result<Vec<Provenance>, Fault> {
        let listing = Listing { scope: scope.into(), before: None, newest_first: true, limit };
        self.ports.store.all(listing).await
    }

    /// The answer that was given to a request with that key, if there was one.
    pub async fn remembered(&self, key: &str) -> Result<Option<Remembered>, Fault> {
        self.ports.store.find(key).await
    }

    /// Remembers the answer to a request.
    pub async fn remember(&self, answer: &Remembered) -> Result<(), Fault> {
        let commit = shipway_core::store::Commit::at(self.ports.clock.now()).put(answer);
        self.ports.store.commit(commit).await.map(|_| ())
    }
}

/// The answer to a request that carried an `Idempotency-Key`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Remembered {
    /// The key, with what it was sent to.
    pub key: String,
    /// The hash of the request's body: the same key with another body is an error.
    pub body_hash: String,
    /// The status of the answer.
    pub status: u16,
    /// The answer.
    pub answer: serde_json::Value,
    /// When, in milliseconds since 1970.
    pub at: shipway_core::time::Timestamp,
}

impl shipway_core::store::Stored for Remembered {
    const KIND: shipway_core::store::DocumentKind = shipway_core::store::DocumentKind::Idempotency;
    fn key(&self) -> String {
        self.key.clone()
    }
    fn scope(&self) -> String {
        String::new()
    }
    fn order(&self) -> i64 {
        self.at.0
    }
}
