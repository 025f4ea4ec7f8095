//! Every way to change anything. Whoever asks, by whatever way, sends one of these with an actor.

mod meaning;

use serde::{Deserialize, Serialize};

pub use self::meaning::{About, Meaning};
use crate::{
    access::TokenRequest,
    deployment::Request,
    flag::FlagValue,
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName},
    promotion::Wish,
    schedule::Missed,
    secret::SecretCommand,
};

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Make a transition of an environment.
    Deploy(Box<Request>),
    /// End a deployment, and undo what it did.
    Cancel {
        /// Which one.
        deployment: DeploymentId,
        /// Why.
        reason: Option<String>,
    },
    /// Keep a deployment from going on.
    Pause {
        /// Which one.
        deployment: DeploymentId,
    },
    /// Let it go on.
    Resume {
        /// Which one.
        deployment: DeploymentId,
    },
    /// End the canary step that it stands at.
    Advance {
        /// Which one.
        deployment: DeploymentId,
    },
    /// Say yes to the plan that it proposes.
    Approve {
        /// Which one.
        deployment: DeploymentId,
        /// The plan's hash: another one is not approved.
        hash: Option<String>,
        /// Why.
        reason: Option<String>,
    },
    /// Say no to it: it ends.
    Reject {
        /// Which one.
        deployment: DeploymentId,
        /// Why.
        reason: String,
    },
    /// Open every gate that it waits for, in an emergency.
    BreakGlass {
        /// Which one.
        deployment: DeploymentId,
        /// Why.
        reason: String,
    },
    /// Try the way back of a stuck deployment again.
    Retry {
        /// Which one.
        deployment: DeploymentId,
    },
    /// Leave a step out of the way back of a stuck deployment, and try the rest again.
    Skip {
        /// Which one.
        deployment: DeploymentId,
        /// The step's number in the way back.
        step: usize,
        /// Why.
        reason: String,
    },
    /// Declare a stuck deployment to be dealt with.
    Resolve {
        /// Which one.
        deployment: DeploymentId,
        /// How it was dealt with.
        reason: String,
    },
    /// Close a circuit breaker, or let an environment with too many automatic rollbacks take deployments again.
    ResetBreaker {
        /// The breaker's name, as `shipway breakers` shows it.
        name: String,
        /// Why.
        reason: String,
    },
    /// Keep new releases from an environment, or from one service of it.
    Hold {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The service; all when absent.
        service: Option<ServiceName>,
        /// The version, or the beginning of the artifact's digest, that may come all the same.
        pin: Option<String>,
        /// Why.
        reason: String,
    },
    /// Name what an environment serves together, to promote it later.
    NameCombination {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The name.
        name: String,
    },
    /// Bring what ran together in one environment to another.
    Promote(Box<Wish>),
    /// Register a project, or its changed spec.
    Register(Registration),
    /// Remove what is old of an environment's past.
    Retain {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
    },
    /// Change secrets.
    Secret(Box<SecretCommand>),
    /// Declare a schedule.
    CreateSchedule(Box<ScheduleOrder>),
    /// Have a schedule ask for nothing for now, or again.
    HoldSchedule {
        /// The project.
        project: ProjectId,
        /// The schedule's name.
        name: String,
        /// Whether it is to pause.
        paused: bool,
    },
    /// Take a schedule away.
    DeleteSchedule {
        /// The project.
        project: ProjectId,
        /// The schedule's name.
        name: String,
    },
    /// Put right what differs from its release.
    Repair {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The services; all that differ when empty.
        services: Vec<ServiceName>,
        /// Why.
        reason: Option<String>,
    },
    /// Set or unset what an environment's layer says.
    SetLayer {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// Merged over what is there, in the shape of an environment.
        set: serde_json::Value,
        /// Dotted paths that are removed.
        unset: Vec<String>,
        /// Why.
        reason: Option<String>,
        /// The version of the configuration that whoever asks has seen; another one is a conflict.
        expected: Option<u64>,
    },
    /// Put what an environment's layer says back to what it was at a version.
    RestoreLayer {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The version; 0 is that nothing was ever set.
        version: u64,
        /// Why.
        reason: Option<String>,
        /// The version of the configuration that whoever asks has seen; another one is a conflict.
        expected: Option<u64>,
    },
    /// Ask the remotes of an environment, and remember what they say.
    FetchRemotes {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
    },
    /// Make an environment that the spec file does not have.
    MakeEnvironment {
        /// The project.
        project: ProjectId,
        /// Its name.
        environment: EnvironmentName,
        /// What it is, in the shape of an environment of the file.
        stated: serde_json::Value,
    },
    /// Remove an environment that was made so, when nothing runs there.
    RemoveEnvironment {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
    },
    /// End a hold.
    Unhold {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The service; that of the environment itself when absent.
        service: Option<ServiceName>,
    },
    /// Make an access token. Its secret is in the reply and nowhere else.
    CreateToken(TokenRequest),
    /// Take an access token away: from now on nobody comes in with it.
    RevokeToken {
        /// Its name.
        name: String,
    },
    /// Make or change a feature flag.
    SetFlag(FlagChange),
    /// Take a feature flag away.
    DeleteFlag {
        /// The project.
        project: ProjectId,
        /// The environment.
        environment: EnvironmentName,
        /// The flag.
        name: String,
        /// The revision that it must have; any when absent.
        expected: Option<u64>,
    },
}

/// What a feature flag is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagChange {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The flag.
    pub name: String,
    /// For whom it is on.
    pub value: FlagValue,
    /// What it is for; as before when absent.
    pub description: Option<String>,
    /// The revision that it must have, 0 when it must not be there; any when absent.
    pub expected: Option<u64>,
}

/// A schedule that somebody declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleOrder {
    /// Its name within the project.
    pub name: String,
    /// When, again and again: five fields as cron has them, or words.
    pub every: String,
    /// The time zone, unless `every` names it; UTC when nothing does.
    pub zone: Option<String>,
    /// What becomes of a run that was missed.
    pub missed: Missed,
    /// What is asked for.
    pub request: Request,
}

/// A project's spec, and where it lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The name of the spec file, for messages.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The folder that holds it, on the server's machine.
    pub folder: Option<std::path::PathBuf>,
}
