//! Closed structs: which fields they allow.
//!
//! Every reference that is followed gets the number of a group, and so do embeddings and the structs around them.
//! What the reference leads to carries the group on, down to the last field. A group that stands for a closed struct
//! is a requirement: each field must have a conjunct of that group, or of one inside it. So what counts is evidence
//! that a field was foreseen, not a list of what is forbidden.
//!
//! Source of the algorithm: the description of typo checking in CUE's evaluator (v0.13 and later), rebuilt on numbers.
//!
//! Not here: the fields themselves.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::Evaluator;
use super::graph::{Origin, Status, Value, Vid, push_tight};
use crate::compile::ir::Presence;
use crate::error::{Code, Error};
use crate::label::Label;

/// The conjunct has `...`.
pub(super) const ELLIPSIS: u8 = 1;
/// The conjunct is `_`, or a kind.
pub(super) const TOP: u8 = 2;
/// The conjunct is a struct.
pub(super) const STRUCT: u8 = 4;
/// The conjunct is a check that decides on fields itself.
pub(super) const OPEN_VALIDATOR: u8 = 8;

/// What closes a vertex, and what its conjuncts are evidence for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing {
    requirements: ThinVec<Requirement>,
    /// What belongs to the second belongs to the first, too.
    redirects: ThinVec<(u32, u32)>,
    conjuncts: ThinVec<Evidence>,
    no_inheritance: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Embedding,
    Reference,
    Struct,
}

#[derive(Clone, Copy, Debug)]
struct Requirement {
    target: Option<Vid>,
    group: u32,
    parent: u32,
    embed: u32,
    ignored: bool,
    sort: Sort,
    recursive: bool,
    /// The target is embedded, and was then referred to beside the embedding, too.
    beside: bool,
}

#[derive(Clone, Copy, Debug)]
struct Evidence {
    group: u32,
    embed: u32,
    flags: u8,
}

/// A requirement as it holds for the fields of one vertex.
#[derive(Clone, Copy, Debug)]
struct Rule {
    group: u32,
    parent: u32,
    embed: u32,
    once: bool,
    ignored: bool,
    removed: bool,
    /// As in the requirement.
    beside: bool,
}

impl Closing {
    /// What a group of references leads to.
    pub(super) fn target(&self, group: u32) -> Option<Vid> {
        self.requirements.iter().find(|requirement| requirement.group == group).and_then(|found| found.target)
    }
}

impl Closing {
    /// Whether a closed struct is part of the vertex.
    pub(super) fn closes(&self) -> bool {
        self.requirements.iter().any(|requirement| !requirement.ignored)
    }
}

impl Evaluator {
    fn new_group(&mut self) -> u32 {
        self.containments.push(0);
        self.containments.len() as u32 - 1
    }

    fn redirect(&mut self, vid: Vid, from: u32, to: u32) {
        if from == to {
            return;
        }
        if from < to && self.containments[to as usize] == 0 {
            self.containments[to as usize] = from;
            return;
        }
        self.v(vid).node.closing.redirects.push((from, to));
    }

    /// Notes that a conjunct of this origin makes the vertex.
    pub(super) fn note(&mut self, vid: Vid, origin: Origin, flags: u8) {
        let conjuncts = &mut self.v(vid).node.closing.conjuncts;
        match conjuncts.iter_mut().find(|known| known.group == origin.group) {
            Some(known) => known.flags |= flags,
            None => push_tight(conjuncts, Evidence { group: origin.group, embed: origin.embed, flags }),
        }
    }

    /// A struct with embeddings: if one of them is closed, the whole struct is.
    pub(super) fn split_struct(&mut self, vid: Vid, origin: Origin) -> Origin {
        if origin.outer != 0 || origin.from_embed { origin } else { self.scope(vid, origin, Sort::Struct) }
    }

    /// An embedding: what is closed inside it must fit together, but doesn't close the struct's own fields.
    pub(super) fn embed_group(&mut self, vid: Vid, origin: Origin) -> Origin {
        let origin = Origin { from_embed: true, ..origin };
        self.scope(vid, origin, Sort::Embedding)
    }

    fn scope(&mut self, vid: Vid, origin: Origin, sort: Sort) -> Origin {
        let group = self.new_group();
        self.redirect(vid, origin.group, group);
        let parent = origin.group;
        let mut origin = Origin { group, ..origin };
        match sort {
            Sort::Embedding => origin.embed = group,
            _ => origin.outer = group,
        }
        self.v(vid).node.closing.requirements.push(Requirement {
            target: None,
            group,
            parent,
            embed: origin.embed,
            ignored: true,
            sort,
            recursive: origin.from_definition,
            beside: false,
        });
        origin
    }

    /// A reference to a vertex: its conjuncts get a group of their own, which is a requirement if it is closed.
    pub(super) fn resolver_group(&mut self, vid: Vid, target: Vid, origin: Origin, ignore: bool) -> Origin {
        let target = self.deref(target);
        let (once, recursive) = (self.get(target).closed_once, self.get(target).closed_recursive);
        if ((origin.from_definition && origin.from_embed) || once) && !ignore {
            self.activate_outer(vid, origin.outer, recursive);
        }
        let ignored = if ignore {
            true
        } else if origin.embed != 0 || origin.outer == 0 {
            !(origin.from_definition || once)
        } else {
            origin.from_embed
        };
        let requirements = &mut self.v(vid).node.closing.requirements;
        let known = requirements.iter_mut().find(|known| known.target == Some(target));
        let mut group = known.as_ref().map_or(0, |known| known.group);
        if let Some(known) = known.filter(|known| known.embed != 0 && origin.embed == 0 && !ignored) {
            known.beside = true;
        }
        if group == 0 || origin.embed != 0 {
            let next = self.new_group();
            if group != 0 {
                self.redirect(vid, next, group);
            }
            group = next;
            self.v(vid).node.closing.requirements.push(Requirement {
                target: Some(target),
                group,
                parent: origin.outer,
                embed: origin.embed,
                ignored,
                sort: Sort::Reference,
                recursive,
                beside: false,
            });
        }
        self.redirect(vid, origin.group, group);
        Origin { group, ..origin }
    }

    fn activate_outer(&mut self, vid: Vid, outer: u32, recursive: bool) {
        let mut outer = outer;
        for requirement in self.v(vid).node.closing.requirements.iter_mut().rev() {
            if requirement.group == outer && outer != 0 {
                requirement.ignored = false;
                requirement.recursive |= recursive;
                outer = requirement.parent;
            }
        }
    }

    /// A value without a name doesn't inherit what closes the vertex around it.
    pub(super) fn close_alone(&mut self, vid: Vid) {
        self.v(vid).node.closing.no_inheritance = true;
    }

    /// The first field of a vertex that a closed struct doesn't allow.
    pub(super) fn not_allowed(&self, vid: Vid) -> Option<Arc<Error>> {
        self.fields_not_allowed(vid, 1).pop()
    }

    /// The fields of a vertex that closed structs don't allow, so many at most.
    pub(super) fn fields_not_allowed(&self, vid: Vid, most: usize) -> Vec<Arc<Error>> {
        if self.get(vid).arcs.is_empty() || !self.is_closed_somewhere(vid) {
            return Vec::new();
        }
        let base = self.rules(vid);
        if base.is_empty() {
            return Vec::new();
        }
        let known = |arc: &Vid| !matches!(self.get(*arc).status, Status::New | Status::Open);
        let arcs = self.get(vid).arcs.iter().filter(|(_, arc)| known(arc));
        arcs.filter_map(|(label, arc)| self.arc_not_allowed(vid, &base, *label, *arc)).take(most).collect()
    }

    /// Whether anything at a vertex or above it closes structs at all.
    pub(super) fn is_closed_somewhere(&self, vid: Vid) -> bool {
        let mut at = Some(vid);
        while let Some(vid) = at {
            let vertex = self.get(vid);
            let closing = &vertex.node.closing;
            if closing.requirements.iter().any(|requirement| !requirement.ignored) {
                return true;
            }
            at = vertex.parent.filter(|_| !closing.no_inheritance).map(|parent| self.deref(parent));
        }
        false
    }

    fn arc_not_allowed(&self, vid: Vid, base: &[Rule], label: Label, arc: Vid) -> Option<Arc<Error>> {
        let vertex = self.get(arc);
        if vertex.presence == Presence::Optional || label.is_hidden() || label.is_definition() {
            return None;
        }
        if matches!(&vertex.value, Value::Bottom(error) if error.code != Code::NotAllowed) {
            return None;
        }
        let own = self.get(vid).node.closing.conjuncts.clone();
        let mut rules = base.to_vec();
        for rule in &mut rules {
            rule.removed |= self.has_ellipsis(vid, rule.group, &own);
        }
        let evidence = self.evidence(arc);
        let denied = (0..rules.len()).find(|at| {
            let rule = rules[*at];
            !rule.ignored && !rule.removed && !self.has_evidence(arc, &rules, rule, &evidence)
        })?;
        Some(self.field_not_allowed(vid, rules[denied].group, label, arc))
    }

    /// What makes a field: where several alternatives are left, what makes any of them.
    fn evidence(&self, arc: Vid) -> Vec<Evidence> {
        let arc = self.deref(arc);
        let vertex = self.get(arc);
        let mut all = vertex.node.closing.conjuncts.to_vec();
        if let Value::Disjunction { alternatives, .. } = &vertex.value {
            all.extend(alternatives.iter().flat_map(|alternative| self.evidence(*alternative)));
        }
        all
    }

    fn has_evidence(&self, arc: Vid, rules: &[Rule], rule: Rule, evidence: &[Evidence]) -> bool {
        let arc = self.deref(arc);
        if evidence.iter().any(|one| self.contains(arc, rule.group, one.group)) {
            return true;
        }
        let find = |group: u32| rules.iter().find(|rule| group != 0 && rule.group == group);
        let Some(embedding) = find(rule.embed) else { return false };
        let outer = find(rule.parent);
        let outside = evidence.iter().filter(|one| !self.contains(arc, embedding.group, one.embed));
        let mut outside = outside.map(|one| outer.is_none_or(|outer| self.contains(arc, outer.group, one.group)));
        let added = outside.any(|added| added);
        let opened = outer.is_some_and(|outer| outer.removed);
        if opened && !added {
            self.opened_around.set(true);
        }
        if rule.beside && (added || opened) {
            self.embedded_and_beside.set(true);
        }
        added || opened
    }

    fn has_ellipsis(&self, vid: Vid, group: u32, evidence: &[Evidence]) -> bool {
        evidence.iter().any(|one| one.flags & ELLIPSIS != 0 && self.contains(vid, group, one.group))
    }

    /// Whether a group is another one, or inside it.
    pub(super) fn contains(&self, vid: Vid, group: u32, child: u32) -> bool {
        if self.lies_in(group, child) {
            return true;
        }
        let redirects = self.redirects_down_to(vid);
        !redirects.is_empty() && self.reaches(group, child, &redirects, &mut Vec::new())
    }

    /// The same without what was redirected.
    fn lies_in(&self, group: u32, child: u32) -> bool {
        let mut at = child;
        while at != group && at != 0 {
            at = self.containments[at as usize];
        }
        at == group && (group != 0 || child == 0)
    }

    /// What was redirected at a vertex and at those above it.
    fn redirects_down_to(&self, vid: Vid) -> Vec<(u32, u32)> {
        let mut redirects = Vec::new();
        let mut at = Some(vid);
        while let Some(vid) = at {
            let vertex = self.get(vid);
            redirects.extend_from_slice(&vertex.node.closing.redirects);
            at = vertex.parent.map(|parent| self.deref(parent));
        }
        redirects
    }

    fn reaches(&self, group: u32, child: u32, redirects: &[(u32, u32)], seen: &mut Vec<u32>) -> bool {
        if seen.contains(&child) {
            return false;
        }
        seen.push(child);
        let mut at = child;
        while at != 0 {
            if at == group {
                return true;
            }
            for (from, _) in redirects.iter().filter(|(from, to)| *to == at && *from != child) {
                if self.reaches(group, *from, redirects, seen) {
                    return true;
                }
            }
            at = self.containments[at as usize];
        }
        child == group
    }

    /// The rules for the fields of a vertex: its own, and those that reach down from above.
    fn rules(&self, vid: Vid) -> Vec<Rule> {
        let vertex = self.get(vid);
        let closing = &vertex.node.closing;
        let mut rules = Vec::new();
        if let Some(parent) = vertex.parent.filter(|_| !closing.no_inheritance) {
            rules = self.rules(self.deref(parent));
            for rule in &mut rules {
                rule.ignored |= rule.once;
            }
        }
        let inherited = rules.len();
        for requirement in &closing.requirements {
            self.add_rule(&mut rules, inherited, requirement);
        }
        let hidden = vertex.label.is_some_and(|label| label.is_hidden() || label.is_definition());
        if hidden {
            rules.retain(|rule| closing.conjuncts.iter().any(|one| self.contains(vid, rule.group, one.group)));
        }
        let above = vertex.parent.map(|parent| self.get(self.deref(parent)).node.closing.conjuncts.clone());
        self.open_rules(vid, &mut rules, &closing.conjuncts, &above.unwrap_or_default());
        rules
    }

    fn add_rule(&self, rules: &mut Vec<Rule>, inherited: usize, requirement: &Requirement) {
        if requirement.ignored && requirement.sort == Sort::Reference {
            return;
        }
        if rules.iter().any(|rule| rule.group == requirement.group) {
            return;
        }
        let closed_once = requirement.target.is_some_and(|target| self.get(target).closed_once);
        let once =
            requirement.sort != Sort::Embedding && (closed_once || (!requirement.ignored && !requirement.recursive));
        rules.push(Rule {
            group: requirement.group,
            parent: requirement.parent,
            embed: requirement.embed,
            once,
            ignored: requirement.ignored,
            removed: false,
            beside: requirement.beside,
        });
        if requirement.parent != 0 && !requirement.ignored {
            activate(&mut rules[..inherited], requirement);
        }
    }

    /// Where all of a group is `_`, or a check that looks itself, it closes nothing.
    fn open_rules(&self, vid: Vid, rules: &mut Vec<Rule>, own: &[Evidence], above: &[Evidence]) {
        let open = |rule: &mut Rule| {
            let mut flags = 0;
            let mut any = false;
            for one in own.iter().filter(|one| self.contains(vid, rule.group, one.group)) {
                any = true;
                flags |= if one.group < rule.group { one.flags & !STRUCT } else { one.flags };
            }
            if (flags & TOP != 0 && flags & STRUCT == 0) || flags & OPEN_VALIDATOR != 0 {
                return false;
            }
            if !any && self.has_ellipsis(vid, rule.group, above) {
                rule.removed = true;
            }
            true
        };
        rules.retain_mut(open);
    }
}

/// A closed embedding closes the structs around it.
fn activate(rules: &mut [Rule], requirement: &Requirement) {
    let mut outer = requirement.parent;
    for rule in rules.iter_mut().rev() {
        if outer == 0 {
            break;
        }
        if rule.group == outer {
            rule.once = if rule.ignored { !requirement.recursive } else { rule.once && !requirement.recursive };
            rule.ignored = false;
            outer = rule.parent;
        }
    }
}
