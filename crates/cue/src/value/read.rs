//! What is read from the graph for a value. Each answer is of a vertex that was evaluated to the end; where the
//! evaluation was refused, there is none.
//!
//! Not here: evaluation.

use std::sync::Arc;

use crate::compile::PackageSource;
use crate::compile::ir::Presence;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::eval::{Evaluator, Found, Home, Style, Vid};
use crate::kind::Kind;
use crate::label::Label;
use crate::provenance::Provenance;
use crate::source::{FileId, Span};

/// What was asked, or why there is no answer.
pub(super) type Answer<T> = Result<T, Vec<Error>>;

/// What reads an answer from a graph: the graph, the vertex, and all packages.
pub(super) type Read<'r, T> = dyn Fn(&mut Evaluator, Vid, &[PackageSource]) -> Answer<T> + Sync + 'r;

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
        if found.is_ok() {
            self.refuse_from_wrong();
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

    pub(super) fn as_cue(&mut self, vid: Vid, style: Style, home: Home<'_>) -> Answer<String> {
        self.validate(vid, false)?;
        let found = self.written(vid, style, home).map_err(|error| vec![error]);
        self.evaluate_to_end(vid);
        self.judged(found).map(|written| written.text())
    }

    pub(super) fn package_as_cue(&mut self, home: Home<'_>) -> Answer<String> {
        self.consolidated(home).map(|written| written.text()).map_err(|error| vec![(*error).clone()])
    }

    pub(super) fn sources_of(&mut self, vid: Vid, name: &str) -> Answer<Vec<Provenance>> {
        let found = self.why(vid, name);
        match self.refused() {
            Some(error) => Err(vec![(**error).clone()]),
            None => Ok(found),
        }
    }

    /// Whether one value accepts all that another one is or may become.
    pub(super) fn accepts(&mut self, schema: Vid, value: Vid) -> Answer<bool> {
        self.settled(schema)?;
        self.settled(value)?;
        let found = self.subsumes(schema, value).map_err(|error| vec![error]);
        self.judged(found)
    }

    pub(super) fn kind(&mut self, vid: Vid) -> Answer<Kind> {
        self.settled(vid)?;
        let found = self.found(vid, true);
        self.judged(Ok(match found {
            Found::Data(kind) => kind,
            Found::Open(_) | Found::Bottom => Kind::BOTTOM,
        }))
    }

    pub(super) fn incomplete_kind(&mut self, vid: Vid) -> Answer<Kind> {
        self.settled(vid)?;
        let found = self.found(vid, false);
        self.judged(Ok(match found {
            Found::Data(kind) | Found::Open(kind) => kind,
            Found::Bottom => Kind::BOTTOM,
        }))
    }

    /// Whether it is a disjunction with one default.
    pub(super) fn has_default(&mut self, vid: Vid) -> Answer<bool> {
        self.settled(vid)?;
        let found = self.the_default(vid).is_some();
        self.judged(Ok(found))
    }

    pub(super) fn fields_of(&mut self, vid: Vid) -> Answer<Vec<(Arc<str>, Label, Presence)>> {
        self.validate(vid, false)?;
        let arcs = self.arcs_of(vid).into_iter().filter(|(label, ..)| label.as_index().is_none());
        Ok(arcs.map(|(label, presence, _)| (self.binder.labels.name(label), label, presence)).collect())
    }

    pub(super) fn elements_of_value(&mut self, vid: Vid) -> Answer<Vec<Label>> {
        self.validate(vid, false)?;
        let arcs = self.arcs_of(vid).into_iter();
        let mut elements: Vec<Label> = arcs.map(|(label, ..)| label).filter(|one| one.as_index().is_some()).collect();
        elements.sort();
        Ok(elements)
    }

    pub(super) fn size_of(&mut self, vid: Vid) -> Answer<Option<usize>> {
        self.validate(vid, false)?;
        Ok(self.size_of_value(vid))
    }
}

fn place(error: &Error) -> Span {
    error.labels.first().map_or(Span::new(FileId(u32::MAX), 0, 0), |label| label.span)
}
