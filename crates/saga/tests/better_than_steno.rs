//! Three faults of steno 0.5, the best saga library there is for Rust, and that they are not ours:
//!
//! 1. A step that was begun before a crash is done again after it. When that second try fails, the step counts as
//!    failed without effect, and is not undone, though its first try may have acted.
//! 2. The first undo that fails ends the going back: nothing that is still to be undone is.
//! 3. A saga that got stuck like this is recorded as done, like one that succeeded.

mod lab;

use lab::{Act, End, Fault, Kind, Lab, Spot, Way};
use shipway_saga::Recorded;

/// Two rows of three steps that know nothing of each other, and a last step that needs both.
fn two_rows() -> Vec<Vec<usize>> {
    vec![vec![], vec![0], vec![1], vec![], vec![3], vec![4], vec![2, 5]]
}

#[test]
fn a_step_begun_without_an_end_is_undone_also_when_its_second_try_fails() {
    for step in 0..two_rows().len() {
        for spot in [Spot::Begun, Spot::Effect] {
            let lab = Lab::new(&two_rows(), &[Fault::forward(step, Kind::Crash(spot))]);
            assert_eq!(lab.live(), Err("crash"));
            lab.kept().faults.push(Fault::forward(step, Kind::once()));
            let end = lab.drive();
            assert_eq!(end, End::Undone, "step {step}, {spot:?}");
            let log = lab.kept().log.clone();
            assert_eq!(log.contains(&Act::Did(step)), spot == Spot::Effect, "the first try alone acted: {log:?}");
            assert!(log.contains(&Act::Undid(step)), "{log:?}");
            lab.check(&end);
        }
    }
}

#[test]
fn an_undo_that_fails_for_ever_stops_no_other_undo() {
    let last = two_rows().len() - 1;
    for step in 0..last {
        let lab = Lab::new(&two_rows(), &[Fault::forward(last, Kind::once()), Fault::back(step, Kind::for_ever())]);
        let end = lab.drive();
        let row = |step: usize| step / 3;
        for other in (0..last).filter(|other| row(*other) != row(step) || *other > step) {
            assert!(lab.kept().log.contains(&Act::Undid(other)), "undo of {other} while that of {step} fails");
        }
        lab.check(&end);
    }
}

#[test]
fn a_saga_that_could_not_be_undone_is_never_told_as_done() {
    let faults = [Fault::forward(6, Kind::once()), Fault::back(1, Kind::for_ever())];
    let lab = Lab::new(&two_rows(), &faults);
    let stuck = End::Stuck { failed: vec![1], blocked: vec![(0, vec![1])] };
    assert_eq!(lab.drive(), stuck);
    let begun = lab.begins(Way::Back, 1);
    assert_eq!(begun, lab.retries_max.1 + 1);

    assert_eq!(lab.drive(), stuck, "a restart says the same");
    assert_eq!(lab.begins(Way::Back, 1), begun, "and does not try for ever");
}

#[test]
fn a_stuck_saga_goes_on_when_its_caller_wants_another_try() {
    let faults = [Fault::forward(6, Kind::once()), Fault::back(1, Kind::Fails { times: 3, after_effect: false })];
    let lab = Lab::new(&two_rows(), &faults);
    assert!(matches!(lab.drive(), End::Stuck { .. }));
    if let Some((_, back)) = &mut lab.kept().back {
        let failed = back.iter_mut().filter(|recorded| **recorded == Recorded::Failed);
        failed.for_each(|recorded| *recorded = Recorded::Begun { attempts: 1 });
    }
    let end = lab.drive();
    assert_eq!(end, End::Undone);
    lab.check(&end);
}
