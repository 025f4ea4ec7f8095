//! Changes of data: copied before, run once in a deployment, put back by a person's request.
//!
//! A migration whose end was recorded is never run again. One that was cut off by the server's death is run again,
//! since nobody can know how far it came: a migration should bear that.

use shipway_core::{
    deployment::Deployment,
    event::{EventBody, EventKind, EventStatus},
    id::ReleaseId,
    instance::{Instance, InstanceState},
    ports::{Fault, Observed},
    release::Release,
    spec::MigrateKind,
    store::Commit,
};

use super::{
    failure::Broken,
    instances::{drain, stop, stop_stray, strays},
    mover::Mover,
    one_off::OneOff,
    say,
};

const MIB_BYTES: u64 = 1024 * 1024;
const ENDED: &str = "migration ended with status 0";

pub(super) async fn run(mover: &Mover<'_>, release: &ReleaseId, again: bool) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    let Some(migrate) = &release.serve.migrate else { return Ok(()) };
    let service = &release.slot.service;
    let log = format!("deployments/{}/migrate/{service}", mover.active.read().await.id);
    let logs = &mover.engine.ports.logs;
    if again && logs.tail(&log, 1)?.iter().any(|line| line == ENDED) {
        return Ok(());
    }
    if migrate.kind == MigrateKind::Contract {
        stop_all(mover, &release, |instance| instance.release != release.id).await?;
    }
    let timeout_s = release.serve.timeouts.migrate_s;
    let one_off = OneOff { what: "migration", command: &migrate.command, timeout_s, setting: "migrate_s", log: &log };
    one_off.run(mover, &release).await?;
    logs.append(&log, &[ENDED.to_owned()])?;
    let message = format!("{service}: `{}` ran", migrate.command);
    Ok(tell(mover, &release, EventKind::MigrationRan, message).await?)
}

/// Stops what may not run while data is changed. The plan stops all that it knew, but an instance that died since may
/// have been replaced, and one whose start was asked for twice may run although it was stopped once.
async fn stop_all(mover: &Mover<'_>, release: &Release, which: impl Fn(&Instance) -> bool) -> Result<(), Broken> {
    let instances: Vec<Instance> = mover.engine.ports.store.below(&release.slot.to_string()).await?;
    for one in instances.iter().filter(|instance| which(instance)) {
        let its = mover.engine.release(&one.release).await?;
        take_out(mover, one).await?;
        drain(mover.engine, &its, &one.id).await;
        stop(mover.engine, &its, &one.id).await?;
    }
    let seen = mover.engine.ports.driver.instances().await?;
    let seen = seen.into_iter().map(|Observed { instance, life }| (instance, life)).collect();
    for stray in strays(mover.engine, &seen).await? {
        stop_stray(mover.engine, &stray).await?;
    }
    Ok(())
}

async fn take_out(mover: &Mover<'_>, instance: &Instance) -> Result<(), Broken> {
    let engine = mover.engine;
    let (what, token) = mover.active.read().await.right();
    let draining = Instance { state: InstanceState::Draining, ..instance.clone() };
    let commit = Commit::at(engine.ports.clock.now()).fence(what, token).put(&draining);
    let committed = engine.ports.store.commit(commit).await?;
    Ok(engine.publisher.follow(&*engine.ports.clock, committed.generation).await?)
}

/// Copies the data folders of a release's service.
pub(super) async fn snapshot(mover: &Mover<'_>, release: &ReleaseId, name: &str, mb_max: u64) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    let bytes_max = mb_max.saturating_mul(MIB_BYTES);
    let taken = mover.engine.ports.driver.snapshot_data(&release.slot, name, bytes_max).await?;
    let message = format!("{}: {} bytes of data copied to {name}", release.slot.service, taken.bytes);
    Ok(tell(mover, &release, EventKind::SnapshotTaken, message).await?)
}

/// Puts a copy back in the place of the data folders of a release's service.
pub(super) async fn restore(mover: &Mover<'_>, release: &ReleaseId, snapshot: &str) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    stop_all(mover, &release, |_| true).await?;
    Ok(mover.engine.ports.driver.restore_data(&release.slot, snapshot).await?)
}

async fn tell(mover: &Mover<'_>, release: &Release, kind: EventKind, message: String) -> Result<(), Fault> {
    let services = vec![release.slot.service.clone()];
    let told =
        |deployment: &mut Deployment| vec![EventBody { services, ..say(deployment, kind, EventStatus::Ok, message) }];
    mover.active.update(mover.engine, told).await.map(|_| ())
}
