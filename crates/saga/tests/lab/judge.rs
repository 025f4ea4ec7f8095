//! What must hold of every end, whatever went wrong on the way.

use std::collections::BTreeSet;

use shipway_saga::may_have_run;

use super::{Act, End, Lab};

impl Lab {
    /// Panics where the end and the log of effects are not exactly what they have to be.
    pub fn check(&self, end: &End) {
        let kept = self.kept().clone();
        assert_eq!(kept.wrong, Vec::<String>::new());
        let once: BTreeSet<_> = kept.log.iter().map(|act| format!("{act:?}")).collect();
        assert_eq!(once.len(), kept.log.len(), "an effect twice: {:?}", kept.log);
        self.check_order(&kept.log);
        let ran: BTreeSet<_> = may_have_run(&kept.forward).into_iter().collect();
        for step in (0..self.needs.len()).filter(|step| kept.log.contains(&Act::Did(*step))) {
            assert!(ran.contains(&step), "step {step} acted without a recorded intent");
        }
        let undone: BTreeSet<_> = (0..self.needs.len()).filter(|at| kept.log.contains(&Act::Undid(*at))).collect();
        let applied: BTreeSet<_> = (0..self.needs.len()).filter(|at| kept.applied[*at]).collect();
        match end {
            End::Done => {
                assert_eq!(applied.len(), self.needs.len(), "it says that it is done");
                assert!(undone.is_empty(), "nothing is undone of what is done");
            }
            End::Undone => {
                assert_eq!(undone, ran, "exactly what may have run is undone");
                assert!(applied.is_empty(), "nothing stays");
            }
            End::Stuck { failed, blocked } => {
                let held: BTreeSet<_> = failed.iter().chain(blocked.iter().map(|(step, _)| step)).copied().collect();
                self.check_held(failed, blocked, &ran);
                let free: BTreeSet<_> = ran.difference(&held).copied().collect();
                assert!(free.is_subset(&undone), "everything that nothing holds up is undone");
                assert!(blocked.iter().all(|(step, _)| !undone.contains(step)), "what is held up was not begun");
                assert!(applied.is_subset(&held), "only what is held up stays");
            }
        }
    }

    fn check_order(&self, log: &[Act]) {
        let at = |act| log.iter().position(|logged| *logged == act);
        for (step, needs) in self.needs.iter().enumerate() {
            for need in needs {
                if let Some(did) = at(Act::Did(step)) {
                    assert!(at(Act::Did(*need)).is_some_and(|before| before < did), "{need} before {step}: {log:?}");
                }
                if let (Some(later), Some(earlier)) = (at(Act::Undid(step)), at(Act::Undid(*need))) {
                    assert!(later < earlier, "the undo of {step} before that of {need}: {log:?}");
                }
            }
        }
    }

    /// What is told as held up is exactly what the failed undos hold up, by exactly those that do.
    fn check_held(&self, failed: &[usize], blocked: &[(usize, Vec<usize>)], ran: &BTreeSet<usize>) {
        assert!(!failed.is_empty());
        let mut told: Vec<_> = blocked.to_vec();
        told.iter_mut().for_each(|(_, by)| by.sort_unstable());
        told.sort();
        let causes = |step: &usize| failed.iter().copied().filter(|fail| self.is_above(*step, *fail)).collect();
        let mut held: Vec<(usize, Vec<usize>)> = ran.iter().map(|step| (*step, causes(step))).collect();
        held.iter_mut().for_each(|(_, by)| by.sort_unstable());
        held.retain(|(_, by)| !by.is_empty());
        assert_eq!(told, held, "what {failed:?} hold up");
    }

    /// Whether a step is needed by another, also by way of others.
    pub fn is_above(&self, step: usize, other: usize) -> bool {
        self.needs[other].iter().any(|need| *need == step || self.is_above(step, *need))
    }
}
