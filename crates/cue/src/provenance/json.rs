//! Provenance for programs: a list of values, each with what was said of it.
//!
//! Not here: provenance for people (`text`).

use indexmap::IndexMap;

use super::text::shown;
use super::{Alternative, Fate, Input, Provenance, Said, Step};
use crate::data::Data;
use crate::number::Number;
use crate::source::{SourceMap, Span};

/// All provenances as one value: a list of `path`, `value` or `error`, and `said`. Each thing said has its place
/// (`file`, `line`, `column`, from 1), its `text`, its `role` (`decides`, `default`, `remains`, `allows`, `conflicts`), the way by
/// which it came (`via`), and where there are any, `alternatives` and `inputs`.
#[must_use]
pub fn json(found: &[Provenance], sources: &SourceMap) -> Data {
    Data::List(found.iter().map(|provenance| one(provenance, sources)).collect())
}

fn one(found: &Provenance, sources: &SourceMap) -> Data {
    let value = match &found.value {
        Ok(value) => ("value", value.clone()),
        Err(error) => ("error", Data::string(error.message.as_str())),
    };
    let said = found.said.iter().map(|said| one_said(said, sources)).collect();
    fields([("path", Data::string(found.path.as_str())), value, ("said", Data::List(said))])
}

fn one_said(said: &Said, sources: &SourceMap) -> Data {
    let via = said.via.iter().map(|step| one_step(step, sources)).collect();
    let mut all = place(said.span, sources);
    all.extend([("role", Data::string(said.role.name())), ("via", Data::List(via))]);
    if !said.alternatives.is_empty() {
        let alternatives = said.alternatives.iter().map(|alternative| one_alternative(alternative, sources));
        all.push(("alternatives", Data::List(alternatives.collect())));
    }
    if !said.inputs.is_empty() {
        all.push(("inputs", Data::List(said.inputs.iter().map(|input| one_input(input, sources)).collect())));
    }
    fields(all)
}

fn one_step(step: &Step, sources: &SourceMap) -> Data {
    let mut all = place(step.span, sources);
    all.push(("sort", Data::string(step.sort.name())));
    if !step.round.is_empty() {
        all.push(("round", Data::List(step.round.iter().map(|text| Data::string(text.as_str())).collect())));
    }
    fields(all)
}

fn one_alternative(alternative: &Alternative, sources: &SourceMap) -> Data {
    let mut all = place(alternative.span, sources);
    match &alternative.fate {
        Fate::Taken => all.push(("fate", Data::string("taken"))),
        Fate::Left => all.push(("fate", Data::string("left"))),
        Fate::Fell(error) => {
            all.push(("fate", Data::string("fell")));
            all.push(("error", Data::string(error.message.as_str())));
        }
    }
    fields(all)
}

fn one_input(input: &Input, sources: &SourceMap) -> Data {
    let mut all = vec![("reference", Data::string(shown(input.span, sources)))];
    if let Data::Struct(found) = one(&input.provenance, sources) {
        let known = |name: &str| found.get(name).cloned();
        all.extend(["path", "value", "error", "said"].into_iter().filter_map(|name| Some((name, known(name)?))));
    }
    fields(all)
}

/// `file`, `line` and `column`, where there is a file, and what is written there.
fn place(span: Span, sources: &SourceMap) -> Vec<(&'static str, Data)> {
    let mut all = Vec::new();
    if let Some(file) = sources.file(span.file) {
        let (line, column) = file.position(span.start);
        all.push(("file", Data::string(file.name.clone())));
        all.push(("line", Data::Number(Number::int(line))));
        all.push(("column", Data::Number(Number::int(column))));
    }
    all.push(("text", Data::string(shown(span, sources))));
    all
}

fn fields(all: impl IntoIterator<Item = (&'static str, Data)>) -> Data {
    let fields: IndexMap<_, _> = all.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Data::Struct(Box::new(fields))
}
