//! By which way a conjunct came to its vertex: references, patterns, rounds of comprehensions.
//!
//! Not here: what it says.

use super::super::Evaluator;
use super::super::graph::{Conjunct, Frame, FrameData, Vid};
use super::super::run::Need;
use crate::compile::ir::Decl;
use crate::label::Label;
use crate::provenance::{Sort, Step};
use crate::source::Span;

/// How many frames around a conjunct are looked at.
const MAX_FRAMES: usize = 1_000;

impl Evaluator {
    /// The steps so far, and those that the conjunct itself tells of.
    pub(super) fn way(&mut self, via: &[Step], conjunct: &Conjunct, span: Span) -> Vec<Step> {
        let references = self.references(conjunct.origin.refs);
        let known = via.iter().zip(&references).take_while(|(one, other)| one == other).count();
        self.goes_on(references.len());
        let mut way = via.to_vec();
        way.extend_from_slice(&references[known..]);
        way.extend(self.surroundings(conjunct.frame, span));
        way.dedup();
        way
    }

    /// The references that led to a conjunct, the first one first.
    fn references(&self, refs: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = refs;
        while at != 0 {
            let followed = self.refs[at as usize];
            steps.push(Step { sort: Sort::Reference, span: followed.span, round: Vec::new() });
            at = followed.next;
        }
        steps.reverse();
        steps
    }

    /// The patterns and comprehensions that a conjunct is written in, the outermost first.
    fn surroundings(&mut self, frame: Frame, span: Span) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut round = Vec::new();
        let mut clauses = None;
        let mut at = Some(frame);
        for _ in 0..MAX_FRAMES {
            let Some(data) = at.map(|at| self.frame(at)) else { break };
            let (up, vertex) = (data.up, data.vertex);
            match &data.structure {
                _ if data.label.is_some() => steps.extend(self.pattern_around(data, span)),
                None => round.extend(self.bindings(vertex)),
                Some(structure) => {
                    let outer = structure.clauses;
                    end_round(&mut steps, &mut clauses, &mut round);
                    clauses = outer;
                }
            }
            at = up;
        }
        end_round(&mut steps, &mut clauses, &mut round);
        steps.reverse();
        steps
    }

    /// The pattern that made a field, if the frame of its label stands in one.
    fn pattern_around(&self, frame: &FrameData, span: Span) -> Option<Step> {
        let around = frame.up.map(|up| self.frame(up))?;
        let decls = &around.structure.as_ref()?.decls;
        decls.iter().find_map(|decl| match decl {
            Decl::Pattern { pattern, value } if value.span.holds(span) => {
                Some(Step { sort: Sort::Pattern, span: pattern.span, round: Vec::new() })
            }
            _ => None,
        })
    }

    /// What the variables of a clause are in this round.
    fn bindings(&mut self, of: Vid) -> Vec<String> {
        let vertex = self.get(of);
        if vertex.parent.is_some() || !vertex.unrooted {
            return Vec::new();
        }
        let variables: Vec<(Label, Vid)> = vertex.arcs.iter().map(|(label, value)| (*label, *value)).collect();
        let mut shown = Vec::new();
        for (label, value) in variables.into_iter().filter(|(label, _)| label.is_regular()) {
            self.ensure(value, Need::Value).ok();
            shown.push(format!("{} = {}", self.label_text(label), self.brief_vertex(self.default_of(value))));
        }
        shown
    }
}

/// Going outwards, a comprehension has been left: its variables are known.
fn end_round(steps: &mut Vec<Step>, clauses: &mut Option<Span>, round: &mut Vec<String>) {
    let mut names = std::mem::take(round);
    names.reverse();
    if let Some(span) = clauses.take() {
        steps.push(Step { sort: Sort::Comprehension, span, round: names });
    }
}
