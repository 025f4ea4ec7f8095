//! A saga in a laboratory: a journal in memory, a world that logs each effect, faults at any step of both ways, and a
//! caller that goes back when the way forward ends early, and starts again after each crash.
//!
//! What must always hold is noted as `wrong` where it is broken, and judged by [`Lab::check`] at the end.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod faults;
mod judge;
mod leg;

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::{Mutex, MutexGuard},
    task::{Context, Poll},
};

use futures_util::task::noop_waker_ref;
use shipway_saga::{Graph, Manner, Outcome, Recorded, may_have_run, run};

pub use faults::{Fault, Kind, SPOTS, Spot, Way};
use leg::Leg;

const POLLS_MAX: u32 = 100_000;
const LIVES_MAX: u32 = 100;

/// What was done to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Did(usize),
    Undid(usize),
}

/// How everything ended. Steps are those of the way forward, in both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Undone,
    Stuck { failed: Vec<usize>, blocked: Vec<(usize, Vec<usize>)> },
}

/// What outlives a crash: the journal, the world, and the faults that are still to come.
#[derive(Clone, Default)]
pub struct Kept {
    pub forward: Vec<Recorded>,
    /// The steps that are undone, by the numbers of the way back, and its record.
    pub back: Option<(Vec<usize>, Vec<Recorded>)>,
    pub stopping: bool,
    pub applied: Vec<bool>,
    pub log: Vec<Act>,
    pub begins: Vec<(Way, usize, u32)>,
    pub faults: Vec<Fault>,
    pub wrong: Vec<String>,
}

pub struct Lab {
    pub needs: Vec<Vec<usize>>,
    /// How often a step is tried again, forward and back.
    pub retries_max: (u32, u32),
    /// How often each step lets the others go on, before its effect and after it.
    pub yields: Vec<u32>,
    pub kept: Mutex<Kept>,
}

impl Lab {
    pub fn new(needs: &[Vec<usize>], faults: &[Fault]) -> Self {
        let steps = needs.len();
        let (forward, applied) = (vec![Recorded::Nothing; steps], vec![false; steps]);
        let kept = Kept { forward, applied, faults: faults.to_vec(), ..Kept::default() };
        let yields = (0..steps).map(|step| (step % 3) as u32).collect();
        Self { needs: needs.to_vec(), retries_max: (0, 2), yields, kept: Mutex::new(kept) }
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no test panics while it holds the lock")
    }

    /// How often a step was begun.
    pub fn begins(&self, way: Way, step: usize) -> u32 {
        self.kept().begins.iter().filter(|(in_way, at, _)| (*in_way, *at) == (way, step)).count() as u32
    }

    /// Lives until the saga has ended, one life after each crash.
    pub fn drive(&self) -> End {
        for _ in 0..LIVES_MAX {
            if let Ok(end) = self.live() {
                return end;
            }
        }
        panic!("no end after {LIVES_MAX} lives");
    }

    /// From one start to an end or a crash.
    pub fn live(&self) -> Result<End, &'static str> {
        if self.kept().back.is_none() {
            if self.forward()? == Outcome::Done {
                return Ok(End::Done);
            }
            let ran = may_have_run(&self.kept().forward);
            let nothing = vec![Recorded::Nothing; ran.len()];
            self.kept().back = Some((ran, nothing));
        }
        self.back()
    }

    fn forward(&self) -> Result<Outcome<&'static str>, &'static str> {
        let graph = Graph::new(self.needs.clone()).expect("only earlier needs");
        let recorded = self.kept().forward.clone();
        let stop = poll_fn(|_| if self.kept().stopping { Poll::Ready(()) } else { Poll::Pending });
        let leg = Leg { lab: self, way: Way::Forward, steps: (0..self.needs.len()).collect() };
        finish(run(&graph, &recorded, &leg, Manner::StopAtFirst, stop))
    }

    /// The way back: each undo needs the undoing of what needed its step.
    fn back(&self) -> Result<End, &'static str> {
        let (steps, recorded) = self.kept().back.clone().expect("recorded before");
        let needs = |step: &usize| (0..steps.len()).filter(|at| self.needs[steps[*at]].contains(step)).collect();
        let graph = Graph::new(steps.iter().map(needs).collect()).expect("what ran later is undone before");
        let leg = Leg { lab: self, way: Way::Back, steps: steps.clone() };
        let stuck = |failed: Vec<shipway_saga::Failed<_>>, blocked: Vec<shipway_saga::Blocked>| {
            let named = |numbers: Vec<usize>| numbers.into_iter().map(|at| steps[at]).collect();
            let failed = failed.into_iter().map(|failed| steps[failed.step]).collect();
            let blocked = blocked.into_iter().map(|blocked| (steps[blocked.step], named(blocked.by))).collect();
            End::Stuck { failed, blocked }
        };
        match finish(run(&graph, &recorded, &leg, Manner::KeepGoing, pending()))? {
            Outcome::Done => Ok(End::Undone),
            Outcome::Failed { failed, blocked } => Ok(stuck(failed, blocked)),
            Outcome::Stopped => panic!("nobody stopped the way back"),
        }
    }
}

/// Polls a future to its end; everything here wakes itself.
pub fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(noop_waker_ref());
    for _ in 0..POLLS_MAX {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("no end after {POLLS_MAX} polls");
}

/// Lets the others go on once.
async fn let_others_go_on() {
    let mut waited = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
