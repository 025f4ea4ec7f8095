//! Waits until an instance is healthy, and lets it take requests.

use std::net::SocketAddr;

use shipway_core::{
    id::{InstanceId, ReleaseId},
    instance::{Instance, InstanceState},
    ports::{Answer, CommandContext, Life, Question},
    release::Release,
    spec::{Ask, Probe},
    store::Commit,
    time::Timestamp,
};

use super::{
    failure::{Broken, broken},
    instances::{context_of, launch, not_asked},
    mover::Mover,
};
use crate::Engine;

const PROBE_MS: u64 = 10;
const PROBE_MS_MAX: u64 = 250;
/// How long a connection to an instance's own port may take.
const PORT_TIMEOUT_MS: u64 = 200;
/// How often an instance is started on another port, when another program took the one it was given.
const PORT_RETRIES_MAX: u32 = 3;

pub(super) async fn prove(mover: &Mover<'_>, release: &ReleaseId, id: &InstanceId) -> Result<(), Broken> {
    let engine = mover.engine;
    let release = engine.release(release).await?;
    let mut restarts = 0;
    loop {
        match healthy(engine, &release, id).await? {
            Health::Passed { at } => return ready(mover, id, at).await,
            Health::PortTaken if restarts < PORT_RETRIES_MAX => restarts += 1,
            Health::PortTaken => {
                let broken = broken(engine, id, "every port that it was given is taken by another program").await;
                let hint = "see what listens there (`ss -ltnp`): instances take ports from 20000 to 29999".to_owned();
                return Err(Broken { hint: Some(hint), ..broken });
            }
        }
        let Some(instance) = engine.ports.store.find::<Instance>(id.as_str()).await? else {
            return Err(Broken::release(format!("{id} is not recorded any more")));
        };
        engine.ports.driver.forget(id).await?;
        let right = mover.active.read().await.right();
        launch(engine, &release, Instance { address: None, ..instance }, right, mover.back).await?;
    }
}

pub(super) enum Health {
    /// It answered there.
    Passed {
        at: SocketAddr,
    },
    PortTaken,
}

/// Asks until the instance has started and is ready.
pub(crate) async fn is_healthy(engine: &Engine, release: &Release, id: &InstanceId) -> bool {
    matches!(healthy(engine, release, id).await, Ok(Health::Passed { .. }))
}

pub(super) async fn healthy(engine: &Engine, release: &Release, id: &InstanceId) -> Result<Health, Broken> {
    let health = &release.serve.health;
    let until = engine.ports.clock.now().plus_ms(release.serve.timeouts.start_s * 1000);
    let open_port = Probe {
        ask: Ask { tcp: Some(true), ..Ask::default() },
        timeout_ms: 1000,
        interval_ms: 1000,
        failure_threshold: 1,
        success_threshold: 1,
    };
    wait_for_port(engine, id, until).await?;
    let startup = health.startup.as_ref().or(health.readiness.as_ref()).unwrap_or(&open_port);
    let readiness = health.readiness.iter().filter(|_| health.startup.is_some());
    let mut proven_at = None;
    for probe in std::iter::once(startup).chain(readiness) {
        let (mut passed, mut wait_ms) = (0, PROBE_MS);
        while passed < probe.success_threshold {
            let address = match engine.ports.driver.observe(id).await? {
                Life::Running { address, .. } => address,
                life => return exited(engine, id, life).await,
            };
            let answer = ask(engine, release, id, probe, address).await;
            proven_at = Some(address);
            passed = if answer.passed { passed + 1 } else { 0 };
            if passed == 0 && engine.ports.clock.now() >= until {
                return Err(late(engine, release, id, answer).await);
            }
            if passed < probe.success_threshold {
                engine.ports.clock.sleep_ms(wait_ms).await;
                wait_ms = (wait_ms * 2).min(PROBE_MS_MAX);
            }
        }
    }
    match proven_at {
        Some(at) => Ok(Health::Passed { at }),
        None => Err(Broken::release(format!("{id} has a probe that asks nothing"))),
    }
}

/// Waits until anything accepts connections at the instance's port, looking more often than a probe asks: most of a
/// start-up passes before there is anybody to ask. Whether it is healthy is for the probes to say, so this only waits.
async fn wait_for_port(engine: &Engine, id: &InstanceId, until: Timestamp) -> Result<(), Broken> {
    let ask = Ask { tcp: Some(true), ..Ask::default() };
    while engine.ports.clock.now() < until {
        let Life::Running { address, .. } = engine.ports.driver.observe(id).await? else { return Ok(()) };
        let context = CommandContext::default();
        let question = Question { ask: ask.clone(), address, host: None, timeout_ms: PORT_TIMEOUT_MS, context };
        if engine.ports.prober.ask(question).await.passed {
            return Ok(());
        }
        engine.ports.clock.sleep_ms(PROBE_MS).await;
    }
    Ok(())
}

/// Asks an instance one probe.
pub(crate) async fn ask(
    engine: &Engine,
    release: &Release,
    id: &InstanceId,
    probe: &Probe,
    address: SocketAddr,
) -> Answer {
    let context = match context_of(engine, release, id, Some(address), &probe.ask).await {
        Ok(context) => context,
        Err(fault) => return not_asked(&fault),
    };
    let question = Question { ask: probe.ask.clone(), address, host: None, timeout_ms: probe.timeout_ms, context };
    engine.ports.prober.ask(question).await
}

async fn exited(engine: &Engine, id: &InstanceId, life: Life) -> Result<Health, Broken> {
    if let Some(address) = recorded_address(engine, id).await? {
        let ask = Ask { tcp: Some(true), ..Ask::default() };
        let question = Question { ask, address, host: None, timeout_ms: 200, context: CommandContext::default() };
        if engine.ports.prober.ask(question).await.passed {
            return Ok(Health::PortTaken);
        }
    }
    let how = match life {
        Life::Exited { signal: Some(signal), .. } => format!("it was ended by signal {signal}"),
        Life::Exited { status: Some(status), .. } => format!("it exited with status {status}"),
        _ => "it is gone".to_owned(),
    };
    let broken = broken(engine, id, &format!("{how} before it was healthy")).await;
    let hint = "the last lines of its log say why; it must listen on the port in `PORT` and stay".to_owned();
    Err(Broken { hint: Some(hint), ..broken })
}

async fn recorded_address(engine: &Engine, id: &InstanceId) -> Result<Option<SocketAddr>, Broken> {
    Ok(engine.ports.store.find::<Instance>(id.as_str()).await?.and_then(|instance| instance.address))
}

async fn late(engine: &Engine, release: &Release, id: &InstanceId, answer: Answer) -> Broken {
    let message = format!("not healthy after {} s", release.serve.timeouts.start_s);
    let hint = "see its log; raise `timeouts.start_s` when it only needs longer".to_owned();
    let broken = broken(engine, id, &message).await;
    Broken { answer: Some(answer), check: Some("startup".into()), hint: Some(hint), ..broken }
}

/// Lets an instance take requests.
pub(super) async fn ready(mover: &Mover<'_>, id: &InstanceId, at: SocketAddr) -> Result<(), Broken> {
    let engine = mover.engine;
    let Some(instance) = engine.ports.store.find::<Instance>(id.as_str()).await? else {
        return Err(Broken::release(format!("{id} is not recorded any more")));
    };
    // Where it was proven, and not where some earlier start of it was told to listen.
    let ready = Instance { state: InstanceState::Ready, address: Some(at), ..instance.clone() };
    if instance != ready {
        let (what, token) = mover.active.read().await.right();
        engine.ports.store.commit(Commit::at(engine.ports.clock.now()).fence(what, token).put(&ready)).await?;
        engine.publisher.kick();
    }
    Ok(())
}
