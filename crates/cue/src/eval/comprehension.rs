//! Comprehensions: the rounds that their clauses make.
//!
//! Not here: inserting what a round yields (`run` for structs, `insert` for lists).

use std::sync::Arc;

use super::graph::{Conjunct, Frame, Origin, Status, Value, Vertex, Vid};
use super::run::Need;
use super::schedule::made;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Clause, Comprehension, Ex, Kinds, Presence};
use crate::data::Data;
use crate::error::Code;
use crate::kind::Kind;
use crate::label::{Label, Sort};
use crate::number::Number;
use crate::source::Span;

impl Evaluator {
    /// The frames of all rounds, each with what it yields.
    pub(super) fn yields(&mut self, comprehension: &Arc<Comprehension>, frame: Frame) -> Step<Vec<(Frame, Ex)>> {
        let mut frames = Vec::new();
        self.clauses(&comprehension.clauses, frame, &mut frames)?;
        if let (true, Some(fallback)) = (frames.is_empty(), &comprehension.fallback) {
            return Ok(vec![(frame, fallback.clone())]);
        }
        Ok(frames.into_iter().map(|frame| (frame, comprehension.body.clone())).collect())
    }

    fn clauses(&mut self, clauses: &[Clause], frame: Frame, frames: &mut Vec<Frame>) -> Step<()> {
        let Some((first, rest)) = clauses.split_first() else {
            frames.push(frame);
            return Ok(());
        };
        match first {
            Clause::If(condition) => {
                if self.condition(condition, frame)? {
                    self.clauses(rest, frame, frames)?;
                }
                Ok(())
            }
            Clause::Let { name, value } => {
                let bound = self.anonymous(value.clone(), frame);
                let frame = self.binding(frame, &[(*name, bound)]);
                self.clauses(rest, frame, frames)
            }
            Clause::Try { exists, bound } => {
                if !self.all_exist(exists, frame)? {
                    return Ok(());
                }
                let Some((name, value)) = bound else { return self.clauses(rest, frame, frames) };
                let bound = self.anonymous(value.clone(), frame);
                self.wait(bound, Need::Value)?;
                if let Some(error) = self.error_of(bound) {
                    return Err(Stop::Fail(error));
                }
                let frame = self.binding(frame, &[(*name, bound)]);
                self.clauses(rest, frame, frames)
            }
            Clause::For { key, value, source } => {
                for (label, element) in self.rounds(source, frame)? {
                    self.count_step(source.span)?;
                    let mut names = vec![(*value, element)];
                    if let Some(key) = key {
                        names.push((*key, self.key_vertex(label, source.span)));
                    }
                    let frame = self.binding(frame, &names);
                    self.clauses(rest, frame, frames)?;
                }
                Ok(())
            }
        }
    }

    fn condition(&mut self, condition: &Ex, frame: Frame) -> Step<bool> {
        match self.scalar(condition, frame)? {
            Data::Bool(holds) => Ok(holds),
            other => {
                let text =
                    format!("cannot use {} as a condition: it must be true or false", super::data::brief(&other));
                self.fail(Code::Conflict, text, condition.span)
            }
        }
    }

    /// A frame that binds names to vertices.
    fn binding(&mut self, frame: Frame, names: &[(Label, Vid)]) -> Frame {
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.status = Status::Done;
        vertex.value = Value::Struct;
        vertex.unrooted = true;
        vertex.arcs.extend(names.iter().copied());
        let vertex = self.add_vertex(vertex);
        self.add_frame(Some(frame), vertex, None)
    }

    fn key_vertex(&mut self, label: Label, span: Span) -> Vid {
        let data = match label.as_index() {
            Some(index) => Data::Number(Number::int(index)),
            None => Data::String(self.binder.labels.name(label)),
        };
        let void = self.void;
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        vertex.conjuncts.push(Conjunct::new(made(Kinds::Data(data), span), void, Origin::ROOT));
        self.add_vertex(vertex)
    }

    /// The fields or elements that a `for` goes through.
    fn rounds(&mut self, source: &Ex, frame: Frame) -> Step<Vec<(Label, Vid)>> {
        let vid = self.resolve(source, frame)?;
        self.wait(vid, Need::Fields)?;
        let vid = self.default_of(vid);
        self.wait(vid, Need::Fields)?;
        let vid = self.default_of(vid);
        if let Some(error) = self.error_of(vid).or_else(|| self.get(vid).node.errors.first().cloned()) {
            return Err(Stop::Fail(error));
        }
        if let Value::Disjunction { .. } = self.get(vid).value {
            return self.fail(Code::Incomplete, "unresolved disjunction: it can't be gone through", source.span);
        }
        let node = &self.get(vid).node;
        let missing = node.tasks.iter().find_map(|task| match &task.state {
            super::graph::TaskState::Incomplete(error) => Some(error.clone()),
            _ => None,
        });
        if let Some(error) = missing {
            return Err(Stop::Fail(error));
        }
        let listed = node.list.is_list || node.has_struct;
        if !listed || node.scalar.is_some() {
            let code = if node.kind.meets(Kind::LIST | Kind::STRUCT) && node.scalar.is_none() {
                Code::Incomplete
            } else {
                Code::Conflict
            };
            return self.fail(code, format!("cannot go through {}: want list or struct", node.kind), source.span);
        }
        self.v(vid).node.fields_seen = true;
        let vertex = self.get(vid);
        let gone_through = |label: &Label| matches!(label.sort(), Sort::Regular | Sort::Index);
        let present = |arc: &Vid| self.get(*arc).presence == Presence::Regular;
        Ok(vertex
            .arcs
            .iter()
            .filter(|(label, arc)| gone_through(label) && present(arc))
            .map(|(label, arc)| (*label, *arc))
            .collect())
    }
}
