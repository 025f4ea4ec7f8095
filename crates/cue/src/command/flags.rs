//! Flags that `cue` has for all of its verbs, and flags of it that aren't supported: these are refused by name, so that
//! none is passed over in silence.
//!
//! Source: CUE's `cue help export` and those of the other verbs.
//!
//! Not here: flags of one verb; `lint`, `set` and `why`, which `cue` doesn't have.

use clap::Args;

use super::Failure;
use crate::error::{Code, Error};

/// Flags of every verb of `cue`.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Report all errors, not only the first 20
    #[arg(short = 'E', long)]
    pub all_errors: bool,
    #[arg(short, long, hide = true)]
    ignore: bool,
    #[arg(long, hide = true)]
    strict: bool,
    #[arg(long, hide = true)]
    trace: bool,
    #[arg(short, long, hide = true)]
    verbose: bool,
}

impl Common {
    /// Refuses what was given and isn't supported.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        refuse(&[
            (self.ignore, "--ignore"),
            (self.strict, "--strict"),
            (self.trace, "--trace"),
            (self.verbose, "--verbose"),
        ])
    }
}

/// Flags of the verbs that read data files; none of them is supported.
#[derive(Args, Clone, Debug, Default)]
pub struct DataFlags {
    #[arg(short = 'n', long, hide = true, value_name = "GLOB")]
    name: Option<String>,
    #[arg(short = 'I', long = "proto_path", hide = true, value_name = "FOLDER")]
    proto_path: Vec<String>,
    #[arg(long = "proto_enum", hide = true, value_name = "MODE")]
    proto_enum: Option<String>,
    #[arg(short, long, hide = true)]
    simplify: bool,
}

impl DataFlags {
    /// Refuses what was given.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        refuse(&[
            (self.name.is_some(), "--name"),
            (!self.proto_path.is_empty(), "--proto_path"),
            (self.proto_enum.is_some(), "--proto_enum"),
            (self.simplify, "--simplify"),
        ])
    }
}

/// Refuses the first flag that was given.
pub(super) fn refuse(flags: &[(bool, &str)]) -> Result<(), Failure> {
    match flags.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(unsupported(&format!("`{flag}` is not supported"))),
        None => Ok(()),
    }
}

/// What the arguments ask for and this implementation doesn't do.
pub(super) fn unsupported(message: &str) -> Failure {
    Failure::plain(Error::new(Code::Unsupported, message, None))
}
