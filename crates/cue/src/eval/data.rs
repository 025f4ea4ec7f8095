//! From vertices to concrete data, and what is missing for it.
//!
//! Not here: formats (`encode`).

use std::sync::Arc;

use indexmap::IndexMap;

use super::Evaluator;
use super::graph::{Value, Vid};
use crate::compile::ir::Presence;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::source::Span;

/// How many fields of one struct that aren't allowed are told.
const MAX_NOT_ALLOWED: usize = 20;

/// How long a value may be in a message.
const BRIEF_BYTES: usize = 60;

impl Evaluator {
    /// The concrete value of a finished vertex; defaults are taken.
    ///
    /// # Errors
    /// The first thing that is wrong or missing.
    pub(crate) fn data(&self, vid: Vid) -> Result<Data, Arc<Error>> {
        let vid = self.default_of(vid);
        let vertex = self.get(vid);
        self.read.set(self.read.get() + 1);
        if self.read.get() > self.limits.max_steps {
            let text = format!("more than {} values to write", self.limits.max_steps);
            return Err(Arc::new(Error::new(Code::Limit, text, None)));
        }
        match &vertex.value {
            Value::Scalar(data) => Ok(data.clone()),
            Value::Struct => self.fields(vid),
            Value::List => self.elements(vid),
            _ => Err(self.own_problem(vid).unwrap_or_else(|| self.depends_on_itself(vid))),
        }
    }

    /// All that is wrong with or missing in a finished vertex.
    pub(crate) fn problems(&self, vid: Vid, found: &mut Vec<Arc<Error>>) {
        let vid = self.default_of(vid);
        let vertex = self.get(vid);
        let before = found.len();
        self.read.set(self.read.get() + 1);
        if self.read.get() > self.limits.max_steps {
            return;
        }
        if let (Value::Bottom(error), false) = (&vertex.value, vertex.node.errors.is_empty()) {
            found.push(error.clone());
            return;
        }
        if let Value::Bottom(error) = &vertex.value
            && error.code == Code::Undecided
        {
            found.push(error.clone());
            return;
        }
        if !matches!(vertex.value, Value::Disjunction { .. }) {
            for arc in vertex.arcs.values().copied().collect::<Vec<_>>() {
                match self.get(arc).presence {
                    Presence::Optional => {}
                    Presence::Required => found.extend(self.required(arc)),
                    Presence::Regular => self.problems_below(arc, found),
                }
            }
        }
        match self.own_problem(vid) {
            None if found.len() == before => return,
            Some(error) if found.len() == before && error.code != Code::NotAllowed => found.push(error),
            _ => {}
        }
        found.extend(self.fields_not_allowed(vid, MAX_NOT_ALLOWED));
    }

    /// Why a vertex is no data, its fields and elements left aside.
    fn own_problem(&self, vid: Vid) -> Option<Arc<Error>> {
        match &self.get(vid).value {
            Value::Scalar(_) | Value::Struct | Value::List => None,
            Value::Bottom(error) => Some(error.clone()),
            Value::Disjunction { .. } | Value::Constraint => Some(self.incomplete(vid, self.lacks(vid))),
            Value::Unknown => Some(self.depends_on_itself(vid)),
        }
    }

    fn problems_below(&self, arc: Vid, found: &mut Vec<Arc<Error>>) {
        let label = self.get(arc).label;
        if label.is_some_and(|label| label.is_regular() || label.as_index().is_some()) {
            return self.problems(arc, found);
        }
        let stands = self.default_of(arc);
        if let Value::Bottom(error) = &self.get(stands).value
            && !error.code.is_open()
        {
            found.push(error.clone());
        }
    }

    fn fields(&self, vid: Vid) -> Result<Data, Arc<Error>> {
        let order = self.field_order(vid);
        let mut fields = IndexMap::with_capacity(order.len());
        for label in order {
            let Some(arc) = self.get(vid).arcs.get(&label).filter(|_| label.is_regular()) else { continue };
            match self.get(*arc).presence {
                Presence::Optional => {}
                Presence::Required => return Err(self.required(*arc).unwrap_or_else(|| self.incomplete(*arc, ""))),
                Presence::Regular => {
                    fields.insert(self.binder.labels.name(label), self.data(*arc)?);
                }
            }
        }
        Ok(Data::Struct(Box::new(fields)))
    }

    /// The same, for somebody who needs the field. What has no name of its own is told where it is needed only.
    pub(super) fn required_here(&self, arc: Vid, span: Span) -> Arc<Error> {
        let known = self.required(arc).filter(|error| !self.get(arc).unrooted && !error.path.is_empty());
        Arc::new(match known {
            Some(error) => (*error).clone().at(span, "needed here"),
            None => {
                let name = self.get(arc).label.map(|label| self.label_text(label)).unwrap_or_default();
                let text = format!("field {name} is required but not present");
                Error::new(Code::Incomplete, text, Some(span))
            }
        })
    }

    fn required(&self, arc: Vid) -> Option<Arc<Error>> {
        let span = self.get(arc).conjuncts.first().and_then(super::expression).map(|expr| expr.span);
        let mut error = Error::new(Code::Incomplete, "field is required but not present", None);
        if let Some(span) = span {
            error = error.at(span, "required here");
        }
        error.path = self.path(arc);
        Some(Arc::new(error))
    }

    fn elements(&self, vid: Vid) -> Result<Data, Arc<Error>> {
        self.elements_in_order(vid).into_iter().map(|arc| self.data(arc)).collect::<Result<_, _>>().map(Data::List)
    }

    /// What a vertex without a value lacks.
    pub(super) fn lacks(&self, vid: Vid) -> &'static str {
        match self.get(vid).value {
            Value::Disjunction { .. } => "unresolved disjunction",
            _ => "incomplete value",
        }
    }

    pub(super) fn depends_on_itself(&self, vid: Vid) -> Arc<Error> {
        let mut error = (*self.incomplete(vid, "the value depends on itself:")).clone();
        error.code = Code::Undecided;
        Arc::new(error)
    }

    /// A vertex in a few words.
    pub(super) fn brief_vertex(&self, vid: Vid) -> String {
        let vertex = self.get(vid);
        match &vertex.value {
            Value::Scalar(data) => brief(data),
            Value::Struct => "{…}".to_owned(),
            Value::List => "[…]".to_owned(),
            Value::Bottom(_) => "_|_".to_owned(),
            Value::Disjunction { alternatives, defaults } => {
                let mark = |at: usize| if at < *defaults { "*" } else { "" };
                let words = alternatives.iter().enumerate().take(8);
                let words: Vec<String> =
                    words.map(|(at, one)| format!("{}{}", mark(at), self.brief_vertex(self.deref(*one)))).collect();
                words.join(" | ")
            }
            Value::Constraint | Value::Unknown => self.brief_constraint(vid),
        }
    }

    fn brief_constraint(&self, vid: Vid) -> String {
        let node = &self.get(vid).node;
        let bounds: Vec<String> =
            node.lower.iter().chain(&node.upper).map(|bound| super::bounds::shown(bound)).collect();
        let checks = node.checks.iter().filter_map(|check| match check {
            super::graph::Check::Bound(bound) => Some(super::bounds::shown(bound)),
            super::graph::Check::Call { .. } => None,
        });
        let mut words: Vec<String> = Vec::new();
        let implied = !bounds.is_empty() && node.kind == Kind::NUMBER;
        if !implied {
            words.push(node.kind.to_string());
        }
        words.extend(bounds);
        words.extend(checks);
        words.join(" & ")
    }
}

/// Data in a few words.
pub(super) fn brief(data: &Data) -> String {
    let text = match data {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => number.to_string(),
        Data::String(text) => format!("{text:?}"),
        Data::Bytes(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        Data::List(_) => "[…]".to_owned(),
        Data::Struct(_) => "{…}".to_owned(),
    };
    match text.char_indices().nth(BRIEF_BYTES) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

impl Evaluator {
    /// The vertex of an expression: what it refers to itself, where it is a reference.
    ///
    /// # Errors
    /// There is no such thing.
    pub(crate) fn value_vertex(&mut self, expr: &super::Ex, frame: super::Frame) -> Result<Vid, Arc<Error>> {
        let forced = std::mem::replace(&mut self.forced, true);
        let found = self.resolve(expr, frame);
        self.forced = forced;
        match found {
            Ok(vid) => Ok(vid),
            Err(super::Stop::Fail(error)) => Err(error),
            Err(super::Stop::Blocked(_)) => Ok(self.anonymous(expr.clone(), frame)),
        }
    }

    /// Evaluates a vertex to the end.
    pub(crate) fn settle(&mut self, vid: Vid) {
        self.ensure(vid, super::run::Need::Value).ok();
    }

    /// Evaluates a vertex to the end and gives its concrete value.
    ///
    /// # Errors
    /// All that is wrong or missing.
    pub(crate) fn export_vertex(&mut self, vid: Vid) -> Result<Data, Vec<Arc<Error>>> {
        self.finish_above(vid);
        self.ensure(vid, super::run::Need::Value).ok();
        self.verify();
        if let Some(error) = self.refused() {
            return Err(vec![error.clone()]);
        }
        if let Some(span) = self.optional_ring() {
            let text = "a field that may be there, in a ring of references, is a cycle in CUE: not supported";
            return Err(vec![self.refuse(Code::Unsupported, text, Some(span))]);
        }
        let mut problems = Vec::new();
        self.problems(vid, &mut problems);
        if let Some(cycle) = problems.iter().find(|error| error.code == Code::Cycle && self.chosen_in_ring) {
            let text = "a cycle that a disjunction may break is not supported";
            return Err(vec![self.refuse(Code::Unsupported, text, cycle.labels.first().map(|label| label.span))]);
        }
        if !problems.is_empty() {
            return Err(super::report::merged(problems));
        }
        let data = self.data(vid).map_err(|error| vec![error])?;
        if data.left_of(MAX_DATA_BYTES).is_none() {
            return Err(vec![self.refuse(Code::Limit, format!("data of more than {MAX_DATA_BYTES} bytes"), None)]);
        }
        Ok(data)
    }
}

/// The most data that is given out (bytes). One text may stand in it a thousand times, and is written as often.
const MAX_DATA_BYTES: usize = 1 << 28;
