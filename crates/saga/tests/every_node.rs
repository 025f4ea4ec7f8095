//! Every node of every shape of graph: fail it, crash at it, repeat it, stop at it, fail its undo. The laboratory
//! judges each end by the whole log of effects.

mod lab;

use lab::{Act, End, Fault, Kind, Lab, SPOTS, Spot, Way};
use proptest::prelude::*;
use shipway_saga::Recorded;

type Needs = Vec<Vec<usize>>;

fn shapes() -> Vec<Needs> {
    let chain = (0..5usize).map(|step| step.checked_sub(1).into_iter().collect()).collect();
    let diamond = vec![vec![], vec![0], vec![0], vec![1, 2]];
    let fan_out_and_in = vec![vec![], vec![0], vec![0], vec![0], vec![0], vec![1, 2, 3, 4]];
    let two_components = vec![vec![], vec![], vec![0], vec![1], vec![0, 2], vec![1, 3]];
    let ladder = vec![vec![], vec![], vec![0, 1], vec![1], vec![2, 3], vec![3, 3]];
    let no_edges = vec![vec![]; 4];
    vec![vec![vec![]], chain, diamond, fan_out_and_in, two_components, ladder, no_edges]
}

/// Every step of every shape.
fn each_node(mut look: impl FnMut(&Needs, usize)) {
    for needs in shapes() {
        for step in 0..needs.len() {
            look(&needs, step);
        }
    }
}

/// The same, for every step at which the way forward can end, so that each undo is met from everywhere.
fn each_node_going_back(mut look: impl FnMut(&Needs, Fault, usize)) {
    each_node(|needs, ends_at| {
        let why = [Kind::once(), Kind::Fails { times: 1, after_effect: true }, Kind::Stop(Spot::Effect)];
        for (kind, step) in why.into_iter().flat_map(|kind| (0..needs.len()).map(move |step| (kind, step))) {
            look(needs, Fault::forward(ends_at, kind), step);
        }
    });
}

fn ends(needs: &Needs, faults: &[Fault]) -> (Lab, End) {
    let lab = Lab::new(needs, faults);
    let end = lab.drive();
    lab.check(&end);
    (lab, end)
}

#[test]
fn without_a_fault_everything_is_done_in_one_try() {
    each_node(|needs, step| {
        let (lab, end) = ends(needs, &[]);
        assert_eq!((end, lab.begins(Way::Forward, step)), (End::Done, 1));
    });
}

#[test]
fn one_that_fails_is_undone_with_everything_before_it() {
    each_node(|needs, step| {
        for after_effect in [false, true] {
            let (lab, end) = ends(needs, &[Fault::forward(step, Kind::Fails { times: 1, after_effect })]);
            assert_eq!(end, End::Undone);
            let log = lab.kept().log.clone();
            assert!(log.contains(&Act::Undid(step)), "{log:?}");
            let later = (0..needs.len()).filter(|later| lab.is_above(step, *later));
            assert!(later.into_iter().all(|later| !log.contains(&Act::Did(later))), "{log:?}");
        }
    });
}

#[test]
fn one_that_fails_and_then_passes_is_tried_so_often_and_no_more() {
    each_node(|needs, step| {
        for (times, after_effect) in [(1, false), (3, false), (1, true), (3, true), (4, false), (4, true)] {
            let fault = Fault::forward(step, Kind::Fails { times, after_effect });
            let lab = Lab { retries_max: (3, 2), ..Lab::new(needs, &[fault]) };
            let end = lab.drive();
            lab.check(&end);
            assert_eq!(end, if times <= 3 { End::Done } else { End::Undone });
            assert_eq!(lab.begins(Way::Forward, step), times.min(3) + 1);
        }
    });
}

#[test]
fn a_crash_anywhere_is_finished_by_the_next_run() {
    each_node(|needs, step| {
        for spot in SPOTS {
            let (lab, end) = ends(needs, &[Fault::forward(step, Kind::Crash(spot))]);
            assert_eq!(end, End::Done, "{spot:?}");
            let tries = if matches!(spot, Spot::Begun | Spot::Effect) { 2 } else { 1 };
            assert_eq!(lab.begins(Way::Forward, step), tries, "{spot:?}");
        }
    });
}

#[test]
fn a_crash_gives_nobody_new_patience() {
    each_node(|needs, step| {
        let faults = [Fault::forward(step, Kind::for_ever()), Fault::forward(step, Kind::Crash(Spot::Record))];
        let lab =
            Lab { retries_max: (3, 2), ..Lab::new(needs, &[faults[0], faults[1], faults[1], faults[1], faults[1]]) };
        let end = lab.drive();
        lab.check(&end);
        assert_eq!((end, lab.begins(Way::Forward, step)), (End::Undone, 4));
        let begun = |(way, at, _): &&(Way, usize, u32)| (*way, *at) == (Way::Forward, step);
        let numbers: Vec<_> = lab.kept().begins.iter().filter(begun).map(|(_, _, attempt)| *attempt).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
    });
}

#[test]
fn one_that_is_repeated_changes_nothing() {
    each_node(|needs, step| {
        let (lab, _) = ends(needs, &[]);
        let log = lab.kept().log.clone();
        lab.kept().forward[step] = Recorded::Begun { attempts: 1 };
        let end = lab.drive();
        lab.check(&end);
        assert_eq!((end, lab.begins(Way::Forward, step)), (End::Done, 2));
        assert_eq!(lab.kept().log, log);
    });
}

#[test]
fn stopped_at_it_everything_that_may_have_run_is_undone() {
    each_node(|needs, step| {
        for spot in [Spot::Begun, Spot::Effect] {
            let (lab, end) = ends(needs, &[Fault::forward(step, Kind::Stop(spot))]);
            assert_eq!(end, End::Undone);
            assert!(lab.kept().log.contains(&Act::Undid(step)));
        }
    });
}

#[test]
fn an_undo_that_fails_once_is_tried_again() {
    each_node_going_back(|needs, ends_at, step| {
        for after_effect in [false, true] {
            let (lab, end) = ends(needs, &[ends_at, Fault::back(step, Kind::Fails { times: 1, after_effect })]);
            assert_eq!(end, End::Undone);
            let tries = if lab.kept().forward[step].may_have_run() { 2 } else { 0 };
            assert_eq!(lab.begins(Way::Back, step), tries);
        }
    });
}

#[test]
fn an_undo_that_fails_for_ever_holds_up_only_what_it_needs_and_is_told() {
    each_node_going_back(|needs, ends_at, step| {
        for after_effect in [false, true] {
            let fault = Fault::back(step, Kind::Fails { times: u32::MAX, after_effect });
            let (lab, end) = ends(needs, &[ends_at, fault]);
            if !lab.kept().forward[step].may_have_run() {
                assert_eq!(end, End::Undone);
                continue;
            }
            let End::Stuck { failed, blocked } = end else { panic!("{end:?}") };
            assert_eq!(failed, [step]);
            assert!(blocked.iter().all(|(held, by)| lab.is_above(*held, step) && *by == [step]), "{blocked:?}");
            assert_eq!(lab.begins(Way::Back, step), lab.retries_max.1 + 1);
        }
    });
}

#[test]
fn a_crash_anywhere_while_going_back_is_finished_by_the_next_run() {
    each_node_going_back(|needs, ends_at, step| {
        for crash in Kind::crashes() {
            let (_, end) = ends(needs, &[ends_at, Fault::back(step, crash)]);
            assert_eq!(end, End::Undone, "{crash:?}");
        }
    });
}

#[test]
fn crashes_and_failures_of_one_undo_together_end_stuck_after_as_many_tries() {
    each_node_going_back(|needs, ends_at, step| {
        let crash = Fault::back(step, Kind::Crash(Spot::Record));
        let (lab, end) = ends(needs, &[ends_at, Fault::back(step, Kind::for_ever()), crash, crash, crash]);
        if lab.kept().forward[step].may_have_run() {
            assert!(matches!(end, End::Stuck { .. }));
            assert_eq!(lab.begins(Way::Back, step), lab.retries_max.1 + 1);
        }
    });
}

fn any_needs() -> impl Strategy<Value = Needs> {
    let raw = prop::collection::vec(prop::collection::vec(0usize..100, 0..4), 1..11);
    raw.prop_map(|raw| {
        let needs = |(at, raw): (usize, Vec<usize>)| match at {
            0 => Vec::new(),
            _ => raw.into_iter().map(|need| need % at).collect(),
        };
        raw.into_iter().enumerate().map(needs).collect()
    })
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let spot = || prop::sample::select(SPOTS.to_vec());
    prop_oneof![
        (1u32..5, any::<bool>()).prop_map(|(times, after_effect)| Kind::Fails { times, after_effect }),
        any::<bool>().prop_map(|after_effect| Kind::Fails { times: u32::MAX, after_effect }),
        spot().prop_map(Kind::Crash),
        spot().prop_map(Kind::Stop),
    ]
}

/// Faults of both ways. The way back is never stopped.
fn any_faults() -> impl Strategy<Value = Vec<(bool, usize, Kind)>> {
    prop::collection::vec((any::<bool>(), 0usize..100, any_kind()), 0..7)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_ends_as_it_must_whatever_goes_wrong(
        needs in any_needs(),
        raw in any_faults(),
        yields in prop::collection::vec(0u32..4, 11),
        retries_max in (0u32..4, 0u32..4),
    ) {
        let forward = |back: bool, kind: &Kind| !back || matches!(kind, Kind::Stop(_));
        let fault = |(back, at, kind): (bool, usize, Kind)| match forward(back, &kind) {
            true => Fault::forward(at % needs.len(), kind),
            false => Fault::back(at % needs.len(), kind),
        };
        let faults: Vec<_> = raw.into_iter().map(fault).collect();
        let lab = Lab { retries_max, yields, ..Lab::new(&needs, &faults) };
        let end = lab.drive();
        lab.check(&end);
        prop_assert_eq!(lab.drive(), end, "a restart changes nothing");
    }
}
