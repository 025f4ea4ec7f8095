//! Dies as by `kill -9` at a named step, so that the crash test can hit every step from both sides.
//!
//! `SHIPWAY_CRASH_POINT=forward/5/before` or `back/2/after`. It exists in every build: what is tested is what ships.

use rustix::process::{Signal, getpid, kill_process};
use shipway_engine::CrashPoint;

/// The variable that names the place.
pub(super) const VARIABLE: &str = "SHIPWAY_CRASH_POINT";

/// Reads a place; anything else is none.
pub(super) fn read(text: &str) -> Option<CrashPoint> {
    let mut parts = text.split('/');
    let back = match parts.next()? {
        "forward" => false,
        "back" => true,
        _ => return None,
    };
    let step = parts.next()?.parse().ok()?;
    let acted = match parts.next()? {
        "before" => false,
        "after" => true,
        _ => return None,
    };
    Some(CrashPoint { back, step, acted, die })
}

fn die() {
    // It can't fail on oneself, and there is nobody left to tell.
    let _ = kill_process(getpid(), Signal::KILL);
}
