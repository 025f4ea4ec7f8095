//! Errors of values, with both sides: what was said where, and what can be done.
//!
//! Not here: when something is an error; which fields are allowed (`allowed`).

use std::sync::Arc;

use super::Evaluator;
use super::data::brief;
use super::graph::{Choice, Vid};
use crate::compile::ir::Kinds;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::source::{FileId, Span};

/// How many places of what was said of an incomplete value are shown.
const MAX_SAID: usize = 4;

/// What to do about lists of which each layer has its own.
pub(super) const LISTS_ARE_NOT_JOINED: &str = "lists of several layers are not joined or replaced: give the list in one \
     layer, make it a default there (*[…] | […]), or join the lists with list.Concat";

impl Evaluator {
    /// Something must be of a kind, a literal if it is one, that what is known of the vertex excludes.
    pub(super) fn kinds_conflict(&self, vid: Vid, kind: Kind, literal: Option<&Data>, span: Span) -> Arc<Error> {
        let node = &self.get(vid).node;
        let other = node.kind_sources.iter().find(|(known, _)| (*known & kind).is_bottom()).copied();
        let (known, place) = other.map_or((node.kind, None), |(known, place)| (known, Some(place)));
        let value = node.scalar.as_ref().filter(|(_, at)| Some(*at) == place).map(|(data, _)| data);
        let (one, other) = (side(kind, literal), side(known, value));
        let mut error = Error::new(Code::Conflict, format!("conflicting values {one} and {other}"), None);
        error = error.at(span, here(kind, literal));
        if let Some(place) = place {
            error = error.at(place, here(known, value));
        }
        Arc::new(error)
    }

    /// Two literals for one value.
    pub(super) fn values_conflict(&self, vid: Vid, known: (&Data, Span), new: (&Data, Span)) -> Arc<Error> {
        let ((a, place), (b, span)) = ((brief(known.0), known.1), (brief(new.0), new.1));
        let error = Error::new(Code::Conflict, format!("conflicting values {b} and {a}"), None);
        let is_element = self.get(vid).label.is_some_and(|label| label.as_index().is_some());
        let new_is_lower = self.is_imported(vid, span) && !self.is_imported(vid, place);
        let lower = if new_is_lower { new.0 } else { known.0 };
        let (value, kind) = (brief(lower), super::insert::kind_of(lower));
        let help = match is_element {
            true => LISTS_ARE_NOT_JOINED.to_owned(),
            false => format!("a value that other layers may change is written as a default: *{value} | {kind}"),
        };
        Arc::new(error.at(span, format!("{b} here")).at(place, format!("{a} here")).help(help))
    }

    /// Whether something is written in another package than the one whose value a vertex is part of.
    fn is_imported(&self, vid: Vid, span: Span) -> bool {
        let mut root = vid;
        while let Some(parent) = self.get(root).parent {
            root = parent;
        }
        let files: Vec<FileId> =
            self.get(root).conjuncts.iter().filter_map(super::expression).map(|file| file.span.file).collect();
        !files.is_empty() && !files.contains(&span.file)
    }

    /// An error of a literal, which is shown with it.
    pub(super) fn with_value(&self, vid: Vid, error: Arc<Error>) -> Arc<Error> {
        let Some((data, span)) = &self.get(vid).node.scalar else { return error };
        if error.labels.iter().any(|label| label.span == *span) {
            return error;
        }
        let mut shown = Error::new(error.code, error.message.as_str(), None).at(*span, format!("{} here", brief(data)));
        shown.labels.extend(error.labels.iter().cloned());
        Arc::new(Error { path: error.path.clone(), help: error.help.clone(), ..shown })
    }

    /// A value is needed that isn't there (yet): what is said of it so far, and who needs it.
    pub(super) fn needed(&self, vid: Vid, span: Span) -> Arc<Error> {
        let mut error = Arc::unwrap_or_clone(self.incomplete(vid, self.lacks(vid)));
        let is_named = !self.get(vid).unrooted && !error.path.is_empty();
        if !is_named {
            error.path.clear();
            error.labels.clear();
        }
        Arc::new(error.at(span, if is_named { "needed here" } else { "" }))
    }

    /// A vertex without a value: what is said of it, and where.
    pub(super) fn incomplete(&self, vid: Vid, what: &str) -> Arc<Error> {
        let mut error = Error::new(Code::Incomplete, format!("{what} {}", self.brief_vertex(vid)), None);
        let said: Vec<Span> = self.spans_of(vid).into_iter().take(MAX_SAID).collect();
        let text = if said.len() == 1 { "this is all that is said of it" } else { "" };
        for span in said {
            error = error.at(span, text);
        }
        error.path = self.path(vid);
        Arc::new(error)
    }

    /// Where the conjuncts of a vertex are written.
    fn spans_of(&self, vid: Vid) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for expr in self.get(vid).conjuncts.iter().filter_map(super::expression) {
            if !spans.contains(&expr.span) {
                spans.push(expr.span);
            }
        }
        spans
    }

    /// All alternatives of a disjunction failed, each for its own reason.
    pub(super) fn none_fits(&self, vid: Vid, choice: &Choice, errors: &[Arc<Error>]) -> Arc<Error> {
        if let [only] = errors {
            return only.clone();
        }
        let text = format!("none of the {} alternatives fits", choice.alternatives.len());
        let mut error = Error::new(Code::Conflict, text, None);
        let mut inside = Vec::new();
        for ((conjunct, _), why) in choice.alternatives.iter().zip(errors) {
            let span = super::expression(conjunct).map_or(choice.span, |expr| expr.span);
            inside.push(span);
            error = error.at(span, why.message.as_str());
        }
        for label in errors.iter().flat_map(|error| &error.labels) {
            let is_told = error.labels.iter().any(|known| known.span == label.span);
            if !is_told && !inside.iter().any(|span| span.holds(label.span)) {
                error.labels.push(label.clone());
            }
        }
        if error.labels.is_empty() {
            error = error.at(choice.span, "");
        }
        Arc::new(match self.meant(vid, choice) {
            Some(meant) => error.help(format!("did you mean {meant}?")),
            None => error,
        })
    }

    /// The alternative that looks like the text that was given.
    fn meant(&self, vid: Vid, choice: &Choice) -> Option<String> {
        let (Data::String(given), _) = self.get(vid).node.scalar.as_ref()? else { return None };
        let text = |conjunct| match &super::expression(conjunct)?.kind {
            Kinds::Data(data @ Data::String(_)) => Some(brief(data)),
            _ => None,
        };
        let known: Vec<String> = choice.alternatives.iter().filter_map(|(conjunct, _)| text(conjunct)).collect();
        nearest(&brief(&Data::String(given.clone())), &known).cloned()
    }
}

/// Errors that are one: said once, with the places of all. What is wrong comes before what is missing.
pub(super) fn merged(errors: Vec<Arc<Error>>) -> Vec<Arc<Error>> {
    let mut merged: Vec<Arc<Error>> = Vec::new();
    for error in errors {
        let alike = |known: &Error| known.code == error.code && known.message == error.message;
        let again = |known: &&mut Arc<Error>| alike(known) && known.path != error.path && same_places(known, &error);
        if let Some(known) = merged.iter_mut().find(again) {
            let known = Arc::make_mut(known);
            if !known.elsewhere.contains(&error.path) {
                let mut paths = std::mem::take(&mut known.elsewhere).into_vec();
                paths.push(error.path.clone());
                known.elsewhere = paths.into();
            }
            continue;
        }
        let same = |known: &&mut Arc<Error>| alike(known) && known.path == error.path;
        match merged.iter_mut().find(same) {
            Some(known) => {
                let known = Arc::make_mut(known);
                for label in &error.labels {
                    if !known.labels.contains(label) {
                        known.labels.push(label.clone());
                    }
                }
            }
            None => merged.push(error),
        }
    }
    merged.sort_by_key(|error| error.code.is_open());
    merged
}

/// Whether two errors speak of the same places, in whatever order.
fn same_places(one: &Error, other: &Error) -> bool {
    let spans = |error: &Error| {
        let mut spans: Vec<Span> = error.labels.iter().map(|label| label.span).collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    };
    !one.labels.is_empty() && spans(one) == spans(other)
}

/// One side of a conflict: the literal, or the kind.
fn side(kind: Kind, literal: Option<&Data>) -> String {
    literal.map_or_else(|| kind.to_string(), brief)
}

fn here(kind: Kind, literal: Option<&Data>) -> String {
    match literal {
        Some(data) => format!("{} here, of type {kind}", brief(data)),
        None => format!("{kind} here"),
    }
}
