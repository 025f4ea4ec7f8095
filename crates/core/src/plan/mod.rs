//! Plans: how an environment gets from the state it is in to the state it should be in. Pure and total: a plan holds
//! every choice, and nothing is decided while it runs.
//!
//! Going back is planned by the same rooms: `forward` for a rollback that somebody asks for, `unwind` for one that a
//! failure causes. Not here: doing any of it (`engine::perform`).

mod approving;
mod builder;
mod canary;
mod forward;
mod gap;
mod interacting;
mod leaving;
mod migrating;
mod moves;
mod observed;
mod order;
mod proving;
mod reloading;
mod rolling;
#[cfg(test)]
mod tests;
mod unwind;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    forward::plan,
    migrating::is_past_contract,
    reloading::{Restart, reloadable},
    unwind::unwind,
};
use crate::{
    id::{DeploymentId, InstanceId, ReleaseId, ServiceName, SlotKey},
    instance::Instance,
    phase::Phase,
    release::Release,
    slot::{Serving, Slot},
    spec::{HookMoment, InteractionSpec, MigrateKind, Order},
    strategy::{Pause, StrategyKind, StrategySpec},
    time::Span,
};

/// The newest form of plans that this version makes and runs. It rises when a step changes its meaning, or comes.
pub const PLAN_VERSION: u32 = 2;
/// The oldest form that this version runs. What needs nothing newer is still made in it, so that an approval outlives
/// another version of Shipway.
pub const PLAN_VERSION_OLDEST: u32 = 1;

/// A graph of steps. A step may begin when all that it needs has ended well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The form of the plan; one whose form isn't known is not run.
    #[serde(default)]
    pub version: u32,
    /// How traffic moves.
    pub strategy: StrategyKind,
    /// The steps; a step's number is its place here, and it needs only earlier ones.
    pub steps: Vec<PlannedStep>,
    /// What a person should know before it starts.
    pub notes: Vec<String>,
}

/// A step in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// The phase that it belongs to.
    pub phase: Phase,
    /// The service that it is for; none when it is for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The steps that must have ended well before.
    pub needs: Vec<usize>,
    /// What is done.
    pub step: Step,
}

/// One thing that is done. Each may be repeated and then changes nothing more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum Step {
    /// Bring a release's files to where it will run, and verify them.
    Stage {
        /// The release.
        release: ReleaseId,
    },
    /// Run the commands that the release declares for a moment.
    Hooks {
        /// The release.
        release: ReleaseId,
        /// The moment.
        when: HookMoment,
    },
    /// Start an instance.
    Start {
        /// The release.
        release: ReleaseId,
        /// The instance.
        instance: InstanceId,
    },
    /// Wait until an instance is healthy, and let it take requests.
    Prove {
        /// The release.
        release: ReleaseId,
        /// The instance.
        instance: InstanceId,
    },
    /// Ask what the release's checks ask.
    Check {
        /// The release.
        release: ReleaseId,
        /// Whom to ask.
        through: CheckThrough,
    },
    /// Copy a service's data folders.
    Snapshot {
        /// The release whose service's folders they are.
        release: ReleaseId,
        /// What the copy is called.
        name: String,
        /// How large it may be, in mebibytes.
        mb_max: u64,
    },
    /// Put a copy back in the place of a service's data folders.
    RestoreData {
        /// The release whose service's folders they are.
        release: ReleaseId,
        /// Which copy.
        snapshot: String,
    },
    /// Change a service's data.
    Migrate {
        /// The release that declares it.
        release: ReleaseId,
        /// Whether old releases still work after it.
        kind: MigrateKind,
    },
    /// Ask how services work together.
    Interact {
        /// The release that calls.
        release: ReleaseId,
        /// What is asked.
        interaction: InteractionSpec,
    },
    /// Write slots in one transaction, and wait until the data plane follows. This is the only step that moves traffic.
    Commit {
        /// The slots as they will be.
        writes: Vec<SlotWrite>,
        /// Instances that take no new requests from then on.
        draining: Vec<InstanceId>,
        /// Instances that are of the release which their slot has live from then on: they have read its configuration.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reloaded: Vec<InstanceId>,
    },
    /// Have an instance that runs read the configuration of a release, and wait until it is healthy.
    Reload {
        /// The release.
        release: ReleaseId,
        /// The instance.
        instance: InstanceId,
    },
    /// Watch the numbers of the new releases while traffic stays as it is.
    Watch {
        /// How long.
        pause: Pause,
        /// The share of the clients that meets the new releases meanwhile.
        percent: u8,
        /// The services that are watched.
        slots: Vec<SlotKey>,
    },
    /// Wait until an instance has no request in flight; after its time-out it goes on all the same.
    Drain {
        /// The release.
        release: ReleaseId,
        /// The instance.
        instance: InstanceId,
    },
    /// Stop an instance with all its processes.
    Stop {
        /// The release.
        release: ReleaseId,
        /// The instance.
        instance: InstanceId,
    },
}

/// Whom a check asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum CheckThrough {
    /// One instance.
    Instance {
        /// Which one.
        instance: InstanceId,
    },
    /// The release, by its own link; nobody else reaches it yet.
    Link,
    /// The real route, as users do.
    Route,
}

/// A slot as it will be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotWrite {
    /// The new value; its revision is one above the one that is replaced.
    pub slot: Slot,
    /// When set, the first warm set stands by that long from the commit on.
    pub warm_for: Option<Span>,
}

/// The world as a plan finds it.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The slots.
    pub slots: &'a BTreeMap<SlotKey, Slot>,
    /// The recorded instances.
    pub instances: &'a [Instance],
    /// Those that really run.
    pub alive: &'a BTreeSet<InstanceId>,
    /// Every release that slots and goal name.
    pub releases: &'a BTreeMap<ReleaseId, Release>,
}

/// What each slot should serve; none empties it.
pub type Goal = BTreeMap<SlotKey, Option<Serving>>;

/// How to get there.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The deployment, as slots record it.
    pub deployment: DeploymentId,
    /// How traffic moves.
    pub strategy: StrategySpec,
    /// Whether releases were proven before: then `test` checks, hooks and migrations are left out.
    pub proven: bool,
    /// The order in which members are proven, on top of their dependencies.
    pub order: Order,
    /// Checks of how services work together; those are planned of which a side changes.
    pub interactions: Vec<InteractionSpec>,
    /// Copies of data folders that are put back, by slot: these stop while it is done.
    pub restore: BTreeMap<SlotKey, String>,
}

impl Policy {
    /// A policy for releases that were not proven, side by side, with nothing special.
    pub fn new(deployment: DeploymentId, strategy: StrategySpec) -> Self {
        let (order, interactions, restore) = (Order::default(), Vec::new(), BTreeMap::new());
        Self { deployment, strategy, proven: false, order, interactions, restore }
    }
}

/// What is taken back, and what is known of how far it came.
#[derive(Clone, Copy)]
pub struct Undo<'a> {
    /// The slots as they were before the deployment.
    pub parents: &'a BTreeMap<SlotKey, Slot>,
    /// Its steps that ran or may have run.
    pub ran: &'a [&'a PlannedStep],
    /// How traffic moved.
    pub strategy: StrategyKind,
    /// The deployment.
    pub deployment: &'a DeploymentId,
    /// Services whose way back failed for good: the others go back without them.
    pub given_up: &'a BTreeSet<ServiceName>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// Services depend on each other in a circle.
    #[error("services depend on each other in a circle: {}", .0.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle(Vec<ServiceName>),
    /// The order that was asked for contradicts the dependencies.
    #[error("{service} is in wave {wave}, and depends on {dependency} in wave {later}: put {dependency} first")]
    Order {
        /// Who depends.
        service: ServiceName,
        /// Its wave, from 1.
        wave: usize,
        /// On whom.
        dependency: ServiceName,
        /// In which later wave.
        later: usize,
    },
    /// A release that the goal or a slot names is not known.
    #[error("release {0} is not known: its record is missing")]
    UnknownRelease(ReleaseId),
}

impl Plan {
    /// A plan of which nothing is known but the form that it has.
    pub fn unread(version: u32) -> Self {
        Self { version, strategy: StrategyKind::BlueGreen, steps: Vec::new(), notes: Vec::new() }
    }

    /// Whether this version knows what its steps mean.
    pub fn is_known(&self) -> bool {
        (PLAN_VERSION_OLDEST..=PLAN_VERSION).contains(&self.version)
    }

    /// A plan of steps, in the oldest form that has them.
    fn of(strategy: StrategyKind, steps: Vec<PlannedStep>, notes: Vec<String>) -> Self {
        let reloads = steps.iter().any(|planned| matches!(planned.step, Step::Reload { .. }));
        let version = if reloads { PLAN_VERSION } else { PLAN_VERSION_OLDEST };
        Self { version, strategy, steps, notes }
    }

    /// The hash of the whole plan, with its ids. Approvals bind to another (`approval_hash`).
    pub fn hash(&self) -> String {
        let text = serde_json::to_string(self).expect("a plan holds nothing that JSON can't");
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

impl Step {
    /// The release that the step is about; none for steps about all.
    pub fn release(&self) -> Option<&ReleaseId> {
        match self {
            Self::Stage { release }
            | Self::Hooks { release, .. }
            | Self::Start { release, .. }
            | Self::Prove { release, .. }
            | Self::Reload { release, .. }
            | Self::Check { release, .. }
            | Self::Snapshot { release, .. }
            | Self::RestoreData { release, .. }
            | Self::Migrate { release, .. }
            | Self::Interact { release, .. }
            | Self::Drain { release, .. }
            | Self::Stop { release, .. } => Some(release),
            Self::Commit { .. } | Self::Watch { .. } => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage { release } => write!(f, "stage {}", release.short()),
            Self::Hooks { when, .. } => write!(f, "run hooks {}", hook_moment_name(*when)),
            Self::Start { instance, .. } => write!(f, "start {instance}"),
            Self::Prove { instance, .. } => write!(f, "wait until {instance} is healthy"),
            Self::Reload { instance, .. } => write!(f, "reload {instance}"),
            Self::Check { through: CheckThrough::Instance { instance }, .. } => write!(f, "test {instance}"),
            Self::Check { through: CheckThrough::Link, release } => write!(f, "test {}", release.short()),
            Self::Check { through: CheckThrough::Route, .. } => write!(f, "verify through the route"),
            Self::Snapshot { name, .. } => write!(f, "copy data folders to {name}"),
            Self::RestoreData { snapshot, .. } => write!(f, "put data folders back from {snapshot}"),
            Self::Migrate { kind: MigrateKind::Expand, .. } => write!(f, "migrate (expand)"),
            Self::Migrate { kind: MigrateKind::Contract, .. } => write!(f, "migrate (contract)"),
            Self::Interact { interaction, .. } => write!(f, "ask `{}`", interaction.name),
            Self::Commit { writes, .. } => f.write_str(&commit_words(writes)),
            Self::Watch { pause: Pause::Manual, percent, .. } => write!(f, "wait at {percent}% for a person"),
            Self::Watch { pause: Pause::For(span), percent, .. } => write!(f, "watch at {percent}% for {span}"),
            Self::Drain { instance, .. } => write!(f, "drain {instance}"),
            Self::Stop { instance, .. } => write!(f, "stop {instance}"),
        }
    }
}

fn hook_moment_name(when: HookMoment) -> &'static str {
    match when {
        HookMoment::BeforeTest => "before testing",
        HookMoment::BeforePromotion => "before promotion",
        HookMoment::AfterCompletion => "after completion",
        HookMoment::OnRollback => "on rollback",
    }
}

fn commit_words(writes: &[SlotWrite]) -> String {
    let each = |write: &SlotWrite| {
        let slot = &write.slot;
        let name = &slot.key.service;
        match (&slot.hold, &slot.candidate, &slot.live) {
            (Some(_), ..) => format!("{name}: hold requests"),
            (None, Some(candidate), _) => match candidate.share {
                crate::slot::Share::Lane => format!("{name}: {} comes", candidate.release.short()),
                crate::slot::Share::Percent(percent) => format!("{name}: {percent}% to {}", candidate.release.short()),
                crate::slot::Share::ByInstances => {
                    let old = slot.live.as_ref().map_or(0, |live| live.instances);
                    format!("{name}: {} new, {old} old", candidate.instances)
                }
            },
            (None, None, Some(live)) => format!("{name}: all to {}", live.release.short()),
            (None, None, None) => format!("{name}: nothing"),
        }
    };
    format!("switch {}", writes.iter().map(each).collect::<Vec<_>>().join(", "))
}
