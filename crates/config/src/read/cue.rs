//! A spec that is written in CUE: evaluated, then the same tree with lines that TOML gives.
//!
//! Not here: CUE itself (crate `cue`). One file is the whole spec: it imports standard packages only, since a server is
//! told the text of one file and has no other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use shipway_core::finding::{Category, Finding};
use shipway_cue::{
    Limits,
    data::Data,
    error::{Code, Error},
    load::{self, Build, Memory, Options},
    source::{SourceMap, Span},
};

use super::{SYNTAX_FINDINGS_MAX, Source, written};
use crate::field::Field;

const VALIDATOR: &str = "spec-cue";
/// What the file is called while it is evaluated, whatever its name is.
const PATH: &str = "/spec.cue";
/// The stack of one evaluation, in bytes: texts are read by recursion.
const STACK_BYTES: usize = 256 << 20;
/// How deep tables and lists of a spec may stand in each other.
const LEVELS_MAX: usize = 100;
/// What the evaluation of one spec may use: far more than a spec needs, and over in seconds.
const LIMITS: Limits =
    Limits { max_vertices: 200_000, max_depth_vertices: 1_000, max_steps: 600_000, max_alternatives: 40_000 };

/// Evaluates the text of a spec.
///
/// # Errors
/// Everything that is wrong with it as CUE, each with line and column.
pub(super) fn parse(file_name: &str, text: &str) -> Result<Source, Vec<Finding>> {
    std::thread::scope(|scope| {
        let evaluation = || evaluated(file_name, text);
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, evaluation);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            _ => Err(vec![finding(file_name, "the evaluation of the file could not be run", 1)]),
        }
    })
}

fn evaluated(file: &str, text: &str) -> Result<Source, Vec<Finding>> {
    let files = Memory::default().with(PATH, text);
    let options = Options { folder: "/".into(), ..Options::default() };
    let build = load::load(&files, &options, &[PATH.to_owned()])
        .map_err(|failed| told(file, &failed.errors, &failed.sources))?;
    let data = data(&build).map_err(|errors| told(file, &errors, &build.sources))?;
    let decls = build.main().into_iter().flat_map(|package| &package.files).flat_map(|file| &file.tree.decls);
    let lines = written::lines(decls, &build.sources);
    let tree = Reader { file, lines: &lines }.value(&Field::default(), &data).map_err(|finding| vec![finding])?;
    Ok(Source { file: file.to_owned(), tree, lines, made: BTreeMap::new() })
}

fn data(build: &Build) -> Result<Data, Vec<Error>> {
    let main = build.instances.first().copied().unwrap_or_default();
    match build.instance(main, &[], LIMITS)?.data(None)? {
        data @ Data::Struct(_) => Ok(data),
        other => Err(vec![Error::new(Code::Conflict, format!("a spec is a struct, not {}", other.kind_name()), None)]),
    }
}

/// Errors of CUE as findings with their places.
fn told(file: &str, errors: &[Error], sources: &SourceMap) -> Vec<Finding> {
    errors.iter().take(SYNTAX_FINDINGS_MAX).map(|error| tell(file, error, sources)).collect()
}

fn tell(file: &str, error: &Error, sources: &SourceMap) -> Finding {
    let span = error.labels.first().map(|label| label.span);
    let (line, column) = span.and_then(|span| position(sources, span)).unwrap_or((1, 1));
    let shown = span.and_then(|span| sources.file(span.file)).map_or("", |source| source.line(line));
    let advice = match (&error.help, error.code) {
        (Some(help), _) => help.as_str(),
        (None, Code::Unsupported) => "write it in another way: this is not supported",
        (None, Code::Incomplete) => "give it a value, or a default: `*1 | int`",
        (None, _) => "`shipway cue export` on the file shows all places that have to do with it",
    };
    finding(file, &format!("{file}:{line}:{column}: {error}"), line).details(shown.trim_end()).recommendation(advice)
}

/// Line and column of a span's start, both from 1.
fn position(sources: &SourceMap, span: Span) -> Option<(u32, u32)> {
    Some(sources.file(span.file)?.position(span.start))
}

fn finding(file: &str, message: &str, line: u32) -> Finding {
    Finding::critical(VALIDATOR, Category::Configuration, message)
        .file_line(file, line)
        .recommendation("see the section on CUE in the guide of the spec")
}

/// From concrete values to the tree.
struct Reader<'a> {
    file: &'a str,
    lines: &'a BTreeMap<String, u32>,
}

impl Reader<'_> {
    fn value(&self, field: &Field, data: &Data) -> Result<Value, Finding> {
        if field.segments().len() > LEVELS_MAX {
            return Err(self.refused(field, &format!("stands deeper than {LEVELS_MAX} levels"), "make it flatter"));
        }
        match data {
            Data::Bool(flag) => Ok(Value::Bool(*flag)),
            Data::String(text) => Ok(Value::String(text.to_string())),
            Data::Number(_) => serde_json::to_value(data)
                .map_err(|_| self.refused(field, "is a number that is out of range", "write a smaller one")),
            Data::Null => Err(self.refused(field, "is null", "write `{unset: true}` to take a value away")),
            Data::Bytes(_) => Err(self.refused(field, "is bytes", "write a text: \"…\" instead of '…'")),
            Data::List(items) => {
                let item = |(at, item)| self.value(&field.index(at), item);
                items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::Array)
            }
            Data::Struct(fields) => {
                let entry = |(key, value): (_, &Data)| -> Result<(String, Value), Finding> {
                    let key: &std::sync::Arc<str> = key;
                    Ok((key.to_string(), self.value(&field.key(key), value)?))
                };
                let map = fields.iter().map(entry).collect::<Result<Map<_, _>, _>>()?;
                Ok(super::or_unset(field, map))
            }
        }
    }

    fn refused(&self, field: &Field, what: &str, advice: &str) -> Finding {
        let around = std::iter::successors(Some(field.clone()), Field::parent);
        let line = around.into_iter().find_map(|field| self.lines.get(&field.to_string())).copied().unwrap_or(1);
        finding(self.file, &format!("`{field}` {what}"), line).field(field.to_string()).recommendation(advice)
    }
}
