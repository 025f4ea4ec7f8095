//! Keeps the recorded state true: replaces what died, retires what stood by long enough, stops what nobody wants,
//! takes out of traffic what is not ready. It never changes what an environment should be, and never fights a
//! deployment: slots under a lease are left to their deployment.

mod drift;
mod memory;
mod probes;
mod reconcile;
mod repair;
mod replace;
mod retain;
mod tidy;
mod turn;

use std::sync::Arc;

use crate::Engine;

/// Starts the keepers; they live as long as the engine.
pub(crate) fn start(engine: &Arc<Engine>) {
    engine.spawn(reconcile::run(engine.clone()));
    engine.spawn(probes::run(engine.clone()));
    engine.spawn(drift::run(engine.clone()));
    engine.spawn(retain::run(engine.clone()));
    engine.spawn(crate::disk_use::run(engine.clone()));
    engine.spawn(crate::promotion::run(engine.clone()));
}
