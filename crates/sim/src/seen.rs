//! A commit as the watcher reads it: only the parts that it looks at.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use shipway_core::{
    breaker::Quarantine,
    deployment::{Deployment, Kind},
    event::{EventBody, EventKind},
    id::{DeploymentId, InstanceId},
    instance::Instance,
    phase::Phase,
    release::Release,
    slot::Slot,
    store::{Body, Commit, DocumentKind, Stored, course_of, read_deployment},
};

use crate::watcher::StepName;

/// What a commit changes.
#[derive(Default)]
pub struct Seen {
    /// Slots that are written.
    pub slots: Vec<Arc<Slot>>,
    /// Instances that are written.
    pub instances: Vec<Arc<Instance>>,
    /// Instances whose records go.
    pub gone: Vec<InstanceId>,
    /// Releases that are written.
    pub releases: Vec<Arc<Release>>,
    /// Deployments that begin.
    pub opened: Vec<DeploymentId>,
    /// Deployments that end.
    pub ended: Vec<Arc<Deployment>>,
    /// Deployments whose plans are written.
    pub planned: Vec<Arc<Deployment>>,
    /// Whether a deployment ends or is planned whose course can't be read: a server that lost its right may try so.
    pub no_course: bool,
    /// Its events.
    pub happenings: Vec<Happening>,
    /// A number for each of them, by what it says.
    pub marks: Vec<u64>,
    /// Deployments that were asked for and may bring something new.
    pub taken_in: Vec<DeploymentId>,
    /// Deployments because of which something is quarantined.
    pub quarantined: Vec<DeploymentId>,
}

/// A number for what an event says.
pub fn mark_of(event: &EventBody) -> u64 {
    let mut hasher = DefaultHasher::new();
    let deployment = event.deployment.as_ref().map(DeploymentId::as_str);
    (event.kind, deployment, &event.message).hash(&mut hasher);
    hasher.finish()
}

/// Adds an event to all before it.
pub fn mark(told: u64, one: u64) -> u64 {
    (told ^ one).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
}

/// An event.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A deployment enters a phase.
    Phase {
        /// Which one.
        deployment: DeploymentId,
        /// Which phase.
        phase: Phase,
    },
    /// A step begins.
    Began {
        /// Which one.
        step: StepName,
    },
    /// A step ends.
    Ended {
        /// Which one.
        step: StepName,
        /// Whether it failed.
        failed: bool,
    },
    /// A person lets an environment take deployments again.
    Allowed,
    /// Anything else.
    Other,
}

impl Seen {
    /// Reads a commit.
    ///
    /// `course` finds the stored body of a course that the commit doesn't write, by its key.
    pub fn of(commit: &Commit, course: impl Fn(&str) -> Option<Body>) -> Self {
        let mut seen = Self { happenings: commit.events.iter().map(happening).collect(), ..Self::default() };
        seen.marks = commit.events.iter().map(mark_of).collect();
        let asked = commit.events.iter().any(|event| event.kind == EventKind::DeploymentQueued);
        let ends = commit.deletes.iter().any(|(kind, _)| *kind == DocumentKind::OpenDeployment);
        let plans = commit.events.iter().any(|event| event.kind == EventKind::PlanRecorded);
        let whole = |body: &Body| {
            let here = |key: &str| commit.puts.iter().find(|put| put.kind == DocumentKind::Course && put.key == key);
            let stored = |key: &str| here(key).map(|put| put.body.clone()).or_else(|| course(key));
            // What is at hand has its course; what a disk would give has it only when it is stored too.
            course_of(body)
                .ok()?
                .is_none_or(|key| stored(&key).is_some())
                .then(|| read_deployment(body, stored).ok())?
        };
        for put in &commit.puts {
            match put.kind {
                DocumentKind::Slot => seen.slots.extend(read(&put.body)),
                DocumentKind::Instance => seen.instances.extend(read(&put.body)),
                DocumentKind::Release => seen.releases.extend(read(&put.body)),
                DocumentKind::OpenDeployment => seen.opened.push(DeploymentId::new(put.key.clone())),
                DocumentKind::Quarantine => {
                    seen.quarantined.extend(read::<Quarantine>(&put.body).map(|one| one.by.clone()))
                }
                DocumentKind::Deployment if asked => seen.taken_in.extend(brings_new(&put.body)),
                DocumentKind::Deployment if ends => seen.ended.extend(whole(&put.body)),
                DocumentKind::Deployment if plans => seen.planned.extend(whole(&put.body)),
                _ => {}
            }
        }
        let of_deployment = commit.puts.iter().any(|put| put.kind == DocumentKind::Deployment);
        seen.no_course = of_deployment && (ends && seen.ended.is_empty() || plans && seen.planned.is_empty());
        let gone = commit.deletes.iter().filter(|(kind, _)| *kind == DocumentKind::Instance);
        seen.gone = gone.map(|(_, key)| InstanceId::new(key.clone())).collect();
        seen
    }

    /// The steps that begin in it.
    pub fn begun(&self) -> impl Iterator<Item = &StepName> {
        self.happenings.iter().filter_map(|happening| match happening {
            Happening::Began { step } => Some(step),
            _ => None,
        })
    }

    /// The steps that end in it.
    pub fn over(&self) -> impl Iterator<Item = &StepName> {
        self.ends().map(|(step, _)| step)
    }

    /// The same, each with whether it failed.
    pub fn ends(&self) -> impl Iterator<Item = (&StepName, bool)> {
        self.happenings.iter().filter_map(|happening| match happening {
            Happening::Ended { step, failed } => Some((step, *failed)),
            _ => None,
        })
    }
}

fn read<T: Stored>(body: &Body) -> Option<Arc<T>> {
    Some(body.read(T::KIND).expect("the engine writes what it can read"))
}

/// The deployment of a record, when it is not a way back or the like.
fn brings_new(body: &Body) -> Option<DeploymentId> {
    let deployment = read_deployment(body, |_| None).ok()?;
    matches!(deployment.request.kind, Kind::Deploy).then(|| deployment.id.clone())
}

fn happening(event: &EventBody) -> Happening {
    let Some(deployment) = event.deployment.clone() else {
        return if event.kind == EventKind::DeploymentsAllowed { Happening::Allowed } else { Happening::Other };
    };
    let step = |deployment: DeploymentId| {
        let number = event.details.get("step")?.as_u64()?;
        let back = event.details.get("back")?.as_bool()?;
        Some((deployment, back, usize::try_from(number).ok()?))
    };
    let made = match event.kind {
        EventKind::PhaseStarted => event.phase.map(|phase| Happening::Phase { deployment, phase }),
        EventKind::StepStarted | EventKind::StepRetried => step(deployment).map(|step| Happening::Began { step }),
        EventKind::StepCompleted => step(deployment).map(|step| Happening::Ended { step, failed: false }),
        EventKind::StepFailed => step(deployment).map(|step| Happening::Ended { step, failed: true }),
        _ => None,
    };
    made.unwrap_or(Happening::Other)
}
