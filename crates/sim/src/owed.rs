//! What is owed to people when a deployment goes wrong: its hooks run, what failed is quarantined, and an environment
//! that had enough of it is left alone. Not here: where its slots end (`watcher`).

use std::collections::BTreeSet;

use shipway_core::{
    deployment::{Cause, Deployment},
    id::{DeploymentId, ReleaseId},
    phase::Phase,
    plan::Step,
    ports::CommandRun,
    release::Release,
    spec::HookMoment,
};

use crate::{watcher::Watcher, world::World};

/// What was done and is remembered of deployments that went wrong.
#[derive(Clone, Default)]
pub struct Owed {
    /// How many deployments may be taken back by themselves before an environment takes no more, where seeds ask it.
    pub rollbacks_max: Option<usize>,
    /// Those that went back since a person last let the environment go on.
    went_back: BTreeSet<DeploymentId>,
    /// Those that quarantined something.
    quarantined: BTreeSet<DeploymentId>,
    /// Hooks for going back that ended well.
    hooks: BTreeSet<(DeploymentId, ReleaseId)>,
}

impl Watcher {
    /// A deployment begins to go back.
    pub(crate) fn goes_back(&mut self, id: &DeploymentId, before: Option<Phase>) {
        // What was stuck goes back because a person said so.
        if !matches!(before, Some(Phase::Stuck | Phase::RollingBack)) {
            self.owed.went_back.insert(id.clone());
        }
    }

    /// A person lets the environment take deployments again.
    pub(crate) fn may_go_on(&mut self) {
        self.owed.went_back.clear();
    }

    /// Something was quarantined because of a deployment.
    pub(crate) fn is_quarantined(&mut self, by: DeploymentId) {
        self.owed.quarantined.insert(by);
    }

    /// Somebody's deployment was taken in.
    pub(crate) fn taken_in(&mut self, id: &DeploymentId) {
        let Some(most) = self.owed.rollbacks_max else { return };
        let is_back = |id: &&DeploymentId| {
            let phase = self.deployments.get(*id).and_then(|watched| watched.phase);
            // What ended before users saw it was not taken back.
            phase == Some(Phase::RolledBack)
        };
        let count = self.owed.went_back.iter().filter(is_back).count();
        let words = || format!("{id} was taken in after {count} automatic rollbacks of at most {most}");
        self.check("I15", count <= most || self.restored, words);
    }

    /// What failed by its own fault must be quarantined.
    pub(crate) fn quarantines(&mut self, deployment: &Deployment) {
        let comes = deployment.course.goal.iter().any(|(service, serving)| {
            serving.is_some() && deployment.services.get(service).is_none_or(|state| !state.unchanged)
        });
        // Where it is to end is decided when it turns back.
        let failed = deployment.ending.is_some() && deployment.cause == Some(Cause::Release) && comes;
        let done = !failed || self.owed.quarantined.contains(&deployment.id) || self.restored;
        self.check("I15", done, || format!("{} failed, and nothing is quarantined", deployment.id));
    }

    /// The hooks of everything that came and went again must have run.
    pub(crate) fn ran_its_hooks(&mut self, deployment: &Deployment) {
        let stays: BTreeSet<_> =
            deployment.course.parents.iter().filter_map(|slot| Some(&slot.live.as_ref()?.release)).collect();
        let goal = deployment.course.goal.values().flatten().map(|serving| &serving.release);
        let came = goal.filter(|id| !stays.contains(id) && self.may_have_come(&deployment.id, id));
        let declares = |release: &Release| release.serve.hooks.iter().any(|hook| hook.when == HookMoment::OnRollback);
        let mut owed = came.filter(|id| self.releases.get(*id).is_some_and(|release| declares(release)));
        let missing = owed.find(|id| !self.owed.hooks.contains(&(deployment.id.clone(), (*id).clone()))).cloned();
        let words = || format!("{} went back, and the hooks of {missing:?} did not run", deployment.id);
        self.check("I15", missing.is_none() || self.restored, words);
    }

    /// Whether a step of a release that does more than bring its files was begun.
    fn may_have_come(&self, deployment: &DeploymentId, release: &ReleaseId) -> bool {
        let brings = |step: &Step| !matches!(step, Step::Stage { .. } | Step::Interact { .. });
        self.begun_steps(deployment).any(|step| step.release() == Some(release) && brings(step))
    }
}

impl World {
    /// A command is about to run: what is on record as ended does not run again.
    pub(crate) fn runs_once(&mut self, run: &CommandRun, release: &Release, migrates: bool) {
        let meant = |step: &Step| match step {
            Step::Migrate { release: its, .. } => migrates && *its == release.id,
            Step::Hooks { release: its, .. } => !migrates && *its == release.id,
            _ => false,
        };
        let Some(name) = self.watcher.begun_by(meant).filter(|name| !self.watcher.was_held(name)) else { return };
        let id = name.0;
        let service = &release.slot.service;
        let place = release.serve.hooks.iter().position(|hook| hook.command == run.command).unwrap_or_default();
        let (log, ended) = match migrates {
            true => (format!("deployments/{id}/migrate/{service}"), "migration ended with status 0".to_owned()),
            false => (format!("deployments/{id}/hooks/{service}"), format!("hook {place} ended with status 0")),
        };
        let over = self.machine.logs.get(&log).is_some_and(|lines| lines.contains(&ended));
        let again = over && !self.watcher.restored;
        self.watcher.check("I12", !again, || format!("`{}` of {service} ended, and runs again", run.command));
    }

    /// A command ended well.
    pub(crate) fn ran_well(&mut self, release: &ReleaseId) {
        let undoes =
            |step: &Step| matches!(step, Step::Hooks { release: its, when: HookMoment::OnRollback } if its == release);
        if let Some((id, ..)) = self.watcher.begun_by(undoes) {
            self.watcher.owed.hooks.insert((id, release.clone()));
        }
    }
}
