//! A spec that is written in CUE: evaluated, then the same tree with lines that TOML gives.
//!
//! Not here: CUE itself (crate `cue`), and which files belong to it (`gather`): the text holds all of them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use shipway_core::finding::{Category, Finding};
use shipway_cue::{
    Limits,
    data::Data,
    error::{Code, Error},
    load::{self, Build, Memory, Options},
    provenance::Provenance,
    source::{FileId, SourceMap, Span},
    syntax,
};

use super::{SYNTAX_FINDINGS_MAX, Source, Written, gathered, written};
use crate::field::Field;

const VALIDATOR: &str = "spec-cue";
/// The stack of one evaluation, in bytes: texts are read by recursion.
const STACK_BYTES: usize = 256 << 20;
/// How deep tables and lists of a spec may stand in each other.
const LEVELS_MAX: usize = 100;
/// What the evaluation of one spec may use: far more than a spec needs, and over in seconds.
const LIMITS: Limits = Limits {
    max_vertices: 200_000,
    max_depth_vertices: 600,
    max_steps: 600_000,
    max_alternatives: 20_000,
    max_references: 400,
};

/// Evaluates the text of a spec.
///
/// # Errors
/// Everything that is wrong with it as CUE, each with line and column.
pub(super) fn parse(file_name: &str, text: &str) -> Result<Source, Vec<Finding>> {
    with_deep_stack(file_name, || evaluated(file_name, text))
}

/// Runs what reads texts by recursion.
pub(super) fn with_deep_stack<T: Send>(
    file_name: &str,
    work: impl FnOnce() -> Result<T, Vec<Finding>> + Send,
) -> Result<T, Vec<Finding>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            _ => Err(refused(file_name, "the evaluation of the file could not be run", "try again")),
        }
    })
}

/// The one finding that the spec can't be read as a whole.
pub(super) fn refused(file_name: &str, message: &str, advice: &str) -> Vec<Finding> {
    vec![finding(message).file_line(file_name, 1).recommendation(advice)]
}

/// How a spec is loaded from its folder: with its package, where it names one, else alone.
pub(super) fn options(folder: &Path, name: &str, text: &str) -> (Options, String) {
    let (file, _) = syntax::parse_file(FileId(0), text);
    let package = file.package.map(|package| package.name.to_string()).filter(|package| package != "_");
    let argument = package.as_ref().map_or_else(|| name.to_owned(), |_| ".".to_owned());
    (Options { folder: folder.to_owned(), package, ..Options::default() }, argument)
}

fn evaluated(file: &str, text: &str) -> Result<Source, Vec<Finding>> {
    let parts = gathered::parted(file, text).map_err(|line| {
        let message = format!("{file}:{line}: this is no spec of several files as Shipway gathers them");
        vec![finding(&message).file_line(file, line).recommendation("send the text as `shipway` sends it, or one file")]
    })?;
    let Some(main) = parts.first() else { return Err(refused(file, "the spec has no file", "send one file")) };
    let main_path = Path::new("/").join(&main.path);
    let (folder, name) = (main_path.parent().unwrap_or(Path::new("/")), main_path.file_name());
    let (options, argument) = options(folder, &name.unwrap_or_default().to_string_lossy(), &main.text);
    let files = parts
        .iter()
        .fold(Memory::default(), |files, part| files.with(Path::new("/").join(&part.path), part.text.as_str()));
    let names = Names { folder, main: &main_path, shown: file };
    let build = load::load(&files, &options, &[argument])
        .map_err(|failed| Teller { names, sources: &failed.sources }.all(&failed.errors))?;
    let teller = Teller { names, sources: &build.sources };
    let (data, said) = data(&build).map_err(|errors| teller.all(&errors))?;
    let decls = build.main().into_iter().flat_map(|package| &package.files).flat_map(|file| &file.tree.decls);
    let place = |span| teller.place(span).map(|(written, _)| written);
    let mut lines = written::lines(decls, place);
    lines.extend(written::values(&said, place));
    let tree = Reader { file, lines: &lines }.value(&Field::default(), &data).map_err(|finding| vec![*finding])?;
    Ok(Source { file: file.to_owned(), tree, lines, made: BTreeMap::new() })
}

/// The value of the spec, and what was said of its parts.
fn data(build: &Build) -> Result<(Data, Vec<Provenance>), Vec<Error>> {
    let main = build.instances.first().copied().unwrap_or_default();
    let instance = build.instance(main, &[], LIMITS)?;
    match instance.data(None)? {
        // Of a spec that is too large to be explained, the lines of what is written down have to do.
        data @ Data::Struct(_) => Ok((data, instance.why(None, "").unwrap_or_default())),
        other => Err(vec![Error::new(Code::Conflict, format!("a spec is a struct, not {}", other.kind_name()), None)]),
    }
}

fn finding(message: &str) -> Finding {
    Finding::critical(VALIDATOR, Category::Configuration, message)
}

/// How files are called: by their paths from the spec's folder.
#[derive(Clone, Copy)]
struct Names<'a> {
    folder: &'a Path,
    main: &'a Path,
    /// What the spec itself is called.
    shown: &'a str,
}

impl Names<'_> {
    fn of(&self, name: &str) -> String {
        let path = self.folder.join(name);
        if path == self.main {
            return self.shown.to_owned();
        }
        let above = self.folder.ancestors().position(|folder| path.starts_with(folder)).unwrap_or_default();
        let base = self.folder.ancestors().nth(above).unwrap_or(Path::new("/"));
        let up: PathBuf = std::iter::repeat_n("..", above).collect();
        up.join(path.strip_prefix(base).unwrap_or(&path)).display().to_string()
    }
}

/// Tells errors of CUE as findings with their places.
struct Teller<'a> {
    names: Names<'a>,
    sources: &'a SourceMap,
}

impl Teller<'_> {
    fn all(&self, errors: &[Error]) -> Vec<Finding> {
        errors.iter().take(SYNTAX_FINDINGS_MAX).map(|error| self.one(error)).collect()
    }

    fn one(&self, error: &Error) -> Finding {
        let span = error.labels.first().map(|label| label.span);
        let start = || (Written { file: self.names.shown.into(), line: 1 }, 1);
        let (Written { file, line }, column) = span.and_then(|span| self.place(span)).unwrap_or_else(start);
        let shown = span.and_then(|span| self.sources.file(span.file)).map_or("", |source| source.line(line));
        let others = error.labels.iter().skip(1).filter_map(|label| Some((self.place(label.span)?, &label.text)));
        let others = others.map(|((Written { file, line }, column), text)| format!("\n{file}:{line}:{column}: {text}"));
        let details: String = std::iter::once(shown.trim_end().to_owned()).chain(others).collect();
        let advice = match (&error.help, error.code) {
            (Some(help), _) => help.as_str(),
            (None, Code::Unsupported) => "write it in another way: this is not supported",
            (None, Code::Incomplete) => "give it a value, or a default: `*1 | int`",
            (None, _) => "`shipway cue export` on the file shows all places that have to do with it",
        };
        let finding = finding(&format!("{file}:{line}:{column}: {error}")).file_line(&*file, line);
        finding.details(details.trim_end()).recommendation(advice)
    }

    /// File and line of a span's start, and its column, from 1.
    fn place(&self, span: Span) -> Option<(Written, u32)> {
        let source = self.sources.file(span.file)?;
        let (line, column) = source.position(span.start);
        Some((Written { file: self.names.of(&source.name).into(), line }, column))
    }
}

/// From concrete values to the tree.
struct Reader<'a> {
    file: &'a str,
    lines: &'a BTreeMap<String, Written>,
}

impl Reader<'_> {
    fn value(&self, field: &Field, data: &Data) -> Result<Value, Box<Finding>> {
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
                let entry = |(key, value): (_, &Data)| -> Result<(String, Value), Box<Finding>> {
                    let key: &std::sync::Arc<str> = key;
                    Ok((key.to_string(), self.value(&field.key(key), value)?))
                };
                let map = fields.iter().map(entry).collect::<Result<Map<_, _>, _>>()?;
                Ok(super::or_unset(field, map))
            }
        }
    }

    fn refused(&self, field: &Field, what: &str, advice: &str) -> Box<Finding> {
        let around = std::iter::successors(Some(field.clone()), Field::parent);
        let place = around.into_iter().find_map(|field| self.lines.get(&field.to_string()));
        let (file, line) = place.map_or((self.file, 1), |written| (&*written.file, written.line));
        let finding = finding(&format!("`{field}` {what}")).file_line(file, line);
        Box::new(finding.field(field.to_string()).recommendation(advice))
    }
}
