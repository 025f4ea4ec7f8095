//! What goes wrong, and where.

use super::Lab;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Forward,
    Back,
}

/// A place in the life of one attempt, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Before the intent is recorded.
    Intent,
    /// After that, before the effect.
    Begun,
    /// After the effect, before its record.
    Effect,
    /// After the record.
    Record,
}

pub const SPOTS: [Spot; 4] = [Spot::Intent, Spot::Begun, Spot::Effect, Spot::Record];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It fails so often, before its effect or after it.
    Fails { times: u32, after_effect: bool },
    /// Everything ends there, once.
    Crash(Spot),
    /// A person stops the saga there; the step hangs.
    Stop(Spot),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub way: Way,
    pub step: usize,
    pub kind: Kind,
}

impl Fault {
    pub fn forward(step: usize, kind: Kind) -> Self {
        Self { way: Way::Forward, step, kind }
    }

    pub fn back(step: usize, kind: Kind) -> Self {
        Self { way: Way::Back, step, kind }
    }
}

impl Kind {
    pub fn once() -> Self {
        Self::Fails { times: 1, after_effect: false }
    }

    pub fn for_ever() -> Self {
        Self::Fails { times: u32::MAX, after_effect: false }
    }

    pub fn crashes() -> [Self; 4] {
        SPOTS.map(Self::Crash)
    }
}

impl Lab {
    /// Whether this fault comes now; it won't come again.
    pub(super) fn strikes(&self, way: Way, step: usize, kind: Kind) -> bool {
        let fault = Fault { way, step, kind };
        let faults = &mut self.kept().faults;
        let at = faults.iter().position(|planned| *planned == fault);
        at.map(|at| faults.swap_remove(at)).is_some()
    }

    /// Whether this attempt fails here.
    pub(super) fn fails(&self, way: Way, step: usize, after: bool) -> bool {
        for fault in self.kept().faults.iter_mut().filter(|fault| (fault.way, fault.step) == (way, step)) {
            if let Kind::Fails { times, after_effect } = &mut fault.kind
                && *after_effect == after
                && *times > 0
            {
                *times -= u32::from(*times < u32::MAX);
                return true;
            }
        }
        false
    }
}
