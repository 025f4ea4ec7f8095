//! Hooks: one-off commands, each once per deployment.
//!
//! A hook whose end was recorded is never run again. One that was cut off by the server's death is run again, since
//! nobody can know how far it came: a hook should bear that.

use shipway_core::{id::ReleaseId, spec::HookMoment};

use super::{failure::Broken, mover::Mover, one_off::OneOff};

pub(super) async fn run(mover: &Mover<'_>, release: &ReleaseId, when: HookMoment, again: bool) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    let log = format!("deployments/{}/hooks/{}", mover.active.read().await.id, release.slot.service);
    let hooks = release.serve.hooks.iter().enumerate().filter(|(_, hook)| hook.when == when);
    for (number, hook) in hooks {
        let ended = format!("hook {number} ended with status 0");
        if again && mover.engine.ports.logs.tail(&log, usize::MAX)?.contains(&ended) {
            continue;
        }
        let one_off = OneOff {
            what: "hook",
            command: &hook.command,
            timeout_s: release.serve.timeouts.hook_s,
            setting: "hook_s",
            log: &log,
        };
        one_off.run(mover, &release).await?;
        mover.engine.ports.logs.append(&log, &[ended])?;
    }
    Ok(())
}
