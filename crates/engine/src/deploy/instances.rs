//! Instances by port calls: launched with their record, drained, stopped, and where their commands run.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    ports::{Answer, CommandContext, Fault, FaultKind, Launch, Life},
    release::{Release, url_variable, variable},
    route::link_address,
    secret::SecretPins,
    slot::Slot,
    spec::Ask,
    store::{Commit, Guarded},
};

use tracing::warn;

use crate::{Engine, secrets};

/// How often a record is written again because somebody wrote in between.
const CONFLICTS_MAX: u32 = 10;
/// How often in-flight requests are counted while an instance drains.
const DRAIN_TICK_MS: u64 = 20;

/// Records an instance, starts it, and records where it listens. `right` is by which right that is done: a server that
/// has lost it starts nothing more. With `at_once` the target's breaker does not keep it from starting.
pub(super) async fn launch(
    engine: &Arc<Engine>,
    release: &Arc<Release>,
    instance: Instance,
    right: (Guarded, u64),
    at_once: bool,
) -> Result<Instance, Fault> {
    let store = &engine.ports.store;
    let stored: Option<Instance> = store.find(instance.id.as_str()).await?;
    let instance = stored.unwrap_or(instance);
    let record = Commit::at(engine.ports.clock.now()).fence(right.0.clone(), right.1);
    store.commit(record.put(&instance)).await?;
    start(engine, release, instance, right, at_once).await
}

/// Starts an instance that has just been recorded, and records where it listens.
pub(crate) async fn start(
    engine: &Arc<Engine>,
    release: &Arc<Release>,
    instance: Instance,
    right: (Guarded, u64),
    at_once: bool,
) -> Result<Instance, Fault> {
    let (given, substituted) = secrets::of_release(engine, release).await?;
    let launch = Launch {
        instance: instance.id.clone(),
        release: release.clone(),
        variables: variables(engine, release, &instance.id, instance.launched_as()),
        secrets: given,
    };
    let starting = engine.clone();
    let started = engine
        .ports
        .tasks
        .finish(async move {
            // Whoever gave this start up has perhaps stopped the instance by now, and removed its record: then it stays so.
            if starting.ports.store.find::<Instance>(launch.instance.as_str()).await?.is_none() {
                return Err(Fault::unavailable(format!("the start of {} was given up", launch.instance)));
            }
            match at_once {
                true => starting.breaker.start_at_once(launch).await,
                false => starting.ports.driver.start(launch).await,
            }
        })
        .await;
    let address = started.unwrap_or_else(|| Err(Fault::unavailable("the start was cut off: the server stops")))?;
    let event = (!substituted.is_empty()).then(|| tell_substituted(release, &instance, &substituted));
    listens(engine, Instance { address: Some(address), substituted, ..instance }, event, &right).await
}

fn tell_substituted(release: &Release, instance: &Instance, substituted: &SecretPins) -> EventBody {
    let words = secrets::substituted_words(release, substituted);
    let message = format!("{} was given {words}", instance.id);
    EventBody {
        project: Some(instance.slot.project.clone()),
        environment: Some(instance.slot.environment.clone()),
        deployment: instance.deployment.clone(),
        services: vec![instance.slot.service.clone()],
        ..EventBody::new(EventKind::SecretSubstituted, EventStatus::Warning, "secrets", message)
    }
}

/// Records where an instance listens and what it was given, whatever became of it since its start began: what was let
/// go stays so.
async fn listens(
    engine: &Engine,
    started: Instance,
    event: Option<EventBody>,
    right: &(Guarded, u64),
) -> Result<Instance, Fault> {
    let store = &engine.ports.store;
    let mut conflicts = 0;
    loop {
        // Read before the instance: when somebody lets it drain in between, the slot's revision says so.
        let slot: Option<Slot> = store.find(&started.slot.to_string()).await?;
        let Some(stored) = store.find::<Instance>(started.id.as_str()).await? else {
            return Err(Fault::unavailable(format!("the start of {} was given up", started.id)));
        };
        let instance = Instance { address: started.address, substituted: started.substituted.clone(), ..stored };
        let slot = (Guarded::Slot(started.slot.clone()), slot.map_or(0, |slot| slot.revision));
        let commit = Commit::at(engine.ports.clock.now()).fence(right.0.clone(), right.1).fence(slot.0, slot.1);
        let commit = event.iter().cloned().fold(commit.put(&instance), Commit::event);
        match store.commit(commit).await {
            Err(fault) if fault.kind == FaultKind::Conflict && conflicts < CONFLICTS_MAX => conflicts += 1,
            committed => return committed.map(|_| instance),
        }
    }
}

/// The variables of an instance that was launched as a release, this one or another that it has passed from; but for
/// `PORT` and secrets.
pub(crate) fn variables(
    engine: &Engine,
    release: &Release,
    instance: &InstanceId,
    launched: &ReleaseId,
) -> BTreeMap<String, String> {
    let mut variables = release.variables();
    variables.insert(variable::INSTANCE.into(), instance.to_string());
    let flags = engine.flags_url(&release.slot.project, &release.slot.environment);
    variables.extend(flags.map(|url| (variable::FLAGS.to_owned(), url)));
    for dependency in &release.serve.depends_on {
        let address = link_address(launched, dependency);
        let url = format!("http://{address}:{}", engine.ports.router.link_port());
        variables.insert(url_variable(dependency.as_str()), url);
    }
    variables
}

/// Waits until nothing is in flight at an instance, nor at others that leave traffic and may still call it, or its time
/// is over.
pub(crate) async fn drain(engine: &Engine, release: &Release, instance: &InstanceId) {
    drain_for(engine, release, instance, release.serve.timeouts.drain_s * 1000).await;
}

/// The same, for so long at most.
pub(crate) async fn drain_for(engine: &Engine, release: &Release, instance: &InstanceId, span_ms: u64) {
    let clock = &engine.ports.clock;
    let until = clock.now().plus_ms(span_ms);
    loop {
        let idle = match engine.publisher.traffic().await {
            Ok(traffic) => is_idle(engine, release, instance, &traffic.in_flight).await,
            // A proxy that is starting again may still have handed requests on: ask again.
            Err(_) => false,
        };
        if idle || clock.now() >= until {
            return;
        }
        clock.sleep_ms(DRAIN_TICK_MS).await;
    }
}

async fn is_idle(
    engine: &Engine,
    release: &Release,
    instance: &InstanceId,
    in_flight: &BTreeMap<InstanceId, u64>,
) -> bool {
    let asked = |id: &InstanceId| in_flight.get(id).is_some_and(|requests| *requests > 0);
    if asked(instance) {
        return false;
    }
    if !in_flight.keys().any(asked) {
        return true;
    }
    match callers_that_leave(engine, release).await {
        Ok(callers) => !callers.iter().any(asked),
        Err(_) => false,
    }
}

/// Instances of services that depend on a release's, and get no new requests. The plan lines up those that it knows;
/// there are also those that stay and stand by, and those that the reconciler started in place of others.
async fn callers_that_leave(engine: &Engine, release: &Release) -> Result<Vec<InstanceId>, Fault> {
    let SlotKey { project, environment, service } = &release.slot;
    let scope = format!("{project}/{environment}");
    let slots: Vec<Slot> = engine.ports.store.below(&scope).await?;
    let instances: Vec<Instance> = engine.ports.store.below(&scope).await?;
    let serves = |one: &Instance| slots.iter().any(|slot| slot.key == one.slot && slot.names_as_serving(&one.release));
    let mut callers = Vec::new();
    for one in instances {
        let leaves = one.slot.service != *service && (one.state == InstanceState::Draining || !serves(&one));
        if leaves && engine.release(&one.release).await?.serve.depends_on.contains(service) {
            callers.push(one.id);
        }
    }
    Ok(callers)
}

/// What runs and nobody recorded. `seen` was read before this look at the records: an instance is recorded before it
/// starts, so one that is seen and not recorded afterwards is nobody's.
pub(crate) async fn strays(engine: &Engine, seen: &BTreeMap<InstanceId, Life>) -> Result<Vec<InstanceId>, Fault> {
    let mut strays = Vec::new();
    for (id, life) in seen {
        let runs = matches!(life, Life::Running { .. });
        if runs && engine.ports.store.find::<Instance>(id.as_str()).await?.is_none() {
            strays.push(id.clone());
        }
    }
    Ok(strays)
}

/// Stops what runs and nobody recorded.
pub(crate) async fn stop_stray(engine: &Engine, id: &InstanceId) -> Result<(), Fault> {
    warn!(instance = %id, "stopping an instance that nobody recorded");
    engine.ports.driver.stop(id, &Default::default()).await
}

/// Stops an instance and removes its record. Its log stays until the reconciler tidies up.
pub(crate) async fn stop(engine: &Engine, release: &Release, id: &InstanceId) -> Result<(), Fault> {
    match engine.ports.driver.stop(id, &release.serve.stop).await {
        Ok(()) => {}
        Err(fault) if fault.kind == FaultKind::NotFound => {}
        Err(fault) => return Err(fault),
    }
    if let Some(instance) = engine.ports.store.find::<Instance>(id.as_str()).await? {
        engine.ports.store.commit(Commit::at(engine.ports.clock.now()).delete(&instance)).await?;
        engine.publisher.kick();
    }
    Ok(())
}

/// Where and with what a question's command runs; it is given the release's secrets.
pub(super) async fn context_of(
    engine: &Engine,
    release: &Release,
    id: &InstanceId,
    address: Option<SocketAddr>,
    ask: &Ask,
) -> Result<CommandContext, Fault> {
    match ask.command {
        Some(_) => context_with_secrets(engine, release, id, address).await,
        None => Ok(context(engine, release, id, address)),
    }
}

/// The same for any command of a release.
pub(super) async fn context_with_secrets(
    engine: &Engine,
    release: &Release,
    id: &InstanceId,
    address: Option<SocketAddr>,
) -> Result<CommandContext, Fault> {
    let mut context = context(engine, release, id, address);
    let (given, _) = secrets::of_release(engine, release).await?;
    context.variables.extend(given.variables.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())));
    Ok(CommandContext { secret_files: given.files, ..context })
}

/// What was not asked, for its secrets are not there.
pub(super) fn not_asked(fault: &Fault) -> Answer {
    Answer { passed: false, expected: "to be asked".into(), got: fault.to_string(), took_ms: 0 }
}

/// Where and with what the commands of a release run, but for secrets.
fn context(engine: &Engine, release: &Release, id: &InstanceId, address: Option<SocketAddr>) -> CommandContext {
    let mut variables = variables(engine, release, id, &release.id);
    if let Some(address) = address {
        variables.insert(variable::PORT.into(), address.port().to_string());
    }
    if !release.serve.data.is_empty() {
        let volumes = engine.settings.folders.volumes(&release.slot);
        variables.insert(variable::DATA.into(), volumes.to_string_lossy().into_owned());
    }
    variables.entry("PATH".into()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".into());
    CommandContext {
        folder: engine.settings.folders.releases().join(release.id.as_str()),
        variables,
        run_as: release.serve.run_as.clone(),
        secret_files: BTreeMap::new(),
    }
}
