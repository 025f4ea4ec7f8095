//! Instances that read another release's configuration while they run, and pass to it with the swap.
//!
//! Not here: who takes a change so (`core::plan::reloadable`), how a process is told (`ports::Driver`).

use shipway_core::{
    id::{InstanceId, ReleaseId},
    instance::Instance,
    plan::SlotWrite,
    ports::{Fault, FaultKind, Launch, Life},
    release::Release,
    store::Commit,
};

use super::{
    failure::{Broken, broken},
    instances::variables,
    mover::Mover,
    prove::{Health, healthy, ready},
};
use crate::Engine;

/// Has an instance read a release's configuration, and waits until it is healthy. What has ended meanwhile reads
/// nothing: on the way back that is as good, since whoever replaces it starts what is live.
pub(super) async fn reload(mover: &Mover<'_>, release: &ReleaseId, id: &InstanceId) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    match told(mover, &release, id).await {
        Err(_) if mover.back && is_gone(mover.engine, id).await? => Ok(()),
        told => told,
    }
}

async fn told(mover: &Mover<'_>, release: &std::sync::Arc<Release>, id: &InstanceId) -> Result<(), Broken> {
    let engine = mover.engine;
    // Before it is told: whoever finds it half way must not take it for what it was.
    let instance = mark(mover, release, id, false).await?;
    let launch = Launch {
        instance: id.clone(),
        release: release.clone(),
        variables: variables(engine, release, id, instance.launched_as()),
        // It has them since its start, in the same versions.
        secrets: Default::default(),
    };
    match engine.ports.driver.reload(launch).await {
        // What the instance itself answers.
        Err(fault) if matches!(fault.kind, FaultKind::Invalid | FaultKind::NotFound) => {
            let broken = broken(engine, id, &fault.message).await;
            return Err(Broken { hint: fault.hint, ..broken });
        }
        told => told?,
    }
    match healthy(engine, release, id).await? {
        Health::Passed { at } => ready(mover, id, at).await?,
        Health::PortTaken => {
            return Err(broken(engine, id, "it ended when it was told to read its configuration").await);
        }
    }
    mark(mover, release, id, true).await.map(|_| ())
}

/// Records which configuration an instance may have read, as long as that is not its own release's.
async fn mark(mover: &Mover<'_>, release: &Release, id: &InstanceId, has_read: bool) -> Result<Instance, Broken> {
    let store = &mover.engine.ports.store;
    let Some(instance) = store.find::<Instance>(id.as_str()).await? else {
        return Err(Broken::release(format!("{id} is not recorded any more: it has ended")));
    };
    let reloading = match (instance.release == release.id, has_read) {
        (true, true) => None,
        // Until it has read its own again, nobody knows.
        (true, false) => instance.reloading.clone(),
        (false, _) => Some(release.id.clone()),
    };
    let marked = Instance { reloading, ..instance.clone() };
    if marked != instance {
        let (what, token) = mover.active.read().await.right();
        store.commit(Commit::at(mover.engine.ports.clock.now()).fence(what, token).put(&marked)).await?;
    }
    Ok(marked)
}

async fn is_gone(engine: &Engine, id: &InstanceId) -> Result<bool, Fault> {
    let recorded = engine.ports.store.find::<Instance>(id.as_str()).await?.is_some();
    Ok(!recorded || !matches!(engine.ports.driver.observe(id).await?, Life::Running { .. }))
}

/// Has instances pass to the release that their slot has live from then on.
pub(super) async fn pass(
    engine: &Engine,
    mut commit: Commit,
    writes: &[SlotWrite],
    reloaded: &[InstanceId],
) -> Result<Commit, Fault> {
    for id in reloaded {
        let Some(instance) = engine.ports.store.find::<Instance>(id.as_str()).await? else { continue };
        let slot = writes.iter().map(|write| &write.slot).find(|slot| slot.key == instance.slot);
        if let Some(live) = slot.and_then(|slot| slot.live.as_ref()) {
            commit = commit.put(&instance.passed_to(&live.release));
        }
    }
    Ok(commit)
}
