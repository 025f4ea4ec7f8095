//! Structs and lists that accept others: fields that are there, may be, or must be; patterns; what is closed; tails.
//!
//! Not here: scalars and constraints.

use std::sync::Arc;

use super::super::Evaluator;
use super::super::graph::{Conjunct, Origin, Pattern, Status, TaskState, Value, Vertex, Vid};
use super::super::lookup::whole;
use super::super::run::Need;
use super::super::schedule::made;
use super::labels::names_label;
use super::{Comparison, Verdict};
use crate::compile::ir::{Decl, Kinds, Presence, Struct};
use crate::error::Code;
use crate::kind::Kind;
use crate::label::Label;
use crate::source::{FileId, Span};

/// The name of a field that no struct foresees.
const FORESEEN_BY_NOBODY: &str = "\u{e000}";

/// What a struct says of a field.
enum Expected {
    /// It can't have it.
    Forbidden,
    /// It has to be this.
    Be(Vid),
    /// That can't be told.
    Unknown,
}

impl Evaluator {
    pub(super) fn accepts_struct(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let waits = |evaluator: &Self, vid: Vid| {
            let node = &evaluator.get(vid).node;
            node.tasks.iter().any(|task| !matches!(task.state, TaskState::Done))
        };
        if waits(self, schema) || waits(self, value) {
            return self.doubt("it waits for something", schema);
        }
        if !self.get(schema).node.checks.is_empty() {
            return self.doubt("a check of structs depends on all that they may hold", schema);
        }
        let mut verdict = Ok(true);
        for found in [Self::accepts_fields, Self::accepts_more_fields, Self::accepts_any_field, Self::accepts_patterns]
        {
            match found(self, schema, value, so_far) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(doubt) => verdict = Err(doubt),
            }
        }
        verdict
    }

    /// The fields that the schema has.
    pub(super) fn accepts_fields(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let mut verdict = Ok(true);
        for (label, arc) in self.fields_below(schema) {
            match self.accepts_field(schema, value, (label, arc), so_far) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(doubt) => verdict = Err(doubt),
            }
        }
        verdict
    }

    fn accepts_field(&mut self, schema: Vid, value: Vid, field: (Label, Vid), so_far: &mut Comparison) -> Verdict {
        let (label, arc) = field;
        let presence = self.get(arc).presence;
        let forbidden = presence != Presence::Regular && self.forbids(schema, label)?;
        let other = self.get(value).arcs.get(&label).copied();
        match (presence, other) {
            (Presence::Optional, _) if forbidden => self.never_has(value, label),
            _ if forbidden => Ok(false),
            (Presence::Optional, None) if label.is_regular() => self.accepts_unsaid(arc, value, label, so_far),
            (Presence::Optional, None) => self.doubt("a definition or hidden field may be there", arc),
            (Presence::Optional, Some(other)) => self.accepts_all(arc, other, so_far),
            (_, None) => Ok(false),
            (_, Some(other)) => match (presence, self.get(other).presence) {
                (_, Presence::Optional) | (Presence::Regular, Presence::Required) => Ok(false),
                _ => self.accepts_all(arc, other, so_far),
            },
        }
    }

    /// A field that the schema may have, and of which the value says nothing: it may be anything, unless it can't be.
    fn accepts_unsaid(&mut self, arc: Vid, value: Vid, label: Label, so_far: &mut Comparison) -> Verdict {
        match self.expected(value, label) {
            Expected::Forbidden => Ok(true),
            Expected::Be(other) => self.accepts_all(arc, other, so_far),
            Expected::Unknown => self.doubt("a field may be there or not", arc),
        }
    }

    /// The fields that only the value has.
    fn accepts_more_fields(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let mut verdict = Ok(true);
        for (label, arc) in self.fields_below(value) {
            if self.get(schema).arcs.contains_key(&label) || !label.is_regular() {
                continue;
            }
            match self.accepts_more(schema, value, (label, arc), so_far) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(doubt) => verdict = Err(doubt),
            }
        }
        verdict
    }

    fn accepts_more(&mut self, schema: Vid, value: Vid, field: (Label, Vid), so_far: &mut Comparison) -> Verdict {
        let (label, arc) = field;
        if self.never_has(value, label)? {
            return Ok(true);
        }
        match self.expected(schema, label) {
            Expected::Forbidden => Ok(false),
            Expected::Be(expected) => self.accepts_all(expected, arc, so_far),
            Expected::Unknown => self.doubt("a field may be there or not", arc),
        }
    }

    /// A field that neither foresees, which the value may still get.
    fn accepts_any_field(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let label = self.binder.labels.regular(FORESEEN_BY_NOBODY);
        match (self.expected(schema, label), self.expected(value, label)) {
            (_, Expected::Forbidden) => Ok(true),
            (Expected::Be(expected), _) if self.is_anything(expected) => Ok(true),
            (Expected::Forbidden, Expected::Be(_)) => Ok(false),
            (Expected::Be(schema), Expected::Be(value)) => self.accepts_all(schema, value, so_far),
            _ => self.doubt("whether more fields may be there", schema),
        }
    }

    /// Fields that patterns foresee.
    fn accepts_patterns(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let (ours, theirs) = (self.patterns_of(schema), self.patterns_of(value));
        if ours.iter().chain(&theirs).any(|pattern| names_label(&pattern.value)) {
            return self.doubt("a pattern gives each field another value", schema);
        }
        let label = self.binder.labels.regular(FORESEEN_BY_NOBODY);
        let open = match self.expected(schema, label) {
            Expected::Be(_) => true,
            Expected::Forbidden => false,
            Expected::Unknown if theirs.is_empty() => true,
            Expected::Unknown => return self.doubt("whether more fields may be there", schema),
        };
        let other_closed = self.is_closed_struct(value);
        for their in &theirs {
            let mut foreseen = open;
            for our in &ours {
                foreseen |= self.fits_all(our) || self.same_pattern(our, their);
                if self.accepts_pattern(our, their, so_far)? {
                    continue;
                }
                return self.doubt("patterns may speak of the same fields", schema);
            }
            if !foreseen {
                return self.doubt("whether one pattern fits all that another one fits", schema);
            }
        }
        for our in &ours {
            let told = self.fits_all(our) || other_closed || self.says_nothing(our);
            let mut same = false;
            for their in &theirs {
                same |= self.same_pattern(our, their) && self.accepts_pattern(our, their, so_far)?;
            }
            if !told && !same {
                return self.doubt("a pattern may fit fields that are not there yet", schema);
            }
        }
        Ok(true)
    }

    fn accepts_pattern(&mut self, our: &Pattern, their: &Pattern, so_far: &mut Comparison) -> Verdict {
        let (ours, theirs) = (self.pattern_value(our), self.pattern_value(their));
        self.accepts_all(ours, theirs, so_far)
    }

    fn says_nothing(&mut self, pattern: &Pattern) -> bool {
        let value = self.pattern_value(pattern);
        let value = self.worked_out(value);
        self.is_anything(value)
    }

    /// Whether a pattern fits every label.
    fn fits_all(&mut self, pattern: &Pattern) -> bool {
        let labels = self.anonymous(pattern.pattern.clone(), pattern.frame);
        let labels = self.worked_out(labels);
        let node = &self.get(labels).node;
        let no_checks = node.checks.is_empty() && node.lower.is_none() && node.upper.is_none();
        matches!(self.get(labels).value, Value::Constraint) && node.kind.holds(Kind::STRING) && no_checks
    }

    fn same_pattern(&mut self, one: &Pattern, other: &Pattern) -> bool {
        let (one, other) =
            (self.anonymous(one.pattern.clone(), one.frame), self.anonymous(other.pattern.clone(), other.frame));
        let (one, other) = (self.worked_out(one), self.worked_out(other));
        self.equal(one, other)
    }

    fn pattern_value(&mut self, pattern: &Pattern) -> Vid {
        let frame = self.add_frame(Some(pattern.frame), self.frame(pattern.frame).vertex, None);
        self.anonymous(pattern.value.clone(), frame)
    }

    /// The patterns of a struct's fields.
    fn patterns_of(&self, vid: Vid) -> Vec<Pattern> {
        let patterns = self.get(vid).node.patterns.iter();
        patterns.filter(|pattern| pattern.from_index.is_none()).cloned().collect()
    }

    fn fields_below(&self, vid: Vid) -> Vec<(Label, Vid)> {
        let arcs = self.get(vid).arcs.iter().filter(|(label, _)| label.as_index().is_none());
        arcs.map(|(label, arc)| (*label, *arc)).collect()
    }

    pub(super) fn is_there(&self, arc: Vid) -> bool {
        self.get(arc).presence == Presence::Regular
    }

    /// Whether a struct can't have a field, though it may say of it what it would be.
    fn never_has(&mut self, vid: Vid, label: Label) -> Verdict {
        if let Some(arc) = self.get(vid).arcs.get(&label).copied() {
            if self.get(arc).presence != Presence::Optional {
                return Ok(false);
            }
            let stands = self.worked_out(arc);
            if matches!(&self.get(stands).value, Value::Bottom(error) if !error.code.is_open()) {
                return Ok(true);
            }
        }
        self.forbids(vid, label)
    }

    fn forbids(&mut self, vid: Vid, label: Label) -> Verdict {
        if !label.is_regular() {
            return Ok(false);
        }
        match self.expected(vid, label) {
            Expected::Forbidden => Ok(true),
            Expected::Be(_) => Ok(false),
            Expected::Unknown => self.doubt("a field may be there or not", vid),
        }
    }

    /// Whether a struct has no fields but those that it foresees.
    pub(super) fn is_closed_struct(&mut self, vid: Vid) -> bool {
        let label = self.binder.labels.regular(FORESEEN_BY_NOBODY);
        // A pattern that fits all labels forbids none.
        let mut patterns = self.patterns_of(vid).into_iter();
        !patterns.any(|pattern| self.fits_all(&pattern)) && matches!(self.expected(vid, label), Expected::Forbidden)
    }

    /// What a struct says of a field that it doesn't have, or only may have: it is given one, as anything.
    fn expected(&mut self, vid: Vid, label: Label) -> Expected {
        let field = self.conjunct_of_field(label);
        let probe = self.copy(vid);
        self.v(probe).node.fields_seen = false;
        self.schedule(probe, &field, Origin::ROOT);
        self.ensure(probe, Need::Value).ok();
        let probe = self.deref(probe);
        let arc = self.get(probe).arcs.get(&label).copied();
        let forbidden = match self.get(vid).closed_recursive {
            true => self.definition_forbids(vid, &field),
            false => self.is_not_allowed(probe),
        };
        match (&self.get(probe).value, arc) {
            _ if forbidden => Expected::Forbidden,
            // What closes an alternative is partly told of the value that it is one of.
            _ if self.is_closed_alternative(vid) => Expected::Unknown,
            (Value::Struct, Some(arc)) => Expected::Be(arc),
            (Value::Bottom(error), Some(arc)) if error.code.is_open() || error.code == Code::NotAllowed => {
                Expected::Be(arc)
            }
            _ => Expected::Unknown,
        }
    }

    /// Whether something closes an alternative, or the value that it is one of.
    fn is_closed_alternative(&self, vid: Vid) -> bool {
        let mut closed = self.is_closed(vid);
        let mut at = self.get(vid).copied_from;
        let is_alternative = at.is_some();
        while let Some(from) = at {
            closed |= self.is_closed(from);
            at = self.get(from).copied_from;
        }
        is_alternative && closed
    }

    /// Whether what refers to a definition can't have a field: what stands in the definition itself can.
    fn definition_forbids(&mut self, vid: Vid, field: &Conjunct) -> bool {
        let asked = self.add_vertex(Vertex { unrooted: true, ..Vertex::new(None, None, Presence::Regular) });
        self.v(asked).status = Status::Open;
        self.v(asked).conjuncts = thin_vec::thin_vec![whole(vid, self.void), field.clone()];
        self.take_vertex(asked, vid, Origin::ROOT, true);
        self.schedule(asked, field, Origin::ROOT);
        self.ensure(asked, Need::Value).ok();
        self.is_not_allowed(self.deref(asked))
    }

    fn is_not_allowed(&self, vid: Vid) -> bool {
        matches!(&self.get(vid).value, Value::Bottom(error) if error.code == Code::NotAllowed)
    }

    /// `{label: _}`
    fn conjunct_of_field(&self, label: Label) -> Conjunct {
        let nowhere = Span::new(FileId(u32::MAX), 0, 0);
        let value = made(Kinds::Top, nowhere);
        let decls = vec![Decl::Field { label, place: nowhere, presence: Presence::Regular, value }];
        let inner = Struct {
            decls,
            embeds: false,
            open: false,
            file: false,
            yielded: false,
            clauses: None,
            labels: Some(vec![label]),
            attributes: Vec::new(),
        };
        Conjunct::new(made(Kinds::Struct(Arc::new(inner)), nowhere), self.void, Origin::ROOT)
    }

    pub(super) fn accepts_list(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let (ours, theirs) = (self.get(schema).node.list.clone(), self.get(value).node.list.clone());
        if theirs.length < ours.length || ours.closed && (!theirs.closed || theirs.length > ours.length) {
            return Ok(false);
        }
        if !self.get(schema).node.checks.is_empty() {
            return self.doubt("a check of lists depends on all that they may hold", schema);
        }
        let mut verdict = Ok(true);
        for index in 0..theirs.length {
            let Some(element) = self.get(value).arcs.get(&Label::index(index)).copied() else {
                return self.doubt("an element waits for something", value);
            };
            match self.accepts_element(schema, index, element, so_far) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(doubt) => verdict = Err(doubt),
            }
        }
        match (theirs.closed, &verdict) {
            (false, Ok(_)) => self.accepts_tail(schema, value, so_far),
            _ => verdict,
        }
    }

    fn accepts_element(&mut self, schema: Vid, index: u32, element: Vid, so_far: &mut Comparison) -> Verdict {
        if let Some(own) = self.get(schema).arcs.get(&Label::index(index)).copied() {
            return self.accepts_all(own, element, so_far);
        }
        for tail in self.tails_of(schema, index) {
            if !self.accepts_all(tail, element, so_far)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Elements that aren't there yet: what the value says of them has to be enough.
    fn accepts_tail(&mut self, schema: Vid, value: Vid, so_far: &mut Comparison) -> Verdict {
        let theirs = self.tails_of(value, u32::MAX);
        for our in self.tails_of(schema, u32::MAX) {
            let our = self.worked_out(our);
            let mut accepted = self.is_anything(our);
            for their in &theirs {
                accepted = accepted || self.accepts_all(our, *their, so_far)?;
            }
            match (accepted, theirs.len()) {
                (true, _) => {}
                (false, 0 | 1) => return Ok(false),
                (false, _) => return self.doubt("an open list has several tails", value),
            }
        }
        Ok(true)
    }

    /// What elements from an index on must be.
    fn tails_of(&mut self, vid: Vid, index: u32) -> Vec<Vid> {
        let patterns = self.get(vid).node.patterns.clone();
        let tails = patterns.into_iter().filter(|pattern| pattern.from_index.is_some_and(|from| from <= index));
        tails.map(|tail| self.anonymous(tail.value, tail.frame)).collect()
    }
}
