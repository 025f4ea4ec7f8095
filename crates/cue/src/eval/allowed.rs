//! The error for a field that a closed struct doesn't allow: which struct, where it closes, and what it does allow.
//!
//! Not here: whether it allows it (`closed`).

use std::sync::Arc;

use super::Evaluator;
use super::graph::{Laid, Laying, Vid};
use crate::compile::ir::Decl;
use crate::error::{Code, Error};
use crate::label::Label;

/// How many allowed fields are named.
const MAX_NAMED: usize = 8;

/// Longer names are not compared, in bytes.
const MAX_COMPARED: usize = 80;

/// How many places of the field, and of the structs that close, are shown.
const MAX_PLACES: usize = 3;

impl Evaluator {
    /// The error for a field of a vertex; `group` is that of the closed struct (see `closed`).
    pub(super) fn field_not_allowed(&self, vid: Vid, group: u32, label: Label, arc: Vid) -> Arc<Error> {
        let what = self.closed_name(vid, group).map(|name| format!("field not allowed in {name}"));
        let mut error = Error::new(Code::NotAllowed, what.unwrap_or_else(|| "field not allowed".to_owned()), None);
        error.path = self.path(arc);
        for conjunct in self.get(arc).conjuncts.iter().filter_map(super::expression).take(MAX_PLACES) {
            error = error.at(conjunct.span, "this field");
        }
        let closing = self.closing_structs(vid, group);
        let allowed = self.allowed_labels(&closing);
        // A file begins with anything but what closes it.
        let places = closing.iter().filter(|laid| !laid.laying.is_file()).map(|laid| laid.laying.span());
        for place in places.take(MAX_PLACES) {
            error = error.at(place, "closed here");
        }
        Arc::new(match self.advice(label, &allowed) {
            Some(advice) => error.help(advice),
            None => error,
        })
    }

    /// The structs at a vertex that belong to the closed one.
    fn closing_structs(&self, vid: Vid, group: u32) -> Vec<&Laid> {
        let laid = self.get(vid).node.laid.iter();
        laid.filter(|laid| self.contains(vid, group, laid.origin.group)).collect()
    }

    /// What the closed struct is called: the definition, and the path from it to the vertex.
    fn closed_name(&self, vid: Vid, group: u32) -> Option<String> {
        let mut below = Vec::new();
        let mut at = vid;
        loop {
            let vertex = self.get(at);
            if let Some(target) = vertex.node.closing.target(group) {
                let name = self.path(target);
                below.push(name.clone());
                below.reverse();
                return (!name.is_empty()).then(|| below.join("."));
            }
            below.push(self.label_text(vertex.label?));
            at = self.deref(vertex.parent?);
        }
    }

    /// The fields that are written in structs.
    fn allowed_labels(&self, closing: &[&Laid]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for laid in closing {
            let labels: Vec<Label> = match &laid.laying {
                Laying::Written(structure, _) => structure.decls.iter().filter_map(field_label).collect(),
                Laying::Data(labels, _) => labels.to_vec(),
            };
            for name in labels.into_iter().map(|label| self.label_text(label)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    fn advice(&self, label: Label, allowed: &[String]) -> Option<String> {
        let name = self.label_text(label);
        if let Some(nearest) = nearest(&name, allowed) {
            return Some(format!("did you mean {nearest}?"));
        }
        let more = if allowed.len() > MAX_NAMED { ", …" } else { "" };
        let named = allowed.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
        (!allowed.is_empty()).then(|| format!("allowed are {named}{more}"))
    }
}

fn field_label(decl: &Decl) -> Option<Label> {
    match decl {
        Decl::Field { label, .. } if !label.is_hidden() && !label.is_definition() => Some(*label),
        _ => None,
    }
}

/// The name that looks most like another, if one does.
pub(super) fn nearest<'n>(name: &str, known: &'n [String]) -> Option<&'n String> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let comparable = known.iter().filter(|other| other.len() <= MAX_COMPARED);
    let distance = |other: &&String| edits(name, other);
    comparable.min_by_key(distance).filter(|other| edits(name, other) * 3 <= name.len().max(3))
}

/// How many letters were left out, put in, changed or swapped with the next (the optimal string alignment distance).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
