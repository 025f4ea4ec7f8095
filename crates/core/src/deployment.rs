//! Deployments: what was asked, how far it is, how it ended. Not here: what may follow what (`phase`), how it is
//! shown in numbers (`progress`).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    artifact::GitCommit,
    finding::Finding,
    id::{
        Actor, ArtifactDigest, DeploymentId, EnvironmentName, InstanceId, ProjectId, ReleaseId, ServiceName, SlotKey,
    },
    lease::Carrier,
    phase::{End, Phase},
    plan::{Plan, Step},
    slot::{Serving, Slot},
    spec::{InteractionSpec, Order},
    store::Guarded,
    strategy::{StrategyKind, StrategySpec},
    time::Timestamp,
};

/// One transition of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Which one.
    pub id: DeploymentId,
    /// Its name, unique in its environment: `staging-7`.
    pub name: String,
    /// Its number within the environment, from 1.
    pub number: u64,
    /// What was asked.
    pub request: Request,
    /// Who asked.
    pub actor: Actor,
    /// What ties its events together.
    pub correlation_id: String,
    /// The server that carries it.
    #[serde(default)]
    pub carrier: Carrier,
    /// How far it is.
    pub phase: Phase,
    /// The phase in which it failed or was ended.
    pub failed_in: Option<Phase>,
    /// Why it failed, in one word.
    pub cause: Option<Cause>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Where an unwinding ends.
    pub ending: Option<End>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When it must have ended.
    pub deadline_at: Option<Timestamp>,
    /// How far each service is.
    pub services: BTreeMap<ServiceName, ServiceState>,
    /// How traffic moves, once it is decided.
    pub strategy: Option<StrategySpec>,
    /// The order in which members are proven.
    #[serde(default)]
    pub order: Order,
    /// Checks of how services work together, as the spec declared them when it began.
    #[serde(default)]
    pub interactions: Vec<InteractionSpec>,
    /// The commit of the project's folder.
    pub git: Option<GitCommit>,
    /// What validation found.
    pub findings: Vec<Finding>,
    /// What failed first, and what failed while undoing.
    pub failures: Vec<FailureReport>,
    /// Where it starts, where it goes, and how.
    #[serde(with = "course_number")]
    pub course: Arc<Course>,
    /// How each step of the plans stands: forward, then back.
    pub steps: Vec<StepState>,
    /// Answers of checks.
    pub checks: Vec<CheckRecord>,
    /// What its switch did to requests.
    pub switch: SwitchNumbers,
    /// When each phase began.
    pub phases: Vec<PhaseRecord>,
    /// Whether a person holds it before its next step.
    pub paused: bool,
    /// Since when.
    pub paused_since: Option<Timestamp>,
    /// Manual canary steps that a person let pass, by step number.
    pub advanced: BTreeSet<usize>,
    /// Whether a person asked for its end.
    pub cancel: Option<Actor>,
    /// Services whose way back failed for good; the others went back without them.
    #[serde(default)]
    pub given_up: BTreeSet<ServiceName>,
    /// Steps of earlier ways back that were done and can't be observed: they are not done again.
    #[serde(default)]
    pub undone: Vec<Step>,
    /// Steps of the way back that a person chose to leave out.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// Why it stands still, when it is stuck.
    #[serde(default)]
    pub stuck: Option<Stuck>,
    /// Who declared a stuck deployment to be dealt with.
    #[serde(default)]
    pub resolved: Option<Resolved>,
    /// Automation doesn't deploy this combination again.
    pub quarantined: bool,
    /// The deployment that took this one back.
    pub rolled_back_by: Option<DeploymentId>,
    /// What every service of the environment served when it was complete.
    pub result: BTreeMap<ServiceName, Serving>,
}

/// Where a deployment starts, where it goes, and how. It is large and seldom changes, while the rest changes with every
/// step: so it is stored beside the deployment, under a number of its own, and shared in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// Raised by every change; what is stored under a number never changes. 0 is one that nothing was decided of.
    pub number: u64,
    /// The slots as they were.
    pub parents: Vec<Slot>,
    /// What the slots should serve; none empties one.
    pub goal: BTreeMap<ServiceName, Option<Serving>>,
    /// The plan that runs or ran.
    pub plan: Option<Plan>,
    /// The plan of the way back.
    pub unwind: Option<Plan>,
}

/// A deployment names its course; whoever reads the deployment from the store gets the course with it.
mod course_number {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Course;

    pub(super) fn serialize<S: Serializer>(course: &Arc<Course>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(course.number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Course>, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Ok(Arc::new(Course { number, ..Course::default() }))
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// What sort of transition.
    pub kind: Kind,
    /// The services; all of the spec when empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// A group of the spec instead of services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Services that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ServiceName>,
    /// Only services whose release would differ from the live one.
    #[serde(default)]
    pub changed: bool,
    /// The order in which they are proven; the group's, or side by side, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Where the code comes from.
    #[serde(default)]
    pub source: Source,
    /// The version that people call it by; the artifact's short digest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Versions of single services, above `version`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<ServiceName, String>,
    /// Stored artifacts of single services; the others come from the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<ServiceName, ArtifactDigest>,
    /// Deploy what is quarantined; it takes a reason.
    #[serde(default)]
    pub allow_quarantined: bool,
    /// The strategy for the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategySpec>,
    /// The topmost layer of configuration, in the shape of an environment: `variables`, `services`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// What to do when the same slots are being written.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// Anything that the caller wants to find again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Request {
    /// A request for a sort of transition, with nothing special.
    pub fn new(project: ProjectId, environment: EnvironmentName, kind: Kind) -> Self {
        Self {
            project,
            environment,
            kind,
            services: Vec::new(),
            group: None,
            exclude: Vec::new(),
            changed: false,
            order: None,
            source: Source::default(),
            version: None,
            versions: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            allow_quarantined: false,
            strategy: None,
            config: None,
            on_conflict: OnConflict::default(),
            metadata: BTreeMap::new(),
            reason: None,
            description: None,
        }
    }
}

/// Sorts of transitions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Kind {
    /// New releases.
    #[default]
    Deploy,
    /// Slots as they were.
    #[serde(rename_all = "camelCase")]
    Rollback {
        /// The deployment that is taken back: its slots return to what they were before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<DeploymentId>,
        /// The deployment whose state the environment returns to, when none is named to be taken back: the newest
        /// completed, not quarantined one whose state is not the live one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<DeploymentId>,
        /// Go back though a slot was written since.
        #[serde(default)]
        force: bool,
        /// Keep today's configuration, and take only the artifacts back.
        #[serde(default)]
        artifact_only: bool,
        /// Go back though a `contract` migration ran since: the old may not work with today's data.
        #[serde(default)]
        accept_contract: bool,
        /// Put data folders back too, each from the oldest copy that was taken since the state that it goes back to.
        #[serde(default)]
        with_data: bool,
        /// These copies, by service, once they were found.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        snapshots: BTreeMap<ServiceName, String>,
    },
    /// Other counts of instances.
    Scale {
        /// The counts.
        instances: BTreeMap<ServiceName, u32>,
    },
    /// Slots emptied.
    Decommission,
    /// The live releases on the data of a snapshot; instances stop while it is put back.
    RestoreData {
        /// The snapshots, by service.
        snapshots: BTreeMap<ServiceName, String>,
    },
}

impl Kind {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback { .. } => "rollback",
            Self::Scale { .. } => "scale",
            Self::Decommission => "decommission",
            Self::RestoreData { .. } => "restore-data",
        }
    }
}

/// Where the code comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The project's own folder, as it was registered.
    #[default]
    Project,
    /// A folder on the server's machine; only for the owner of the data folder.
    Path(PathBuf),
    /// Artifacts that are stored already, by service.
    Artifact(BTreeMap<ServiceName, ArtifactDigest>),
    /// A project folder that was uploaded, by the upload's id.
    Upload(String),
}

/// What to do when the same slots are being written by another deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Wait for it to end.
    #[default]
    Queue,
    /// Refuse the request.
    Refuse,
    /// Cancel the other one first.
    Supersede,
}

/// Why a deployment failed, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The release: its build, its health, its checks, its numbers.
    Release,
    /// Shipway or the machine.
    Machinery,
    /// Somebody ended it.
    Person,
}

/// What a deployment waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// What for, in words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The deployments that it waits for.
    #[serde(default)]
    pub on: Vec<DeploymentId>,
}

/// How far one service of a deployment is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceState {
    /// The version that comes.
    pub version: Option<String>,
    /// The artifact, once it is made.
    pub artifact: Option<ArtifactDigest>,
    /// The release, once it is made.
    pub release: Option<ReleaseId>,
    /// The release before.
    pub previous: Option<ReleaseId>,
    /// The commit of its source.
    pub git: Option<GitCommit>,
    /// Whether the artifact was found and not built.
    pub cached: bool,
    /// How long the build took.
    pub build_ms: Option<u64>,
    /// Whether the release is live.
    pub live: bool,
    /// Whether the deployment leaves the service as it is.
    pub unchanged: bool,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    /// When.
    pub at: Timestamp,
    /// In which phase.
    pub phase: Phase,
    /// The step, in words.
    pub step: String,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// What is wrong, in one line.
    pub message: String,
    /// The check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// The last lines of the log that tells more.
    #[serde(default)]
    pub log_tail: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether another try may go well: then it is tried again before it counts.
    #[serde(default)]
    pub may_pass: bool,
    /// Whose fault it is.
    pub cause: Cause,
}

/// How one step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepState {
    /// Whether it belongs to the way back.
    pub back: bool,
    /// Its number in its plan.
    pub number: usize,
    /// How it stands.
    pub status: StepStatus,
    /// When it first began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How often it was begun.
    pub attempts: u32,
    /// How long a person held the deployment while it ran, in milliseconds: a watch lasts so much longer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_ms: u64,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it is tried again after a failure that may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl StepState {
    /// A step that was not begun.
    pub fn waiting(back: bool, number: usize) -> Self {
        Self {
            back,
            number,
            status: StepStatus::Waiting,
            started_at: None,
            ended_at: None,
            attempts: 0,
            held_ms: 0,
            note: None,
            next_at: None,
        }
    }
}

/// A step of the way back that a person chose to leave out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// What is not done.
    pub step: Step,
    /// Who chose so.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Who declared a stuck deployment to be dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// Who.
    pub by: String,
    /// How it was dealt with.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Why a deployment stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stuck {
    /// An undo failed for good.
    UndoFailed,
    /// Going back took longer than it may.
    RollbackTooLong,
    /// A `contract` migration ran, or may have run: the old may not work with the data any more.
    Contract,
    /// The spec says `on_failure = "stop"`.
    OnFailureStop,
    /// Its plan was made in a form that this version doesn't know.
    UnknownPlan,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It was not begun.
    Waiting,
    /// It was begun; whether it ran is known only when it has ended.
    Running,
    /// It ended well.
    Done,
    /// It failed.
    Failed,
    /// A person chose to leave it out.
    Skipped,
}

/// The answer of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckRecord {
    /// When.
    pub at: Timestamp,
    /// In which phase.
    pub phase: Phase,
    /// The service.
    pub service: ServiceName,
    /// The check's name.
    pub name: String,
    /// Whom it asked.
    pub through: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// How long it took.
    pub took_ms: u64,
}

/// What a deployment's switch did to requests, as the data plane counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchNumbers {
    /// Requests to its services from the first change of traffic until the end.
    pub requests: u64,
    /// Of these: refused, reset, cut, timed out, or answered by the proxy itself.
    pub failed: u64,
    /// How long going back took, from the decision until the old had all traffic, when it went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_ms: Option<u64>,
    /// The data plane's counts when traffic began to move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<SwitchBaseline>,
}

/// Counts of the data plane at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchBaseline {
    /// The data plane's boot; another one counts from 0.
    pub boot: String,
    /// Requests to the deployment's services.
    pub requests: u64,
    /// Of these: failed.
    pub failed: u64,
    /// Requests that sudden deaths of the data plane cut off.
    pub lost_in_flight: u64,
}

/// When a phase began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhaseRecord {
    /// Which one.
    pub phase: Phase,
    /// When.
    pub at: Timestamp,
}

impl Deployment {
    /// A deployment that was just asked for.
    pub fn new(
        id: DeploymentId,
        number: u64,
        request: Request,
        actor: Actor,
        correlation_id: String,
        at: Timestamp,
    ) -> Self {
        Self {
            name: format!("{}-{number}", request.environment),
            id,
            number,
            request,
            actor,
            correlation_id,
            carrier: Carrier::default(),
            phase: Phase::Queued,
            failed_in: None,
            cause: None,
            waiting: None,
            ending: None,
            created_at: at,
            started_at: None,
            updated_at: at,
            completed_at: None,
            deadline_at: None,
            services: BTreeMap::new(),
            strategy: None,
            order: Order::default(),
            interactions: Vec::new(),
            git: None,
            findings: Vec::new(),
            failures: Vec::new(),
            course: Arc::default(),
            steps: Vec::new(),
            checks: Vec::new(),
            switch: SwitchNumbers::default(),
            phases: vec![PhaseRecord { phase: Phase::Queued, at }],
            paused: false,
            paused_since: None,
            advanced: BTreeSet::new(),
            cancel: None,
            given_up: BTreeSet::new(),
            undone: Vec::new(),
            skipped: Vec::new(),
            stuck: None,
            resolved: None,
            quarantined: false,
            rolled_back_by: None,
            result: BTreeMap::new(),
        }
    }

    /// Whether promotion had begun: a step that moves traffic ran or may have run.
    pub fn promotion_began(&self) -> bool {
        let Some(plan) = &self.course.plan else { return false };
        self.steps
            .iter()
            .filter(|state| !state.back && state.status != StepStatus::Waiting)
            .any(|state| plan.steps.get(state.number).is_some_and(|planned| planned.phase >= Phase::Promoting))
    }

    /// Holds it, or lets it go on; the time that it was held is added to the steps under way.
    pub fn hold(&mut self, paused: bool, now: Timestamp) {
        if let Some(since) = self.paused_since.take() {
            for state in self.steps.iter_mut().filter(|state| state.status == StepStatus::Running) {
                let from = state.started_at.unwrap_or(since).max(since);
                state.held_ms += now.since_ms(from);
            }
        }
        self.paused = paused;
        self.paused_since = paused.then_some(now);
    }

    /// The state of a step.
    pub fn step_mut(&mut self, back: bool, number: usize) -> Option<&mut StepState> {
        self.steps.iter_mut().find(|state| state.back == back && state.number == number)
    }

    /// The course, to be changed.
    pub fn course_mut(&mut self) -> &mut Course {
        Arc::make_mut(&mut self.course)
    }

    /// By which right its carrier writes: a commit that names it is refused once another server carries it.
    pub fn right(&self) -> (Guarded, u64) {
        (Guarded::Carrier(self.id.clone()), self.carrier.token)
    }

    /// The slots that it writes, once it is known what they should serve.
    pub fn slot_keys(&self) -> BTreeSet<SlotKey> {
        let key = |service: &ServiceName| SlotKey {
            project: self.request.project.clone(),
            environment: self.request.environment.clone(),
            service: service.clone(),
        };
        self.course.goal.keys().map(key).collect()
    }

    /// The strategy's name, once it is decided.
    pub fn strategy_kind(&self) -> Option<StrategyKind> {
        self.strategy.as_ref().map(StrategySpec::kind)
    }

    /// The names of its services.
    pub fn service_names(&self) -> Vec<ServiceName> {
        self.services.keys().cloned().collect()
    }
}
