//! What values ask of the graph: fields, kinds, defaults, and what two of them are together.
//!
//! Not here: the handles (`value`); data (`data`); values as CUE (`written`).

use std::sync::Arc;

use thin_vec::thin_vec;

use super::graph::{Body, Conjunct, Frame, Origin, Status, Value, Vertex, Vid};
use super::run::Need;
use super::schedule::made;
use super::{Evaluator, Stop};
use crate::compile::Package;
use crate::compile::ir::{Ex, Kinds, Presence};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::label::Label;
use crate::source::Span;

/// What a vertex was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Data of a kind.
    Data(Kind),
    /// Open: it may be of these kinds.
    Open(Kind),
    /// In error.
    Bottom,
}

impl Evaluator {
    /// More packages; the numbers of those that are there stay.
    pub(crate) fn add_packages(&mut self, packages: Vec<Package>) {
        self.packages.extend(packages);
    }

    /// Evaluates a vertex to the end.
    pub(crate) fn evaluate_to_end(&mut self, vid: Vid) {
        self.finish_above(vid);
        self.ensure(vid, Need::Value).ok();
        self.verify();
    }

    /// The field or element of a vertex.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn below(&mut self, vid: Vid, label: Label, span: Span) -> Result<Vid, Arc<Error>> {
        self.finish_above(vid);
        let forced = std::mem::replace(&mut self.forced, true);
        let found = self.lookup(vid, label, span);
        self.forced = forced;
        match (found, self.refused()) {
            (_, Some(error)) => Err(error.clone()),
            (Ok(arc), None) => Ok(arc),
            (Err(Stop::Fail(error)), None) => Err(error),
            (Err(Stop::Blocked(_)), None) => {
                Err(Arc::new(Error::new(Code::Unsupported, "a value that waits for itself is not supported", None)))
            }
        }
    }

    /// What a finished vertex is, with its default if that is wanted.
    pub(crate) fn found(&self, vid: Vid, default: bool) -> Found {
        let vid = if default { self.default_of(vid) } else { self.deref(vid) };
        let vertex = self.get(vid);
        match &vertex.value {
            Value::Scalar(data) => Found::Data(super::insert::kind_of(data)),
            Value::Struct => Found::Data(Kind::STRUCT),
            Value::List => Found::Data(Kind::LIST),
            Value::Constraint => Found::Open(vertex.node.kind),
            Value::Disjunction { alternatives, .. } => {
                let kinds = alternatives.iter().map(|alternative| match self.found(*alternative, false) {
                    Found::Data(kind) | Found::Open(kind) => kind,
                    Found::Bottom => Kind::BOTTOM,
                });
                Found::Open(kinds.fold(Kind::BOTTOM, Kind::or))
            }
            Value::Bottom(error) if error.code.is_open() => Found::Open(vertex.node.kind),
            Value::Bottom(_) | Value::Unknown => Found::Bottom,
        }
    }

    /// The one default of a disjunction.
    pub(crate) fn the_default(&self, vid: Vid) -> Option<Vid> {
        let is_choice = matches!(self.get(self.deref(vid)).value, Value::Disjunction { defaults: 1, .. });
        is_choice.then(|| self.default_of(vid))
    }

    /// The fields and elements of a finished vertex.
    pub(crate) fn arcs_of(&self, vid: Vid) -> Vec<(Label, Presence, Vid)> {
        let vid = self.default_of(vid);
        let arcs = &self.get(vid).arcs;
        let found = self.field_order(vid).into_iter().filter_map(|label| arcs.get(&label).map(|arc| (label, *arc)));
        found.map(|(label, arc)| (label, self.get(arc).presence, arc)).collect()
    }

    /// Elements of a list that is closed, regular fields, or bytes.
    pub(crate) fn size_of_value(&self, vid: Vid) -> Option<usize> {
        let vid = self.default_of(vid);
        let vertex = self.get(vid);
        match &vertex.value {
            Value::Scalar(Data::String(text)) => Some(text.len()),
            Value::Scalar(Data::Bytes(bytes)) => Some(bytes.len()),
            Value::List if vertex.node.list.closed => Some(vertex.node.list.length as usize),
            Value::Struct => {
                let regular = |(label, presence, _): &(Label, Presence, Vid)| {
                    label.is_regular() && *presence == Presence::Regular
                };
                Some(self.arcs_of(vid).iter().filter(|arc| regular(arc)).count())
            }
            _ => None,
        }
    }

    /// Where a vertex was first written.
    pub(crate) fn place_of(&self, vid: Vid) -> Option<Span> {
        self.get(vid).conjuncts.first().and_then(super::expression).map(|expr| expr.span)
    }

    /// A value that is two others at once.
    pub(crate) fn unified(&mut self, one: Vid, other: Vid) -> Vid {
        // What closes them is known when they are.
        self.evaluate_to_end(one);
        self.evaluate_to_end(other);
        let conjuncts = thin_vec![self.reference_to(one), self.reference_to(other)];
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        vertex.status = Status::Open;
        vertex.conjuncts.clone_from(&conjuncts);
        let both = self.add_vertex(vertex);
        for conjunct in conjuncts {
            match conjunct.body {
                // A package that embeds what is closed is closed for what it is unified with.
                Body::Vertex(from) => self.take_vertex(both, from, Origin::ROOT, self.is_closed(from)),
                _ => self.schedule(both, &conjunct, conjunct.origin),
            }
        }
        both
    }

    /// Whether a finished vertex is closed: by itself, or by what it embeds.
    pub(super) fn is_closed(&self, vid: Vid) -> bool {
        let vertex = self.get(self.deref(vid));
        vertex.closed_recursive || vertex.closed_once || vertex.node.closing.closes()
    }

    /// A conjunct that refers to a vertex as one that is written would, so that what is a definition stays closed.
    fn reference_to(&mut self, vid: Vid) -> Conjunct {
        let mut labels: Vec<Label> = Vec::new();
        let mut at = vid;
        while let Some(parent) = self.get(at).parent {
            let Some(label) = self.get(at).label else { return self.whole_vertex(vid) };
            labels.push(label);
            at = parent;
        }
        if labels.is_empty() {
            return self.whole_vertex(vid);
        }
        let frame = self.add_frame(None, at, None);
        let nowhere = Span::new(crate::source::FileId(u32::MAX), 0, 0);
        let mut labels = labels.into_iter().rev();
        let first = labels.next().map(|label| Kinds::Field { up: 0, label });
        let start = made(first.unwrap_or(Kinds::Top), nowhere);
        let path: Ex = labels.fold(start, |of, label| made(Kinds::Select(of, label), nowhere));
        Conjunct::new(path, frame, Origin::ROOT)
    }

    fn whole_vertex(&self, vid: Vid) -> Conjunct {
        let frame: Frame = self.void;
        Conjunct { body: Body::Vertex(vid), frame, origin: Origin::ROOT }
    }
}
