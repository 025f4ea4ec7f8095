//! The whole engine in a world made up from a seed: real planner, saga and route tables, simulated time, machine, data
//! plane, store and people. The same seed goes the same way every time, so that what was found once can be found again.
//!
//! docs/SIMULATION.md says how it works, docs/INVARIANTS.md what is checked. Not here: real processes, sockets, disks.

pub mod aim;
pub mod clock;
pub mod closing;
pub mod coverage;
pub mod executor;
pub mod machine;
pub mod members;
pub mod mishap;
pub mod node;
pub mod nodes;
pub mod owed;
pub mod people;
pub mod plot;
pub mod ports;
pub mod random;
pub mod router;
pub mod run;
pub mod scenario;
pub mod secrets;
pub mod seen;
pub mod shape;
pub mod simulation;
pub mod store;
pub mod trace;
pub mod watcher;
pub mod world;

pub use self::{
    coverage::Coverage,
    run::{Outcome, run},
    secrets::PlainSecrets,
};
