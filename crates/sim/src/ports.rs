//! The ports by which a server reaches the simulated world, all but the store.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use shipway_core::{
    archive::Archived,
    artifact::Tree,
    drift::Difference,
    id::{ArtifactDigest, DeploymentId, InstanceId, ReleaseId, SlotKey},
    plan::{CheckThrough, Step},
    ports::{
        Answer, Archives, Artifacts, Capacity, CommandEnd, CommandEvent, CommandRun, DataSnapshot, Driver, Fault,
        HeldLimits, Ids, Launch, Life, LogPage, LogPosition, Logs, Observed, Prober, Question, RemoteAnswer,
        RemoteCall, Remotes, Runner, Sources, Traffic, TrafficRouter,
    },
    release::Release,
    route::{BackendTarget, RouteTable},
    spec::{MigrateKind, StopSpec},
    utilization::{IdleTime, Usage},
};

use crate::{
    clock::ServerClock,
    executor::{Group, ServerTasks},
    machine::Behaviour,
    router::upstreams,
    secrets::PlainSecrets,
    store::ServerStore,
    watcher::{Met, Trick},
    world::{Fate, Shared, World},
};
use shipway_engine::Ports;
use shipway_store::MemoryStore;

/// Where the data plane takes requests, and links.
const EDGE_PORT: u16 = 8080;
const LINK_PORT: u16 = 7081;

/// How long what the remote says stays the same.
const REMOTE_CHANGES_MS: u64 = 20_000;

/// How a server reaches its world.
#[derive(Clone)]
pub struct Reach {
    /// The simulation.
    pub shared: Shared,
}

/// All ports of a server.
pub fn of_server(shared: &Shared, server: usize, store: &Arc<MemoryStore>) -> Ports {
    let reach = Arc::new(Reach { shared: shared.clone() });
    Ports {
        store: Arc::new(ServerStore { shared: shared.clone(), server, inner: store.clone() }),
        artifacts: reach.clone(),
        sources: reach.clone(),
        logs: reach.clone(),
        archives: reach.clone(),
        driver: reach.clone(),
        runner: reach.clone(),
        prober: reach.clone(),
        remotes: reach.clone(),
        router: reach.clone(),
        secrets: Arc::new(PlainSecrets),
        clock: Arc::new(ServerClock { shared: shared.clone(), server }),
        ids: reach,
        tasks: Arc::new(ServerTasks { spawner: shared.spawner(), server }),
    }
}

fn on_purpose() -> Fault {
    Fault::unavailable("failed on purpose in the simulation")
}

fn unanswered() -> Fault {
    Fault::unavailable("it was done, and the answer was lost on purpose in the simulation")
}

impl Reach {
    /// Does what a step asks for, unless a trick is played on it.
    async fn step<T: Send + 'static>(
        &self,
        meant: impl Fn(&Step) -> bool,
        what: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let trick = self.shared.world().watcher.trick(meant);
        if trick == Some(Trick::Fails) {
            return Err(on_purpose());
        }
        let done = self.shared.act(what).await?;
        match trick {
            Some(Trick::Unanswered) => Err(unanswered()),
            _ => Ok(done),
        }
    }
}

impl World {
    fn behaviour(&self, release: &Release) -> Behaviour {
        self.behaviours.get(&release.artifact).copied().unwrap_or_default()
    }

    fn start(&mut self, launch: &Launch) -> SocketAddr {
        let (now_ms, id) = (self.now_ms, &launch.instance);
        let behaviour = self.behaviour(&launch.release);
        let death = self.chances.death;
        let ends_ms = self.random.per_mille(death).then(|| now_ms + self.random.between(1, 15_000));
        self.machine.start(id, &launch.release.slot, &launch.release.id, behaviour, ends_ms, now_ms)
    }

    /// Has a process read another configuration. One that behaves badly refuses it, or ends of it.
    fn reload(&mut self, launch: &Launch) -> Result<(), Fault> {
        let (now_ms, id) = (self.now_ms, &launch.instance);
        let (refuses, dies) = (self.random.per_mille(self.chances.refuse), self.random.per_mille(self.chances.death));
        let release = launch.release.id.clone();
        self.watcher.reloads(id, &launch.release.id);
        self.tell(|| format!("{id} reads the configuration of {}", release.short()));
        let Some(process) = self.machine.get_mut(id).filter(|process| process.runs(now_ms)) else {
            return Err(Fault::not_found(format!("{id} does not run in the simulation")));
        };
        if dies {
            process.ends_ms = Some(now_ms + 1);
        }
        // What it refuses it has not read.
        if refuses {
            return Err(Fault::invalid(format!("{id} refuses its configuration in the simulation")));
        }
        process.release = release;
        Ok(())
    }

    fn is_ill(&self, id: &InstanceId) -> bool {
        self.machine.get(id).is_some_and(|process| !process.healthy(self.now_ms))
    }

    /// Stops a process; `ill` says whether it was not healthy when that was asked for.
    fn stop(&mut self, id: &InstanceId, ill: bool) -> Result<(), Fault> {
        let now_ms = self.now_ms;
        let Some(process) = self.machine.get_mut(id).filter(|process| process.runs(now_ms)) else { return Ok(()) };
        if process.stops_refused > 0 {
            process.stops_refused -= 1;
            return Err(Fault::unavailable(format!("{id} does not stop in the simulation")));
        }
        // What answers no more is ended while it is routed, and rightly so. A clock that jumps cuts a drain short.
        let jumped = self.jumped_ms.is_some_and(|at| now_ms < at + 10_000);
        let excused = ill || !process.healthy(now_ms);
        let (slot, release) = (process.slot.clone(), process.release.clone());
        let caller = self.router.caller_of(&slot, &release, &self.machine, now_ms).filter(|_| !jumped);
        let leaving = self.router.leaving(id, now_ms).filter(|_| !jumped);
        let met = Met { routed: self.router.routed().contains(id), leaving, caller };
        self.watcher.stops(id, &met, excused);
        self.machine.stop(id, now_ms);
        self.tell(|| format!("{id} stops"));
        Ok(())
    }

    fn restore_data(&mut self, slot: &SlotKey) {
        let now_ms = self.now_ms;
        let mut running = self.machine.all().filter(|(_, process)| process.slot == *slot && process.runs(now_ms));
        if let Some((id, _)) = running.next() {
            let id = id.clone();
            self.watcher.data_is_touched(slot, &id);
        }
    }

    /// Says whether it ends well.
    fn runs_one_off(&mut self, run: &CommandRun) -> Result<bool, Fault> {
        let service = run.variables.get("SHIPWAY_SERVICE").cloned().unwrap_or_default();
        let migrates = run.command.program() == "migrate";
        self.tell(|| format!("`{}` of {service}", run.command));
        self.watcher.one_off(&service, migrates);
        let release = run.variables.get("SHIPWAY_RELEASE").map(|id| ReleaseId::new(id.clone()));
        let trick = self.watcher.trick(|step| match step {
            Step::Migrate { release: its, .. } => migrates && Some(its) == release.as_ref(),
            Step::Hooks { release: its, .. } => !migrates && Some(its) == release.as_ref(),
            _ => false,
        });
        let release = release.and_then(|id| self.watcher.releases.get(&id).cloned());
        if let Some(release) = &release {
            self.runs_once(run, release, migrates);
            if migrates {
                self.contracts(release);
            }
        }
        let bad = release.as_ref().is_some_and(|release| !self.watcher.calm && self.behaviour(release).fails_hooks);
        let well = trick != Some(Trick::Fails) && !bad;
        if let Some(release) = release.filter(|_| well) {
            self.ran_well(&release.id);
        }
        match trick {
            Some(Trick::Unanswered) => Err(unanswered()),
            _ => Ok(well),
        }
    }

    /// A `contract` may run only when nothing older does.
    fn contracts(&mut self, release: &Release) {
        let contract = release.serve.migrate.as_ref().is_some_and(|migrate| migrate.kind == MigrateKind::Contract);
        let now_ms = self.now_ms;
        let older = |process: &crate::machine::Process| {
            process.slot == release.slot && process.release != release.id && process.runs(now_ms)
        };
        let running = self.machine.all().find(|(_, process)| contract && older(process)).map(|(id, _)| id.clone());
        if let Some(id) = running {
            self.watcher.data_is_touched(&release.slot, &id);
        }
    }

    /// Follows a table; `restored` says whether the store had been put back when it was sent off.
    fn follow(&mut self, table: Arc<RouteTable>, restored: bool) -> Result<(), Fault> {
        let now_ms = self.now_ms;
        if self.router.follow(table.clone(), &self.machine, &mut self.random, now_ms)? {
            self.trace.mix(table.generation);
            let routed = self.router.routed();
            self.tell(|| format!("the proxy follows {}: {routed:?}", table.generation));
            self.watcher.followed(&table, &self.machine, now_ms);
            // What was on its way while the store was put back is of commits that are no longer there.
            if restored == self.watcher.restored {
                self.watcher.follow_the_slots(&table);
            }
        }
        Ok(())
    }
}

impl Driver for Reach {
    fn stage<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        let staged = |step: &Step| matches!(step, Step::Stage { release: its } if *its == release.id);
        self.step(staged, |_| ()).boxed()
    }

    fn drift<'a>(&'a self, _: &'a Release, _: &'a [Launch]) -> BoxFuture<'a, Result<Vec<Difference>, Fault>> {
        // Nobody edits files in this world.
        async move { Ok(Vec::new()) }.boxed()
    }

    fn mend<'a>(&'a self, _: &'a Release) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }

    fn unstage<'a>(&'a self, _: &'a ReleaseId) -> BoxFuture<'a, Result<(), Fault>> {
        self.shared.act(|_| ()).boxed()
    }

    fn start(&self, launch: Launch) -> BoxFuture<'_, Result<SocketAddr, Fault>> {
        async move {
            let id = launch.instance.clone();
            let (lost, again) = {
                let mut world = self.shared.world();
                // What runs is found running: that changes nothing, whoever asks.
                if !world.machine.get(&id).is_some_and(|process| process.runs(world.now_ms)) {
                    world.watcher.starts(&id);
                }
                world.tell(|| format!("start {id}"));
                let chances = world.chances;
                (world.random.per_mille(chances.lose_start), world.random.per_mille(chances.start_again))
            };
            if lost {
                return Ok(SocketAddr::from(([127, 0, 0, 1], 1)));
            }
            if again {
                self.start_later(launch.clone());
            }
            let meant = |step: &Step| matches!(step, Step::Start { instance, .. } if *instance == id);
            self.step(meant, move |world| world.start(&launch)).await
        }
        .boxed()
    }

    fn reload(&self, launch: Launch) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            let id = launch.instance.clone();
            let meant = |step: &Step| matches!(step, Step::Reload { instance, .. } if *instance == id);
            self.step(meant, move |world| world.reload(&launch)).await?
        }
        .boxed()
    }

    fn observe<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<Life, Fault>> {
        let id = instance.clone();
        async move {
            if self.shared.fate().await == Fate::Refused {
                return Err(Fault::unavailable("the driver could not look in the simulation"));
            }
            let world = self.shared.world();
            Ok(world.machine.life(&id, world.now_ms))
        }
        .boxed()
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<Observed>, Fault>> {
        async move {
            if self.shared.fate().await == Fate::Refused {
                return Err(Fault::unavailable("the driver could not look in the simulation"));
            }
            let world = self.shared.world();
            let seen = world.machine.all().map(|(id, _)| id);
            Ok(seen.map(|id| Observed { instance: id.clone(), life: world.machine.life(id, world.now_ms) }).collect())
        }
        .boxed()
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, _: &'a StopSpec) -> BoxFuture<'a, Result<(), Fault>> {
        self.shared.world().tell(|| format!("stop {instance}"));
        let id = instance.clone();
        let meant = move |step: &Step| matches!(step, Step::Stop { instance: its, .. } if its == instance);
        async move {
            let ill = self.shared.world().is_ill(&id);
            self.step(meant, move |world| world.stop(&id, ill)).await?
        }
        .boxed()
    }

    fn forget<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), Fault>> {
        let id = instance.clone();
        self.shared.act(move |world| world.machine.forget(&id, world.now_ms)).boxed()
    }

    fn snapshot_data<'a>(
        &'a self,
        slot: &'a SlotKey,
        name: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<DataSnapshot, Fault>> {
        let (slot, name) = (slot.clone(), name.to_owned());
        let meant = self.of_slot(&slot, |step| matches!(step, Step::Snapshot { .. }));
        self.step(meant, move |world| world.machine.copy_data(&slot, &name)).boxed()
    }

    fn restore_data<'a>(&'a self, slot: &'a SlotKey, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        let slot = slot.clone();
        let meant = self.of_slot(&slot, |step| matches!(step, Step::RestoreData { .. }));
        self.step(meant, move |world| world.restore_data(&slot)).boxed()
    }

    fn data_snapshots<'a>(&'a self, slot: &'a SlotKey) -> BoxFuture<'a, Result<Vec<DataSnapshot>, Fault>> {
        let slot = slot.clone();
        self.shared.act(move |world| world.machine.data_copies(&slot)).boxed()
    }

    /// Nobody measures data in a simulation.
    fn data_use<'a>(&'a self, _: &'a SlotKey) -> BoxFuture<'a, Result<u64, Fault>> {
        async { Ok(0) }.boxed()
    }

    fn log<'a>(&'a self, _: &'a InstanceId, from: LogPosition, _: usize) -> BoxFuture<'a, Result<LogPage, Fault>> {
        async move { Ok(LogPage { lines: Vec::new(), next: from }) }.boxed()
    }

    fn log_tail<'a>(&'a self, _: &'a InstanceId, _: usize) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        async move { Ok(Vec::new()) }.boxed()
    }

    fn usage<'a>(&'a self, instances: &'a [InstanceId]) -> BoxFuture<'a, Result<BTreeMap<InstanceId, Usage>, Fault>> {
        async move {
            if self.shared.fate().await == Fate::Refused {
                return Err(Fault::unavailable("the driver could not look in the simulation"));
            }
            let world = self.shared.world();
            Ok(world.machine.usage(instances, world.now_ms))
        }
        .boxed()
    }

    fn held_limits(&self) -> HeldLimits {
        HeldLimits { memory: true, cpu: true, processes: true, reason: "simulated".into() }
    }

    fn idle_time(&self) -> Result<IdleTime, Fault> {
        let at_us = self.shared.world().now_ms * 1000;
        Ok(IdleTime { at_us, idle_us: at_us * 4 })
    }

    fn capacity(&self) -> Result<Capacity, Fault> {
        Ok(Capacity { cores: 8, memory_mb: 65_536, memory_free_mb: 65_536, disk_free_mb: 65_536 })
    }
}

impl Reach {
    /// Whether a step is of a sort, and of a release of a slot.
    fn of_slot<F: Fn(&Step) -> bool>(&self, slot: &SlotKey, sort: F) -> impl Fn(&Step) -> bool + use<F> {
        let releases = self.shared.world().watcher.releases.clone();
        let slot = slot.clone();
        move |step| {
            let of = step.release().and_then(|id| releases.get(id)).is_some_and(|release| release.slot == slot);
            of && sort(step)
        }
    }

    /// The same start once more, when nobody expects it.
    fn start_later(&self, launch: Launch) {
        let shared = self.shared.clone();
        self.shared.spawn(Group::World, async move {
            let span_ms = shared.world().random.between(200, 4000);
            shared.sleep(span_ms).await;
            let mut world = shared.world();
            if !world.watcher.calm {
                world.tell(|| format!("{} is started once more", launch.instance));
                world.start(&launch);
            }
        });
    }
}

impl Prober for Reach {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        async move {
            let answered = self.shared.fate().await != Fate::Refused;
            let passed = answered && self.shared.world().asked(&question);
            let got = if passed { "200" } else { "nothing" };
            Answer { passed, expected: "200".into(), got: got.into(), took_ms: 1 }
        }
        .boxed()
    }
}

impl World {
    fn asked(&mut self, question: &Question) -> bool {
        let now_ms = self.now_ms;
        let path = question.ask.http.as_deref().unwrap_or_default();
        let is_direct = question.host.is_none() && question.address.port() != LINK_PORT;
        if is_direct {
            let Some(id) = self.machine.at_port(question.address.port()).cloned() else { return false };
            return self.asked_instance(&id, path, now_ms);
        }
        let interacts = path.starts_with("/interact");
        let asks = |step: &Step| matches!(step, Step::Interact { interaction, .. } if interaction.ask == question.ask);
        if interacts && self.watcher.is_failing(asks) {
            return false;
        }
        let Some((pool, backend)) = self.router.pick(question.host.as_deref(), question.address) else { return false };
        if !interacts && self.check_fails(&pool.slot) {
            return false;
        }
        if let BackendTarget::Files(_) = backend.target {
            return !path.starts_with("/verify") || !self.is_bad_site(&backend.release);
        }
        let running = upstreams(backend).filter_map(|id| self.machine.get(id)).find(|process| process.listens(now_ms));
        running.is_some_and(|process| match path {
            "/verify" => !process.behaviour.fails_verify,
            "/test" => !process.behaviour.fails_test,
            _ if interacts => !process.behaviour.fails_together,
            _ => process.healthy(now_ms),
        })
    }

    fn is_bad_site(&self, release: &ReleaseId) -> bool {
        let release = self.watcher.releases.get(release);
        release.is_some_and(|release| !self.watcher.calm && self.behaviour(release).fails_verify)
    }

    fn check_fails(&self, slot: &SlotKey) -> bool {
        self.watcher.is_failing(|step| match step {
            Step::Check { release, through: CheckThrough::Link | CheckThrough::Route } => {
                self.watcher.is_of(release, slot)
            }
            _ => false,
        })
    }

    fn asked_instance(&mut self, id: &InstanceId, path: &str, now_ms: u64) -> bool {
        let failing = |step: &Step| match step {
            Step::Check { through: CheckThrough::Instance { instance }, .. } => path == "/test" && instance == id,
            Step::Prove { instance, .. } => path != "/test" && instance == id,
            _ => false,
        };
        if self.watcher.is_failing(failing) {
            return false;
        }
        let Some(process) = self.machine.get_mut(id) else { return false };
        let release = self.watcher.releases.get(&process.release);
        let by_port = release.is_some_and(|release| release.serve.health.startup.is_none());
        match path {
            "/test" => process.listens(now_ms) && !process.behaviour.fails_test,
            "" => {
                process.proven |= by_port && process.listens(now_ms);
                process.listens(now_ms)
            }
            _ => {
                process.proven |= process.healthy(now_ms);
                process.healthy(now_ms)
            }
        }
    }
}

impl Runner for Reach {
    fn run(&self, run: CommandRun) -> BoxStream<'static, Result<CommandEvent, Fault>> {
        let shared = self.shared.clone();
        let ended = async move {
            let fate = shared.fate().await;
            if fate == Fate::Refused {
                return Err(Fault::unavailable("the command could not start in the simulation"));
            }
            let well = shared.world().runs_one_off(&run)?;
            Ok(CommandEvent::Ended(CommandEnd::Exited(i32::from(!well))))
        };
        stream::once(ended).boxed()
    }

    fn hand_over<'a>(&'a self, _: &'a Path, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }

    fn sweep(&self) -> BoxFuture<'_, Result<u32, Fault>> {
        async move { Ok(0) }.boxed()
    }
}

impl TrafficRouter for Reach {
    fn publish(&self, table: Arc<RouteTable>) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            let restored = self.shared.world().watcher.restored;
            self.shared.act(move |world| world.follow(table, restored)).await?
        }
        .boxed()
    }

    fn traffic(&self) -> BoxFuture<'_, Result<Traffic, Fault>> {
        async move {
            if self.shared.fate().await == Fate::Refused {
                return Err(Fault::unavailable("the proxy does not answer in the simulation"));
            }
            let mut world = self.shared.world();
            let world = &mut *world;
            let mut traffic = world.router.traffic(&world.machine, world.now_ms);
            if world.watcher.is_failing(|step| matches!(step, Step::Watch { .. })) {
                for release in &mut traffic.releases {
                    release.server_errors = release.requests + 1000;
                    release.requests += 1000;
                }
            }
            Ok(traffic)
        }
        .boxed()
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], EDGE_PORT))
    }

    fn link_port(&self) -> u16 {
        LINK_PORT
    }
}

impl Artifacts for Reach {
    fn read_tree<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        async move { Ok(Tree::new(Vec::new())) }.boxed()
    }

    fn put<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        async move { Ok(Tree::new(Vec::new())) }.boxed()
    }

    fn tree<'a>(&'a self, digest: &'a ArtifactDigest) -> BoxFuture<'a, Result<Tree, Fault>> {
        let known = self.shared.world().behaviours.contains_key(digest);
        async move {
            match known {
                true => Ok(Tree::new(Vec::new())),
                false => Err(Fault::not_found(format!("there is no artifact {digest}"))),
            }
        }
        .boxed()
    }

    fn hash<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<String, Fault>> {
        async move { Ok(String::new()) }.boxed()
    }

    fn unpack<'a>(&'a self, _: &'a ArtifactDigest, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }
}

impl Remotes for Reach {
    fn ask(&self, call: RemoteCall, _: usize) -> BoxFuture<'_, Result<RemoteAnswer, Fault>> {
        async move {
            if self.shared.fate().await == Fate::Refused {
                return Err(Fault::unavailable("the remote does not answer in the simulation"));
            }
            let RemoteCall::Http { etag, .. } = call else {
                return Err(Fault::not_found("there are no files in the simulation"));
            };
            let mut world = self.shared.world();
            let version = world.now_ms / REMOTE_CHANGES_MS;
            let now = Some(format!("\"{version}\""));
            world.tell(|| format!("the remote is asked at version {version}"));
            if etag == now {
                return Ok(RemoteAnswer::Unchanged);
            }
            Ok(RemoteAnswer::Whole { body: format!("{{\"version\": {version}}}").into_bytes(), etag: now })
        }
        .boxed()
    }
}

impl Sources for Reach {
    fn copy<'a>(&'a self, _: &'a Path, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }

    fn make_folder<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }

    fn remove<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        async move { Ok(()) }.boxed()
    }

    fn read_text<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        async move { Ok(None) }.boxed()
    }
}

impl Archives for Reach {
    fn keep<'a>(&'a self, archived: &'a Archived) -> BoxFuture<'a, Result<(), Fault>> {
        let id = archived.deployment.id.clone();
        async move {
            self.shared.world().machine.archived.insert(id);
            Ok(())
        }
        .boxed()
    }
}

impl Logs for Reach {
    fn append(&self, name: &str, lines: &[String]) -> Result<(), Fault> {
        self.shared.world().machine.logs.entry(name.to_owned()).or_default().extend_from_slice(lines);
        Ok(())
    }

    fn read(&self, _: &str, from: LogPosition, _: usize) -> Result<LogPage, Fault> {
        Ok(LogPage { lines: Vec::new(), next: from })
    }

    fn tail(&self, name: &str, lines_max: usize) -> Result<Vec<String>, Fault> {
        let world = self.shared.world();
        let lines = world.machine.logs.get(name).cloned().unwrap_or_default();
        Ok(lines[lines.len().saturating_sub(lines_max)..].to_vec())
    }

    fn holds(&self, folder: &str) -> Result<bool, Fault> {
        let world = self.shared.world();
        Ok(world.machine.logs.keys().any(|name| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))))
    }

    fn remove(&self, folder: &str) -> Result<bool, Fault> {
        let mut world = self.shared.world();
        let before = world.machine.logs.len();
        world.machine.logs.retain(|name, _| !name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
        Ok(world.machine.logs.len() < before)
    }
}

impl Ids for Reach {
    fn deployment(&self) -> DeploymentId {
        let mut world = self.shared.world();
        world.ids += 1;
        DeploymentId::new(format!("d{:04}", world.ids))
    }

    fn token(&self) -> String {
        let mut world = self.shared.world();
        world.ids += 1;
        format!("{:032x}", world.ids)
    }
}
