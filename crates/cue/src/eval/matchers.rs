//! `matchN`, `matchIf` and their like: whether a value, as it stands, can be unified with others.
//!
//! Not here: other checks (`checks`).

use std::sync::Arc;

use super::graph::{Check, Frame, Origin, Status, Value, Vid};
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Ex, Native, Presence};
use crate::error::{Code, Error};
use crate::source::Span;

/// Whether a value fits another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    /// A field is required that may still come.
    Later,
}

impl Evaluator {
    /// Whether a vertex, as it stands, can be unified with another. What closes it doesn't count: arguments are open.
    pub(super) fn unifies(&mut self, vid: Vid, with: Vid, frame: Frame) -> Step<Fit> {
        if self.get(vid).status == Status::New {
            self.wait(vid, Need::Value)?;
        }
        let vid = self.deref(vid);
        self.wait(with, Need::Fields)?;
        if let Some(error) = self.refuse_own_matcher(with) {
            return Err(Stop::Fail(error));
        }
        let probe = self.copy(vid);
        let vertex = self.v(probe);
        vertex.parent = None;
        vertex.unrooted = true;
        vertex.node.closing = super::closed::Closing::default();
        vertex.node.checks.retain(|check| !matches!(check, Check::Call { callee: Callee::Native(_), .. }));
        let whole = super::lookup::whole(with, frame);
        let before = self.get(vid).current;
        self.v(vid).current = Some(probe);
        self.schedule(probe, &whole, Origin::ROOT);
        let done = self.ensure(probe, Need::Value);
        self.v(vid).current = before;
        if let (Err(depth), false) = (done, self.forced) {
            return Err(Stop::Blocked(depth));
        }
        let probe = self.deref(probe);
        Ok(match &self.get(probe).value {
            Value::Bottom(error) if !error.code.is_open() => Fit::No,
            Value::Bottom(_) => Fit::Later,
            _ if self.lacks_required(probe) => Fit::Later,
            _ => Fit::Yes,
        })
    }

    /// Whether a field is required that isn't there.
    pub(super) fn lacks_required(&self, vid: Vid) -> bool {
        let vid = self.default_of(vid);
        let lacks = |arc: &Vid| match self.get(*arc).presence {
            Presence::Required => true,
            Presence::Optional => false,
            Presence::Regular => self.lacks_required(*arc),
        };
        self.get(vid).arcs.values().any(lacks)
    }

    /// Refuses to match with what holds the very matcher that is being decided on.
    pub(super) fn refuse_own_matcher(&mut self, with: Vid) -> Option<Arc<Error>> {
        let (_, place) = self.matchers.last().copied()?;
        let checks = &self.get(self.deref(with)).node.checks;
        let own =
            |check: &Check| matches!(check, Check::Call { callee: Callee::Native(_), span, .. } if *span == place);
        let text = "a check that is made of itself is not supported";
        checks.iter().any(own).then(|| self.refuse(Code::Unsupported, text, Some(place)))
    }

    /// A matcher must not be needed to decide on itself.
    pub(super) fn matching(
        &mut self,
        vid: Vid,
        native: &Native,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Option<Arc<Error>>> {
        let mut checked = vid;
        while let Some(from) = self.get(checked).copied_from {
            checked = from;
        }
        if self.matchers.contains(&(checked, span)) {
            let text = "a check that is made of itself is not supported";
            return Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(span))));
        }
        self.matchers.push((checked, span));
        let broken = match native {
            Native::MatchN => self.match_n(vid, args, frame, span),
            _ => self.match_if(vid, args, frame, span),
        };
        self.matchers.pop();
        broken
    }

    pub(super) fn match_n(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [count, list] = args else { return self.fail(Code::Conflict, "matchN takes a number and a list", span) };
        let elements = self.elements_of(list, frame)?;
        let mut fits = Vec::new();
        for element in elements {
            fits.push(self.unifies(vid, element, frame)?);
        }
        self.count_fits(&fits, count, frame, span, "matchN")
    }

    pub(super) fn list_match_n(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [count, with] = args else {
            return self.fail(Code::Conflict, "list.MatchN takes a number and a value", span);
        };
        let with = self.anonymous(with.clone(), frame);
        let elements: Vec<Vid> = self.get(vid).arcs.values().copied().collect();
        let mut fits = Vec::new();
        for element in elements {
            fits.push(self.unifies(element, with, frame)?);
        }
        self.count_fits(&fits, count, frame, span, "list.MatchN")
    }

    pub(super) fn count_fits(
        &mut self,
        fits: &[Fit],
        count: &Ex,
        frame: Frame,
        span: Span,
        name: &str,
    ) -> Step<Option<Arc<Error>>> {
        let matched = fits.iter().filter(|fit| **fit == Fit::Yes).count();
        let later = fits.iter().filter(|fit| **fit == Fit::Later).count();
        for more in 0..=later {
            let number = self.literal_vertex(Self::count(matched + more), span);
            let wanted = self.anonymous(count.clone(), frame);
            if self.unifies(number, wanted, frame)? != Fit::No {
                let code = if more == 0 { return Ok(None) } else { Code::Incomplete };
                let text = format!("{matched} matched as it stands, which does not satisfy {name}");
                return Ok(Some(Arc::new(Error::new(code, text, Some(span)))));
            }
        }
        let text = format!("{matched} matched, which does not satisfy {name}");
        Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))))
    }

    pub(super) fn match_if(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [condition, then, otherwise] = args else {
            return self.fail(Code::Conflict, "matchIf takes a condition and two values", span);
        };
        let condition = self.anonymous(condition.clone(), frame);
        let holds = self.unifies(vid, condition, frame)? == Fit::Yes;
        let with = self.anonymous(if holds { then } else { otherwise }.clone(), frame);
        if self.unifies(vid, with, frame)? == Fit::Yes {
            return Ok(None);
        }
        let branch = if holds { "then" } else { "else" };
        let text = format!("value does not satisfy matchIf: the {branch} value does not fit");
        Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))))
    }
}
