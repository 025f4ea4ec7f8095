//! The executor: begins what may begin, and counts down what each step still waits for. What a step does and whether
//! it is tried again is not here.

use std::{collections::BTreeMap, mem};

use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};

use crate::{Graph, Next, Outcome, Recorded, Work};

/// What a step that failed for good means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It ends the run. Steps under way are given up, and may have run.
    StopAtFirst,
    /// It blocks only what needs it.
    KeepGoing,
}

/// Runs what is not done yet. A step that has failed for good is not tried again.
///
/// When `stop` ends, or the first step fails in the manner `StopAtFirst`, steps under way are dropped where they are.
///
/// # Errors
/// A record could not be written.
pub async fn run<W: Work>(
    graph: &Graph,
    recorded: &[Recorded],
    work: &W,
    manner: Manner,
    stop: impl Future<Output = ()> + Send,
) -> Result<Outcome<W::Failure>, W::Halt> {
    let mut run = Run::new(graph, recorded);
    let mut stop = std::pin::pin!(stop);
    let mut under_way = FuturesUnordered::new();
    loop {
        if manner == Manner::StopAtFirst && !run.failed.is_empty() {
            return Ok(run.outcome());
        }
        for step in mem::take(&mut run.ready) {
            under_way.push(attempts(work, step, recorded.get(step).copied()).boxed());
        }
        if under_way.is_empty() {
            return Ok(run.outcome());
        }
        let ended = match select(stop.as_mut(), under_way.next()).await {
            Either::Left(((), _)) => return Ok(Outcome::Stopped),
            Either::Right((ended, _)) => ended,
        };
        if let Some(ended) = ended {
            let (step, result) = ended?;
            run.ended(step, result);
        }
    }
}

/// One step, from the attempt that is next by its record to its end.
async fn attempts<W: Work>(
    work: &W,
    step: usize,
    recorded: Option<Recorded>,
) -> Result<(usize, Result<(), W::Failure>), W::Halt> {
    let mut attempt = match recorded {
        // Whoever recorded a begin without a number has begun once.
        Some(Recorded::Begun { attempts }) => attempts.max(1),
        _ => 0,
    };
    loop {
        if attempt > 0 {
            work.due(step, attempt).await;
        }
        work.begin(step, attempt).await?;
        let Err(failure) = work.perform(step, attempt > 0).await else {
            work.done(step).await?;
            return Ok((step, Ok(())));
        };
        match work.failed(step, attempt, &failure).await? {
            Next::Again => attempt = attempt.saturating_add(1),
            Next::GiveUp => return Ok((step, Err(failure))),
        }
    }
}

/// How far a run is. A step that needs a failed one never becomes ready, because nothing counts its last need down.
struct Run<'a, F> {
    graph: &'a Graph,
    /// For each step, how many of its needs are not done.
    missing: Vec<usize>,
    /// Which steps had ended before this run, well or for good: they don't begin, whatever is done before them.
    ended_before: Vec<bool>,
    /// Steps whose needs are all done, and that were not begun in this run.
    ready: Vec<usize>,
    failed: BTreeMap<usize, Option<F>>,
}

impl<'a, F> Run<'a, F> {
    fn new(graph: &'a Graph, recorded: &[Recorded]) -> Self {
        let is = |step: usize, what| recorded.get(step) == Some(&what);
        let steps = || 0..graph.len();
        let not_done = |step: &&usize| !is(**step, Recorded::Done);
        let missing: Vec<_> = steps().map(|step| graph.needs(step).iter().filter(not_done).count()).collect();
        let ended_before: Vec<_> = steps().map(|step| is(step, Recorded::Done) || is(step, Recorded::Failed)).collect();
        let ready = steps().filter(|step| missing[*step] == 0 && !ended_before[*step]).collect();
        let failed = steps().filter(|step| is(*step, Recorded::Failed)).map(|step| (step, None)).collect();
        Self { graph, missing, ended_before, ready, failed }
    }

    fn ended(&mut self, step: usize, result: Result<(), F>) {
        if let Err(failure) = result {
            self.failed.insert(step, Some(failure));
            return;
        }
        for next in self.graph.needed_by(step) {
            self.missing[*next] -= 1;
            if self.missing[*next] == 0 && !self.ended_before[*next] {
                self.ready.push(*next);
            }
        }
    }

    fn outcome(self) -> Outcome<F> {
        Outcome::of(self.graph, self.failed, &self.ended_before)
    }
}
