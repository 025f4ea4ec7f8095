//! The error for a field that a closed struct doesn't allow: which struct, where it closes, and what it does allow.
//!
//! Not here: whether it allows it (`closed`).

use std::sync::Arc;

use super::Evaluator;
use super::graph::{Laid, Laying, Vid};
use crate::compile::ir::Decl;
use crate::error::{Code, Error};
use crate::label::Label;
use crate::nearest::nearest;
use crate::source::Span;

/// How many allowed fields are named.
const MAX_NAMED: usize = 8;

/// How many places of the field, and of the structs that close, are shown.
const MAX_PLACES: usize = 3;

impl Evaluator {
    /// The error for a field of a vertex; `group` is that of the closed struct (see `closed`).
    pub(super) fn field_not_allowed(&self, vid: Vid, group: u32, label: Label, arc: Vid) -> Arc<Error> {
        let what = self.closed_name(vid, group).map(|name| format!("field not allowed in {name}"));
        let mut error = Error::new(Code::NotAllowed, what.unwrap_or_else(|| "field not allowed".to_owned()), None);
        error.path = self.path(arc);
        for conjunct in self.get(arc).conjuncts.iter().filter_map(super::expression).take(MAX_PLACES) {
            error = error.at(self.label_place(vid, label, conjunct.span), "this field");
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

    /// Where the label of a field is written whose value stands at a place; that place where no struct of the vertex has it.
    fn label_place(&self, vid: Vid, label: Label, value: Span) -> Span {
        let structs = self.get(vid).node.laid.iter().filter_map(|laid| match &laid.laying {
            Laying::Written(structure, _) => Some(structure),
            Laying::Data(..) => None,
        });
        let place = structs.flat_map(|structure| &structure.decls).find_map(|decl| match decl {
            Decl::Field { label: known, place, value: here, .. } => {
                (*known == label && here.span == value).then_some(*place)
            }
            _ => None,
        });
        place.unwrap_or(value)
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
                below.reverse();
                return (!name.is_empty()).then(|| self.path_below(name, &below));
            }
            below.push(vertex.label?);
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
