//! Durable execution of a graph of steps: what may begin begins, intent is recorded before a step acts, and a step
//! without a recorded end is taken for one that may have run.
//!
//! Not here: what a step does, where its record is kept, which failure is worth another try and when (all are the
//! caller's [`Work`]), and how to go back. Going back is another graph, planned by the caller from what
//! [`may_have_run`], and run like any other, in the manner [`Manner::KeepGoing`]: an undo that fails for good holds up
//! only what needs it.
//!
//! Nothing is spawned, no clock is read: the futures run inside [`run`], on whatever executor polls it.

mod graph;
mod outcome;
mod record;
mod run;
mod work;

pub use graph::{Graph, NotBefore};
pub use outcome::{Blocked, Failed, Outcome};
pub use record::{Recorded, may_have_run};
pub use run::{Manner, run};
pub use work::{Next, Work};
