//! What is read from the graph for a value. Each answer is of a vertex that was evaluated to the end; where the
//! evaluation was refused, there is none.
//!
//! Not here: evaluation.

use std::sync::Arc;

use super::NOWHERE;
use crate::compile::ir::Presence;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Found, Home, Style, Vid};
use crate::kind::Kind;
use crate::label::Label;
use crate::source::{FileId, Span};

type Answer<T> = Result<T, Vec<Error>>;

impl Evaluator {
    /// Evaluates a vertex to the end.
    fn settled(&mut self, vid: Vid) -> Answer<()> {
        self.evaluate_to_end(vid);
        match self.refused() {
            Some(error) => Err(vec![(**error).clone()]),
            None => Ok(()),
        }
    }

    /// Refuses an answer where it depends on itself in a way that can't be decided.
    fn judged<T>(&mut self, found: Result<T, Vec<Arc<Error>>>) -> Answer<T> {
        let cyclic = match &found {
            Ok(_) => self.doubtful,
            Err(errors) => errors.iter().find(|error| error.code == Code::Undecided).map(|error| place(error)),
        };
        if let Some(span) = cyclic {
            self.refuse_cycle(Some(span));
        }
        match self.refused() {
            Some(error) => Err(vec![(**error).clone()]),
            None => found.map_err(|errors| errors.into_iter().map(Arc::unwrap_or_clone).collect()),
        }
    }

    pub(super) fn export(&mut self, vid: Vid) -> Answer<Data> {
        let found = self.export_vertex(vid);
        self.judged(found)
    }

    pub(super) fn validate(&mut self, vid: Vid, concrete: bool) -> Answer<()> {
        self.settled(vid)?;
        let mut problems = Vec::new();
        self.problems(vid, &mut problems);
        problems.retain(|error| concrete || !error.code.is_open() || error.code == Code::Undecided);
        let found = if problems.is_empty() { Ok(()) } else { Err(problems) };
        self.judged(found)
    }

    pub(super) fn to_cue(&mut self, vid: Vid, style: Style, home: Home<'_>) -> Answer<String> {
        self.validate(vid, false)?;
        let found = self.written(vid, style, home).map_err(|error| vec![error]);
        self.evaluate_to_end(vid);
        self.judged(found).map(|written| written.text())
    }

    /// The vertex at the end of a path.
    pub(super) fn descend(&mut self, vid: Vid, labels: &[Label]) -> Answer<Vid> {
        let mut at = vid;
        for label in labels {
            at = self.below(at, *label, NOWHERE).map_err(|error| vec![(*error).clone()])?;
        }
        Ok(at)
    }

    pub(super) fn kind(&mut self, vid: Vid) -> Kind {
        match self.settled(vid).map(|()| self.found(vid, true)) {
            Ok(Found::Data(kind)) => kind,
            _ => Kind::BOTTOM,
        }
    }

    pub(super) fn incomplete_kind(&mut self, vid: Vid) -> Kind {
        match self.settled(vid).map(|()| self.found(vid, false)) {
            Ok(Found::Data(kind) | Found::Open(kind)) => kind,
            _ => Kind::BOTTOM,
        }
    }

    /// The default of a disjunction that has one.
    pub(super) fn chosen(&mut self, vid: Vid) -> Option<Vid> {
        self.settled(vid).ok()?;
        self.the_default(vid)
    }

    pub(super) fn fields_of(&mut self, vid: Vid) -> Answer<Vec<(Arc<str>, Label, Presence, Vid)>> {
        self.validate(vid, false)?;
        let arcs = self.arcs_of(vid).into_iter().filter(|(label, ..)| label.as_index().is_none());
        Ok(arcs.map(|(label, presence, arc)| (self.binder.labels.name(label), label, presence, arc)).collect())
    }

    pub(super) fn elements_of_value(&mut self, vid: Vid) -> Answer<Vec<Vid>> {
        self.validate(vid, false)?;
        let index = |(label, _, arc): (Label, Presence, Vid)| label.as_index().map(|index| (index, arc));
        let mut elements: Vec<(u32, Vid)> = self.arcs_of(vid).into_iter().filter_map(index).collect();
        elements.sort_by_key(|(index, _)| *index);
        Ok(elements.into_iter().map(|(_, arc)| arc).collect())
    }

    pub(super) fn size_of(&mut self, vid: Vid) -> Option<usize> {
        self.validate(vid, false).ok()?;
        self.size_of_value(vid)
    }
}

fn place(error: &Error) -> Span {
    error.labels.first().map_or(Span::new(FileId(u32::MAX), 0, 0), |label| label.span)
}
