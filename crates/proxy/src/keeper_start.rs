//! Starting a keeper, unless there is one. Not here: what it does then (`keeper`).

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use shipway_core::ports::{Fault, FaultKind};

use crate::{
    file_write::replace,
    keeper::{KeeperStatus, status},
    keeper_wire::proxy_status,
    limits::{KEEPER_LINE_MS_MAX, LOOK_MS, READY_MS_MAX, ms},
    serve::make_folder,
};

const FAULT: &str = "keeper-fault.json";

/// Sees to it that a keeper runs in a folder and that its proxy serves: the one that is there, or a new one by
/// `command`, which must call `keeper::run`. Blocks.
///
/// The address of a keeper that was there may be another than wanted: the status says it. The command's output goes
/// where the command says; the keeper's process outlives the one that started it.
///
/// # Errors
///
/// What the new keeper could not do, such as listening at a taken port; or that no proxy serves within `READY_MS_MAX`.
pub fn ensure(folder: &Path, command: &mut Command) -> Result<KeeperStatus, Fault> {
    make_folder(folder)?;
    if let Some(status) = serving(folder) {
        return Ok(status);
    }
    let mut started = match status(folder) {
        // Its proxy is being started again.
        Ok(_) => None,
        Err(_) => Some(start(folder, command)?),
    };
    let deadline = Instant::now() + ms(READY_MS_MAX);
    while Instant::now() < deadline {
        if let Some(status) = serving(folder) {
            started.map(|mut child| thread::spawn(move || child.wait()));
            return Ok(status);
        }
        if let Some(child) = &mut started
            && let Ok(Some(ended)) = child.try_wait()
        {
            started = None;
            // Another keeper may have come first, and that one is as good.
            if status(folder).is_err() && serving(folder).is_none() {
                return Err(left_fault(folder).unwrap_or_else(|| {
                    Fault::unavailable(format!("the proxy's keeper ended at once: {ended}"))
                        .with_hint("its output says why")
                }));
            }
        }
        thread::sleep(ms(LOOK_MS));
    }
    Err(Fault::new(FaultKind::Timeout, format!("no proxy serves within {READY_MS_MAX} ms"))
        .with_hint("the output of the proxy and its keeper says why"))
}

fn start(folder: &Path, command: &mut Command) -> Result<Child, Fault> {
    let _ = fs::remove_file(folder.join(FAULT));
    // No group of its own: the keeper begins a session, which the leader of a group can't.
    let spawned = command.stdin(Stdio::null()).spawn();
    spawned.map_err(|error: io::Error| Fault::io("starting the proxy's keeper", &error))
}

fn serving(folder: &Path) -> Option<KeeperStatus> {
    let status = status(folder).ok()?;
    let proxy = proxy_status(folder, KEEPER_LINE_MS_MAX).ok()?;
    (status.proxy_pid == Some(proxy.pid)).then_some(status)
}

/// Leaves a fault for the one who started this keeper.
pub(crate) fn leave_fault(folder: &Path, fault: &Fault) {
    if let Ok(json) = serde_json::to_vec(fault) {
        // Without it the starter only knows that it ended.
        let _ = replace(&folder.join(FAULT), &json);
    }
}

fn left_fault(folder: &Path) -> Option<Fault> {
    serde_json::from_slice(&fs::read(folder.join(FAULT)).ok()?).ok()
}
