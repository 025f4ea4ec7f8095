//! A graph of labels, and its order: what comes first comes first, names decide the rest.
//!
//! Labels that contradict each other's order stand together, by name.
//!
//! Source of the algorithm: R. Tarjan, "Depth-first search and linear graph algorithms" (1972), for what stands
//! together; A. Kahn, "Topological sorting of large networks" (1962), for the rest.
//!
//! Not here: where the edges come from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::hash::{NumberMap, NumberSet};
use crate::label::{Label, Labels};

/// Which struct said something of a label last, and the file of its place.
type Said = (usize, Option<u32>);

/// The labels of a struct and what is known of their order.
#[derive(Default)]
pub(super) struct Fields {
    labels: Vec<Label>,
    numbers: NumberMap<Label, usize>,
    said: Vec<Option<Said>>,
    after: Vec<Vec<usize>>,
    edges: NumberSet<(usize, usize)>,
}

/// The name of a label; elements come before fields.
type Name = (u32, Arc<str>);

impl Fields {
    pub(super) fn new(labels: impl Iterator<Item = Label>) -> Self {
        let mut fields = Self::default();
        for label in labels {
            fields.node(label);
        }
        fields
    }

    fn node(&mut self, label: Label) -> usize {
        if let Some(number) = self.numbers.get(&label) {
            return *number;
        }
        let number = self.labels.len();
        self.numbers.insert(label, number);
        self.labels.push(label);
        self.said.push(None);
        self.after.push(Vec::new());
        number
    }

    /// The labels of one struct follow one another, and the first of them what was before; gives what the next has to
    /// follow. A label that its file has already placed is left where it is, unless the struct is one of several of
    /// equal weight.
    pub(super) fn follow(&mut self, previous: &[usize], labels: &[Label], by: Said, explicit: bool) -> Vec<usize> {
        let mut previous = previous.to_vec();
        for label in labels {
            let node = self.node(*label);
            let placed = match self.said[node] {
                Some((number, _)) if number == by.0 => true,
                Some((_, file)) => !explicit && file == by.1,
                None => false,
            };
            if placed {
                continue;
            }
            self.said[node] = Some(by);
            for before in &previous {
                if self.edges.insert((*before, node)) {
                    self.after[*before].push(node);
                }
            }
            previous = vec![node];
        }
        previous
    }

    /// The labels in their order.
    pub(super) fn sort(&self, names: &Labels) -> Vec<Label> {
        let name = |label: &Label| (label.as_index().unwrap_or(u32::MAX), names.name(*label));
        let names: Vec<Name> = self.labels.iter().map(name).collect();
        let each: Vec<Vec<usize>> = (0..self.labels.len()).map(|node| vec![node]).collect();
        let mut order = self.in_order(&each, &names);
        if order.len() < self.labels.len() {
            let mut components = self.components();
            for component in &mut components {
                component.sort_by(|a, b| names[*a].cmp(&names[*b]));
            }
            order = self.in_order(&components, &names);
        }
        order.into_iter().map(|node| self.labels[node]).collect()
    }

    /// Groups of nodes, each after those that it follows; a group that follows itself by way of others is left out.
    fn in_order(&self, groups: &[Vec<usize>], names: &[Name]) -> Vec<usize> {
        let mut group_of = vec![0; self.labels.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|node| group_of[*node] = number);
        }
        let mut waits = vec![0_usize; groups.len()];
        let between = self.edges.iter().filter(|(from, to)| from != to && group_of[*from] != group_of[*to]);
        between.for_each(|(_, to)| waits[group_of[*to]] += 1);
        let entry = |group: usize| groups[group].first().map(|node| Reverse((names[*node].clone(), group)));
        let mut ready: BinaryHeap<_> = (0..groups.len()).filter(|at| waits[*at] == 0).filter_map(entry).collect();
        let mut order = Vec::with_capacity(self.labels.len());
        while let Some(Reverse((_, group))) = ready.pop() {
            order.extend(&groups[group]);
            for next in groups[group].iter().flat_map(|node| &self.after[*node]).map(|next| group_of[*next]) {
                if next == group {
                    continue;
                }
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.extend(entry(next));
                }
            }
        }
        order
    }

    /// The strongly connected components.
    fn components(&self) -> Vec<Vec<usize>> {
        let mut search = Search::new(self.labels.len());
        for node in 0..self.labels.len() {
            if search.index[node].is_none() {
                search.run(node, &self.after);
            }
        }
        search.found
    }
}

/// Tarjan's search, without recursion.
struct Search {
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    count: usize,
    found: Vec<Vec<usize>>,
}

impl Search {
    fn new(length: usize) -> Self {
        Self {
            index: vec![None; length],
            low: vec![0; length],
            on_stack: vec![false; length],
            stack: Vec::new(),
            count: 0,
            found: Vec::new(),
        }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.count);
        self.low[node] = self.count;
        self.count += 1;
        self.stack.push(node);
        self.on_stack[node] = true;
    }

    fn run(&mut self, root: usize, after: &[Vec<usize>]) {
        self.enter(root);
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            if let Some(next) = after[node].get(*at).copied() {
                *at += 1;
                match self.index[next] {
                    None => {
                        self.enter(next);
                        path.push((next, 0));
                    }
                    Some(index) if self.on_stack[next] => self.low[node] = self.low[node].min(index),
                    Some(_) => {}
                }
                continue;
            }
            path.pop();
            if let Some((above, _)) = path.last() {
                self.low[*above] = self.low[*above].min(self.low[node]);
            }
            self.leave(node);
        }
    }

    /// A node that nothing below leads beyond is the first of its component.
    fn leave(&mut self, node: usize) {
        if self.index[node] != Some(self.low[node]) {
            return;
        }
        let from = self.stack.iter().rposition(|known| *known == node).unwrap_or(0);
        let component = self.stack.split_off(from);
        component.iter().for_each(|node| self.on_stack[*node] = false);
        self.found.push(component);
    }
}
