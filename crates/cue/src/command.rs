//! The command line: `export` and its companions with the flags that `cue` has for them.
//!
//! Exit status: [`DONE`], [`WRONG`], [`USAGE`], [`REFUSED`].
//!
//! Not here: `cue cmd`, `cue mod`, `cue get`; a terminal. What is printed goes to the writers that are handed in.

mod export;
mod input;
mod output;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use crate::error::{Code, Error};
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
    /// What `@tag(…, var=name)` is filled from with `--inject-vars`.
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
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Print the concrete value of a configuration
    Export(export::Export),
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    errors: Vec<Error>,
    sources: SourceMap,
}

impl Failure {
    fn new(errors: Vec<Error>, sources: &SourceMap) -> Self {
        Self { errors, sources: sources.clone() }
    }

    fn plain(error: Error) -> Self {
        Self { errors: vec![error], sources: SourceMap::default() }
    }
}

impl From<crate::load::Failed> for Failure {
    fn from(failed: crate::load::Failed) -> Self {
        Self { errors: failed.errors, sources: failed.sources }
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
    let done = match verb {
        Verb::Export(export) => export.run(streams),
    };
    match done {
        Ok(()) => DONE,
        Err(failure) => {
            let _ = write!(streams.err, "{}", report::all(&failure.errors, &failure.sources, streams.colours));
            status(&failure.errors)
        }
    }
}

/// The exit status of errors: refused only where nothing is wrong apart from it.
fn status(errors: &[Error]) -> u8 {
    let refused = |error: &Error| error.code == Code::Unsupported;
    if errors.iter().any(refused) { REFUSED } else { WRONG }
}
