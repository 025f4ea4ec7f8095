//! Deployments: what was asked, how far it is, how it ended. Its parts have rooms of their own, named after what they
//! hold. Not here: what may follow what (`phase`), how it is shown in numbers (`progress`).

mod course;
mod failure;
mod gated;
mod measured;
mod request;
mod standstill;
mod step;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    course::Course,
    failure::{Cause, FailureReport},
    gated::{Gated, Proposal, Word},
    measured::{CheckRecord, SwitchBaseline, SwitchNumbers},
    request::{Kind, OnConflict, Request, ScheduledBy, Source},
    standstill::{Resolved, Skipped, Stuck, Waiting},
    step::{StepState, StepStatus},
};
use crate::{
    artifact::GitCommit,
    finding::Finding,
    id::{Actor, ArtifactDigest, DeploymentId, ReleaseId, ServiceName, SlotKey},
    lease::Carrier,
    phase::{End, Phase},
    plan::Step,
    slot::Serving,
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
    /// How it stands before its gates.
    #[serde(default, skip_serializing_if = "Gated::is_empty")]
    pub gated: Gated,
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
    #[serde(with = "course::by_number")]
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
            gated: Gated::default(),
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
        if !plan.is_known() {
            return self.phases.iter().any(|record| (Phase::Promoting..=Phase::Cleaning).contains(&record.phase));
        }
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
