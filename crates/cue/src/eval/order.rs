//! The order of a struct's fields, as CUE writes them.
//!
//! Each struct that makes a vertex says that its fields follow one another. The structs themselves are ordered by
//! place: that of their fields or, where they came through references, that of the first one. Structs that stand at
//! one place, and the sides of `&`, say nothing of each other. From all that comes a graph of labels; where it leaves
//! a choice, or contradicts itself, names decide.
//!
//! Source of the rules: the behaviour of CUE v0.17 (its package `toposort` describes it).
//!
//! Not here: the elements of lists; the sorting of the graph (`order::sort`).

mod sort;

use std::sync::Arc;

use super::Evaluator;
use super::graph::{Conjunct, Laid, Laying, Vid};
use crate::compile::ir::{Decl, Ex, Kinds, Struct};
use crate::hash::{NumberMap, NumberSet};
use crate::label::Label;
use crate::source::Span;
use sort::Fields;

/// How many vertices in a row may stand for one another.
const MAX_SHARED: usize = 1_000;

/// A place: the file among the files by name, and the byte. What has no place comes last.
type Place = (u32, u32);

/// A struct, with what is known of its place.
struct Group<'a> {
    laying: &'a Laying,
    place: Place,
    /// One side of an `&`.
    explicit: bool,
    /// It has fields with computed labels.
    computed: bool,
}

/// The structs of a vertex.
struct Groups<'a> {
    groups: Vec<Group<'a>>,
    /// The group of each use, in the order of use.
    uses: Vec<usize>,
    /// By the place in memory of a field's value.
    by_value: NumberMap<usize, usize>,
    /// By the place in memory of a struct, or of the reference or embedding that it came through.
    by_origin: NumberMap<usize, Vec<usize>>,
}

impl Evaluator {
    /// Tells which files come first by name; without it, those that were read first do.
    pub(crate) fn set_file_order(&mut self, ranks: Vec<u32>) {
        self.file_ranks = ranks;
    }

    /// The labels of a vertex, fields of all sorts, in the order of CUE.
    pub(super) fn field_order(&self, vid: Vid) -> Vec<Label> {
        let shared = self.shared(vid);
        let arcs = || self.get(vid).arcs.keys().copied();
        if arcs().len() < 2 || is_plain(&self.get(shared).node.laid) {
            return arcs().collect();
        }
        let mut groups = groups(&self.get(shared).node.laid);
        let computed = self.place_groups(shared, &mut groups);
        groups.mark_sides(&self.get(shared).conjuncts);
        let mut order = self.sorted(shared, &groups, computed);
        let known: NumberSet<Label> = order.iter().copied().collect();
        order.extend(arcs().filter(|label| !known.contains(label)));
        order
    }

    /// The vertex that CUE would let stand for one that is nothing but a reference to it.
    fn shared(&self, vid: Vid) -> Vid {
        let mut vid = vid;
        for _ in 0..MAX_SHARED {
            let vertex = self.get(vid);
            let refers = vertex.conjuncts.iter().all(|conjunct| super::expression(conjunct).is_some_and(refers));
            let [target] = vertex.node.taken.as_slice() else { return vid };
            let target = self.deref(*target);
            let is_let = self.get(target).label.is_none() && self.get(target).parent.is_some();
            let opens = vertex.closed_recursive && !self.get(target).closed_recursive;
            if !refers || is_let || opens || vertex.copied_from.is_some() {
                return vid;
            }
            vid = target;
        }
        vid
    }

    /// Finds the places of the groups; gives the labels that were computed, by the value of their declaration.
    fn place_groups(&self, vid: Vid, groups: &mut Groups<'_>) -> NumberMap<usize, Vec<Label>> {
        for group in &mut groups.groups {
            group.place = self.place(group.laying.span());
        }
        let mut computed: NumberMap<usize, Vec<Label>> = NumberMap::default();
        for label in self.arcs_as_made(vid, groups) {
            let Some(arc) = self.get(vid).arcs.get(&label) else { continue };
            for conjunct in &self.get(*arc).conjuncts {
                let Some(value) = super::expression(conjunct).map(address) else { continue };
                self.place_group(groups, conjunct, value);
                if self.frame(conjunct.frame).label == Some(label) {
                    computed.entry(value).or_default().push(label);
                }
            }
        }
        for group in &mut groups.groups {
            group.computed = group.laying.computed().any(|value| computed.contains_key(&value));
        }
        computed
    }

    /// A field's place, or that of the first reference on the way to it, is that of its struct.
    fn place_group(&self, groups: &mut Groups<'_>, conjunct: &Conjunct, value: usize) {
        let Some(group) = groups.by_value.get(&value).copied() else { return };
        if let Some(expr) = super::expression(conjunct) {
            groups.groups[group].place = self.place(expr.span);
        }
        let Some(first) = self.first_reference(conjunct.origin.refs) else { return };
        let followed = self.refs[first as usize];
        let of_reference = groups.by_origin.entry(followed.expression).or_default();
        if !of_reference.contains(&group) {
            of_reference.push(group);
        }
        for group in of_reference.iter() {
            groups.groups[*group].place = self.place(followed.span);
        }
    }

    /// The oldest of the references that led to something.
    fn first_reference(&self, refs: u32) -> Option<u32> {
        let mut first = None;
        let mut at = refs;
        while at != 0 {
            first = Some(at);
            at = self.refs[at as usize].next;
        }
        first
    }

    fn place(&self, span: Span) -> Place {
        let rank = self.file_ranks.get(span.file.0 as usize).copied();
        (rank.unwrap_or(span.file.0), span.start)
    }

    /// The labels in the order in which CUE makes the fields: those of comprehensions together with those around them.
    fn arcs_as_made(&self, vid: Vid, groups: &Groups<'_>) -> Vec<Label> {
        let arcs = &self.get(vid).arcs;
        let mut seen = NumberSet::default();
        let mut labels = Vec::with_capacity(arcs.len());
        let written = groups.groups.iter().filter(|group| !group.laying.is_yielded());
        let written = written.flat_map(|group| group.laying.fixed());
        for label in written.filter(|label| arcs.contains_key(label)).chain(arcs.keys().copied()) {
            if seen.insert(label) {
                labels.push(label);
            }
        }
        labels
    }

    fn sorted(&self, vid: Vid, groups: &Groups<'_>, computed: NumberMap<usize, Vec<Label>>) -> Vec<Label> {
        let mut fields = Fields::new(self.get(vid).arcs.keys().copied());
        let mut computed: NumberMap<usize, std::collections::VecDeque<Label>> =
            computed.into_iter().map(|(value, labels)| (value, labels.into())).collect();
        let mut previous: Vec<usize> = Vec::new();
        let mut file = None;
        let mut number = 0;
        for batch in groups.batches() {
            let explicit = batch.len() > 1 || batch.iter().all(|at| groups.groups[*at].explicit);
            let of = batch.first().map(|at| groups.groups[*at].place.0);
            if file.is_some() && file != of {
                previous.clear();
            }
            file = of;
            let mut next: Vec<usize> = Vec::new();
            for at in batch {
                number += 1;
                let labels = groups.groups[at].laying.labels(&mut computed);
                let last = fields.follow(&previous, &labels, (number, of), explicit);
                next.extend(last.into_iter().filter(|node| !next.contains(node)).collect::<Vec<_>>());
            }
            previous = next;
        }
        fields.sort(&self.binder.labels)
    }
}

/// One struct without computed labels: its fields are already as they are written.
fn is_plain(laid: &[Laid]) -> bool {
    match laid {
        [] => true,
        [one] => one.laying.computed().next().is_none(),
        _ => false,
    }
}

fn groups(laid: &[Laid]) -> Groups<'_> {
    let mut found =
        Groups { groups: vec![], uses: vec![], by_value: NumberMap::default(), by_origin: NumberMap::default() };
    for laid in laid {
        let known = match &laid.laying {
            Laying::Written(structure, _) => {
                found.by_origin.get(&(Arc::as_ptr(structure) as usize)).and_then(|known| known.first()).copied()
            }
            Laying::Data(..) => None,
        };
        let group = known.unwrap_or_else(|| found.add(&laid.laying));
        found.uses.push(group);
    }
    found
}

impl<'a> Groups<'a> {
    fn add(&mut self, laying: &'a Laying) -> usize {
        let group = self.groups.len();
        self.groups.push(Group { laying, place: (0, 0), explicit: false, computed: false });
        if let Laying::Written(structure, _) = laying {
            self.by_origin.entry(Arc::as_ptr(structure) as usize).or_default().push(group);
            for decl in &structure.decls {
                match decl {
                    Decl::Field { value, .. } | Decl::Dynamic { value, .. } | Decl::Pattern { value, .. } => {
                        self.by_value.insert(address(value), group);
                    }
                    Decl::Embed(expr) => self.by_origin.entry(address(expr)).or_default().push(group),
                    Decl::Let { .. } | Decl::Comprehension(_) => {}
                }
            }
        }
        group
    }

    /// Marks the sides of all `&`.
    fn mark_sides(&mut self, conjuncts: &[Conjunct]) {
        let embedded = self.groups.iter().flat_map(|group| group.laying.embedded());
        let mut left: Vec<Ex> = conjuncts.iter().filter_map(super::expression).chain(embedded).cloned().collect();
        while let Some(expr) = left.pop() {
            let Kinds::And(one, other) = &expr.kind else { continue };
            for side in [one, other] {
                let key = match &side.kind {
                    Kinds::Struct(structure) => Arc::as_ptr(structure) as usize,
                    _ => address(side),
                };
                for group in self.by_origin.get(&key).into_iter().flatten() {
                    self.groups[*group].explicit = true;
                }
                left.push(side.clone());
            }
        }
    }

    /// The uses by place. Those at one place are together, and so are neighbours that are sides of an `&`.
    fn batches(&self) -> Vec<Vec<usize>> {
        let mut uses = self.uses.clone();
        uses.sort_by_key(|at| (self.groups[*at].place, self.groups[*at].computed));
        let mut at_one_place: Vec<Vec<usize>> = Vec::new();
        for group in uses {
            match at_one_place.last_mut() {
                Some(batch) if self.same_place(batch, group) => batch.push(group),
                _ => at_one_place.push(vec![group]),
            }
        }
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for batch in at_one_place {
            match batches.last_mut() {
                Some(last) if self.go_together(last, &batch) => last.extend(batch),
                _ => batches.push(batch),
            }
        }
        batches
    }

    fn same_place(&self, batch: &[usize], group: usize) -> bool {
        batch
            .first()
            .is_some_and(|first| self.groups[*first].place == self.groups[group].place && !self.groups[group].computed)
    }

    fn go_together(&self, one: &[usize], other: &[usize]) -> bool {
        let explicit = |batch: &[usize]| batch.len() > 1 || batch.iter().all(|at| self.groups[*at].explicit);
        let file = |batch: &[usize]| batch.first().map(|at| self.groups[*at].place.0);
        explicit(one) && explicit(other) && file(one) == file(other)
    }
}

impl Laying {
    fn is_yielded(&self) -> bool {
        matches!(self, Self::Written(structure, _) if structure.yielded)
    }

    fn decls(&self) -> &[Decl] {
        match self {
            Self::Written(structure, _) => &structure.decls,
            Self::Data(..) => &[],
        }
    }

    /// The values of the declarations whose labels are computed.
    fn computed(&self) -> impl Iterator<Item = usize> {
        self.decls().iter().filter_map(|decl| match decl {
            Decl::Dynamic { value, .. } => Some(address(value)),
            _ => None,
        })
    }

    fn embedded(&self) -> impl Iterator<Item = &Ex> {
        self.decls().iter().filter_map(|decl| match decl {
            Decl::Embed(expr) => Some(expr),
            _ => None,
        })
    }

    /// The labels that are there from the start, those in comprehensions among them.
    fn fixed(&self) -> Vec<Label> {
        match self {
            Self::Written(structure, _) => fixed(structure),
            Self::Data(labels, _) => labels.to_vec(),
        }
    }

    /// The labels of its fields, in their order; each use of a computed one takes the next that was computed.
    fn labels(&self, computed: &mut NumberMap<usize, std::collections::VecDeque<Label>>) -> Vec<Label> {
        if let Self::Data(labels, _) = self {
            return labels.to_vec();
        }
        let label = |decl: &Decl| match decl {
            Decl::Field { label, .. } => Some(*label),
            Decl::Dynamic { value, .. } => computed.get_mut(&address(value)).and_then(|labels| labels.pop_front()),
            _ => None,
        };
        self.decls().iter().filter_map(label).collect()
    }
}

fn fixed(structure: &Struct) -> Vec<Label> {
    let mut labels = Vec::new();
    for decl in &structure.decls {
        match decl {
            Decl::Field { label, .. } => labels.push(*label),
            Decl::Comprehension(comprehension) => {
                if let Kinds::Struct(body) = &comprehension.body.kind {
                    let own = |decl: &Decl| match decl {
                        Decl::Field { label, .. } => Some(*label),
                        _ => None,
                    };
                    labels.extend(body.decls.iter().filter_map(own));
                }
            }
            _ => {}
        }
    }
    labels
}

fn refers(expr: &Ex) -> bool {
    match &expr.kind {
        Kinds::And(left, right) => refers(left) && refers(right),
        kind => kind.is_reference(),
    }
}

fn address(expr: &Ex) -> usize {
    Arc::as_ptr(expr) as usize
}
