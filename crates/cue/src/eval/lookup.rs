//! Following references: from a name to a vertex.
//!
//! Not here: what happens with the vertex (`operand` for values, `run_reference` here for conjuncts).

use std::sync::Arc;

use super::cycle::Reference;
use super::graph::{Body, Conjunct, Frame, Origin, Status, Value, Vertex, Vid};
use super::run::Need;
use super::schedule::made;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Decl, Ex, Kinds, Native, Presence};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::label::Label;
use crate::nearest::nearest;
use crate::source::Span;

/// How many names in a row may be other names.
const MAX_RENAMES: u32 = 200;

/// A missing field is compared with the others of its struct where there aren't more.
const MAX_COMPARED: usize = 64;

impl Evaluator {
    /// A reference as a conjunct: what it points to says what this vertex is.
    pub(super) fn run_reference(&mut self, vid: Vid, expr: &Ex, frame: Frame, origin: Origin) -> Step<()> {
        let target = self.resolve(expr, frame)?;
        if self.get(target).status == Status::Done
            && let Value::Bottom(error) = &self.get(target).value
            && error.code == Code::StructuralCycle
        {
            return Err(Stop::Fail(error.clone()));
        }
        let definition = names_definition(expr);
        let reference = Reference { vid, target, expr, frame, origin, definition };
        let Some(origin) = self.follow(reference) else { return Ok(()) };
        self.take_vertex(vid, target, origin, definition);
        Ok(())
    }

    /// The vertex that a reference points to.
    pub(super) fn resolve(&mut self, expr: &Ex, frame: Frame) -> Step<Vid> {
        match &expr.kind {
            Kinds::Field { up, label } => {
                let vertex = self.frame(self.up(frame, *up)).vertex;
                self.lookup(vertex, *label, expr.span)
            }
            Kinds::Frame { up } => Ok(self.frame(self.up(frame, *up)).vertex),
            Kinds::Labelled { up } => {
                let frame = self.frame(self.up(frame, *up));
                match frame.label {
                    Some(label) => self.lookup(frame.vertex, label, expr.span),
                    None => self.fail(Code::Reference, "the alias names no field here", expr.span),
                }
            }
            Kinds::Computed { up, label } => {
                let frame = self.up(frame, *up);
                let Data::String(name) = self.scalar(label, frame)? else {
                    return self.fail(Code::Conflict, "the label of a field must be a string", label.span);
                };
                let label = self.binder.labels.regular(&name);
                self.lookup(self.frame(frame).vertex, label, expr.span)
            }
            Kinds::Let { up, number, .. } => self.let_vertex(self.up(frame, *up), *number, expr.span),
            Kinds::Package(package) => Ok(self.root(*package).0),
            Kinds::Select(of, label) => {
                let of = self.base(of, frame)?;
                self.lookup(of, *label, expr.span)
            }
            Kinds::Index(of, index) => self.index(of, index, frame, expr.span),
            _ => Ok(self.anonymous(expr.clone(), frame)),
        }
    }

    /// What something is selected from; values without a name must be whole first.
    pub(super) fn base(&mut self, of: &Ex, frame: Frame) -> Step<Vid> {
        let vertex = self.resolve(of, frame)?;
        if self.get(vertex).unrooted && self.get(vertex).parent.is_none() {
            self.wait(vertex, Need::Fields)?;
        }
        Ok(vertex)
    }

    fn index(&mut self, of: &Ex, index: &Ex, frame: Frame, span: Span) -> Step<Vid> {
        let of = self.base(of, frame)?;
        let at = self.scalar(index, frame)?;
        match &at {
            Data::String(name) => {
                let label = self.binder.labels.regular(name);
                self.lookup(of, label, span)
            }
            Data::Number(number) => match number.to_i64().and_then(|index| u32::try_from(index).ok()) {
                Some(index) if number.is_int() => self.lookup(of, Label::index(index), span),
                _ => self.fail(Code::Conflict, format!("invalid index {}", super::data::brief(&at)), span),
            },
            _ => self.fail(Code::Conflict, format!("invalid index {}", super::data::brief(&at)), span),
        }
    }

    /// The vertex of a `let`: one for each time its struct was used.
    pub(super) fn let_vertex(&mut self, frame: Frame, number: u32, span: Span) -> Step<Vid> {
        let data = self.frame(frame);
        let context = self.deref(data.vertex);
        if let Some((_, _, vid)) = data.lets.iter().find(|(known, of, _)| *known == number && *of == context) {
            return Ok(*vid);
        }
        let parent = data.vertex;
        let decls = data.structure.as_ref().map(|inner| &inner.decls);
        let value = decls.and_then(|decls| {
            decls.iter().find_map(|decl| match decl {
                Decl::Let { number: known, value } if *known == number => Some(value.clone()),
                _ => None,
            })
        });
        let Some(value) = value else { return self.fail(Code::Reference, "the let clause is not here", span) };
        if is_reference(&value) {
            // Another name for a vertex is that vertex.
            if self.renames >= MAX_RENAMES {
                return self.fail(Code::Cycle, "the let clause depends on itself", span);
            }
            self.renames += 1;
            let found = self.resolve(&value, frame);
            self.renames -= 1;
            return found;
        }
        let mut vertex = Vertex::new(Some(parent), None, Presence::Regular);
        vertex.unrooted = true;
        vertex.conjuncts.push(Conjunct::new(value, frame, Origin::ROOT));
        let vid = self.add_vertex(vertex);
        self.close_alone(vid);
        self.frames[frame.0 as usize].lets.push((number, context, vid));
        Ok(vid)
    }

    /// Asks for a vertex; a task that may see things as they stand doesn't wait.
    pub(super) fn wait(&mut self, vid: Vid, need: Need) -> Step<()> {
        match self.ensure(vid, need) {
            Ok(()) => Ok(()),
            Err(_) if self.forced => Ok(()),
            Err(depth) => Err(Stop::Blocked(depth)),
        }
    }

    /// The field of a vertex.
    pub(super) fn lookup(&mut self, vid: Vid, label: Label, span: Span) -> Step<Vid> {
        let mut vid = self.deref(vid);
        if self.is_only_tried(vid) {
            if self.forced {
                return self.fail(Code::Cycle, "the value depends on itself", span);
            }
            return Err(Stop::Blocked(self.get(vid).running));
        }
        let open = |vertex: &Vertex| vertex.status == Status::New || !vertex.node.choices.is_empty();
        let known = self.get(vid).arcs.get(&label).copied();
        let present = known.is_some_and(|arc| self.get(arc).presence == Presence::Regular);
        if !present || (open(self.get(vid)) && self.get(vid).running == 0) {
            self.wait(vid, Need::Field(label))?;
            vid = self.default_of(vid);
        }
        vid = self.default_of(vid);
        if self.get(vid).status == Status::Done
            && let Some(error) = self.get(vid).node.errors.first()
        {
            return Err(Stop::Fail(error.clone()));
        }
        if let Value::Disjunction { .. } = self.get(vid).value {
            return self.missing(vid, label, span);
        }
        match self.get(vid).arcs.get(&label).copied() {
            Some(arc) => match self.get(arc).presence {
                Presence::Regular => match self.unresolved(vid) {
                    Some(error) => Err(Stop::Fail(error)),
                    None => Ok(arc),
                },
                Presence::Required => Err(Stop::Fail(self.required_here(arc, span))),
                Presence::Optional => {
                    let name = self.label_text(label);
                    self.fail(Code::Incomplete, format!("cannot reference optional field: {name}"), span)
                }
            },
            None if self.undecided(vid, label) => {
                let name = self.label_text(label);
                self.fail(Code::Cycle, format!("whether there is a field {name} depends on itself"), span)
            }
            None => self.missing(vid, label, span),
        }
    }

    /// What keeps a vertex that nobody works on from being known as a whole: a reference that it is made of leads nowhere.
    fn unresolved(&self, vid: Vid) -> Option<Arc<Error>> {
        let vertex = self.get(vid);
        let tasks = vertex.node.tasks.iter().filter(|_| vertex.running == 0 && vertex.status != Status::New);
        tasks.into_iter().find_map(|task| match (&task.job, &task.state) {
            (super::graph::Job::Resolve(_), super::graph::TaskState::Incomplete(error)) => Some(error.clone()),
            _ => None,
        })
    }

    /// Whether work that waits for something may still add a field.
    fn undecided(&self, vid: Vid, label: Label) -> bool {
        let waiting = |task: &super::graph::Task| {
            let open = matches!(task.state, super::graph::TaskState::Running | super::graph::TaskState::Blocked);
            open && matches!(task.job, super::graph::Job::Comprehension(_)) && task.may_add(label)
        };
        self.get(vid).node.tasks.iter().any(waiting)
    }

    /// Why a vertex doesn't have a field.
    fn missing(&mut self, vid: Vid, label: Label, span: Span) -> Step<Vid> {
        if let Some(error) = self.refuse_if_lost(vid, Some(span)) {
            return Err(Stop::Fail(error));
        }
        if self.get(vid).unrooted && self.get(vid).conjuncts.iter().any(closes) {
            let text = "a field of a call of close() that isn't found in it is not supported";
            return Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(span))));
        }
        let name = self.label_text(label);
        let vertex = self.get(vid);
        if let Some(error) = vertex.node.errors.first() {
            return Err(Stop::Fail(error.clone()));
        }
        if let Value::Disjunction { .. } = vertex.value {
            return self.fail(Code::Incomplete, format!("unresolved disjunction: {name} can't be selected"), span);
        }
        let kind = match &vertex.node.scalar {
            Some((data, _)) => super::insert::kind_of(data),
            None => vertex.node.kind,
        };
        if let Some(index) = label.as_index() {
            return self.missing_element(vid, kind, index, span);
        }
        if !kind.meets(Kind::STRUCT) {
            let text = format!("invalid operand: found {kind}, want struct to select {name}");
            return self.fail(Code::Conflict, text, span);
        }
        let missing = vertex.node.tasks.iter().find_map(|task| match &task.state {
            super::graph::TaskState::Incomplete(error) => Some(error.clone()),
            _ => None,
        });
        if let Some(error) = missing {
            return Err(Stop::Fail(error));
        }
        let error = Error::new(Code::Incomplete, format!("undefined field: {name}"), Some(span));
        Err(Stop::Fail(Arc::new(match self.alike(vid, label) {
            Some(meant) => error.help(format!("did you mean {meant}?")),
            None => error,
        })))
    }

    /// The field of a vertex whose name looks most like another.
    fn alike(&self, vid: Vid, label: Label) -> Option<String> {
        let arcs = &self.get(vid).arcs;
        if arcs.len() > MAX_COMPARED {
            return None;
        }
        let there = arcs.keys().filter(|known| known.is_regular() == label.is_regular() && known.as_index().is_none());
        let names: Vec<String> = there.map(|known| self.label_text(*known)).collect();
        nearest(&self.label_text(label), &names).cloned()
    }

    fn missing_element(&mut self, vid: Vid, kind: Kind, index: u32, span: Span) -> Step<Vid> {
        let list = &self.get(vid).node.list;
        if kind.meets(Kind::STRUCT) && !kind.meets(Kind::LIST) {
            return self.fail(Code::Conflict, format!("invalid struct index {index}: it must be a string"), span);
        }
        if !kind.meets(Kind::LIST) {
            return self.fail(Code::Conflict, format!("invalid operand: {kind} can't be indexed"), span);
        }
        let code = if list.is_list && list.closed { Code::Conflict } else { Code::Incomplete };
        let text = format!("index out of range [{index}] with length {}", list.length);
        self.fail(code, text, span)
    }

    /// A conjunct that is a value without a name.
    pub(super) fn literal_vertex(&mut self, data: Data, span: Span) -> Vid {
        let expr = made(Kinds::Data(data), span);
        let void = self.void;
        let vid = self.anonymous(expr, void);
        self.v(vid).conjuncts.iter_mut().for_each(|conjunct| conjunct.origin = Origin::ROOT);
        vid
    }

    /// The error of a vertex, if it has one.
    pub(super) fn error_of(&self, vid: Vid) -> Option<Arc<Error>> {
        match &self.get(self.deref(vid)).value {
            Value::Bottom(error) => Some(error.clone()),
            _ => None,
        }
    }
}

fn closes(conjunct: &Conjunct) -> bool {
    let native = super::expression(conjunct).map(|expr| &expr.kind);
    matches!(native, Some(Kinds::Call(Callee::Native(Native::Close), _)))
}

fn is_reference(expr: &Ex) -> bool {
    matches!(
        expr.kind,
        Kinds::Field { .. } | Kinds::Frame { .. } | Kinds::Let { .. } | Kinds::Select(..) | Kinds::Package(_)
    )
}

/// Whether a reference names a definition anywhere on its way.
pub(super) fn names_definition(expr: &Ex) -> bool {
    match &expr.kind {
        Kinds::Field { label, .. } => label.is_definition(),
        Kinds::Select(of, label) => label.is_definition() || names_definition(of),
        Kinds::Index(of, _) => names_definition(of),
        _ => false,
    }
}

/// A conjunct that is all of another vertex.
pub(super) fn whole(vid: Vid, frame: Frame) -> Conjunct {
    Conjunct { body: Body::Vertex(vid), frame, origin: Origin::ROOT }
}
