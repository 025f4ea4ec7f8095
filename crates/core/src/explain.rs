//! What a deployment has to say for itself: why it failed, or why it waits. Pure: from what is recorded, and from what
//! was read of the world around it, to one report for whoever looks at it at night.
//!
//! Not here: reading any of it (`engine::explain`), and how it looks in a terminal (`app`).

mod cause;
mod changes;
mod leftover;
mod next;
mod standing;
#[cfg(test)]
mod tests;
mod undone;
mod waiting;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    breaker::{Breaker, Rollbacks},
    deployment::{Deployment, FailureReport, StepStatus},
    finding::Finding,
    gate::GateKind,
    id::{DeploymentId, EnvironmentName, InstanceId, ProjectId, ReleaseId, ServiceName},
    lease::{Leases, Server},
    phase::Phase,
    ports::Answer,
    project::EnvironmentLayer,
    release::Release,
    risk::Risk,
    slot::Slot,
    time::Timestamp,
};

/// Differences that a report names at most; it says how many more there are.
pub const CHANGES_MAX: usize = 60;
/// Later failures that a report holds at most: the newest.
pub const FOLLOWED_MAX: usize = 12;

/// What is known of a deployment and of the world around it.
pub struct Facts<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// The world around it.
    pub around: &'a Around,
    /// The time.
    pub now: Timestamp,
}

/// What was read of the world around a deployment. What could not be read is absent, and named in `notes`.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The releases that the deployment and its slots name.
    pub releases: BTreeMap<ReleaseId, Release>,
    /// The slots of its environment as they are.
    pub slots: Vec<Slot>,
    /// What was set for its environment through the API.
    pub layer: Option<EnvironmentLayer>,
    /// The names of deployments by id: those that made what was live before, and those that it waits for.
    pub names: BTreeMap<DeploymentId, String>,
    /// The leases of its environment.
    pub leases: Option<Leases>,
    /// What the deployments that it waits for are doing, by id.
    pub others: BTreeMap<DeploymentId, Other>,
    /// The servers that are there.
    pub servers: Vec<Server>,
    /// The breakers of targets.
    pub breakers: Vec<Breaker>,
    /// The automatic rollbacks of its environment.
    pub rollbacks: Option<Rollbacks>,
    /// What instances answered just now, by id.
    pub seen: BTreeMap<InstanceId, Seen>,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// A deployment that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// How far it is.
    pub phase: Phase,
    /// What it waits for itself.
    pub reason: Option<String>,
    /// The server that carries it.
    pub server: String,
}

/// What was seen of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Whether it lives, in words.
    pub life: String,
    /// What its probe was answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The last lines of its log.
    #[serde(default)]
    pub log_tail: Vec<String>,
}

/// Why a deployment failed, or why it waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: ProjectId,
    /// Its environment.
    pub environment: EnvironmentName,
    /// How far it was when this was written.
    pub phase: Phase,
    /// When this was written.
    pub at: Timestamp,
    /// All of it in one sentence.
    pub headline: String,
    /// What failed first: step, instance, check, expected, got, the end of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_cause: Option<FailureReport>,
    /// What failed after that, the oldest first.
    pub followed: Vec<FailureReport>,
    /// What validation found that blocks.
    pub findings: Vec<Finding>,
    /// What it waits for, when it goes on by itself or by a person.
    pub waiting: Vec<Wait>,
    /// The state that the changes are told against, by service.
    pub last_good: Vec<LastGood>,
    /// What differs from that.
    pub changed: Vec<Change>,
    /// How many differences more there are.
    pub changed_more: usize,
    /// What its plan notes of its way: who reads the change as a reload, who starts anew and why, whose requests are held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<String>,
    /// What was undone; absent when nothing had to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// What each service serves now.
    pub serving: Vec<Serves>,
    /// What was not taken back, or can't be.
    pub left: Vec<String>,
    /// What to do next, the likeliest first.
    pub next: Vec<NextStep>,
    /// What could not be read when this was written.
    pub notes: Vec<String>,
}

/// What a service served before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastGood {
    /// The service.
    pub service: ServiceName,
    /// The release; none when nothing was live.
    pub release: Option<ReleaseId>,
    /// Its version.
    pub version: Option<String>,
    /// The deployment that made it, by its name where that is known, and how that one ended when it was not well.
    pub by: Option<String>,
}

/// What sort of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeSort {
    /// What runs.
    Code,
    /// How it runs.
    Configuration,
    /// What it stands on.
    Dependencies,
    /// Where it runs.
    Environment,
}

/// One difference between the last good state and what was deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What sort of difference.
    pub sort: ChangeSort,
    /// The service; none when it is of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// What differs; for configuration its dotted path.
    pub what: String,
    /// What it was; absent when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it became; absent when it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// What was done to undo it, summed up.
    pub what: Vec<String>,
    /// Milliseconds from the decision until the old had all traffic; absent when no traffic had moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_back_ms: Option<u64>,
    /// Milliseconds that all of it took, or takes until now.
    pub took_ms: u64,
    /// Steps of the way back that are not done.
    pub open: Vec<OpenStep>,
    /// Services whose way back was given up; the others went back without them.
    pub given_up: Vec<ServiceName>,
}

/// A step of the way back that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenStep {
    /// Its number in the way back.
    pub number: usize,
    /// The step, in words.
    pub step: String,
    /// The service; none when it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// How it stands.
    pub status: StepStatus,
    /// How often it was begun.
    pub attempts: u32,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Which release a service serves, seen from a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// What it served before the deployment.
    Old,
    /// What the deployment brings.
    New,
    /// Neither: somebody else wrote since.
    Other,
    /// None.
    Nothing,
}

/// What a service serves now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Serves {
    /// The service.
    pub service: ServiceName,
    /// Which release that is, seen from the deployment.
    pub is: Standing,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What comes beside it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// Whether the proxy holds its requests.
    pub held: bool,
}

/// Something to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// What for.
    pub words: String,
    /// What to type; capitals stand for what only a person knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// One thing that a deployment waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "on")]
pub enum Wait {
    /// Another deployment has its slots, or asked for them before.
    Lease {
        /// The services that both want.
        services: Vec<ServiceName>,
        /// The other deployment.
        holder: DeploymentId,
        /// Its name, where it is known.
        name: Option<String>,
        /// Whether it has them; else it only comes first.
        holds: bool,
        /// Since when it has them, or waits.
        since: Option<Timestamp>,
        /// The lease's token.
        token: Option<u64>,
        /// How far it is.
        phase: Option<Phase>,
        /// What it waits for itself.
        reason: Option<String>,
        /// The server that carries it.
        server: Option<String>,
        /// When that server is taken for dead unless it says again that it is there; absent when it is not there.
        expires_at: Option<Timestamp>,
    },
    /// The server that should carry it is not there; another takes over.
    Server {
        /// The server.
        server: String,
        /// Until when it was believed to be there.
        expired_at: Option<Timestamp>,
    },
    /// A person paused it.
    Paused {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// What its environment serves soaks, to go on to the next one.
    Soak {
        /// What soaks, for which environment, and until when, in words.
        reason: String,
        /// Since when it is waited for.
        since: Option<Timestamp>,
    },
    /// A person asked for its end; what runs comes to a stop first.
    Ending {
        /// Who.
        by: String,
    },
    /// Releases are being made.
    Making {
        /// The phase.
        phase: Phase,
        /// Services whose release is not made yet.
        services: Vec<ServiceName>,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// An instance is not healthy yet.
    Health {
        /// The service.
        service: Option<ServiceName>,
        /// The instance.
        instance: InstanceId,
        /// Since when it is waited for.
        since: Option<Timestamp>,
        /// What was seen of it just now.
        seen: Option<Seen>,
    },
    /// A canary step or the bake: the share stays until its time is over and there were enough requests.
    Sample {
        /// The share of the clients that meets the new.
        percent: u8,
        /// The services that are watched.
        services: Vec<ServiceName>,
        /// Since when.
        since: Option<Timestamp>,
        /// Milliseconds until the step's time is over.
        left_ms: u64,
        /// The fewest requests that it takes, by service.
        min_requests: BTreeMap<ServiceName, u64>,
        /// What it still lacks, in words.
        reason: Option<String>,
    },
    /// A gate is shut.
    Gate {
        /// Which one.
        gate: GateKind,
        /// Why.
        why: String,
        /// Since when it waits.
        since: Option<Timestamp>,
        /// When the gate opens by itself.
        until: Option<Timestamp>,
        /// Who can open it, and how.
        who: String,
        /// What the plan's assessment says, where people have to say yes.
        risk: Option<Risk>,
    },
    /// A canary step that a person ends.
    Person {
        /// The share of the clients that meets the new.
        percent: u8,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// A step failed and is tried again.
    Retry {
        /// The step, in words.
        step: String,
        /// The service.
        service: Option<ServiceName>,
        /// How often it was begun.
        attempts: u32,
        /// When the next attempt is.
        next_at: Timestamp,
        /// What the last attempt said.
        why: Option<String>,
    },
    /// A target failed too often, and nothing is begun there for now.
    Breaker {
        /// The breaker's name.
        name: String,
        /// Until when.
        until: Timestamp,
        /// The last failure.
        last: Option<String>,
    },
    /// A step of one service needs a step of another.
    Dependency {
        /// The service that waits.
        service: ServiceName,
        /// Its step.
        step: String,
        /// The service that it waits for.
        needs: ServiceName,
        /// The step that is not done.
        needs_step: String,
    },
    /// A step that is under way.
    Step {
        /// The step, in words.
        step: String,
        /// The service.
        service: Option<ServiceName>,
        /// Since when.
        since: Option<Timestamp>,
    },
}

/// Explains a deployment.
pub fn explain(facts: &Facts<'_>) -> Explanation {
    let deployment = facts.deployment;
    let waiting = waiting::waiting(facts);
    let (changed, changed_more) = changes::changed(facts);
    let first_cause = cause::first(deployment);
    let shows_world = deployment.phase != Phase::Completed && first_cause.is_some();
    Explanation {
        deployment: deployment.id.clone(),
        name: deployment.name.clone(),
        project: deployment.request.project.clone(),
        environment: deployment.request.environment.clone(),
        phase: deployment.phase,
        at: facts.now,
        headline: cause::headline(deployment, &waiting),
        followed: cause::followed(deployment),
        findings: cause::blocking(deployment),
        last_good: changes::last_good(facts),
        changed,
        changed_more,
        planned: deployment.course.plan.as_ref().map(|plan| plan.notes.clone()).unwrap_or_default(),
        undone: undone::undone(facts),
        serving: if shows_world || !waiting.is_empty() { standing::serving(facts) } else { Vec::new() },
        left: if shows_world { leftover::left(facts) } else { Vec::new() },
        next: next::next(facts, &waiting),
        notes: facts.around.notes.clone(),
        first_cause,
        waiting,
    }
}

impl Facts<'_> {
    fn release(&self, id: &ReleaseId) -> Option<&Release> {
        self.around.releases.get(id)
    }

    fn version(&self, id: &ReleaseId) -> String {
        self.release(id).map_or_else(|| id.short().to_owned(), |release| release.version.clone())
    }

    /// A service's slot as it was before the deployment: as the plan found it, else as it is.
    fn parent(&self, service: &ServiceName) -> Option<&Slot> {
        let of = |slots: &'_ [Slot]| slots.iter().position(|slot| slot.key.service == *service);
        match of(&self.deployment.course.parents) {
            Some(at) => self.deployment.course.parents.get(at),
            None => of(&self.around.slots).and_then(|at| self.around.slots.get(at)),
        }
    }

    /// The release that a service should serve, as far as it is made.
    fn coming(&self, service: &ServiceName) -> Option<&ReleaseId> {
        match self.deployment.course.goal.get(service) {
            Some(serving) => serving.as_ref().map(|serving| &serving.release),
            None => self.deployment.services.get(service)?.release.as_ref(),
        }
    }
}

/// Names in a row: `api`, `api and web`, `api, mail and web`.
fn listed<'a>(names: impl IntoIterator<Item = &'a ServiceName>) -> String {
    let names: Vec<_> = names.into_iter().map(ServiceName::as_str).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// `1 instance`, `2 instances`.
fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
