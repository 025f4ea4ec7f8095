//! Hooks: one-off commands, each once per deployment.
//!
//! A hook whose end was recorded is never run again. One that was cut off by the server's death is run again, since
//! nobody can know how far it came: a hook should bear that.

use futures_util::StreamExt;
use shipway_core::{
    id::{InstanceId, ReleaseId},
    ports::{CommandEnd, CommandEvent, CommandRun, Fault},
    release::Release,
    spec::{HookMoment, HookSpec},
};

use super::{
    failure::{Broken, LOG_TAIL_LINES},
    instances::context,
    mover::Mover,
};

pub(super) async fn run(mover: &Mover<'_>, release: &ReleaseId, when: HookMoment, again: bool) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    let log = format!("deployments/{}/hooks/{}", mover.active.read().await.id, release.slot.service);
    let hooks = release.serve.hooks.iter().enumerate().filter(|(_, hook)| hook.when == when);
    for (number, hook) in hooks {
        let ended = format!("hook {number} ended with status 0");
        if again && mover.engine.ports.logs.tail(&log, usize::MAX)?.contains(&ended) {
            continue;
        }
        run_one(mover, &release, hook, &log).await?;
        mover.engine.ports.logs.append(&log, &[ended])?;
    }
    Ok(())
}

async fn run_one(mover: &Mover<'_>, release: &Release, hook: &HookSpec, log: &str) -> Result<(), Broken> {
    let engine = mover.engine;
    let nobody = InstanceId::new("hook");
    let context = context(engine, release, &nobody, None);
    let run = CommandRun {
        command: hook.command.clone(),
        folder: context.folder,
        variables: context.variables,
        run_as: context.run_as,
        timeout_ms: release.serve.timeouts.hook_s * 1000,
        input: Vec::new(),
    };
    engine.ports.logs.append(log, &[format!("$ {}", hook.command)])?;
    let mut events = engine.ports.runner.run(run);
    let mut end = Err(Fault::unavailable("the command did not end"));
    while let Some(event) = events.next().await {
        match event? {
            CommandEvent::Line(line) => engine.ports.logs.append(log, &[line])?,
            CommandEvent::Ended(how) => end = Ok(how),
        }
    }
    let all_of_it = format!("`shipway logs {}` shows all that it said", mover.active.read().await.name);
    let (how, hint) = match end? {
        CommandEnd::Exited(0) => return Ok(()),
        CommandEnd::Exited(status) => (format!("exited with status {status}"), all_of_it),
        CommandEnd::Signalled(signal) => (format!("was ended by signal {signal}"), all_of_it),
        CommandEnd::TimedOut => {
            let hint = format!("raise `timeouts.hook_s` when it only needs longer; {all_of_it}");
            (format!("did not end within {} s", release.serve.timeouts.hook_s), hint)
        }
    };
    let log_tail = engine.ports.logs.tail(log, LOG_TAIL_LINES).unwrap_or_default();
    let broken = Broken::release(format!("the hook `{}` {how}", hook.command));
    Err(Broken { log_tail, hint: Some(hint), ..broken })
}
