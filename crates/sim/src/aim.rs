//! Faults on purpose: a cell of the coverage table that a seed sets out to meet.

use crate::coverage::{Cell, Trouble};

/// A fault that waits for its step.
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    /// What it wants to meet.
    pub cell: Cell,
    /// How many attempts it lasts; a failure that lasts long enough gets a deployment stuck.
    pub times: u32,
}

impl Aim {
    /// Whether it is for such a step.
    pub fn fits(&self, node: usize, back: bool, trouble: Trouble) -> bool {
        self.times > 0 && self.cell == Cell { node, back, trouble }
    }
}
