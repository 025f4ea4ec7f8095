//! Durable execution of a graph of steps: what may begin begins, intent is recorded before a step acts, and a step
//! without a recorded end is taken for one that may have run.
//!
//! Not here: what a step does, where its record is kept (both are the caller's [`Work`]), and how to go back. Going
//! back is another graph, planned by the caller from what may have run, and run in the manner
//! [`Manner::KeepGoing`]: a step that fails for good blocks only what needs it.
//!
//! Nothing is spawned, no clock is read: the futures run inside [`run`], on whatever executor polls it.

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};

/// Which steps need which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    needs: Vec<Vec<usize>>,
}

/// A step that needs one that is not before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBefore {
    /// The step.
    pub step: usize,
    /// What it needs.
    pub needs: usize,
}

impl Graph {
    /// A graph from each step's needs. A step may need only earlier ones, so there can be no cycle.
    ///
    /// # Errors
    /// The first step that needs itself, a later one, or one that isn't there.
    pub fn new(needs: Vec<Vec<usize>>) -> Result<Self, NotBefore> {
        for (step, its_needs) in needs.iter().enumerate() {
            if let Some(late) = its_needs.iter().find(|need| **need >= step) {
                return Err(NotBefore { step, needs: *late });
            }
        }
        Ok(Self { needs })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }
}

/// What is recorded of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was never begun.
    Nothing,
    /// It was begun and has no recorded end: it may have run.
    Begun,
    /// It ended well.
    Done,
}

/// The caller's part: doing steps, and keeping their record.
///
/// A record that can't be written is a `Halt`: the run ends at once, and what it did since the last record counts as
/// what may have run.
pub trait Work: Sync {
    /// Why a step failed.
    type Failure: Send;
    /// Why a record could not be written.
    type Halt: Send;

    /// Records that a step is about to begin.
    fn begin(&self, step: usize, attempt: u32) -> BoxFuture<'_, Result<(), Self::Halt>>;
    /// Does the step. It may have been done before, wholly or in part (`again`), and must then end the same.
    fn perform(&self, step: usize, again: bool) -> BoxFuture<'_, Result<(), Self::Failure>>;
    /// Records how a step ended.
    fn end<'a>(&'a self, step: usize, result: &'a Result<(), Self::Failure>) -> BoxFuture<'a, Result<(), Self::Halt>>;
    /// Waits before a step's next attempt.
    fn back_off(&self, step: usize, attempt: u32) -> BoxFuture<'_, ()>;
}

/// What a failure means for the other steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The first failure ends the run. Steps under way are given up, and may have run.
    StopAtFirst,
    /// A failed step is tried again, and blocks only what needs it when it fails for good.
    KeepGoing {
        /// How often a failed step is tried again.
        retries_max: u32,
    },
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<F> {
    /// Every step is done.
    Done,
    /// These steps failed; in the manner `StopAtFirst` it is one.
    Failed(Vec<(usize, F)>),
    /// The caller stopped it.
    Stopped,
}

/// Runs what is not done yet.
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
        for step in run.take_ready() {
            let again = recorded.get(step) == Some(&Recorded::Begun);
            under_way.push(attempt(work, step, 0, again, manner).boxed());
        }
        if under_way.is_empty() {
            return Ok(run.outcome());
        }
        let ended = match select(stop.as_mut(), under_way.next()).await {
            Either::Left(((), _)) => return Ok(Outcome::Stopped),
            Either::Right((ended, _)) => ended,
        };
        let Some(ended) = ended else { continue };
        let (step, result) = ended?;
        run.ended(step, result);
        if manner == Manner::StopAtFirst && !run.failed.is_empty() {
            return Ok(run.outcome());
        }
    }
}

type Ended<W> = Result<(usize, Result<(), <W as Work>::Failure>), <W as Work>::Halt>;

/// One step with its retries.
async fn attempt<W: Work>(work: &W, step: usize, first: u32, mut again: bool, manner: Manner) -> Ended<W> {
    let retries_max = match manner {
        Manner::StopAtFirst => 0,
        Manner::KeepGoing { retries_max } => retries_max,
    };
    let mut attempt = first;
    loop {
        work.begin(step, attempt).await?;
        let result = work.perform(step, again).await;
        work.end(step, &result).await?;
        if result.is_ok() || attempt >= retries_max {
            return Ok((step, result));
        }
        work.back_off(step, attempt).await;
        attempt += 1;
        again = true;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    Waiting,
    UnderWay,
    Done,
    Failed,
}

struct Run<'a, F> {
    graph: &'a Graph,
    now: Vec<Now>,
    failed: Vec<(usize, F)>,
}

impl<'a, F> Run<'a, F> {
    fn new(graph: &'a Graph, recorded: &[Recorded]) -> Self {
        let now = (0..graph.len())
            .map(|step| match recorded.get(step) {
                Some(Recorded::Done) => Now::Done,
                _ => Now::Waiting,
            })
            .collect();
        Self { graph, now, failed: Vec::new() }
    }

    fn take_ready(&mut self) -> Vec<usize> {
        let ready: Vec<_> = (0..self.graph.len())
            .filter(|step| self.now[*step] == Now::Waiting)
            .filter(|step| self.graph.needs[*step].iter().all(|need| self.now[*need] == Now::Done))
            .collect();
        for step in &ready {
            self.now[*step] = Now::UnderWay;
        }
        ready
    }

    fn ended(&mut self, step: usize, result: Result<(), F>) {
        match result {
            Ok(()) => self.now[step] = Now::Done,
            Err(failure) => {
                self.now[step] = Now::Failed;
                self.failed.push((step, failure));
            }
        }
    }

    fn outcome(self) -> Outcome<F> {
        if self.failed.is_empty() { Outcome::Done } else { Outcome::Failed(self.failed) }
    }
}
