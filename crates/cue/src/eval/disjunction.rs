//! Disjunctions: each alternative is tried beside everything else that is known, and those that fail are dropped.
//!
//! An alternative is a copy of what the vertex gathered so far, with its fields to be made anew. While it is tried it
//! stands for the vertex, so that names inside it find its fields. If one is left, it stands for the vertex for good.
//! Several disjunctions are taken one after another inside the alternatives of those before.
//!
//! Source of the default rules: the language specification, "Default values".
//!
//! Not here: what is in the alternatives.

use std::sync::Arc;

use super::Evaluator;
use super::defaults::Ways;
use super::graph::{Choice, Pick, Status, TaskState, Value, Vertex, Vid, Way};
use super::run::{Need, Waits};
use crate::error::{Code, Error};
use crate::source::Span;

/// More alternatives than this at one vertex are refused.
const MAX_ALTERNATIVES: usize = 2_000;

impl Evaluator {
    /// Expands the first disjunction; the others follow inside its alternatives.
    pub(super) fn expand(&mut self, vid: Vid) -> Result<(), Waits> {
        if self.expanding == 0 {
            self.alternatives = 0;
        }
        self.expanding += 1;
        let done = self.try_alternatives(vid);
        self.expanding -= 1;
        done
    }

    fn try_alternatives(&mut self, vid: Vid) -> Result<(), Waits> {
        let choice = self.v(vid).node.choices.remove(0);
        let opened_around = self.opened_around.replace(false);
        let mut left: Vec<Vid> = Vec::new();
        let mut errors: Vec<Arc<Error>> = Vec::new();
        for (at, (conjunct, mode)) in choice.alternatives.iter().enumerate() {
            if self.refused.is_some() {
                break;
            }
            let alternative = self.copy(vid);
            let origin = conjunct.origin;
            let pick = Pick { number: choice.number, parent: choice.parent, alternative: at, mode: *mode };
            let ways = &mut self.v(alternative).node.ways;
            if ways.is_empty() {
                ways.push(Vec::new());
            }
            ways.iter_mut().for_each(|way| way.push(pick.clone()));
            self.v(alternative).node.chosen.push((conjunct.clone(), *mode));
            self.count_alternative(choice.span);
            self.v(vid).current = Some(alternative);
            self.schedule(alternative, conjunct, origin);
            self.v(alternative).tentative = true;
            let tried = self.ensure(alternative, Need::Value);
            self.v(alternative).tentative = false;
            self.v(vid).current = None;
            if let Err(waits) = tried {
                // What it waits for may decide whether it fails: all is tried again later.
                self.chosen_in_ring = true;
                self.v(vid).node.choices.insert(0, choice);
                return Err(waits);
            }
            if let Err(error) = self.keep(alternative, &mut left) {
                self.v(vid).node.fallen.push((conjunct.clone(), error.clone()));
                errors.push(error);
            }
            if left.len() > MAX_ALTERNATIVES {
                self.refuse(Code::Limit, format!("more than {MAX_ALTERNATIVES} alternatives"), Some(choice.span));
                break;
            }
        }
        self.v(vid).node.choices.clear();
        if self.opened_around.get() && left.len() > 1 {
            let text = "alternatives that are closed, embedded beside an open struct, are not supported here";
            self.refuse(Code::Unsupported, text, Some(choice.span));
        }
        self.opened_around.set(opened_around);
        self.leave(vid, &choice, left, &errors);
        Ok(())
    }

    /// Whether a vertex is an alternative that is being tried, and somebody outside of it asks: it may yet fail, so
    /// nothing that stays may be made of it.
    pub(super) fn is_only_tried(&self, vid: Vid) -> bool {
        let vertex = self.get(vid);
        if !vertex.tentative || vertex.running == 0 {
            return false;
        }
        let asking = self.stack.get(vertex.running as usize..).unwrap_or_default();
        asking.iter().any(|asking| !self.get(*asking).unrooted && !self.is_inside(*asking, vid))
    }

    /// Whether a vertex is part of no alternative that fell.
    pub(super) fn is_left(&self, vid: Vid) -> bool {
        let mut at = Some(vid);
        while let Some(vid) = at {
            let mut copies = vec![vid];
            let mut first = vid;
            while let Some(from) = self.get(first).copied_from {
                copies.push(from);
                first = from;
            }
            let stands = self.deref(first);
            let stays = |copy: &Vid| match &self.get(stands).value {
                Value::Disjunction { alternatives, .. } => alternatives.contains(copy) || *copy == stands,
                _ => *copy == stands,
            };
            if copies.len() > 1 && !copies.iter().any(stays) {
                return false;
            }
            at = self.get(first).parent;
        }
        true
    }

    fn is_inside(&self, vid: Vid, of: Vid) -> bool {
        let mut at = Some(vid);
        while let Some(vid) = at {
            if vid == of {
                return true;
            }
            let vertex = self.get(vid);
            at = match vertex.copied_from {
                Some(from) if self.is_inside(from, of) => return true,
                _ => vertex.parent,
            };
        }
        false
    }

    /// A copy of what a vertex gathered, its fields to be made anew.
    pub(super) fn copy(&mut self, vid: Vid) -> Vid {
        let from = self.get(vid);
        let mut copy = Vertex::new(from.parent, from.label, from.presence);
        copy.conjuncts.clone_from(&from.conjuncts);
        copy.node = from.node.clone();
        copy.node.followers.clear();
        copy.copied_from = Some(vid);
        copy.status = Status::Open;
        copy.closed_recursive = from.closed_recursive;
        copy.closed_once = from.closed_once;
        copy.unrooted = from.unrooted;
        for task in &mut copy.node.tasks {
            if !matches!(task.state, TaskState::Done) {
                task.state = TaskState::Waiting;
            }
        }
        let arcs: Vec<_> = from.arcs.iter().map(|(label, arc)| (*label, *arc)).collect();
        let copied = self.add_vertex(copy);
        for (label, arc) in arcs {
            let from = self.get(arc);
            let mut field = Vertex::new(Some(copied), Some(label), from.presence);
            field.conjuncts.clone_from(&from.conjuncts);
            field.closed_recursive = from.closed_recursive;
            field.closed_once = from.closed_once;
            field.unrooted = from.unrooted;
            let field = self.add_vertex(field);
            self.v(copied).arcs.insert(label, field);
        }
        copied
    }

    /// Notes an alternative that didn't fail; one that is a disjunction gives all of its own.
    fn keep(&mut self, alternative: Vid, left: &mut Vec<Vid>) -> Result<(), Arc<Error>> {
        let stands = self.deref(alternative);
        match self.get(stands).value.clone() {
            Value::Bottom(error) if error.code != Code::Cycle => Err(error),
            Value::Disjunction { alternatives, .. } => {
                for alternative in alternatives {
                    self.keep_one(alternative, left);
                }
                Ok(())
            }
            _ => {
                self.keep_one(stands, left);
                Ok(())
            }
        }
    }

    /// Equal alternatives are one; it is a default if either is.
    fn keep_one(&mut self, alternative: Vid, left: &mut Vec<Vid>) {
        for known in left.iter().copied() {
            if self.equal(known, alternative) {
                let other = self.get(alternative).node.ways.clone();
                self.v(known).node.ways.extend(other.iter().cloned());
                return;
            }
        }
        left.push(alternative);
    }

    fn leave(&mut self, vid: Vid, choice: &Choice, left: Vec<Vid>, errors: &[Arc<Error>]) {
        match left.as_slice() {
            [] => {
                let error = self.none_fits(vid, choice, errors);
                self.v(vid).node.errors.push(error);
                self.settle_value(vid);
            }
            [one] => {
                let vertex = self.v(vid);
                vertex.current = Some(*one);
                vertex.status = Status::Done;
            }
            _ => {
                // An alternative of an alternative is looked at again with those of the others.
                let inner = self.get(vid).copied_from.is_some();
                let is_default = self.defaults_among(&left, inner, choice.span);
                let (alternatives, others): (Vec<_>, Vec<_>) = left.iter().zip(is_default).partition(|(_, is)| *is);
                let mut alternatives: Vec<Vid> = alternatives.into_iter().map(|(vid, _)| *vid).collect();
                let defaults = alternatives.len();
                alternatives.extend(others.into_iter().map(|(vid, _)| *vid));
                let vertex = self.v(vid);
                vertex.value = Value::Disjunction { alternatives, defaults };
                vertex.status = Status::Done;
            }
        }
    }

    /// Which of the alternatives that are left are defaults: those to which one of their ways leads as one.
    fn defaults_among(&mut self, left: &[Vid], inner: bool, span: Span) -> Vec<bool> {
        let ways: Vec<(usize, &Way)> = left
            .iter()
            .enumerate()
            .flat_map(|(at, vid)| self.get(*vid).node.ways.iter().map(move |way| (at, way)))
            .collect();
        let (leads_to, ways) = ways.into_iter().unzip();
        match super::defaults::defaults(&Ways { ways, leads_to }) {
            Some(decided) => decided,
            None if inner => vec![false; left.len()],
            None => {
                let text = "a default that depends on the order of disjunctions is not supported";
                self.refuse(Code::Unsupported, text, Some(span));
                vec![false; left.len()]
            }
        }
    }

    /// Alternatives multiply: their number is bounded over the whole evaluation.
    fn count_alternative(&mut self, span: Span) {
        self.alternatives += 1;
        if self.alternatives > self.limits.max_alternatives {
            self.refuse(Code::Limit, format!("more than {} alternatives", self.limits.max_alternatives), Some(span));
        }
    }
}
