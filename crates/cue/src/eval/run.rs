//! Bringing a vertex as far as somebody needs it.
//!
//! Tasks are tried until none moves. What is left then waits either for something that is missing, or for a vertex
//! that waits for it. In the second case the lowest vertex of the ring lets one of the tasks see things as they stand,
//! and goes on.
//!
//! Not here: what the tasks do.

use super::graph::{Conjunct, Job, Pattern, Status, TaskState, Value, Vid};
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Kinds, Presence};
use crate::data::Data;
use crate::error::Code;
use crate::label::Label;

/// What is needed of a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Whether it has this field.
    Field(Label),
    /// All its fields.
    Fields,
    /// The literal that it is, as soon as that is known; its value if it is none.
    Scalar,
    /// What it is.
    Value,
}

/// The depth of the stack at which a vertex is that somebody waits for.
pub(super) type Waits = u32;

impl Evaluator {
    /// Brings a vertex as far as needed.
    ///
    /// # Errors
    /// It waits for a vertex that is being worked on.
    pub(super) fn ensure(&mut self, vid: Vid, need: Need) -> Result<(), Waits> {
        let vid = self.deref(vid);
        if self.get(vid).status == Status::Done || self.refused.is_some() {
            return Ok(());
        }
        if self.get(vid).running > 0 {
            if self.is_only_tried(vid) {
                return Err(self.get(vid).running);
            }
            return self.ensure_running(vid, need);
        }
        if self.stack.len() as u32 >= self.limits.max_depth_vertices {
            let text = format!("more than {} values wait for each other", self.limits.max_depth_vertices);
            self.refuse(Code::Limit, text, None);
            return Ok(());
        }
        self.advance_above(vid);
        let vid = self.deref(vid);
        if self.get(vid).status == Status::Done {
            return Ok(());
        }
        if self.get(vid).running > 0 {
            return self.ensure_running(vid, need);
        }
        if let Some(span) = self.calls_itself(vid) {
            self.refuse(
                Code::Unsupported,
                "a struct used as a function that calls itself is not supported",
                Some(span),
            );
            return Ok(());
        }
        self.stack.push(vid);
        let depth = self.stack.len() as u32;
        let tree_depth = self.tree_depth;
        let vertex = self.v(vid);
        vertex.running = depth;
        vertex.tree_depth = tree_depth;
        let forced = std::mem::replace(&mut self.forced, false);
        let origin = self.origin;
        let done = self.work(vid, need, depth);
        self.origin = origin;
        self.forced = forced;
        self.v(vid).running = 0;
        self.stack.pop();
        done
    }

    /// The conjuncts of a vertex are complete when those of all above it are.
    pub(super) fn finish_above(&mut self, vid: Vid) {
        let mut above = Vec::new();
        let mut at = self.get(vid).parent;
        while let Some(parent) = at {
            above.push(parent);
            at = self.get(parent).parent;
        }
        for vid in above.iter().rev() {
            self.ensure(*vid, Need::Fields).ok();
        }
        // The field of the package that it is a part of, where not all of the package is worked out.
        if let Some(top) = above.len().checked_sub(2).map(|at| above[at]) {
            self.ensure(top, Need::Value).ok();
        }
    }

    /// A vertex that is being worked on: what of its work can be done now is done.
    fn ensure_running(&mut self, vid: Vid, need: Need) -> Result<(), Waits> {
        let depth = self.get(vid).running;
        if matches!(need, Need::Value | Need::Scalar) {
            if self.get(vid).node.scalar.is_none() {
                self.run_tasks(vid, None);
            }
            return if self.get(vid).node.scalar.is_some() { Ok(()) } else { Err(depth) };
        }
        let label = match need {
            Need::Field(label) => Some(label),
            _ => None,
        };
        self.run_tasks(vid, label);
        let vertex = self.get(vid);
        let open = |state: &TaskState| matches!(state, TaskState::Running | TaskState::Blocked | TaskState::Waiting);
        let left =
            vertex.node.tasks.iter().any(|task| open(&task.state) && label.is_none_or(|label| task.may_add(label)));
        if left { Err(depth) } else { Ok(()) }
    }

    /// Work on the vertices above that may still add to this one is done first, as far as it goes.
    fn advance_above(&mut self, vid: Vid) {
        let mut chain = Vec::new();
        let mut at = vid;
        while let (Some(parent), Some(label)) = (self.get(at).parent, self.get(at).label) {
            chain.push((parent, label));
            at = parent;
        }
        for (above, label) in chain.into_iter().rev() {
            let above = self.deref(above);
            let vertex = self.get(above);
            let waiting = |state: &TaskState| matches!(state, TaskState::Waiting);
            if vertex.status != Status::New && vertex.node.tasks.iter().any(|task| waiting(&task.state)) {
                self.run_tasks(above, Some(label));
            }
        }
    }

    fn work(&mut self, vid: Vid, need: Need, depth: u32) -> Result<(), Waits> {
        if self.get(vid).status == Status::New {
            self.begin(vid);
        }
        if need == Need::Scalar && self.get(vid).node.scalar.is_some() && self.get(vid).node.errors.is_empty() {
            return Ok(());
        }
        loop {
            let base = self.blocked.len();
            let waits = self.work_once(vid, need);
            let ring = waits.is_err_and(|waits| waits >= depth);
            if !ring || self.refused.is_some() {
                self.blocked.truncate(base);
                return waits;
            }
            let forced = self.force_one(base, depth);
            self.blocked.truncate(base);
            if !forced {
                return self.give_up(vid, need);
            }
        }
    }

    /// The first task that waits for nothing below this depth may see things as they stand.
    fn force_one(&mut self, base: usize, depth: u32) -> bool {
        let waiting: Vec<(Vid, usize)> = self.blocked[base..]
            .iter()
            .filter(|(vid, task, waits)| {
                let task = self.get(*vid).node.tasks.get(*task);
                *waits >= depth && task.is_some_and(|task| matches!(task.state, TaskState::Blocked) && !task.forced)
            })
            .map(|(vid, task, _)| (*vid, *task))
            .collect();
        let chosen = |vid: &Vid| self.get(*vid).copied_from.is_some() || !self.get(*vid).node.choices.is_empty();
        self.chosen_in_ring |= self.expanding > 0 || waiting.iter().any(|(vid, _)| chosen(vid));
        let weight = |job: &Job| match job {
            Job::Expr(_) | Job::Dynamic { .. } => 0,
            Job::List(..) | Job::Pattern { .. } => 1,
            Job::Comprehension(_) => 2,
            Job::Resolve(_) => 3,
        };
        let first = waiting.into_iter().min_by_key(|(vid, task)| weight(&self.get(*vid).node.tasks[*task].job));
        if let Some((vid, task)) = first {
            let mut at = Some(vid);
            while let Some(vid) = at {
                let vertex = self.v(vid);
                if let Some(task) = vertex.node.tasks.get_mut(task) {
                    task.forced = true;
                }
                at = vertex.copied_from;
            }
            self.rings += 1;
            return true;
        }
        false
    }

    /// Nothing can be forced: what is known is all.
    fn give_up(&mut self, vid: Vid, need: Need) -> Result<(), Waits> {
        if matches!(need, Need::Value | Need::Scalar) && self.get(vid).status != Status::Done {
            self.settle_value(vid);
        }
        Ok(())
    }

    fn begin(&mut self, vid: Vid) {
        self.v(vid).status = Status::Open;
        // What is added meanwhile is scheduled by who adds it.
        for at in self.in_order(0, self.get(vid).conjuncts.len()) {
            let conjunct = self.get(vid).conjuncts[at].clone();
            self.schedule(vid, &conjunct, conjunct.origin);
        }
    }

    fn work_once(&mut self, vid: Vid, need: Need) -> Result<(), Waits> {
        let label = match need {
            Need::Field(label) => Some(label),
            _ => None,
        };
        let waits = self.run_tasks(vid, label);
        if !self.get(vid).node.choices.is_empty() && self.get(vid).node.errors.is_empty() {
            return self.expand(vid);
        }
        if let Some(waits) = waits {
            return Err(waits);
        }
        if !matches!(need, Need::Value | Need::Scalar) {
            return Ok(());
        }
        self.finish(vid)
    }

    /// Tries all tasks (that may add a field) until none moves; gives the lowest depth that one waits for.
    pub(super) fn run_tasks(&mut self, vid: Vid, label: Option<Label>) -> Option<Waits> {
        loop {
            let mut moved = false;
            let mut waits: Option<Waits> = None;
            let mut at = 0;
            while at < self.get(vid).node.tasks.len() {
                let task = &self.get(vid).node.tasks[at];
                let due = !matches!(task.state, TaskState::Running | TaskState::Done);
                if due && label.is_none_or(|label| task.may_add(label)) {
                    match self.run_task(vid, at) {
                        TaskState::Done => moved = true,
                        TaskState::Blocked => {
                            let depth = self.blocked.last().map_or(0, |(_, _, depth)| *depth);
                            waits = Some(waits.map_or(depth, |waits| waits.min(depth)));
                        }
                        _ => {}
                    }
                }
                at += 1;
            }
            let pending = |state: &TaskState| !matches!(state, TaskState::Done | TaskState::Running);
            let again = moved && self.get(vid).node.tasks.iter().any(|task| pending(&task.state));
            if !again || self.refused.is_some() {
                return waits;
            }
        }
    }

    /// Work is bounded.
    ///
    /// # Errors
    /// There was too much of it.
    pub(super) fn count_step(&mut self, span: crate::source::Span) -> Step<()> {
        self.count_step_at(Some(span))
    }

    fn count_step_at(&mut self, span: Option<crate::source::Span>) -> Step<()> {
        self.steps += 1;
        if self.steps > self.limits.max_steps || self.refused.is_some() {
            let error = self.refuse(Code::Limit, format!("more than {} steps", self.limits.max_steps), span);
            return Err(Stop::Fail(error));
        }
        Ok(())
    }

    fn run_task(&mut self, vid: Vid, at: usize) -> TaskState {
        if self.count_step_at(None).is_err() {
            return TaskState::Done;
        }
        let node = &mut self.v(vid).node;
        let task = &mut node.tasks[at];
        task.state = TaskState::Running;
        let task = task.clone();
        let forced = std::mem::replace(&mut self.forced, task.forced);
        let origin = std::mem::replace(&mut self.origin, task.origin);
        let done = self.perform(vid, &task.job, task.frame, task.origin);
        self.forced = forced;
        self.origin = origin;
        let state = match done {
            Ok(()) => TaskState::Done,
            Err(Stop::Blocked(depth)) => {
                self.blocked.push((vid, at, depth));
                TaskState::Blocked
            }
            Err(Stop::Fail(error)) if error.code.is_open() => TaskState::Incomplete(error),
            Err(Stop::Fail(error)) => {
                self.v(vid).node.errors.push(error);
                TaskState::Done
            }
        };
        self.v(vid).node.tasks[at].state = state.clone();
        state
    }

    fn perform(&mut self, vid: Vid, job: &Job, frame: super::Frame, origin: super::Origin) -> Step<()> {
        match job {
            Job::Resolve(expr) => self.run_reference(vid, expr, frame, origin),
            Job::Expr(expr) => self.run_expression(vid, expr, frame, origin),
            Job::Comprehension(comprehension) => {
                for (frame, body) in self.yields(comprehension, frame)? {
                    self.schedule(vid, &Conjunct::new(body, frame, origin), origin);
                }
                Ok(())
            }
            Job::Dynamic { label, presence, value } => {
                let name = self.scalar(label, frame)?;
                let Data::String(name) = &name else {
                    let text = format!("the label of a field must be a string, not {}", name.kind_name());
                    return self.fail(Code::Conflict, text, label.span);
                };
                let label = self.binder.labels.regular(name);
                let frame = self.add_label_frame(frame, vid, label);
                let origin = if *presence == Presence::Optional { origin.optional() } else { origin };
                self.insert_arc(vid, label, *presence, Conjunct::new(value.clone(), frame, origin));
                Ok(())
            }
            Job::Pattern { pattern, .. } if self.forced => {
                let text = "a pattern that depends on the fields it is for is not supported";
                Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(pattern.span))))
            }
            Job::Pattern { pattern, value } => {
                let (pattern, frame_of, value) = (pattern.clone(), frame, value.clone());
                self.check_pattern(&pattern, frame)?;
                self.insert_pattern(vid, Pattern { pattern, frame: frame_of, value, origin, from_index: None });
                Ok(())
            }
            Job::List(list, span) => self.insert_list(vid, list, *span, frame, origin),
        }
    }

    /// Patterns that are references to what isn't known yet wait for it.
    fn check_pattern(&mut self, pattern: &super::Ex, frame: super::Frame) -> Step<()> {
        if matches!(pattern.kind, Kinds::Kind(_) | Kinds::Data(_) | Kinds::Top) {
            return Ok(());
        }
        let probe = self.anonymous(pattern.clone(), frame);
        self.value_of(probe)?;
        let probe = self.deref(probe);
        match &self.get(probe).value {
            Value::Bottom(error) => Err(Stop::Fail(error.clone())),
            _ => Ok(()),
        }
    }

    /// All own conjuncts are known: the fields, and with them the value.
    fn finish(&mut self, vid: Vid) -> Result<(), Waits> {
        if let Some(error) = self.structural_cycle(vid) {
            self.v(vid).node.errors.push(error);
            self.v(vid).arcs.clear();
            self.settle_value(vid);
            return Ok(());
        }
        self.close_bounds(vid);
        self.v(vid).status = Status::Fields;
        if self.get(vid).node.errors.is_empty() {
            self.finish_fields(vid)?;
        }
        if self.get(vid).status == Status::Open {
            // Something was added meanwhile.
            return self.work_once(vid, Need::Value);
        }
        self.settle_value(vid);
        Ok(())
    }

    /// Fields were made in the order of the evaluation already; elements always are in that of their list.
    fn in_order_of_arcs(&self, vid: Vid, from: usize, length: usize) -> Vec<usize> {
        if self.get(vid).node.list.is_list { self.in_order(from, length).collect() } else { (from..length).collect() }
    }

    fn finish_fields(&mut self, vid: Vid) -> Result<(), Waits> {
        self.tree_depth += 1;
        let mut waits: Option<Waits> = None;
        let mut seen = 0;
        while seen < self.get(vid).arcs.len() {
            let length = self.get(vid).arcs.len();
            for at in self.in_order_of_arcs(vid, seen, length) {
                let arc = self.get(vid).arcs[at];
                if self.get(arc).presence != Presence::Optional
                    && let Err(depth) = self.ensure(arc, Need::Value)
                {
                    waits = Some(waits.map_or(depth, |waits: Waits| waits.min(depth)));
                }
            }
            seen = length;
        }
        self.tree_depth -= 1;
        waits.map_or(Ok(()), Err)
    }
}
