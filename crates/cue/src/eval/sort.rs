//! Sorting by a comparison that is a struct of the configuration.
//!
//! Not here: sorting texts (`builtin`).

use std::sync::Arc;

use super::graph::{Conjunct, Frame, Origin};
use super::{Evaluator, Step};
use crate::compile::ir::{Ex, Kinds};
use crate::data::Data;
use crate::error::Code;

impl Evaluator {
    /// Sorts by a struct `{x: _, y: _, less: bool}`.
    pub(super) fn sort(&mut self, list: &Ex, order: &Ex, frame: Frame) -> Step<Data> {
        let Data::List(items) = self.concrete(list, frame)? else {
            return self.fail(Code::Conflict, "list.Sort takes a list", list.span);
        };
        // A merge sort: as stable as asked, and it stops at the first comparison that has no answer.
        let mut runs: Vec<Vec<Data>> = items.into_iter().map(|item| vec![item]).collect();
        while runs.len() > 1 {
            let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
            let mut pairs = runs.into_iter();
            while let Some(left) = pairs.next() {
                merged.push(match pairs.next() {
                    Some(right) => self.merge(left, right, order, frame)?,
                    None => left,
                });
            }
            runs = merged;
        }
        Ok(Data::List(runs.pop().unwrap_or_default()))
    }

    pub(super) fn merge(&mut self, left: Vec<Data>, right: Vec<Data>, order: &Ex, frame: Frame) -> Step<Vec<Data>> {
        let mut out = Vec::with_capacity(left.len() + right.len());
        let mut left = std::collections::VecDeque::from(left);
        let mut right = std::collections::VecDeque::from(right);
        while let (Some(a), Some(b)) = (left.front(), right.front()) {
            let (a, b) = (a.clone(), b.clone());
            if self.less(b, a, order, frame)? {
                out.extend(right.pop_front());
            } else {
                out.extend(left.pop_front());
            }
        }
        out.extend(left);
        out.extend(right);
        Ok(out)
    }

    pub(super) fn less(&mut self, x: Data, y: Data, order: &Ex, frame: Frame) -> Step<bool> {
        let compare = self.anonymous(order.clone(), frame);
        let fields = [("x", x), ("y", y)].map(|(name, data)| (Arc::<str>::from(name), data));
        let pair = super::schedule::made(Kinds::Data(Data::Struct(Box::new(fields.into_iter().collect()))), order.span);
        let void = self.void;
        self.v(compare).conjuncts.push(Conjunct::new(pair, void, Origin::ROOT));
        let label = self.binder.labels.regular("less");
        let less = self.lookup(compare, label, order.span)?;
        match self.scalar_of(less, order.span)? {
            Data::Bool(less) => Ok(less),
            _ => self.fail(Code::Conflict, "`less` must be true or false", order.span),
        }
    }
}
