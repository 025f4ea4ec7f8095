//! Structural cycles: values that would hold themselves.
//!
//! Two sorts are found. A reference to a vertex that is being made around the place of the reference; and a reference
//! that was already followed on the way to this conjunct. A vertex is a cycle if nothing but cyclic conjuncts makes it.
//!
//! Not here: references that point to the vertex itself. Those say nothing and are dropped.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::Evaluator;
use super::graph::{Conjunct, Cycle, Followed, Frame, Origin, Status, Vid};
use crate::compile::ir::{Ex, Kinds, Presence};
use crate::error::{Code, Error};
use crate::source::Span;

/// The most frames that are looked at for a function that calls itself.
const MAX_FRAMES: usize = 200;

/// What was seen of cycles at a vertex.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cycles {
    /// A conjunct came that is not part of a cycle.
    pub has_plain: bool,
    /// The same, and it has structure or a value.
    pub has_structure: bool,
    pub has_cyclic: bool,
    pub has_ancestor: bool,
    /// Cyclic conjuncts were left out for good.
    pub lost: bool,
    /// Cyclic conjuncts that wait for one that isn't.
    postponed: ThinVec<(Conjunct, Option<(Vid, bool)>)>,
}

impl Cycles {
    /// Something that is not a cycle makes this vertex.
    pub(super) fn evidence(&self) -> bool {
        self.has_structure || self.has_plain
    }

    pub(super) fn postpone(&mut self, conjunct: Conjunct, target: Option<(Vid, bool)>, ancestor: bool) {
        self.has_ancestor |= ancestor;
        self.postponed.push((conjunct, target));
    }

    fn only_cyclic(&self) -> bool {
        (self.has_ancestor && !self.has_structure) || (self.has_cyclic && !self.has_plain)
    }
}

/// A reference that is about to be followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    /// The vertex that it is a conjunct of.
    pub vid: Vid,
    pub target: Vid,
    pub expr: &'a Ex,
    pub frame: Frame,
    pub origin: Origin,
    /// It names a definition.
    pub definition: bool,
}

impl Evaluator {
    /// A conjunct with structure of its own: postponed cyclic ones may go on beside it.
    pub(super) fn mark_structure(&mut self, vid: Vid, origin: Origin) {
        if origin.cycle == Cycle::Yes {
            return;
        }
        self.v(vid).node.cycles.has_structure = true;
        let postponed = std::mem::take(&mut self.v(vid).node.cycles.postponed);
        for (conjunct, target) in postponed {
            match target {
                Some((from, definition)) => self.take_vertex(vid, from, conjunct.origin, definition),
                None => self.schedule(vid, &conjunct, conjunct.origin),
            }
        }
    }

    /// Looks at a reference before it is followed. `None`: it is not to be followed (now).
    pub(super) fn follow(&mut self, of: Reference<'_>) -> Option<Origin> {
        let of = Reference { target: self.deref(of.target), ..of };
        let Reference { vid, target, expr, mut origin, .. } = of;
        let here = self.deref(vid);
        if self.is_around(vid, target) {
            return self.cyclic(of, true);
        }
        let has_plain = self.get(vid).node.cycles.has_plain;
        if has_plain && origin.cycle == Cycle::Maybe {
            return Some(origin);
        }
        let expression = Arc::as_ptr(expr) as usize;
        let mut at = origin.refs;
        while at != 0 {
            let seen = self.refs[at as usize];
            at = seen.next;
            if self.deref(seen.target) != target {
                if self.feeds_itself(seen, expression, target, here, of.frame) {
                    return self.cyclic(of, false);
                }
                continue;
            }
            if self.deref(seen.from) == here {
                return None;
            }
            if origin.cycle == Cycle::Optional && has_plain {
                if seen.tree_depth == self.tree_depth {
                    self.v(vid).node.cycles.lost = true;
                    return None;
                }
                origin.cycle = Cycle::Maybe;
                origin.refs = 0;
                return Some(origin);
            }
            if seen.expression != expression && has_plain && self.get(vid).node.cycles.has_structure {
                continue;
            }
            return self.cyclic(of, false);
        }
        let tree_depth = self.tree_depth;
        let length = self.refs[origin.refs as usize].length + 1;
        if length > self.limits.max_references {
            let text = format!("more than {} references lead to one value", self.limits.max_references);
            self.refuse(Code::Limit, text, Some(expr.span));
            return None;
        }
        self.refs.push(Followed {
            expression,
            span: expr.span,
            target,
            from: here,
            tree_depth,
            length,
            next: origin.refs,
        });
        origin.refs = self.refs.len() as u32 - 1;
        Some(origin)
    }

    /// Whether a reference made a value without a name anew, at the same vertex, from what it made before. A step along
    /// a chain of different bindings is none.
    fn feeds_itself(&self, seen: Followed, expression: usize, target: Vid, here: Vid, frame: Frame) -> bool {
        if seen.expression != expression || !self.get(target).unrooted || self.deref(seen.from) != here {
            return false;
        }
        let around = self.deref(self.frame(frame).vertex);
        let step = around == here || self.get(seen.target).parent.is_some_and(|parent| self.deref(parent) == around);
        !step
    }

    /// What becomes of a reference that is part of a cycle; `ancestor`: to what is around it.
    fn cyclic(&mut self, of: Reference<'_>, ancestor: bool) -> Option<Origin> {
        let origin = Origin { cycle: Cycle::Yes, ..of.origin };
        let cycles = &mut self.v(of.vid).node.cycles;
        cycles.has_cyclic = true;
        cycles.has_ancestor |= ancestor;
        let goes_on = if ancestor { cycles.has_structure } else { cycles.evidence() };
        if goes_on {
            return Some(origin);
        }
        let conjunct = Conjunct::new(of.expr.clone(), of.frame, origin);
        cycles.postpone(conjunct, Some((of.target, of.definition)), false);
        None
    }

    /// Whether a vertex is above another, or is being made around it.
    fn is_around(&self, vid: Vid, target: Vid) -> bool {
        let vertex = self.get(target);
        if vertex.running > 0 && vertex.tree_depth < self.tree_depth {
            return true;
        }
        let mut at = self.get(vid).parent;
        while let Some(parent) = at {
            if self.deref(parent) == target {
                return true;
            }
            at = self.get(parent).parent;
        }
        false
    }

    /// The place of a value without a name that is made, by the same expression, inside one that is being worked on: a
    /// struct used as a function that calls itself.
    pub(super) fn calls_itself(&self, vid: Vid) -> Option<Span> {
        let expr = self.nameless(vid)?;
        let same = |other: &Vid| *other != vid && self.nameless(*other).is_some_and(|known| Arc::ptr_eq(known, expr));
        let outer = self.stack.iter().map(|running| self.whole_around(*running)).filter(same);
        let inside = outer.into_iter().any(|outer| self.is_made_inside(vid, outer));
        inside.then_some(expr.span)
    }

    /// The expression of a value without a name.
    fn nameless(&self, vid: Vid) -> Option<&Ex> {
        let vertex = self.get(vid);
        let conjunct = vertex.conjuncts.first().filter(|_| vertex.unrooted && vertex.parent.is_none());
        conjunct.and_then(super::expression)
    }

    /// Whether the names of a value are looked up inside another one, or inside one for which that holds.
    fn is_made_inside(&self, vid: Vid, outer: Vid) -> bool {
        let frames = |vid: Vid| self.get(vid).conjuncts.first().map(|conjunct| conjunct.frame);
        let mut left: Vec<Frame> = frames(vid).into_iter().collect();
        let mut seen: Vec<Frame> = Vec::new();
        while let Some(frame) = left.pop() {
            if seen.len() >= MAX_FRAMES || seen.contains(&frame) {
                continue;
            }
            seen.push(frame);
            let top = self.whole_around(self.frame(frame).vertex);
            if top == outer {
                return true;
            }
            left.extend(self.frame(frame).up);
            left.extend(frames(top).filter(|_| self.get(top).unrooted));
        }
        false
    }

    /// The vertex that a vertex is a part of, and of which it is an alternative.
    fn whole_around(&self, vid: Vid) -> Vid {
        let mut at = vid;
        while let Some(next) = self.get(at).copied_from.or(self.get(at).parent) {
            at = next;
        }
        at
    }

    /// What was left out of a vertex, or of one above it, as a cycle, may be what is missing: then nothing is said.
    pub(super) fn refuse_if_lost(&mut self, vid: Vid, span: Option<Span>) -> Option<Arc<Error>> {
        let mut at = Some(vid);
        while let Some(vid) = at {
            let vertex = self.get(vid);
            if vertex.node.cycles.lost {
                let text = "a recursive use of a struct that is cut off here is not supported";
                return Some(self.refuse(Code::Unsupported, text, span));
            }
            at = vertex.parent;
        }
        None
    }

    /// A field that may be there and refers to a later field, which refers back to the field around the first one. CUE
    /// takes that for a structural cycle, if the fields come in this order.
    pub(super) fn optional_ring(&mut self) -> Option<Span> {
        (0..self.vertices.len() as u32).map(Vid).find_map(|vid| self.ring_through_optional(vid))
    }

    fn ring_through_optional(&mut self, vid: Vid) -> Option<Span> {
        let vertex = self.get(vid);
        let parent = vertex.parent.filter(|_| vertex.copied_from.is_none() && vertex.status == Status::Done)?;
        let optional = |arc: &&Vid| self.get(**arc).presence == Presence::Optional;
        let fields: Vec<Vid> = vertex.arcs.values().filter(optional).copied().collect();
        for field in fields {
            let Some((target, span)) = self.plain_reference(field) else { continue };
            let comes_later = target.0 > vid.0 && self.get(target).parent == Some(parent);
            let arcs: Vec<Vid> = self.get(target).arcs.values().copied().filter(|_| comes_later).collect();
            let regular = arcs.into_iter().filter(|arc| self.get(*arc).presence == Presence::Regular);
            for arc in regular.collect::<Vec<_>>() {
                if self.plain_reference(arc).is_some_and(|(back, _)| back == vid) {
                    return Some(span);
                }
            }
        }
        None
    }

    /// What a field refers to that is a reference and nothing else.
    fn plain_reference(&mut self, field: Vid) -> Option<(Vid, Span)> {
        let [conjunct] = self.get(field).conjuncts.as_slice() else { return None };
        let (expr, frame) = (super::expression(conjunct)?.clone(), conjunct.frame);
        let Kinds::Field { up, label } = &expr.kind else { return None };
        let around = self.frame(self.up(frame, *up)).vertex;
        self.get(self.deref(around)).arcs.get(label).map(|target| (*target, expr.span))
    }

    /// The error of a vertex that only cycles make.
    pub(super) fn structural_cycle(&mut self, vid: Vid) -> Option<Arc<Error>> {
        let node = &mut self.v(vid).node;
        let postponed = std::mem::take(&mut node.cycles.postponed);
        if !node.cycles.only_cyclic() {
            node.cycles.lost |= !postponed.is_empty();
            return None;
        }
        let span = postponed.first().and_then(|(conjunct, _)| super::expression(conjunct)).map(|expr| expr.span);
        Some(Arc::new(Error::new(Code::StructuralCycle, "structural cycle", span)))
    }
}
