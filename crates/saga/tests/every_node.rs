//! Every node of every graph: fail it, crash before it acts, crash after it acted and before that is recorded, repeat
//! it, let it fail once and for ever.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, pending},
};
use proptest::prelude::*;
use shipway_saga::{Graph, Manner, Next, Outcome, Recorded, Work, run};

/// What a crash comes just before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    Intent(usize),
    Effect(usize),
    Record(usize),
}

#[derive(Default)]
struct Lab {
    recorded: Mutex<Vec<Recorded>>,
    effects: Mutex<BTreeSet<usize>>,
    order: Mutex<Vec<usize>>,
    repeated: Mutex<BTreeSet<usize>>,
    crash: Mutex<Option<Crash>>,
    fails: Mutex<Vec<(usize, u32)>>,
    needs: Vec<Vec<usize>>,
    broken: AtomicBool,
    retries_max: u32,
}

impl Lab {
    fn new(needs: &[Vec<usize>]) -> Self {
        Self { recorded: Mutex::new(vec![Recorded::Nothing; needs.len()]), needs: needs.to_vec(), ..Self::default() }
    }

    fn hit(&self, crash: Crash) -> bool {
        let mut planned = self.crash.lock().expect("lock");
        if *planned == Some(crash) {
            *planned = None;
            return true;
        }
        false
    }
}

impl Work for Lab {
    type Failure = &'static str;
    type Halt = &'static str;

    fn begin(&self, step: usize, attempt: u32) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            if self.hit(Crash::Intent(step)) {
                return Err("crash");
            }
            self.recorded.lock().expect("lock")[step] = Recorded::Begun { attempts: attempt + 1 };
            if self.hit(Crash::Effect(step)) { Err("crash") } else { Ok(()) }
        }
        .boxed()
    }

    fn perform(&self, step: usize, again: bool) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            let done = self.recorded.lock().expect("lock").clone();
            if self.needs[step].iter().any(|need| done[*need] != Recorded::Done) {
                self.broken.store(true, Ordering::SeqCst);
            }
            if let Some(left) = self.fails.lock().expect("lock").iter_mut().find(|(at, left)| *at == step && *left > 0)
            {
                left.1 -= 1;
                return Err("no");
            }
            let first = self.effects.lock().expect("lock").insert(step);
            if !first && !again {
                self.broken.store(true, Ordering::SeqCst);
            }
            if again {
                self.repeated.lock().expect("lock").insert(step);
            }
            self.order.lock().expect("lock").push(step);
            Ok(())
        }
        .boxed()
    }

    fn done(&self, step: usize) -> BoxFuture<'_, Result<(), &'static str>> {
        async move {
            if self.hit(Crash::Record(step)) {
                return Err("crash");
            }
            self.recorded.lock().expect("lock")[step] = Recorded::Done;
            Ok(())
        }
        .boxed()
    }

    fn failed<'a>(&'a self, _: usize, attempt: u32, _: &'a &'static str) -> BoxFuture<'a, Result<Next, &'static str>> {
        async move { Ok(if attempt < self.retries_max { Next::Again } else { Next::GiveUp }) }.boxed()
    }

    fn due(&self, _: usize, _: u32) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

fn go(lab: &Lab, manner: Manner) -> Result<Outcome<&'static str>, &'static str> {
    let graph = Graph::new(lab.needs.clone()).expect("only earlier needs");
    let recorded = lab.recorded.lock().expect("lock").clone();
    run(&graph, &recorded, lab, manner, pending()).now_or_never().expect("nothing here waits")
}

fn failed(outcome: Result<Outcome<&'static str>, &'static str>) -> Option<Vec<usize>> {
    let Ok(Outcome::Failed { failed, .. }) = outcome else { return None };
    Some(failed.into_iter().map(|failed| failed.step).collect())
}

fn diamond() -> Vec<Vec<usize>> {
    vec![vec![], vec![0], vec![0], vec![1, 2], vec![], vec![3, 4]]
}

#[test]
fn a_graph_knows_only_earlier_needs() {
    assert!(Graph::new(vec![vec![0]]).is_err());
    assert!(Graph::new(vec![vec![1], vec![]]).is_err());
    assert_eq!(Graph::new(diamond()).expect("fine").len(), 6);
}

#[test]
fn a_crash_anywhere_is_finished_by_the_next_run() {
    for step in 0..diamond().len() {
        for crash in [Crash::Intent(step), Crash::Effect(step), Crash::Record(step)] {
            let lab = Lab::new(&diamond());
            *lab.crash.lock().expect("lock") = Some(crash);
            assert_eq!(go(&lab, Manner::StopAtFirst), Err("crash"), "{crash:?}");
            assert_eq!(go(&lab, Manner::StopAtFirst), Ok(Outcome::Done), "{crash:?}");
            assert_eq!(lab.effects.lock().expect("lock").len(), diamond().len(), "{crash:?}");
            let told = lab.repeated.lock().expect("lock").contains(&step);
            assert_eq!(told, !matches!(crash, Crash::Intent(_)), "a step that may have run is told so: {crash:?}");
            assert!(!lab.broken.load(Ordering::SeqCst), "{crash:?}");
        }
    }
}

#[test]
fn the_first_failure_stops_and_nothing_after_it_begins() {
    for step in 0..diamond().len() {
        let lab = Lab::new(&diamond());
        lab.fails.lock().expect("lock").push((step, 1));
        assert_eq!(failed(go(&lab, Manner::StopAtFirst)), Some(vec![step]));
        let recorded = lab.recorded.lock().expect("lock").clone();
        assert_eq!(recorded[step], Recorded::Begun { attempts: 1 }, "the failed step counts as one that may have run");
        assert!(
            recorded
                .iter()
                .enumerate()
                .all(|(at, state)| !diamond()[at].contains(&step) || *state == Recorded::Nothing)
        );
    }
}

#[test]
fn going_on_retries_and_blocks_only_what_needs_the_failed_one() {
    for step in 0..diamond().len() {
        let once = Lab { retries_max: 2, ..Lab::new(&diamond()) };
        once.fails.lock().expect("lock").push((step, 2));
        assert_eq!(go(&once, Manner::KeepGoing), Ok(Outcome::Done));

        let ever = Lab { retries_max: 2, ..Lab::new(&diamond()) };
        ever.fails.lock().expect("lock").push((step, u32::MAX));
        assert_eq!(failed(go(&ever, Manner::KeepGoing)), Some(vec![step]));
        let effects = ever.effects.lock().expect("lock").clone();
        let blocked = |at: usize| {
            let mut below = BTreeSet::from([step]);
            for (next, needs) in diamond().iter().enumerate() {
                if needs.iter().any(|need| below.contains(need)) {
                    below.insert(next);
                }
            }
            below.contains(&at)
        };
        for at in 0..diamond().len() {
            assert_eq!(effects.contains(&at), !blocked(at), "step {at} when {step} fails for ever");
        }
    }
}

#[test]
fn stopping_leaves_the_rest_waiting() {
    let lab = Lab::new(&diamond());
    let graph = Graph::new(diamond()).expect("graph");
    let recorded = lab.recorded.lock().expect("lock").clone();
    let outcome = run(&graph, &recorded, &lab, Manner::StopAtFirst, std::future::ready(())).now_or_never();
    assert_eq!(outcome, Some(Ok(Outcome::Stopped)));
    assert!(lab.effects.lock().expect("lock").len() < diamond().len());
}

proptest! {
    #[test]
    fn any_graph_runs_in_the_order_of_its_needs(seeds in prop::collection::vec(prop::collection::vec(0usize..100, 0..4), 1..24)) {
        let needs: Vec<Vec<usize>> = seeds
            .iter()
            .enumerate()
            .map(|(at, raw)| if at == 0 { vec![] } else { raw.iter().map(|need| need % at).collect() })
            .collect();
        let lab = Lab::new(&needs);
        prop_assert_eq!(go(&lab, Manner::StopAtFirst), Ok(Outcome::Done));
        prop_assert!(!lab.broken.load(Ordering::SeqCst));
        let order = lab.order.lock().expect("lock").clone();
        prop_assert_eq!(order.len(), needs.len());
    }
}
