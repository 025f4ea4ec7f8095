//! The command line: `export` and its companions with the flags that `cue` has for them.
//!
//! Exit status: [`DONE`], [`WRONG`], [`USAGE`], [`REFUSED`].
//!
//! Not here: `cue cmd`, `cue mod`, `cue get`; a terminal. What is printed goes to the writers that are handed in.

mod def;
mod diff;
mod eval;
mod export;
mod flags;
mod fmt;
mod import;
mod input;
mod lint;
mod machine;
mod output;
mod placement;
mod query;
mod set;
mod vet;
mod why;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use crate::error::{Code, Error};
pub use machine::variables;

use crate::load::Files;
use crate::report::{self, Colours};
use crate::source::SourceMap;

/// It was done.
pub const DONE: u8 = 0;
/// The configuration is wrong.
pub const WRONG: u8 = 1;
/// The arguments are wrong.
pub const USAGE: u8 = 2;
/// The configuration uses something that this implementation doesn't support.
pub const REFUSED: u8 = 4;

/// What a command reads from and writes to.
pub struct Streams<'a> {
    /// Where files and the standard input are read.
    pub files: &'a dyn Files,
    /// The folder that arguments are relative to.
    pub folder: std::path::PathBuf,
    /// What `@tag(…, var=name)` is filled from with `--inject-vars`; [`variables`] are the machine's.
    pub variables: crate::load::Variables,
    /// The standard output.
    pub out: &'a mut dyn Write,
    /// Where errors are reported.
    pub err: &'a mut dyn Write,
    /// Whether reports are coloured.
    pub colours: Colours,
}

/// Evaluate configurations written in CUE.
#[derive(Debug, Parser)]
#[command(name = "cue")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// The verbs.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Print the concrete value of a configuration
    Export(export::Export),
    /// Evaluate and print a configuration
    Eval(eval::Eval),
    /// Print consolidated definitions
    Def(def::Def),
    /// Check a configuration, or data files against it
    Vet(vet::Vet),
    /// Write files in the canonical layout
    Fmt(fmt::Fmt),
    /// Say where values come from: what was written of them, where, and what decided
    Why(why::Why),
    /// Find what is no error but may not be meant
    Lint(lint::Lint),
    /// Change a value in a file, and keep everything else of it
    Set(set::Set),
    /// Write data files as CUE
    Import(import::Import),
}

impl Verb {
    /// The same; what it prints is for programs, where it can say the same to them.
    #[must_use]
    pub fn for_programs(self) -> Self {
        match self {
            Self::Why(why) => Self::Why(why.for_programs()),
            other => other,
        }
    }

    /// The flags of every verb of `cue`; none for verbs that it doesn't have.
    fn common(&self) -> Option<&flags::Common> {
        Some(match self {
            Self::Export(export) => &export.query.common,
            Self::Eval(eval) => &eval.query.common,
            Self::Def(def) => &def.query.common,
            Self::Vet(vet) => &vet.common,
            Self::Fmt(fmt) => &fmt.common,
            Self::Import(import) => &import.common,
            Self::Why(_) | Self::Lint(_) | Self::Set(_) => return None,
        })
    }

    /// Does what the verb says; tells whether nothing was found wrong.
    fn done(&self, streams: &mut Streams<'_>) -> Result<bool, Failure> {
        self.common().map_or(Ok(()), flags::Common::refuse)?;
        match self {
            Self::Export(export) => export.run(streams),
            Self::Eval(eval) => eval.run(streams),
            Self::Def(def) => def.run(streams),
            Self::Vet(vet) => vet.run(streams),
            Self::Fmt(fmt) => fmt.run(streams),
            Self::Why(why) => why.run(streams),
            Self::Lint(lint) => return lint.run(streams),
            Self::Set(set) => set.run(streams),
            Self::Import(import) => import.run(streams),
        }
        .map(|()| true)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    errors: Vec<Error>,
    sources: SourceMap,
    status: Option<u8>,
}

impl Failure {
    fn new(errors: Vec<Error>, sources: &SourceMap) -> Self {
        Self { errors, sources: sources.clone(), status: None }
    }

    fn plain(error: Error) -> Self {
        Self { errors: vec![error], sources: SourceMap::default(), status: None }
    }

    /// Flags or arguments that don't go together.
    fn usage(message: &str) -> Self {
        Self { status: Some(USAGE), ..Self::plain(Error::new(Code::Load, message, None)) }
    }
}

impl From<crate::load::Failed> for Failure {
    fn from(failed: crate::load::Failed) -> Self {
        Self { errors: failed.errors, sources: failed.sources, status: None }
    }
}

/// Runs a command, its name as the first argument; gives back the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> u8 {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => run_verb(&arguments.verb, streams),
        Err(error) => {
            let (to, status): (&mut dyn Write, _) =
                if error.use_stderr() { (streams.err, USAGE) } else { (streams.out, DONE) };
            let _ = write!(to, "{}", error.render());
            status
        }
    }
}

/// Runs a verb; gives back the exit status.
pub fn run_verb(verb: &Verb, streams: &mut Streams<'_>) -> u8 {
    match verb.done(streams) {
        Ok(true) => DONE,
        Ok(false) => WRONG,
        Err(failure) => {
            let all = verb.common().is_some_and(|flags| flags.all_errors);
            let most = if all { usize::MAX } else { report::MAX_ERRORS };
            let _ = write!(streams.err, "{}", report::first(&failure.errors, most, &failure.sources, streams.colours));
            failure.status.unwrap_or_else(|| status(&failure.errors))
        }
    }
}

/// The exit status of errors: refused only where nothing is wrong apart from it.
fn status(errors: &[Error]) -> u8 {
    let refused = |error: &Error| error.code == Code::Unsupported;
    if errors.iter().any(refused) { REFUSED } else { WRONG }
}
