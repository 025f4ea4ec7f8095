//! Whether references lead to something: what `try` clauses ask.
//!
//! Not here: which references they ask for (`compile`).

use super::graph::{Frame, TaskState, Value, Vid};
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Ex, Kinds, Presence};
use crate::data::Data;
use crate::error::Code;
use crate::label::Label;
use crate::source::Span;

impl Evaluator {
    /// Whether all of them lead to something. What was found is looked at again in the end.
    pub(super) fn all_exist(&mut self, references: &[Ex], frame: Frame) -> Step<bool> {
        for reference in references {
            let exists = self.exists(reference, frame)?;
            if let Some(vid) = self.stack.last().copied() {
                let asked = super::schedule::made(Kinds::Exists(reference.clone()), reference.span);
                self.relied.push((vid, asked, frame, !exists));
            }
            if !exists {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a reference leads to something; what else is wrong with it is told where it is used.
    pub(super) fn exists(&mut self, reference: &Ex, frame: Frame) -> Step<bool> {
        let span = reference.span;
        match &reference.kind {
            Kinds::Field { up, label } => {
                let vertex = self.frame(self.up(frame, *up)).vertex;
                self.has(vertex, *label, span)
            }
            Kinds::Select(of, label) => {
                let of = self.base(of, frame)?;
                self.has(of, *label, span)
            }
            Kinds::Index(of, index) => {
                let of = self.base(of, frame)?;
                match self.scalar(index, frame)? {
                    Data::String(name) => {
                        let label = self.binder.labels.regular(&name);
                        self.has(of, label, span)
                    }
                    Data::Number(number) => match number.to_i64().and_then(|index| u32::try_from(index).ok()) {
                        Some(index) if number.is_int() => self.has(of, Label::index(index), span),
                        _ => Ok(true),
                    },
                    _ => Ok(true),
                }
            }
            Kinds::Unsupported(_) => self.evaluate(reference, frame).map(|_| true),
            _ => Ok(true),
        }
    }

    /// Whether a vertex has a field or an element, or has an error to tell of it.
    fn has(&mut self, vid: Vid, label: Label, span: Span) -> Step<bool> {
        let error = match self.lookup(vid, label, span) {
            Ok(_) => return Ok(true),
            Err(Stop::Fail(error)) if error.code == Code::Incomplete => error,
            Err(Stop::Fail(error)) if matches!(error.code, Code::Cycle | Code::Unsupported | Code::Limit) => {
                return Err(Stop::Fail(error));
            }
            Err(Stop::Fail(_)) => return Ok(true),
            Err(blocked) => return Err(blocked),
        };
        self.wait(vid, Need::Field(label))?;
        let vid = self.default_of(vid);
        let vertex = self.get(vid);
        if let Some(arc) = vertex.arcs.get(&label) {
            return Ok(self.get(*arc).presence != Presence::Optional);
        }
        let waits = vertex.node.tasks.iter().any(|task| matches!(task.state, TaskState::Incomplete(_)));
        if waits || matches!(vertex.value, Value::Disjunction { .. }) || !vertex.node.errors.is_empty() {
            return Err(Stop::Fail(error));
        }
        let closed = vertex.closed_recursive || vertex.closed_once || self.is_closed_somewhere(vid);
        if closed && label.as_index().is_none() {
            self.refuse(Code::Unsupported, "`?` after a field of a closed struct is not supported", Some(span));
            return Err(Stop::Fail(error));
        }
        Ok(false)
    }
}
