//! Elements that a function took over from a list: they come from there, not from the function.
//!
//! A function gives data, which doesn't know where it was. But what it gave and what a list among its arguments holds
//! can be compared.
//!
//! Not here: what functions make anew; that has inputs.

use super::super::Evaluator;
use super::super::graph::{Frame, Vid};
use super::super::run::Need;
use super::reference;
use crate::compile::ir::{Clause, Ex, Item, Kinds};
use crate::data::Data;
use crate::label::Label;
use crate::provenance::Step;

/// How many elements are compared to find one.
const MAX_COMPARED: usize = 10_000;

/// What a value was computed by, and where in the result it is.
pub(super) struct Computed {
    pub(super) expr: Ex,
    pub(super) frame: Frame,
    /// The whole result.
    result: Vid,
    /// From the result to the value.
    below: Vec<Label>,
}

impl Evaluator {
    /// The expression that gave a literal which is not written anywhere.
    pub(super) fn computed(&self, holder: Vid, literal: &Ex) -> Option<Computed> {
        let Kinds::Data(_) = literal.kind else { return None };
        let mut below = Vec::new();
        let mut at = holder;
        loop {
            let vertex = self.get(at);
            let found = vertex.node.computed.iter().find(|(expr, _)| expr.span == literal.span);
            if let Some((expr, frame)) = found {
                below.reverse();
                return Some(Computed { expr: expr.clone(), frame: *frame, result: at, below });
            }
            below.extend(vertex.label);
            at = vertex.parent?;
        }
    }

    /// The value that was moved there, in the list that it comes from.
    pub(super) fn moved(&mut self, computed: &Computed) -> Option<(Step, Vid)> {
        let (element, below) = computed.below.split_first()?;
        self.ensure(computed.result, Need::Value).ok();
        let element = self.data(*self.get(computed.result).arcs.get(element)?).ok()?;
        let mut lists = Vec::new();
        self.lists(&computed.expr, computed.frame, &mut lists);
        let mut left = MAX_COMPARED;
        for (expr, frame) in lists {
            let Some(list) = self.target(&expr, frame) else { continue };
            self.ensure(list, Need::Value).ok();
            let equal = self.equal_below(self.default_of(list), &element, &mut left);
            if let Some(value) = equal.and_then(|vid| self.descend(vid, below)) {
                return Some((reference(&expr), value));
            }
        }
        None
    }

    /// The references among an expression's operands, those in lists too, with the frames that they stand in.
    fn lists(&mut self, expr: &Ex, frame: Frame, found: &mut Vec<(Ex, Frame)>) {
        match &expr.kind {
            _ if expr.kind.is_reference() => found.push((expr.clone(), frame)),
            Kinds::Call(_, args) | Kinds::CallValue(_, args) => {
                args.iter().for_each(|arg| self.lists(arg, frame, found));
            }
            Kinds::Slice(of, ..) => self.lists(of, frame, found),
            Kinds::List(list) => {
                let frame = self.add_frame(Some(frame), self.frame(frame).vertex, None);
                for item in &list.elements {
                    match item {
                        Item::Value(value) => self.lists(value, frame, found),
                        Item::Comprehension(comprehension) => {
                            if let Some(Clause::For { source, .. }) = comprehension.clauses.first() {
                                self.lists(source, frame, found);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The element or field that is equal to some data.
    fn equal_below(&self, list: Vid, data: &Data, left: &mut usize) -> Option<Vid> {
        let arcs = &self.get(list).arcs;
        for arc in arcs.values().filter(|arc| self.get(**arc).label.is_some_and(|label| !label.is_hidden())) {
            *left = left.checked_sub(1)?;
            if self.data(*arc).is_ok_and(|found| found == *data) {
                return Some(*arc);
            }
        }
        None
    }

    fn descend(&self, vid: Vid, below: &[Label]) -> Option<Vid> {
        below.iter().try_fold(vid, |at, label| self.get(self.default_of(at)).arcs.get(label).copied())
    }
}
