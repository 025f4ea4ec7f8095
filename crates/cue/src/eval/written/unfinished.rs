//! Values that wait for something: what is known of them, and what they wait for as it was written.
//!
//! Not here: how expressions are written (`expression`).

use std::sync::Arc;

use super::tree;
use super::{Done, Shape, Writer};
use crate::compile::ir::BinaryOp;
use crate::decode::data_to_expr;
use crate::error::{Code, Error};
use crate::eval::graph::{Body, Conjunct, Job, Task, TaskState, Vid};
use crate::source::Span;
use crate::syntax::ast::{Decl, Element, Expr};

use super::literal::as_decl;

impl Writer<'_> {
    /// A vertex whose value isn't known yet.
    pub(super) fn unfinished(&mut self, vid: Vid, error: &Arc<Error>) -> Done<Expr> {
        if error.code == Code::Undecided {
            return Err(error.clone());
        }
        let node = &self.evaluator.get(vid).node;
        if !node.errors.is_empty() || !node.choices.is_empty() {
            return self.as_conjuncts(vid);
        }
        let is_struct = node.has_struct;
        let labels = self.shown_labels(vid);
        let outer = self.pending(vid, false);
        let mut parts = Vec::new();
        for task in outer {
            parts.push(self.outer_task(&task)?);
        }
        let inner = self.pending(vid, true);
        if is_struct || !labels.is_empty() || !inner.is_empty() {
            parts.push(self.braces(vid, &Shape::Unfinished, &labels)?);
        } else {
            let known = self.unfinished_parts(vid)?;
            parts = known.into_iter().chain(parts).collect();
        }
        Ok(tree::joined(BinaryOp::And, parts))
    }

    /// What is known of it, without its fields.
    pub(super) fn unfinished_parts(&mut self, vid: Vid) -> Done<Vec<Expr>> {
        let node = &self.evaluator.get(vid).node;
        let (is_list, is_struct, scalar) = (node.list.is_list, node.has_struct, node.scalar.clone());
        let waits = node.tasks.iter().any(|task| matches!(task.job, Job::List(..)) && is_pending(task));
        let untold = node.kind == crate::kind::Kind::TOP && node.checks.is_empty();
        let checks = node.checks.clone();
        if let Some((data, _)) = scalar {
            let mut parts = vec![data_to_expr(&data, tree::NOWHERE)];
            parts.extend(self.checks(&checks)?);
            return Ok(parts);
        }
        let mut parts = Vec::new();
        if is_list {
            parts.push(self.elements(vid)?);
        }
        if is_list || is_struct || waits {
            parts.extend(self.checks(&checks)?);
        } else if !untold {
            parts.extend(self.constraints(vid)?);
        }
        Ok(parts)
    }

    /// What a vertex waits for: inside its braces, or beside them.
    fn pending(&self, vid: Vid, inside: bool) -> Vec<Task> {
        let tasks = self.evaluator.get(vid).node.tasks.iter();
        tasks.filter(|task| is_pending(task) && is_inside(task) == inside).cloned().collect()
    }

    /// What stands inside the braces of a vertex and waits for something.
    pub(super) fn inner_pending(&mut self, vid: Vid) -> Done<Vec<Decl>> {
        let tasks = self.pending(vid, true);
        tasks.iter().map(|task| self.in_frame(task.frame, |writer| writer.inner_task(task))).collect()
    }

    fn inner_task(&mut self, task: &Task) -> Done<Decl> {
        match &task.job {
            Job::Resolve(expr) | Job::Expr(expr) => Ok(Decl::Embed(Box::new(self.expression(expr)?))),
            Job::Comprehension(comprehension) => self.comprehension(comprehension).map(as_decl),
            Job::Dynamic { label, presence, value } => self.dynamic(label, *presence, value),
            Job::Pattern { pattern, value } => self.pattern(pattern, value),
            Job::List(list, _) => Ok(Decl::Embed(Box::new(self.elements_as_written(list)?))),
        }
    }

    fn outer_task(&mut self, task: &Task) -> Done<Expr> {
        self.in_frame(task.frame, |writer| match &task.job {
            Job::Resolve(expr) | Job::Expr(expr) => writer.expression(expr),
            Job::List(list, _) => writer.elements_as_written(list),
            _ => Ok(tree::structure(vec![writer.inner_task(task)?])),
        })
    }

    /// All that makes a vertex, as it was written.
    pub(super) fn as_conjuncts(&mut self, vid: Vid) -> Done<Expr> {
        let conjuncts = self.evaluator.get(vid).conjuncts.clone();
        let parts = conjuncts.iter().map(|conjunct| self.conjunct(conjunct)).collect::<Done<Vec<Expr>>>()?;
        Ok(tree::joined(BinaryOp::And, parts))
    }

    fn conjunct(&mut self, conjunct: &Conjunct) -> Done<Expr> {
        match &conjunct.body {
            Body::Expr(expr) => self.written_in(expr, conjunct.frame),
            Body::Vertex(vid) => self.name_vertex(*vid, tree::NOWHERE),
            Body::List(vids, span) => {
                let span: Span = *span;
                let element = |vid: &Vid| self.name_vertex(*vid, span).map(Element::Expr);
                vids.iter().map(element).collect::<Done<Vec<Element>>>().map(tree::list)
            }
        }
    }
}

fn is_pending(task: &Task) -> bool {
    !matches!(task.state, TaskState::Done)
}

/// Whether it stands inside braces: a declaration, or something that is embedded.
fn is_inside(task: &Task) -> bool {
    match &task.job {
        Job::Comprehension(_) | Job::Dynamic { .. } | Job::Pattern { .. } => true,
        Job::Resolve(_) | Job::Expr(_) | Job::List(..) => task.origin.from_embed,
    }
}
