//! Reading out of the finished graph where a value comes from.
//!
//! A vertex has its conjuncts. References among them are followed to the conjuncts of what they point to; each conjunct
//! knows the references that led to it, and the frames that it stands in know patterns and comprehensions. Which
//! conjuncts give the value is found out by asking each of them alone.
//!
//! Not here: what a value is; this changes none.

mod moved;
mod operands;
mod walk;
mod way;

use std::sync::Arc;

use super::graph::{Body, Conjunct, Frame, Laying, Value, Vid};
use super::run::Need;
use super::{Evaluator, Step as Found};
use crate::compile::ir::{Alternatives, Decl, Ex, Kinds, Presence};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::provenance::{Alternative, Fate, Input, Provenance, Role, Said, Sort, Step};
use walk::Walk;

/// How many values are explained at once.
const MAX_LEAVES: usize = 10_000;

/// How many steps all explanations of one evaluation may take: conjuncts looked at, and references on their ways.
const MAX_STEPS: usize = 200_000;

/// How many computed values are followed one into another.
const MAX_INPUT_LEVELS: u32 = 4;

/// How many references are followed for one value.
const MAX_FOLLOWED: usize = 1_000;

impl Evaluator {
    /// The provenance of a vertex: of each of its leaves, where it has fields or elements.
    pub(crate) fn why(&mut self, vid: Vid, path: &str) -> Vec<Provenance> {
        self.finish_above(vid);
        self.ensure(vid, Need::Value).ok();
        let mut leaves = Vec::new();
        self.leaves(vid, path, &mut leaves);
        if leaves.len() > MAX_LEAVES {
            self.too_much(MAX_LEAVES, "values");
            return Vec::new();
        }
        leaves.into_iter().map(|(vid, path, is_leaf)| self.explained(vid, path, is_leaf)).collect()
    }

    /// An explanation is whole or none.
    fn too_much(&mut self, limit: usize, what: &str) {
        let error = Error::new(Code::Limit, format!("more than {limit} {what} to explain"), None);
        self.refused.get_or_insert_with(|| Arc::new(error.help("ask for less with `-e`")));
    }

    /// Counts the steps of an explanation; says whether it goes on.
    fn goes_on(&mut self, steps: usize) -> bool {
        self.explained = self.explained.saturating_add(steps);
        if self.explained > MAX_STEPS {
            self.too_much(MAX_STEPS, "steps");
        }
        self.refused.is_none()
    }

    /// What has fields is explained by them, but for what was chosen.
    fn explained(&mut self, vid: Vid, path: String, is_leaf: bool) -> Provenance {
        let mut found = self.provenance(vid, path, 0);
        found.said.retain(|said| is_leaf || !said.alternatives.is_empty());
        found
    }

    /// The leaves at and below a vertex, and the vertices above them of which alternatives were chosen.
    fn leaves(&self, vid: Vid, path: &str, found: &mut Vec<(Vid, String, bool)>) {
        let stands = self.default_of(vid);
        let vertex = self.get(stands);
        let before = found.len();
        if !vertex.node.chosen.is_empty() && !vertex.arcs.is_empty() {
            found.push((vid, path.to_owned(), false));
        }
        let above = found.len();
        let open = matches!(vertex.value, Value::Struct | Value::List | Value::Bottom(_));
        if open && vertex.node.errors.is_empty() && found.len() <= MAX_LEAVES {
            for label in self.field_order(stands) {
                let Some(arc) = vertex.arcs.get(&label) else { continue };
                let shown = label.is_regular() || label.as_index().is_some();
                if shown && self.get(*arc).presence != Presence::Optional {
                    self.leaves(*arc, &self.path_below(path.to_owned(), &[label]), found);
                }
            }
        }
        if found.len() == above {
            found.truncate(before);
            found.push((vid, path.to_owned(), true));
        }
    }

    fn provenance(&mut self, vid: Vid, path: String, level: u32) -> Provenance {
        let mut walk = self.start(vid, level);
        let mut conjuncts: Vec<Conjunct> = Vec::new();
        for version in self.versions(vid) {
            walk.holder = version;
            for conjunct in self.get(version).conjuncts.clone() {
                if !conjuncts.iter().any(|known| known.same(&conjunct)) {
                    self.follow_conjunct(&conjunct, &[], &mut walk);
                    conjuncts.push(conjunct);
                }
            }
        }
        self.follow_embedded(&mut walk);
        let value = self.data(vid).map_err(|error| (*error).clone());
        walk.judge(value.as_ref().err());
        Provenance { path, value, said: walk.said }
    }

    /// A vertex, and the alternatives that stand for it.
    fn versions(&self, vid: Vid) -> Vec<Vid> {
        let mut versions = vec![vid];
        let mut at = Some(self.default_of(vid));
        while let Some(version) = at.filter(|version| *version != vid) {
            versions.push(version);
            at = self.get(version).copied_from;
        }
        versions
    }

    fn follow_conjunct(&mut self, conjunct: &Conjunct, via: &[Step], walk: &mut Walk) {
        if !self.goes_on(1 + via.len()) {
            return;
        }
        match &conjunct.body {
            Body::Expr(expr) => self.follow_expr(&expr.clone(), conjunct, via, walk),
            Body::Vertex(target) => self.follow_vertex(*target, via, walk),
            Body::List(_, span) => {
                let via = via.to_vec();
                walk.say(Said { span: *span, role: Role::Decides, via, alternatives: vec![], inputs: vec![] });
            }
        }
    }

    fn follow_vertex(&mut self, target: Vid, via: &[Step], walk: &mut Walk) {
        if walk.followed.contains(&target) || walk.followed.len() > MAX_FOLLOWED {
            return;
        }
        walk.followed.push(target);
        let holder = std::mem::replace(&mut walk.holder, target);
        for conjunct in self.get(target).conjuncts.clone() {
            self.follow_conjunct(&conjunct, via, walk);
        }
        walk.holder = holder;
    }

    fn follow_expr(&mut self, expr: &Ex, of: &Conjunct, via: &[Step], walk: &mut Walk) {
        if !self.goes_on(1) {
            return;
        }
        match &expr.kind {
            // What a tag was filled with stands elsewhere.
            Kinds::And(left, right) if !is_plain(expr) || !expr.span.holds(right.span) => {
                self.follow_expr(left, of, via, walk);
                self.follow_expr(right, of, via, walk);
            }
            Kinds::Alias(inner) => {
                let frame = self.add_frame(Some(of.frame), walk.stands, None);
                self.follow_expr(inner, &Conjunct { frame, ..of.clone() }, via, walk);
            }
            Kinds::Open(inner) => self.follow_expr(inner, of, via, walk),
            Kinds::Or(alternatives) => self.follow_choice(expr, alternatives, of, via, walk),
            Kinds::Struct(inner) if inner.embeds => {}
            _ if expr.kind.is_reference() => match self.target(expr, of.frame) {
                Some(target) => {
                    let via = [self.way(via, of, expr.span), vec![reference(expr)]].concat();
                    self.follow_vertex(target, &via, walk);
                }
                None => self.say(expr, of, via, walk),
            },
            _ => self.say(expr, of, via, walk),
        }
    }

    /// What a reference points to, as far as that is known.
    fn target(&mut self, expr: &Ex, frame: Frame) -> Option<Vid> {
        let forced = std::mem::replace(&mut self.forced, true);
        let found: Found<Vid> = self.resolve(expr, frame);
        self.forced = forced;
        found.ok()
    }

    /// What the structs of a vertex embed: a literal may stand there.
    fn follow_embedded(&mut self, walk: &mut Walk) {
        for laid in self.get(walk.stands).node.laid.clone() {
            let Laying::Written(structure, _) = &laid.laying else { continue };
            for decl in &structure.decls {
                if let Decl::Embed(expr) = decl {
                    let conjunct = Conjunct::new(expr.clone(), laid.frame, laid.origin);
                    self.follow_expr(expr, &conjunct, &[], walk);
                }
            }
        }
    }

    /// A conjunct that is none of the above: it says something itself.
    fn say(&mut self, expr: &Ex, of: &Conjunct, via: &[Step], walk: &mut Walk) {
        let gives = self.alone(expr, of.frame);
        let decides = gives.is_some() && gives == walk.value;
        let role = if decides { Role::Decides } else { Role::Allows };
        let via = self.way(via, of, expr.span);
        let computed = self.computed(walk.holder, expr);
        if let Some((step, from)) = computed.as_ref().and_then(|computed| self.moved(computed)) {
            self.follow_vertex(from, &[via, vec![step]].concat(), walk);
            return;
        }
        let (expr, frame) = computed.map_or((expr.clone(), of.frame), |computed| (computed.expr, computed.frame));
        let inputs = if decides { self.inputs(&expr, frame, walk.level) } else { Vec::new() };
        walk.say(Said { span: expr.span, role, via, alternatives: Vec::new(), inputs });
    }

    fn follow_choice(&mut self, expr: &Ex, choice: &Arc<Alternatives>, of: &Conjunct, via: &[Step], walk: &mut Walk) {
        let mut role = Role::Allows;
        let mut inner = Vec::new();
        let mut alternatives = Vec::new();
        for (alternative, is_default) in &choice.values {
            let found = self.alternative(alternative, *is_default, of.frame, walk);
            if found.fate == Fate::Taken {
                if found.value.is_some() && found.value == walk.value {
                    role = if walk.is_default { Role::Default } else { Role::Remains };
                }
                let leads_on = !is_plain(alternative) && !matches!(alternative.kind, Kinds::Struct(_));
                inner.extend(leads_on.then(|| alternative.clone()));
            }
            alternatives.push(found);
        }
        let full = self.way(via, of, expr.span);
        walk.say(Said { span: expr.span, role, via: full, alternatives, inputs: Vec::new() });
        for alternative in inner {
            let step = Step { sort: Sort::Alternative, span: alternative.span, round: Vec::new() };
            self.follow_expr(&alternative, of, &[via, &[step]].concat(), walk);
        }
    }

    fn alternative(&mut self, expr: &Ex, is_default: bool, frame: Frame, walk: &Walk) -> Alternative {
        let fate = walk.fate(expr, frame);
        let refers = expr.kind.is_reference() && !super::lookup::names_definition(expr);
        let matters = is_default || refers || fate == Fate::Taken;
        let value = if matters { self.alone(expr, frame) } else { None };
        Alternative { span: expr.span, fate, is_default, value }
    }

    /// The value that an expression has by itself.
    fn alone(&mut self, expr: &Ex, frame: Frame) -> Option<Data> {
        match &expr.kind {
            Kinds::Data(data) => return Some(data.clone()),
            Kinds::Kind(_) | Kinds::Bound(..) | Kinds::Top | Kinds::Function(_) | Kinds::Bottom(_) => return None,
            _ => {}
        }
        let probe = self.anonymous(expr.clone(), frame);
        self.ensure(probe, Need::Value).ok();
        self.data(probe).ok()
    }

    /// The values that an expression was computed from.
    fn inputs(&mut self, expr: &Ex, frame: Frame, level: u32) -> Vec<Input> {
        if level >= MAX_INPUT_LEVELS {
            return Vec::new();
        }
        let mut references = Vec::new();
        self.operands(expr, frame, &mut references);
        let mut found: Vec<(Vid, Input)> = Vec::new();
        for (reference, frame) in references {
            let Some(vid) = self.target(&reference, frame) else { continue };
            if !found.iter().any(|(known, _)| *known == vid) {
                self.ensure(vid, Need::Value).ok();
                found.push((vid, Input { span: reference.span, provenance: self.input(vid, level + 1) }));
            }
        }
        found.into_iter().map(|(_, input)| input).collect()
    }

    /// What an input is, and what decided; of what has fields, only that it has.
    fn input(&mut self, vid: Vid, level: u32) -> Provenance {
        let mut found = self.provenance(vid, self.path(vid), level);
        if matches!(found.value, Ok(Data::Struct(_) | Data::List(_))) {
            found.said.clear();
        }
        found.said.retain(|said| said.role != Role::Allows);
        found
    }
}

fn reference(expr: &Ex) -> Step {
    Step { sort: Sort::Reference, span: expr.span, round: Vec::new() }
}

/// It says all that it says where it stands: no reference leads on, nothing is chosen in it.
fn is_plain(expr: &Ex) -> bool {
    match &expr.kind {
        Kinds::And(left, right) => is_plain(left) && is_plain(right),
        Kinds::Or(_) | Kinds::Struct(_) | Kinds::Alias(_) | Kinds::Open(_) => false,
        _ => !expr.kind.is_reference(),
    }
}
