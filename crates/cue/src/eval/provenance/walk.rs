//! What is known of one value while the way to it is gone.
//!
//! Not here: the way.

use std::sync::Arc;

use super::super::Evaluator;
use super::super::graph::{Conjunct, DefaultMode, Frame, Vid};
use crate::compile::ir::Ex;
use crate::data::Data;
use crate::error::Error;
use crate::provenance::{Fate, Role, Said};

/// The way to one value, being gone.
pub(super) struct Walk {
    /// The vertex that stands for the value.
    pub(super) stands: Vid,
    /// The vertex whose conjuncts are being followed.
    pub(super) holder: Vid,
    pub(super) value: Option<Data>,
    /// The value is a default: other alternatives are left.
    pub(super) is_default: bool,
    pub(super) chosen: Vec<(Conjunct, DefaultMode)>,
    pub(super) fallen: Vec<(Conjunct, Arc<Error>)>,
    pub(super) followed: Vec<Vid>,
    pub(super) said: Vec<Said>,
    pub(super) level: u32,
}

impl Evaluator {
    pub(super) fn start(&self, vid: Vid, level: u32) -> Walk {
        let stands = self.default_of(vid);
        let is_default = self.deref(vid) != stands;
        let versions = self.versions(vid);
        let fallen = versions.iter().flat_map(|vid| self.get(*vid).node.fallen.to_vec()).collect();
        let chosen = self.get(stands).node.chosen.to_vec();
        let value = self.data(stands).ok();
        Walk { stands, holder: vid, value, is_default, chosen, fallen, followed: versions, said: Vec::new(), level }
    }
}

impl Walk {
    /// Notes what was said, unless it is known: one thing may come by several ways.
    pub(super) fn say(&mut self, said: Said) {
        if !self.said.iter().any(|known| known.span == said.span) {
            self.said.push(said);
        }
    }

    /// A value that stands somewhere wins over all defaults; where there is none, what contradicts is told.
    pub(super) fn judge(&mut self, error: Option<&Error>) {
        let decided = self.said.iter().any(|said| said.role == Role::Decides);
        let conflict = error.filter(|error| !error.code.is_open());
        for said in &mut self.said {
            if decided && said.role != Role::Decides {
                said.role = Role::Allows;
            }
            if conflict.is_some_and(|error| error.labels.iter().any(|label| label.span == said.span)) {
                said.role = Role::Conflicts;
            }
        }
        self.said.sort_by_key(|said| said.role);
    }

    pub(super) fn fate(&self, alternative: &Ex, frame: Frame) -> Fate {
        let same = |conjunct: &Conjunct| {
            conjunct.frame == frame
                && super::super::expression(conjunct).is_some_and(|expr| Arc::ptr_eq(expr, alternative))
        };
        if self.chosen.iter().any(|(conjunct, _)| same(conjunct)) {
            return Fate::Taken;
        }
        match self.fallen.iter().rev().find(|(conjunct, _)| same(conjunct)) {
            Some((_, error)) => Fate::Fell((**error).clone()),
            None => Fate::Left,
        }
    }
}
