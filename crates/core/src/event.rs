//! What happened, in order. Events are written in the transaction that makes them true.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName},
    phase::Phase,
    time::Timestamp,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its place in the order of all events, from 1, without holes.
    pub seq: u64,
    /// Its id: the place as text, unique in this data folder.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What about.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened, before it has a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventBody {
    /// What sort of thing.
    pub kind: EventKind,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// The phase of the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whether it is good news.
    pub status: EventStatus,
    /// The services that it is about.
    pub services: Vec<ServiceName>,
    /// The part of Shipway that says so.
    pub source: String,
    /// What ties the events of one request together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// One line for people.
    pub message: String,
    /// More, by kind.
    #[serde(default)]
    pub details: serde_json::Value,
}

/// Whether an event is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// Something began or goes on.
    Running,
    /// Something went well.
    Ok,
    /// Something needs eyes.
    Warning,
    /// Something failed.
    Failed,
}

/// What sort of thing happened. The first twelve are named by the domain model; the others are Shipway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// A deployment began.
    DeploymentStarted,
    /// A phase ended well.
    PhaseCompleted,
    /// A service's new release takes all of its traffic.
    ServiceActivated,
    /// Nothing that was checked blocks.
    ValidationPassed,
    /// Something blocks.
    ValidationFailed,
    /// A declared resource exists.
    ResourceProvisioned,
    /// A scan has ended.
    SecurityScanCompleted,
    /// All tests before promotion passed.
    TestingCompleted,
    /// A deployment is complete.
    DeploymentSucceeded,
    /// A deployment failed.
    DeploymentFailed,
    /// Going back began.
    RollbackInitiated,
    /// Going back is done.
    RollbackCompleted,
    /// A deployment was asked for.
    DeploymentQueued,
    /// A phase began.
    PhaseStarted,
    /// A plan was recorded.
    PlanRecorded,
    /// A plan was drawn, and waits before the gates.
    PlanProposed,
    /// Somebody said yes to it.
    DeploymentApproved,
    /// Somebody said no to it.
    DeploymentRejected,
    /// Somebody opened every gate at once.
    GlassBroken,
    /// The data folders of a service take more than it declares.
    DiskOver,
    /// An artifact was built, or found.
    ArtifactReady,
    /// A release was made, or found.
    ReleaseReady,
    /// A step began.
    StepStarted,
    /// A step ended well.
    StepCompleted,
    /// A step failed.
    StepFailed,
    /// A step is tried again.
    StepRetried,
    /// A deployment waits for something.
    DeploymentWaiting,
    /// It waits no more.
    DeploymentResumed,
    /// A person stopped it from going on.
    DeploymentPaused,
    /// A person ended it.
    DeploymentCancelled,
    /// It needs a person.
    DeploymentStuck,
    /// A person left a step of the way back out.
    StepSkipped,
    /// A person declared it to be dealt with.
    DeploymentResolved,
    /// A change of data ran.
    MigrationRan,
    /// Data folders were copied.
    SnapshotTaken,
    /// A target failed too often: nothing is begun there for now.
    BreakerOpened,
    /// A target is used again.
    BreakerClosed,
    /// An environment had too many automatic rollbacks: it takes nothing but rollbacks until a person has looked.
    DeploymentsStopped,
    /// It takes deployments again.
    DeploymentsAllowed,
    /// A release, or a combination of releases, is not deployed again by itself.
    Quarantined,
    /// The server started again and took it up.
    DeploymentRecovered,
    /// An instance that died was replaced.
    InstanceReplaced,
    /// An instance takes requests again.
    InstanceReady,
    /// An instance takes no requests for now.
    InstanceUnready,
    /// An instance that nobody wants was stopped.
    InstanceStopped,
    /// What runs is not what its release says.
    DriftFound,
    /// It is again.
    DriftRepaired,
    /// It could not be put right.
    DriftRepairFailed,
    /// A warm set's time was over.
    WarmRetired,
    /// What an environment serves together was given a name.
    CombinationNamed,
    /// A promotion left out a stage, or the rest of a soak, for a reason.
    StageSkipped,
    /// A person keeps new releases from an environment, or from a service of it.
    Held,
    /// They may come again.
    Unheld,
    /// A schedule asked for a deployment, or left it out.
    ScheduleRan,
    /// A schedule was declared, paused, resumed or deleted.
    ScheduleChanged,
    /// A project was registered, or its spec changed.
    ProjectRegistered,
    /// An environment's layer changed.
    EnvironmentChanged,
    /// A feature flag was set or deleted.
    FlagChanged,
    /// A notification could not be delivered for good.
    NotificationFailed,
    /// The server started.
    ServerStarted,
    /// The store is older than what the data plane follows: a backup was put back.
    StoreRestored,
    /// A secret got a version, lost one, or went.
    SecretChanged,
    /// An instance was given another version of a secret than its release names, for that one was revoked.
    SecretSubstituted,
    /// Everything is sealed by another master key now.
    MasterKeyChanged,
    /// Deployments, logs or events were removed, for they were old.
    PastRemoved,
}

impl EventKind {
    /// The name on the wire.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => unreachable!("an event kind is written as a string"),
        }
    }
}

impl EventBody {
    /// An event with nothing but its kind and message.
    pub fn new(kind: EventKind, status: EventStatus, source: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            project: None,
            environment: None,
            deployment: None,
            phase: None,
            status,
            services: Vec::new(),
            source: source.into(),
            correlation_id: None,
            message: message.into(),
            details: serde_json::Value::Null,
        }
    }
}
