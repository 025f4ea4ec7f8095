//! The work of one way: the record in memory, the effects in the world.

use std::future::pending;

use futures_util::{FutureExt, future::BoxFuture};
use shipway_saga::{Next, Recorded, Work};

use super::{Act, Kind, Lab, Spot, Way, let_others_go_on};

pub(super) struct Leg<'a> {
    pub(super) lab: &'a Lab,
    pub(super) way: Way,
    /// Which step of the way forward each of this way's is about.
    pub(super) steps: Vec<usize>,
}

impl Work for Leg<'_> {
    type Failure = &'static str;
    type Halt = &'static str;

    fn due(&self, _: usize, _: u32) -> BoxFuture<'_, ()> {
        let_others_go_on().boxed()
    }

    fn begin(&self, at: usize, attempt: u32) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            self.crash(at, Spot::Intent)?;
            self.record(at, Recorded::Begun { attempts: attempt + 1 });
            self.lab.kept().begins.push((self.way, self.steps[at], attempt));
            self.crash(at, Spot::Begun)
        }
        .boxed()
    }

    fn perform(&self, at: usize, again: bool) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            let step = self.steps[at];
            self.rest(at).await;
            self.stop(at, Spot::Begun).await;
            if self.lab.fails(self.way, step, false) {
                return Err("not done");
            }
            match self.way {
                Way::Forward => self.lab.apply(step, again),
                Way::Back => self.lab.undo(step, again),
            }
            self.stop(at, Spot::Effect).await;
            self.rest(at).await;
            if self.lab.fails(self.way, step, true) { Err("done, and failed") } else { Ok(()) }
        }
        .boxed()
    }

    fn done(&self, at: usize) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            self.crash(at, Spot::Effect)?;
            self.record(at, Recorded::Done);
            self.crash(at, Spot::Record)
        }
        .boxed()
    }

    fn failed<'a>(&'a self, at: usize, attempt: u32, _: &'a &str) -> BoxFuture<'a, Result<Next, &'static str>> {
        async move {
            self.crash(at, Spot::Effect)?;
            let (forward, back) = self.lab.retries_max;
            let retries_max = if self.way == Way::Forward { forward } else { back };
            let next = if attempt < retries_max { Next::Again } else { Next::GiveUp };
            if next == Next::GiveUp {
                self.record(at, Recorded::Failed);
            }
            self.crash(at, Spot::Record)?;
            Ok(next)
        }
        .boxed()
    }
}

impl Leg<'_> {
    fn crash(&self, at: usize, spot: Spot) -> Result<(), &'static str> {
        if self.lab.strikes(self.way, self.steps[at], Kind::Crash(spot)) { Err("crash") } else { Ok(()) }
    }

    async fn stop(&self, at: usize, spot: Spot) {
        if self.lab.strikes(self.way, self.steps[at], Kind::Stop(spot)) {
            self.lab.kept().stopping = true;
            pending::<()>().await;
        }
    }

    async fn rest(&self, at: usize) {
        for _ in 0..self.lab.yields[self.steps[at]] {
            let_others_go_on().await;
        }
    }

    fn record(&self, at: usize, recorded: Recorded) {
        let mut kept = self.lab.kept();
        match (self.way, &mut kept.back) {
            (Way::Back, Some((_, back))) => back[at] = recorded,
            _ => kept.forward[at] = recorded,
        }
    }
}

impl Lab {
    /// The effect of a step, logically once.
    fn apply(&self, step: usize, again: bool) {
        let mut kept = self.kept();
        let ready = |need: &usize| kept.applied[*need] && kept.forward[*need] == Recorded::Done;
        if !self.needs[step].iter().all(ready) {
            kept.wrong.push(format!("step {step} before what it needs"));
        }
        if kept.back.is_some() {
            kept.wrong.push(format!("step {step} while going back"));
        }
        if !kept.log.contains(&Act::Did(step)) {
            kept.applied[step] = true;
            kept.log.push(Act::Did(step));
        } else if !again {
            kept.wrong.push(format!("step {step} a second time without being told so"));
        }
    }

    /// Takes the effect of a step away, whether it ever came or not.
    fn undo(&self, step: usize, again: bool) {
        let mut kept = self.kept();
        let undone = |later: &usize| kept.log.contains(&Act::Undid(*later));
        let needing = |later: &usize| self.needs[*later].contains(&step) && kept.forward[*later].may_have_run();
        if !(0..self.needs.len()).filter(needing).all(|later| undone(&later)) {
            kept.wrong.push(format!("undo of step {step} before that of what needed it"));
        }
        if !kept.forward[step].may_have_run() {
            kept.wrong.push(format!("undo of step {step}, which can't have run"));
        }
        if !kept.log.contains(&Act::Undid(step)) {
            kept.applied[step] = false;
            kept.log.push(Act::Undid(step));
        } else if !again {
            kept.wrong.push(format!("undo of step {step} a second time without being told so"));
        }
    }
}
