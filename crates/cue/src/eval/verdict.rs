//! What a vertex is, put together from what was gathered.
//!
//! Not here: gathering it (`run`).

use std::sync::Arc;

use thin_vec::ThinVec;

use super::Evaluator;
use super::graph::{Bound, Check, Job, Status, TaskState, Value, Vid};
use crate::compile::ir::{Kinds, Presence};
use crate::error::{Code, Error};
use crate::kind::Kind;

impl Evaluator {
    /// Puts together what the vertex is from what was gathered.
    pub(super) fn settle_value(&mut self, vid: Vid) {
        let value = self.verdict(vid);
        let vertex = self.v(vid);
        if vertex.node.tasks.iter().all(|task| matches!(task.state, TaskState::Done)) {
            vertex.node.tasks = ThinVec::new();
        }
        vertex.node.kind_sources = ThinVec::new();
        vertex.conjuncts.shrink_to_fit();
        vertex.value = value;
        vertex.status = Status::Done;
    }

    fn verdict(&mut self, vid: Vid) -> Value {
        if let Some(error) = self.get(vid).node.errors.first().cloned() {
            return self.bottom(vid, &error);
        }
        let missing = self.get(vid).node.tasks.iter().find_map(missing);
        if let Some((data, _)) = self.get(vid).node.scalar.clone() {
            if let Some(error) = self.check_bounds(vid, &data).or_else(|| self.check_calls(vid, Some(&data))) {
                return self.bottom(vid, &self.with_value(vid, error));
            }
            if let Some(error) = self.child_error(vid) {
                return self.bottom(vid, &error);
            }
            return missing.map_or(Value::Scalar(data), |error| self.bottom(vid, &error));
        }
        if let Some(error) = self.child_error(vid) {
            return self.bottom(vid, &error);
        }
        let shape = self.shape(vid);
        let not_allowed = self.not_allowed(vid);
        if self.embedded_and_beside.take() {
            let text = "a definition that is embedded and referred to beside it, with fields that it doesn't have,";
            self.refuse(Code::Unsupported, format!("{text} is not supported"), self.place_of(vid));
        }
        if let Some(error) = not_allowed {
            let place = error.labels.first().map(|label| label.span);
            let error = self.refuse_if_lost(vid, place).unwrap_or(error);
            return self.bottom(vid, &error);
        }
        if let Some(error) = missing {
            return self.bottom(vid, &error);
        }
        self.v(vid).value = shape.clone();
        if matches!(shape, Value::Struct | Value::List)
            && let Some(error) = self.check_structure(vid)
        {
            return self.bottom(vid, &error);
        }
        shape
    }

    fn shape(&mut self, vid: Vid) -> Value {
        let node = &mut self.v(vid).node;
        if node.list.is_list {
            return Value::List;
        }
        let may_be = node.has_struct && node.kind.holds(Kind::STRUCT);
        let narrowed = node.kind == Kind::STRUCT || !node.has_top || node.is_struct;
        if may_be && narrowed {
            node.kind = Kind::STRUCT;
            return Value::Struct;
        }
        Value::Constraint
    }

    fn check_structure(&mut self, vid: Vid) -> Option<Arc<Error>> {
        let broken = self.get(vid).node.checks.clone().into_iter().find_map(|check| match check {
            Check::Bound(bound) => self.breaks_structure(vid, &bound),
            Check::Call { .. } => None,
        });
        broken.or_else(|| self.check_calls(vid, None))
    }

    fn breaks_structure(&mut self, vid: Vid, bound: &Bound) -> Option<Arc<Error>> {
        let data = self.data(vid).ok()?;
        let mut node = super::graph::Node::default();
        node.checks.push(Check::Bound(bound.clone()));
        let probe = self.add_vertex(super::Vertex::new(None, None, Presence::Regular));
        *self.v(probe).node = node;
        self.check_bounds(probe, &data)
    }

    fn child_error(&mut self, vid: Vid) -> Option<Arc<Error>> {
        let arcs = self.get(vid).arcs.values();
        let failed = |arc: &Vid| {
            if self.get(*arc).presence == Presence::Optional {
                return None;
            }
            match &self.get(self.deref(*arc)).value {
                Value::Bottom(error) if !error.code.is_open() => Some(error.clone()),
                _ => None,
            }
        };
        arcs.into_iter().find_map(failed)
    }

    fn bottom(&self, vid: Vid, error: &Arc<Error>) -> Value {
        if error.path.is_empty() {
            let mut error = (**error).clone();
            error.path = self.path(vid);
            return Value::Bottom(Arc::new(error));
        }
        Value::Bottom(error.clone())
    }
}

/// What a task that is left lacks.
fn missing(task: &super::graph::Task) -> Option<Arc<Error>> {
    let stuck = |code| Error::new(code, "the value depends on itself", job_span(&task.job));
    match &task.state {
        TaskState::Incomplete(error)
            if error.code == Code::Cycle && !is_arithmetic(&task.job) && !is_condition(&task.job) =>
        {
            Some(Arc::new(Error { code: Code::Undecided, ..(**error).clone() }))
        }
        TaskState::Incomplete(error) => Some(error.clone()),
        TaskState::Blocked | TaskState::Waiting if is_arithmetic(&task.job) => Some(Arc::new(stuck(Code::Cycle))),
        TaskState::Blocked | TaskState::Waiting => Some(Arc::new(stuck(Code::Undecided))),
        TaskState::Running | TaskState::Done => None,
    }
}

/// Arithmetic that needs its own result can have none; functions might.
fn is_arithmetic(job: &Job) -> bool {
    match job {
        Job::Expr(expr) => !matches!(expr.kind, Kinds::Call(..) | Kinds::CallValue(..) | Kinds::Slice(..)),
        _ => false,
    }
}

fn is_condition(job: &Job) -> bool {
    matches!(job, Job::Comprehension(_))
}

fn job_span(job: &Job) -> Option<crate::source::Span> {
    match job {
        Job::Resolve(expr) | Job::Expr(expr) => Some(expr.span),
        Job::Comprehension(comprehension) => Some(comprehension.span),
        Job::Dynamic { label, .. } => Some(label.span),
        Job::Pattern { pattern, .. } => Some(pattern.span),
        Job::List(_, span) => Some(*span),
    }
}
