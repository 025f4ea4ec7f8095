//! `__closeAll` and `__reclose` (experiment `explicitopen`): structs that are closed all the way down, or as far as
//! what was opened in them with `...` was closed.
//!
//! Source: what CUE v0.17's `cue fix` writes, and what its evaluator makes of it.
//!
//! Not here: `close` (`calls`).

use super::graph::{Frame, Origin, Vid};
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Ex, Native};

/// What the values were that were opened with `...`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opened {
    /// Closed, by `close`.
    pub once: bool,
    /// A definition, or part of one.
    pub recursive: bool,
}

impl Evaluator {
    /// A call as a conjunct; its argument is a literal.
    pub(super) fn run_reclose(&mut self, vid: Vid, native: Native, of: &Ex, frame: Frame, origin: Origin) -> Step<()> {
        let inner = self.anonymous(of.clone(), frame);
        if native == Native::CloseAll {
            self.v(inner).closed_recursive = true;
        }
        self.wait(inner, Need::Value)?;
        if let Some(error) = self.error_of(inner) {
            return Err(Stop::Fail(error));
        }
        let opened = match native {
            Native::CloseAll => Opened { once: false, recursive: true },
            _ => self.get(inner).node.opened,
        };
        for stands in [inner, self.deref(inner)] {
            self.v(stands).closed_recursive |= opened.recursive;
            self.v(stands).closed_once |= opened.once;
        }
        self.take_vertex(vid, inner, origin, opened.recursive || opened.once);
        Ok(())
    }
}
