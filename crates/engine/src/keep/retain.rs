//! Forgets what is old, now and then: answers to requests with an `Idempotency-Key`, and the past of environments. Not
//! here: what of the past (`retention`).

use std::sync::Arc;

use shipway_core::{
    ports::Fault,
    store::{Commit, Listing},
};
use tracing::warn;

use crate::{Engine, Remembered, retention};

const TICK_MS: u64 = 600_000;
/// How long an answer is remembered.
const REMEMBERED_MS: i64 = 24 * 3600 * 1000;
/// Answers that are forgotten at a time.
const FORGOTTEN_MAX: u32 = 500;

pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        if let Some(token) = engine.itself.leads(engine.ports.clock.now()) {
            if let Err(fault) = forget(&engine).await {
                warn!(%fault, "old answers could not be forgotten");
            }
            if let Err(fault) = retention::sweep(&engine, token).await {
                warn!(%fault, "what is old could not be removed");
            }
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn forget(engine: &Engine) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let listing = Listing { before: Some(now.0 - REMEMBERED_MS), limit: FORGOTTEN_MAX, ..Listing::default() };
    let old: Vec<Remembered> = engine.ports.store.all(listing).await?;
    if old.is_empty() {
        return Ok(());
    }
    let commit = old.iter().fold(Commit::at(now), |commit, answer| commit.delete(answer));
    engine.ports.store.commit(commit).await.map(|_| ())
}
