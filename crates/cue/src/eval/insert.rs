//! Noting what a vertex is: kinds, literals, fields, patterns.
//!
//! Not here: bounds (`bounds`), and splitting expressions into these (`schedule`).

use std::sync::Arc;

use super::graph::{Body, Conjunct, Frame, Laid, Laying, Origin, Pattern, Value, Vertex, Vid, push_tight};
use super::schedule::made;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Ex, Item, Kinds, List, Presence, UnaryOp};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::label::Label;
use crate::source::Span;

impl Evaluator {
    /// A vertex can be of these kinds only.
    pub(super) fn narrow(&mut self, vid: Vid, kind: Kind, span: Span) {
        self.narrow_to(vid, kind, None, span);
    }

    /// The same; a literal that says so is named.
    fn narrow_to(&mut self, vid: Vid, kind: Kind, literal: Option<&Data>, span: Span) {
        let node = &self.get(vid).node;
        let narrower = node.kind & kind;
        if narrower.is_bottom() && !node.kind.is_bottom() {
            let error = self.kinds_conflict(vid, kind, literal, span);
            self.v(vid).node.errors.push(error);
        }
        let node = &mut self.v(vid).node;
        if node.kind != narrower || node.kind_sources.is_empty() {
            push_tight(&mut node.kind_sources, (kind, span));
        }
        node.kind = narrower;
    }

    /// What an expression gave.
    pub(super) fn insert_computed(&mut self, vid: Vid, data: &Data, expr: &Ex, frame: Frame, origin: Origin) {
        if matches!(data, Data::List(_) | Data::Struct(_)) {
            self.v(vid).node.computed.push((expr.clone(), frame));
        }
        self.insert_data(vid, data, expr.span, origin);
    }

    /// A literal; structs and lists are taken apart.
    pub(super) fn insert_data(&mut self, vid: Vid, data: &Data, span: Span, origin: Origin) {
        self.mark_structure(vid, origin);
        match data {
            Data::List(items) => {
                let item = |data: &Data| Item::Value(made(Kinds::Data(data.clone()), span));
                let list = Arc::new(List { elements: items.iter().map(item).collect(), tail: None });
                self.narrow(vid, Kind::LIST, span);
                if let Err(Stop::Fail(error)) = self.insert_list(vid, &list, span, self.void, origin) {
                    self.v(vid).node.errors.push(error);
                }
            }
            Data::Struct(fields) => {
                self.note(vid, origin, super::closed::STRUCT);
                self.v(vid).node.has_struct = true;
                self.v(vid).node.is_struct = true;
                self.narrow(vid, Kind::STRUCT, span);
                let labels = fields.keys().map(|name| self.binder.labels.regular(name)).collect();
                let laid = Laid { laying: Laying::Data(labels, span), frame: self.void, origin };
                push_tight(&mut self.v(vid).node.laid, laid);
                for (name, value) in fields.iter() {
                    let label = self.binder.labels.regular(name);
                    let value = made(Kinds::Data(value.clone()), span);
                    let conjunct = Conjunct::new(value, self.void, origin);
                    self.insert_arc(vid, label, Presence::Regular, conjunct);
                }
            }
            _ => self.insert_scalar(vid, data, span, origin),
        }
    }

    fn insert_scalar(&mut self, vid: Vid, data: &Data, span: Span, origin: Origin) {
        self.note(vid, origin, 0);
        let before = self.get(vid).node.errors.len();
        let known = self.get(vid).node.scalar.clone();
        if let Some((known, place)) = known {
            if !same_scalar(&known, data) {
                let error = self.values_conflict(vid, (&known, place), (data, span));
                self.v(vid).node.errors.push(error);
            }
            return;
        }
        self.narrow_to(vid, kind_of(data), Some(data), span);
        let node = &mut self.v(vid).node;
        if node.errors.len() > before {
            return;
        }
        node.scalar = Some((data.clone(), span));
    }

    /// Adds a field with a conjunct; the patterns that fit add theirs.
    pub(super) fn insert_arc(&mut self, vid: Vid, label: Label, presence: Presence, conjunct: Conjunct) -> Vid {
        let arc = self.arc(vid, label, presence);
        self.add_conjunct(arc, conjunct);
        arc
    }

    /// The field of a label, made if it isn't there.
    pub(super) fn arc(&mut self, vid: Vid, label: Label, presence: Presence) -> Vid {
        if let Some(arc) = self.get(vid).arcs.get(&label).copied() {
            let vertex = self.v(arc);
            let stronger = strength(presence) > strength(vertex.presence);
            if stronger {
                vertex.presence = presence;
            }
            if stronger && presence == Presence::Regular {
                self.field_came_late(vid, label);
            }
            return arc;
        }
        let parent = self.get(vid);
        let mut vertex = Vertex::new(Some(vid), Some(label), presence);
        vertex.closed_recursive = parent.closed_recursive || label.is_definition();
        vertex.unrooted = parent.unrooted;
        let arc = self.add_vertex(vertex);
        self.v(vid).arcs.insert(label, arc);
        if presence == Presence::Regular {
            self.field_came_late(vid, label);
        }
        let patterns = self.get(vid).node.patterns.clone();
        for pattern in patterns {
            self.apply_pattern(vid, &pattern, label, arc);
        }
        arc
    }

    /// A set of fields that somebody relied on must not grow.
    fn field_came_late(&mut self, vid: Vid, label: Label) {
        if self.get(vid).node.fields_seen && !label.is_hidden() && !label.is_definition() {
            let name = self.label_text(label);
            let text = format!("field {name} comes after its struct's fields were relied on, which is not supported");
            let error = self.refuse(Code::Unsupported, text, None);
            self.v(vid).node.errors.push(error);
        }
    }

    pub(super) fn insert_pattern(&mut self, vid: Vid, pattern: Pattern) {
        let known = |known: &Pattern| {
            Arc::ptr_eq(&known.value, &pattern.value)
                && known.frame == pattern.frame
                && known.from_index == pattern.from_index
                && known.origin.group == pattern.origin.group
        };
        if self.get(vid).node.patterns.iter().any(known) {
            return;
        }
        self.v(vid).node.patterns.push(pattern.clone());
        let arcs: Vec<_> = self.get(vid).arcs.iter().map(|(label, arc)| (*label, *arc)).collect();
        for (label, arc) in arcs {
            self.apply_pattern(vid, &pattern, label, arc);
        }
    }

    fn apply_pattern(&mut self, vid: Vid, pattern: &Pattern, label: Label, arc: Vid) {
        let fits = match pattern.from_index {
            Some(from) => label.as_index().is_some_and(|index| index >= from),
            None => label.is_regular() && self.fits(&pattern.pattern, pattern.frame, label),
        };
        if fits {
            let frame = match pattern.from_index {
                Some(_) => pattern.frame,
                None => self.add_label_frame(pattern.frame, vid, label),
            };
            self.add_pattern_conjunct(arc, Conjunct::new(pattern.value.clone(), frame, pattern.origin));
        }
    }

    /// The frame is new for each use; a pattern's value must still be there once only.
    fn add_pattern_conjunct(&mut self, arc: Vid, conjunct: Conjunct) {
        let outer = self.frame(conjunct.frame).up;
        let same = |known: &Conjunct| match (&known.body, &conjunct.body) {
            (Body::Expr(a), Body::Expr(b)) => {
                Arc::ptr_eq(a, b)
                    && self.frame(known.frame).up == outer
                    && known.origin.group == conjunct.origin.group
                    && self.frame(known.frame).label == self.frame(conjunct.frame).label
            }
            _ => false,
        };
        if !self.get(arc).conjuncts.iter().any(same) {
            self.add_conjunct(arc, conjunct);
        }
    }

    pub(super) fn add_label_frame(&mut self, up: Frame, vid: Vid, label: Label) -> Frame {
        self.add_frame(Some(up), vid, Some(label))
    }

    /// Whether a label fits a pattern.
    fn fits(&mut self, pattern: &Ex, frame: Frame, label: Label) -> bool {
        match &pattern.kind {
            Kinds::Kind(kind) => return kind.holds(Kind::STRING),
            Kinds::Top => return true,
            Kinds::Data(Data::String(text)) => return *text == self.binder.labels.name(label),
            _ => {}
        }
        let name = Data::String(self.binder.labels.name(label));
        let probe = self.anonymous(pattern.clone(), frame);
        let literal = made(Kinds::Data(name), pattern.span);
        let conjunct = Conjunct::new(literal, self.void, Origin::ROOT);
        self.v(probe).conjuncts.push(conjunct);
        let forced = std::mem::replace(&mut self.forced, true);
        let known = self.ensure(probe, super::run::Need::Value);
        self.forced = forced;
        let probe = self.deref(probe);
        known.is_ok() && !matches!(self.get(probe).value, Value::Bottom(_))
    }

    /// Adds the elements of a list literal.
    pub(super) fn insert_list(
        &mut self,
        vid: Vid,
        list: &Arc<List>,
        span: Span,
        frame: Frame,
        origin: Origin,
    ) -> Step<()> {
        let mut elements: Vec<(Ex, Frame)> = Vec::new();
        for item in &list.elements {
            match item {
                Item::Value(expr) => elements.push((expr.clone(), frame)),
                Item::Comprehension(comprehension) => {
                    let frames = self.yields(comprehension, frame)?;
                    elements.extend(frames.into_iter().map(|(frame, body)| (body, frame)));
                }
            }
        }
        self.note(vid, origin, 0);
        let length = elements.len() as u32;
        self.list_length(vid, length, list.tail.is_none(), span)?;
        let below = Origin { from_embed: false, ..origin };
        for (index, (expr, frame)) in elements.into_iter().enumerate() {
            let conjunct = Conjunct::new(expr, frame, below);
            self.insert_arc(vid, Label::index(index as u32), Presence::Regular, conjunct);
        }
        if let Some(tail) = &list.tail {
            let value = tail.clone().unwrap_or_else(|| made(Kinds::Top, span));
            let pattern = made(Kinds::Bound(UnaryOp::GreaterEqual, made(Kinds::Top, span)), span);
            let origin = below.optional();
            self.insert_pattern(vid, Pattern { pattern, frame, value, origin, from_index: Some(length) });
        }
        Ok(())
    }

    /// A closed list of what other vertices say.
    pub(super) fn insert_elements(&mut self, vid: Vid, elements: &[Vid], span: Span, frame: Frame, origin: Origin) {
        self.mark_structure(vid, origin);
        self.narrow(vid, Kind::LIST, span);
        self.note(vid, origin, 0);
        if let Err(Stop::Fail(error)) = self.list_length(vid, elements.len() as u32, true, span) {
            self.v(vid).node.errors.push(error);
            return;
        }
        for (index, element) in elements.iter().enumerate() {
            let conjunct = Conjunct { body: Body::Vertex(*element), frame, origin };
            self.insert_arc(vid, Label::index(index as u32), Presence::Regular, conjunct);
        }
    }

    /// Brings the lengths of two lists together.
    fn list_length(&mut self, vid: Vid, length: u32, closed: bool, span: Span) -> Step<()> {
        let state = self.get(vid).node.list.clone();
        let too_long = state.is_list && state.closed && length > state.length;
        let too_short = state.is_list && closed && length < state.length;
        if too_long || too_short {
            let text = format!("incompatible list lengths ({} and {length})", state.length);
            let mut error = Error::new(Code::Conflict, text, None).at(span, counted(length));
            if let Some(other) = state.span {
                error = error.at(other, counted(state.length));
            }
            return Err(Stop::Fail(Arc::new(error.help(super::report::LISTS_ARE_NOT_JOINED))));
        }
        let longest = length.max(state.length);
        let list = &mut self.v(vid).node.list;
        list.span = if length >= list.length { Some(span) } else { list.span };
        list.length = longest;
        list.closed |= closed;
        list.is_list = true;
        Ok(())
    }
}

fn counted(length: u32) -> String {
    if length == 1 { "1 element here".to_owned() } else { format!("{length} elements here") }
}

/// Regular is stronger than required, required than optional.
fn strength(presence: Presence) -> u8 {
    match presence {
        Presence::Optional => 0,
        Presence::Required => 1,
        Presence::Regular => 2,
    }
}

/// The kind of concrete data.
pub(super) fn kind_of(data: &Data) -> Kind {
    match data {
        Data::Null => Kind::NULL,
        Data::Bool(_) => Kind::BOOL,
        Data::Number(number) if number.is_int() => Kind::INT,
        Data::Number(_) => Kind::FLOAT,
        Data::String(_) => Kind::STRING,
        Data::Bytes(_) => Kind::BYTES,
        Data::List(_) => Kind::LIST,
        Data::Struct(_) => Kind::STRUCT,
    }
}

/// Equal, and of one kind.
fn same_scalar(a: &Data, b: &Data) -> bool {
    kind_of(a) == kind_of(b) && a == b
}
