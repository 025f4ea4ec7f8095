//! Graphs and records by themselves: what they refuse, what follows from them, and how large they may be.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_saga::{Blocked, Failed, Graph, Manner, Next, NotBefore, Outcome, Recorded, Work, may_have_run, run};

#[test]
fn a_graph_knows_only_earlier_needs() {
    assert_eq!(Graph::new(vec![vec![0]]), Err(NotBefore { step: 0, needs: 0 }));
    assert_eq!(Graph::new(vec![vec![], vec![0, 2], vec![]]), Err(NotBefore { step: 1, needs: 2 }));
    let graph = Graph::new(vec![vec![], vec![], vec![1, 0, 1]]).expect("earlier needs");
    assert_eq!((graph.len(), graph.needs(2), graph.needed_by(1)), (3, &[0, 1][..], &[2][..]));
    assert!(Graph::new(Vec::new()).expect("nothing").is_empty());
}

#[test]
fn all_but_what_was_never_begun_may_have_run_the_last_first() {
    let begun = Recorded::Begun { attempts: 2 };
    assert_eq!(may_have_run(&[Recorded::Done, Recorded::Nothing, begun, Recorded::Failed]), [3, 2, 0]);
    assert!(may_have_run(&[Recorded::Nothing]).is_empty());
}

/// Does nothing but count; fails where it is told to.
struct Count {
    performed: AtomicUsize,
    fails: Vec<usize>,
}

impl Work for Count {
    type Failure = ();
    type Halt = ();

    fn due(&self, _: usize, _: u32) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn begin(&self, _: usize, _: u32) -> BoxFuture<'_, Result<(), ()>> {
        async { Ok(()) }.boxed()
    }

    fn perform(&self, step: usize, _: bool) -> BoxFuture<'_, Result<(), ()>> {
        self.performed.fetch_add(1, Ordering::SeqCst);
        async move { if self.fails.contains(&step) { Err(()) } else { Ok(()) } }.boxed()
    }

    fn done(&self, _: usize) -> BoxFuture<'_, Result<(), ()>> {
        async { Ok(()) }.boxed()
    }

    fn failed<'a>(&'a self, _: usize, _: u32, (): &'a ()) -> BoxFuture<'a, Result<Next, ()>> {
        async { Ok(Next::GiveUp) }.boxed()
    }
}

fn count(needs: Vec<Vec<usize>>, recorded: &[Recorded], fails: &[usize]) -> (Outcome<()>, usize) {
    let graph = Graph::new(needs).expect("earlier needs");
    let work = Count { performed: AtomicUsize::new(0), fails: fails.to_vec() };
    let outcome = run(&graph, recorded, &work, Manner::KeepGoing, pending()).now_or_never();
    (outcome.expect("nothing waits").expect("nothing halts"), work.performed.into_inner())
}

#[test]
fn what_failed_before_is_told_without_another_try_and_with_all_that_it_holds_up() {
    let needs = vec![vec![], vec![], vec![0], vec![1], vec![2, 3], vec![]];
    let recorded = [Recorded::Failed];
    let (outcome, performed) = count(needs, &recorded, &[3]);
    let blocked = |step, by: &[usize]| Blocked { step, by: by.to_vec() };
    let failed = vec![Failed { step: 0, why: None }, Failed { step: 3, why: Some(()) }];
    assert_eq!(outcome, Outcome::Failed { failed, blocked: vec![blocked(2, &[0]), blocked(4, &[0, 3])] });
    assert_eq!(performed, 3, "1, 3 and 5");
}

#[test]
fn ten_thousand_steps_run_in_any_shape() {
    const STEPS: usize = 10_000;
    let chain = (0..STEPS).map(|step| step.checked_sub(1).into_iter().collect()).collect();
    let apart = vec![Vec::new(); STEPS];
    let row_of = |step: usize| step / 100 * 100;
    let rows = (0..STEPS).map(|step| (row_of(step).saturating_sub(100)..row_of(step)).collect()).collect();
    for needs in [chain, apart, rows] {
        assert_eq!(count(needs, &[], &[]), (Outcome::Done, STEPS));
    }
}

#[test]
fn what_had_ended_does_not_begin_when_one_before_it_is_done_again() {
    let needs = vec![vec![], vec![0], vec![1], vec![0]];
    let (begun, done) = (Recorded::Begun { attempts: 1 }, Recorded::Done);
    assert_eq!(count(needs.clone(), &[begun, done, done, done], &[]), (Outcome::Done, 1));
    let failed = vec![Failed { step: 0, why: Some(()) }];
    let outcome = Outcome::Failed { failed, blocked: vec![Blocked { step: 3, by: vec![0] }] };
    let recorded = [begun, done, Recorded::Nothing, Recorded::Nothing];
    assert_eq!(count(needs, &recorded, &[0]), (outcome, 2), "2 needs only 1, which is done");
}
