//! How a run ended, and what a failure held up.

use std::collections::{BTreeMap, BTreeSet};

use crate::Graph;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<F> {
    /// Every step is done.
    Done,
    /// Steps failed for good.
    Failed {
        /// Those that failed, in ascending order.
        failed: Vec<Failed<F>>,
        /// Those that were not begun in this run because they need one that failed, in ascending order.
        blocked: Vec<Blocked>,
    },
    /// The caller stopped it.
    Stopped,
}

/// A step that failed for good.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed<F> {
    /// The step.
    pub step: usize,
    /// Why. None when it had failed before this run: the caller has recorded it then.
    pub why: Option<F>,
}

/// A step that can't begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The step.
    pub step: usize,
    /// The failed steps that it needs, also by way of others, in ascending order.
    pub by: Vec<usize>,
}

impl<F> Outcome<F> {
    /// The outcome of a run in which these steps failed and nothing else can go on.
    pub(crate) fn of(graph: &Graph, failed: BTreeMap<usize, Option<F>>, ended_before: &[bool]) -> Self {
        if failed.is_empty() {
            return Self::Done;
        }
        let blocked = blocked(graph, failed.keys().copied(), ended_before);
        let failed = failed.into_iter().map(|(step, why)| Failed { step, why }).collect();
        Self::Failed { failed, blocked }
    }
}

/// What needs a failed step, also by way of others, unless it had ended before. Steps need only earlier ones, so that
/// taking the lowest first knows all causes of a step when it comes to it.
fn blocked(graph: &Graph, failed: impl Iterator<Item = usize>, ended_before: &[bool]) -> Vec<Blocked> {
    let held_up = |step: usize| graph.needed_by(step).iter().copied().filter(|next| !ended_before[*next]);
    let mut causes = BTreeMap::<usize, BTreeSet<usize>>::new();
    for step in failed {
        for next in held_up(step) {
            causes.entry(next).or_default().insert(step);
        }
    }
    let mut blocked = Vec::new();
    while let Some((step, by)) = causes.pop_first() {
        for next in held_up(step) {
            causes.entry(next).or_default().extend(&by);
        }
        blocked.push(Blocked { step, by: by.into_iter().collect() });
    }
    blocked
}
