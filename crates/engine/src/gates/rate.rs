//! The place of a deployment in its environment's rate. Two that move different services hold no lease in common and ask
//! at the same time; so the place is taken in a commit that raises the revision of all of the environment's leases, and
//! who read them before somebody else's place was taken looks again.
//!
//! Not here: how many places there are (`core::gate::rate`).

use shipway_core::{
    deployment::Deployment,
    lease::Leases,
    ports::Fault,
    store::{Commit, Guarded},
};

use super::facts;
use crate::{Engine, deploy::Active, leases};

/// The leases as they were before the gates were asked; none where no place is to be taken.
pub(super) struct Place(Option<Leases>);

impl Place {
    pub(super) async fn read(engine: &Engine, deployment: &Deployment) -> Result<Self, Fault> {
        let (project, environment) = (&deployment.request.project, &deployment.request.environment);
        if deployment.gated.counted_at.is_some() || !super::is_asked(deployment) {
            return Ok(Self(None));
        }
        let is_counted = facts::declared(engine, project, environment).await.is_ok_and(|gates| gates.rate.is_some());
        Ok(Self(if is_counted { Some(leases::read(engine, project, environment).await?) } else { None }))
    }

    /// Takes the place, unless somebody wrote in between.
    pub(super) async fn take(self, engine: &Engine, active: &Active) -> Result<(), Fault> {
        let Some(mut leases) = self.0 else { return Ok(()) };
        let now = engine.ports.clock.now();
        let what = Guarded::Leases(leases.project.clone(), leases.environment.clone());
        let before = leases.revision;
        leases.revision += 1;
        let commit = Commit::at(now).put(&leases).raise(what, before);
        let counted = |deployment: &mut Deployment| {
            deployment.gated.counted_at = Some(now);
            Vec::new()
        };
        active.update_with(engine, commit, counted).await.map(|_| ())
    }
}
