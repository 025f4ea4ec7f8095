//! Steps onto ports: the one `match`. What a step needs to know stands in the plan; nothing is decided here.

use std::collections::BTreeMap;

use shipway_core::{
    deployment::Deployment,
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId, ServiceName},
    instance::{Instance, InstanceState},
    phase::Phase,
    plan::{PlannedStep, SlotWrite, Step},
    ports::Fault,
    release::Release,
    slot::Slot,
    store::Commit,
};

use super::{
    checks,
    failure::Broken,
    hooks,
    instances::{drain, launch, stop},
    migrate,
    mover::Mover,
    prove, ready, reload, say, switch, watch,
};

impl Mover<'_> {
    pub(super) async fn go(&self, number: usize, planned: &PlannedStep, again: bool) -> Result<(), Broken> {
        match &planned.step {
            Step::Stage { release } => self.stage(release).await,
            Step::Hooks { release, when } => hooks::run(self, release, *when, again).await,
            Step::Start { release, instance } => self.start(release, instance).await,
            Step::Prove { release, instance } => prove::prove(self, release, instance).await,
            Step::Check { release, through } => checks::check(self, planned.phase, release, through).await,
            Step::Interact { release, interaction } => {
                checks::interact(self, planned.phase, release, interaction).await
            }
            Step::Snapshot { release, name, mb_max } => migrate::snapshot(self, release, name, *mb_max).await,
            Step::RestoreData { release, snapshot } => migrate::restore(self, release, snapshot).await,
            Step::Migrate { release, .. } => migrate::run(self, release, again).await,
            Step::Reload { release, instance } => reload::reload(self, release, instance).await,
            Step::Commit { writes, draining, reloaded } => self.commit(planned.phase, writes, draining, reloaded).await,
            Step::Watch { pause, percent, slots } => watch::watch(self, number, *pause, *percent, slots).await,
            Step::Drain { release, instance } => self.drain(release, instance).await,
            Step::Stop { release, instance } => self.stop(release, instance).await,
        }
    }

    async fn stage(&self, release: &ReleaseId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        self.engine.ports.driver.stage(&release).await?;
        if !release.serve.data.is_empty() {
            self.tell_provisioned(&release).await?;
        }
        Ok(())
    }

    /// Data folders are made with the release's files.
    async fn tell_provisioned(&self, release: &Release) -> Result<(), Fault> {
        let service = release.slot.service.clone();
        let told = |deployment: &mut Deployment| {
            let message = format!("{service}: data folders {}", release.serve.data.join(", "));
            let event = say(deployment, EventKind::ResourceProvisioned, EventStatus::Ok, message);
            vec![EventBody { services: vec![service], ..event }]
        };
        self.active.update(self.engine, told).await.map(|_| ())
    }

    /// Records the instance, then starts it. The start goes on when this step is given up, so that whoever stops the
    /// instance afterwards finds it whole.
    async fn start(&self, release: &ReleaseId, id: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        let deployment = self.active.read().await;
        let right = deployment.right();
        let deployment = deployment.id.clone();
        let instance = Instance {
            id: id.clone(),
            slot: release.slot.clone(),
            release: release.id.clone(),
            state: InstanceState::Starting,
            address: None,
            deployment: Some(deployment),
            launched: None,
            reloading: None,
            substituted: Default::default(),
            created_at: self.engine.ports.clock.now(),
        };
        launch(self.engine, &release, instance, right, self.back).await?;
        Ok(())
    }

    async fn commit(
        &self,
        phase: Phase,
        writes: &[SlotWrite],
        draining: &[InstanceId],
        reloaded: &[InstanceId],
    ) -> Result<(), Broken> {
        let moves_traffic = phase >= Phase::Promoting && !self.back;
        if moves_traffic {
            switch::open(self.engine, self.active).await?;
        }
        let generation = match self.is_written(writes).await? {
            // The transaction of an earlier attempt stands; the routes must still follow it.
            true => self.engine.ports.store.snapshot(&[]).await?.0,
            false => {
                if moves_traffic {
                    ready::all_that_take_traffic(self.engine, writes, reloaded).await?;
                }
                self.write_slots(writes, draining, reloaded).await?
            }
        };
        self.engine.publisher.follow(&*self.engine.ports.clock, generation).await?;
        if self.back {
            self.note_way_back().await?;
        }
        Ok(())
    }

    /// Whether the slots were written by an earlier attempt.
    async fn is_written(&self, writes: &[SlotWrite]) -> Result<bool, Fault> {
        for SlotWrite { slot, .. } in writes {
            let stored: Option<Slot> = self.engine.ports.store.find(&slot.key.to_string()).await?;
            if stored.is_some_and(|stored| stored.revision == slot.revision && stored.written_by == slot.written_by) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the slots in one transaction.
    async fn write_slots(
        &self,
        writes: &[SlotWrite],
        draining: &[InstanceId],
        reloaded: &[InstanceId],
    ) -> Result<u64, Broken> {
        let store = &self.engine.ports.store;
        let now = self.engine.ports.clock.now();
        let mut commit = Commit::at(now);
        let mut live = BTreeMap::new();
        for write in writes {
            let mut slot = write.slot.clone();
            if let (Some(span), Some(warm)) = (write.warm_for, slot.warm.first_mut()) {
                warm.until = now.plus_ms(span.ms);
            }
            live.insert(slot.key.service.clone(), slot.live.as_ref().map(|live| live.release.clone()));
            commit = commit.put_slot(&slot);
        }
        for id in draining {
            if let Some(instance) = store.find::<Instance>(id.as_str()).await? {
                commit = commit.put(&Instance { state: InstanceState::Draining, ..instance });
            }
        }
        commit = reload::pass(self.engine, commit, writes, reloaded).await?;
        let noted = |deployment: &mut Deployment| activated(deployment, &live);
        Ok(self.active.update_with(self.engine, commit, noted).await?.generation)
    }

    /// How long users met the new release after it was decided to go back.
    async fn note_way_back(&self) -> Result<(), Fault> {
        let now = self.engine.ports.clock.now();
        let noted = |deployment: &mut Deployment| {
            let decided = deployment.phases.iter().find(|record| record.phase == Phase::RollingBack);
            let took_ms = decided.map(|record| now.since_ms(record.at));
            // A way back that is tried again may switch to what is there already: users were back the first time.
            deployment.switch.back_ms = deployment.switch.back_ms.or(took_ms);
            Vec::new()
        };
        self.active.update(self.engine, noted).await.map(|_| ())
    }

    /// Waits until nothing is in flight at an instance that gets no new requests.
    async fn drain(&self, release: &ReleaseId, instance: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        drain(self.engine, &release, instance).await;
        Ok(())
    }

    async fn stop(&self, release: &ReleaseId, instance: &InstanceId) -> Result<(), Broken> {
        let release = self.engine.release(release).await?;
        Ok(stop(self.engine, &release, instance).await?)
    }
}

/// Notes which services now serve what comes.
fn activated(deployment: &mut Deployment, live: &BTreeMap<ServiceName, Option<ReleaseId>>) -> Vec<EventBody> {
    let mut events = Vec::new();
    let goal = deployment.course.goal.clone();
    for (service, release) in live {
        let wanted = goal.get(service).cloned().flatten().map(|serving| serving.release);
        let Some(state) = deployment.services.get_mut(service) else { continue };
        let is_live = wanted.is_some() && *release == wanted;
        let begins = is_live && !state.live;
        state.live = is_live;
        if begins {
            let message = format!("{service} is live");
            let event = say(deployment, EventKind::ServiceActivated, EventStatus::Ok, message);
            events.push(EventBody { services: vec![service.clone()], ..event });
        }
    }
    events
}
