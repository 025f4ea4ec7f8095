//! Splitting conjuncts: what can be noted at once is noted, what needs other vertices becomes a task.
//!
//! Not here: running the tasks (`run`).

use std::sync::Arc;

use super::Evaluator;
use super::graph::{
    Body, Check, Choice, Conjunct, Cycle, DefaultMode, Frame, Job, Laid, Laying, Origin, Status, Task, TaskState, Vid,
    push_tight,
};
use crate::compile::ir::{Alternatives, Callee, Comprehension, Decl, Ex, Expr, Item, Kinds, Native, Presence, Struct};
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::source::Span;

/// The most vertices that one may refer to.
const MAX_TAKEN: usize = 5_000;

impl Evaluator {
    /// Adds a conjunct to a vertex, whatever the vertex' state; followers get it too.
    pub(super) fn add_conjunct(&mut self, vid: Vid, conjunct: Conjunct) {
        let vertex = self.v(vid);
        if vertex.conjuncts.iter().any(|known| known.same(&conjunct)) {
            return;
        }
        push_tight(&mut vertex.conjuncts, conjunct.clone());
        if vertex.status != Status::New {
            self.reopen(vid);
            self.schedule(vid, &conjunct, conjunct.origin);
        }
        let followers = self.get(vid).node.followers.clone();
        for (follower, origin) in followers {
            self.reopen(follower);
            self.schedule(follower, &conjunct, origin);
        }
    }

    /// What was known of a vertex and of those around it has to be looked at again.
    fn reopen(&mut self, vid: Vid) {
        let mut at = Some(vid);
        while let Some(vid) = at {
            let vertex = self.v(vid);
            if vertex.status == Status::Done {
                vertex.status = Status::Open;
            }
            at = vertex.parent;
        }
    }

    /// Notes what a conjunct says. `origin` replaces the conjunct's own: it tells how it came to this vertex.
    pub(super) fn schedule(&mut self, vid: Vid, conjunct: &Conjunct, origin: Origin) {
        if origin.from_definition {
            self.v(vid).closed_recursive = true;
        }
        if matches!(origin.cycle, Cycle::No | Cycle::Optional) {
            self.v(vid).node.cycles.has_plain = true;
        }
        match &conjunct.body {
            Body::Vertex(from) => self.take_vertex(vid, *from, origin, false),
            Body::List(elements, span) => self.insert_elements(vid, elements, *span, conjunct.frame, origin),
            Body::Expr(expr) => {
                // Whatever it turns out to be: it foresaw this field.
                self.note(vid, origin, 0);
                self.schedule_expr(vid, &expr.clone(), conjunct.frame, origin);
            }
        }
    }

    fn schedule_expr(&mut self, vid: Vid, expr: &Ex, frame: Frame, origin: Origin) {
        match &expr.kind {
            Kinds::And(left, right) => {
                let (first, second) = if self.order == super::Order::Backwards { (right, left) } else { (left, right) };
                self.schedule(vid, &Conjunct::new(first.clone(), frame, origin), origin);
                self.schedule(vid, &Conjunct::new(second.clone(), frame, origin), origin);
            }
            Kinds::Struct(inner) => self.schedule_struct(vid, inner, expr.span, frame, origin),
            Kinds::List(list) => {
                self.mark_structure(vid, origin);
                let inner = self.add_frame(Some(frame), vid, None);
                self.narrow(vid, Kind::LIST, expr.span);
                self.task(vid, Job::List(list.clone(), expr.span), inner, origin);
            }
            Kinds::Or(alternatives) => self.schedule_choice(vid, alternatives, expr.span, frame, origin),
            Kinds::Alias(inner) => {
                let frame = self.add_frame(Some(frame), vid, None);
                self.schedule(vid, &Conjunct::new(inner.clone(), frame, origin), origin);
            }
            Kinds::Open(inner) => {
                let origin = Origin { opened: true, ..origin };
                self.schedule(vid, &Conjunct::new(inner.clone(), frame, origin), origin);
            }
            kind if kind.is_reference() => self.task(vid, Job::Resolve(expr.clone()), frame, origin),
            _ => self.schedule_value(vid, expr, frame, origin),
        }
    }

    fn schedule_value(&mut self, vid: Vid, expr: &Ex, frame: Frame, origin: Origin) {
        match &expr.kind {
            Kinds::Data(data) => self.insert_data(vid, data, expr.span, origin),
            Kinds::Top => {
                self.mark_structure(vid, origin);
                self.v(vid).node.has_top |= origin.from_embed;
                self.note(vid, origin, super::closed::TOP);
            }
            Kinds::Bottom(message) => {
                let error = Error::new(Code::Conflict, &**message, Some(expr.span));
                self.v(vid).node.errors.push(Arc::new(error));
            }
            Kinds::Kind(kind) => {
                self.mark_structure(vid, origin);
                self.note(vid, origin, super::closed::TOP);
                self.narrow(vid, *kind, expr.span);
            }
            Kinds::Function(callee) => self.schedule_validator(vid, callee, expr, frame, origin),
            Kinds::Unsupported(what) => {
                let error = self.refuse(Code::Unsupported, format!("{what} is not supported"), Some(expr.span));
                self.v(vid).node.errors.push(error);
            }
            Kinds::Call(_, args)
                if origin.cycle == Cycle::Yes
                    && !self.get(vid).node.cycles.evidence()
                    && args.iter().any(may_refer) =>
            {
                let conjunct = Conjunct::new(expr.clone(), frame, origin);
                self.v(vid).node.cycles.postpone(conjunct, None, true);
            }
            _ => self.task(vid, Job::Expr(expr.clone()), frame, origin),
        }
    }

    pub(super) fn task(&mut self, vid: Vid, job: Job, frame: Frame, origin: Origin) {
        let task = Task { job, frame, origin, state: TaskState::Waiting, forced: false };
        push_tight(&mut self.v(vid).node.tasks, task);
    }

    /// A function without a call is a validator if only the value is missing.
    fn schedule_validator(&mut self, vid: Vid, callee: &Callee, expr: &Ex, frame: Frame, origin: Origin) {
        let is_validator = match callee {
            Callee::Package(_, function) => function.params.len() == 1 && function.result == Kind::BOOL,
            Callee::Native(Native::Package(_, name)) => *name == "UniqueItems",
            Callee::Native(_) => false,
        };
        self.v(vid).node.function = Some(Box::new(callee.clone()));
        if !is_validator {
            self.narrow(vid, Kind::FUNC, expr.span);
            return;
        }
        self.insert_check_call(vid, callee.clone(), Vec::new(), frame, expr.span, origin);
    }

    pub(super) fn insert_check_call(
        &mut self,
        vid: Vid,
        callee: Callee,
        args: Vec<Ex>,
        frame: Frame,
        span: Span,
        origin: Origin,
    ) {
        let (kind, open) = super::calls::validated(&callee);
        if kind.meets(Kind::LIST | Kind::STRUCT) {
            let flags = if open { super::closed::OPEN_VALIDATOR | super::closed::TOP } else { super::closed::TOP };
            self.note(vid, origin, flags);
        }
        if kind == Kind::TOP {
            self.v(vid).node.has_top |= origin.from_embed;
        } else {
            self.narrow(vid, kind, span);
        }
        self.v(vid).node.checks.push(Check::Call { callee, args, frame, span });
    }

    fn schedule_choice(&mut self, vid: Vid, choice: &Arc<Alternatives>, span: Span, frame: Frame, origin: Origin) {
        let optional = origin.optional();
        let mode = |marked: bool| match (choice.has_defaults, marked) {
            (false, _) => DefaultMode::Maybe,
            (true, true) => DefaultMode::Yes,
            (true, false) => DefaultMode::No,
        };
        let alternative = |(expr, marked): &(Ex, bool)| (Conjunct::new(expr.clone(), frame, optional), mode(*marked));
        let alternatives = choice.values.iter().map(alternative).collect();
        self.note(vid, origin, 0);
        self.add_choice(vid, alternatives, span);
    }

    /// The same disjunction twice is one.
    pub(super) fn add_choice(&mut self, vid: Vid, alternatives: Vec<(Conjunct, DefaultMode)>, span: Span) {
        let same = |known: &Choice| {
            known.alternatives.len() == alternatives.len()
                && known.alternatives.iter().zip(&alternatives).all(|((a, _), (b, _))| a.same(b))
        };
        if !self.get(vid).node.choices.iter().any(same) {
            self.choices += 1;
            let number = self.choices;
            let parent = self.get(vid).node.ways.first().and_then(|way| way.last()).map_or(0, |pick| pick.number);
            self.v(vid).node.choices.push(Choice { number, parent, alternatives, span });
        }
    }

    pub(super) fn schedule_comprehension(
        &mut self,
        vid: Vid,
        comprehension: &Arc<Comprehension>,
        frame: Frame,
        origin: Origin,
    ) {
        self.task(vid, Job::Comprehension(comprehension.clone()), frame, origin);
    }

    fn schedule_struct(&mut self, vid: Vid, inner: &Arc<Struct>, span: Span, frame: Frame, origin: Origin) {
        self.mark_structure(vid, origin);
        self.note(vid, origin, super::closed::STRUCT);
        let frame = self.add_frame(Some(frame), vid, None);
        self.frames[frame.0 as usize].structure = Some(inner.clone());
        let laid = Laid { laying: Laying::Written(inner.clone(), span), frame, origin };
        push_tight(&mut self.v(vid).node.laid, laid);
        self.v(vid).node.has_struct = true;
        let origin =
            if inner.embeds && !inner.yielded && !inner.file { self.split_struct(vid, origin) } else { origin };
        for at in self.in_order(0, inner.decls.len()) {
            self.schedule_decl(vid, &inner.decls[at], span, frame, origin);
        }
        if inner.open {
            self.v(vid).node.ellipsis = true;
            self.note(vid, origin, super::closed::ELLIPSIS);
        }
        if !inner.embeds {
            self.v(vid).node.is_struct = true;
            self.narrow(vid, Kind::STRUCT, span);
        }
    }

    fn schedule_decl(&mut self, vid: Vid, decl: &Decl, span: Span, frame: Frame, origin: Origin) {
        let below = Origin { from_embed: false, ..origin };
        match decl {
            Decl::Field { label, presence, value, .. } => {
                if label.is_regular() && *presence == Presence::Regular {
                    self.v(vid).node.is_struct = true;
                    self.narrow(vid, Kind::STRUCT, span);
                }
                let below = if *presence == Presence::Optional { below.optional() } else { below };
                self.insert_arc(vid, *label, *presence, Conjunct::new(value.clone(), frame, below));
            }
            Decl::Let { .. } => {}
            Decl::Dynamic { label, presence, value } => {
                if *presence == Presence::Regular {
                    self.v(vid).node.is_struct = true;
                    self.narrow(vid, Kind::STRUCT, span);
                }
                let job = Job::Dynamic { label: label.clone(), presence: *presence, value: value.clone() };
                self.task(vid, job, frame, below);
            }
            Decl::Pattern { pattern, value } => {
                let job = Job::Pattern { pattern: pattern.clone(), value: value.clone() };
                self.task(vid, job, frame, below.optional());
            }
            Decl::Embed(expr) => {
                let origin = self.embed(vid, expr, origin);
                self.schedule(vid, &Conjunct::new(expr.clone(), frame, origin), origin);
            }
            Decl::Comprehension(comprehension) => {
                let origin = self.embed_group(vid, origin);
                self.schedule_comprehension(vid, comprehension, frame, origin);
            }
        }
    }

    fn embed(&mut self, vid: Vid, expr: &Ex, origin: Origin) -> Origin {
        match &expr.kind {
            Kinds::Or(_) | Kinds::Binary(..) | Kinds::IsBottom(..) => Origin { from_embed: true, ..origin },
            _ => self.embed_group(vid, origin),
        }
    }

    /// Takes over what another vertex says, and what it will say.
    pub(super) fn take_vertex(&mut self, vid: Vid, from: Vid, origin: Origin, definition: bool) {
        let source = self.get(from);
        let mut origin = origin;
        if !source.closed_recursive && !source.closed_once && origin.embed != 0 {
            origin.from_definition = false;
        }
        if self.deref(vid) == self.deref(from) {
            return;
        }
        let (once, recursive) = (source.closed_once, source.closed_recursive);
        let definition = (definition || source.is_definition()) && !origin.opened;
        if origin.opened {
            let opened = &mut self.v(vid).node.opened;
            opened.once |= once;
            opened.recursive |= recursive;
        }
        origin.opened = false;
        if definition {
            origin.from_definition = true;
        }
        let origin = self.resolver_group(vid, from, origin, !definition);
        if self.get(vid).node.taken.contains(&from) {
            return;
        }
        if self.get(vid).node.taken.len() >= MAX_TAKEN {
            self.refuse(Code::Limit, format!("more than {MAX_TAKEN} references make one value"), None);
            return;
        }
        push_tight(&mut self.v(vid).node.taken, from);
        push_tight(&mut self.v(from).node.followers, (vid, origin));
        // What is added meanwhile comes to followers by itself.
        for at in self.in_order(0, self.get(from).conjuncts.len()) {
            let conjunct = self.get(from).conjuncts[at].clone();
            self.schedule(vid, &conjunct, origin);
        }
    }
}

impl Origin {
    /// The same inside something that need not be.
    pub(super) fn optional(self) -> Self {
        let cycle = if self.cycle == Cycle::No { Cycle::Optional } else { self.cycle };
        Self { cycle, ..self }
    }
}

/// A bound expression that was not written anywhere.
pub(super) fn made(kind: Kinds, span: Span) -> Ex {
    Arc::new(Expr { kind, span })
}

/// Whether an expression may refer to something.
pub(super) fn may_refer(expr: &Ex) -> bool {
    match &expr.kind {
        Kinds::Data(_) | Kinds::Top | Kinds::Kind(_) | Kinds::Bottom(_) | Kinds::Function(_) => false,
        Kinds::Unary(_, of) | Kinds::Bound(_, of) => may_refer(of),
        Kinds::Binary(_, left, right) => may_refer(left) || may_refer(right),
        Kinds::Call(_, args) => args.iter().any(may_refer),
        Kinds::List(list) => {
            let refers = |item: &Item| !matches!(item, Item::Value(value) if !may_refer(value));
            list.elements.iter().any(refers) || list.tail.is_some()
        }
        _ => true,
    }
}
