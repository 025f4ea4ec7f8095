//! `vet`: whether a configuration holds, and whether data files fit it.
//!
//! Not here: printing values.

use clap::Args;

use super::flags::{Common, DataFlags, refuse};
use super::input::{Input, expressions};
use super::placement::Placement;
use super::query::checked;
use super::{Failure, Streams};
use crate::Limits;
use crate::error::{Code, Error};
use crate::load::Build;
use crate::syntax::ast::Expr;

/// Check a configuration, or data files against it
#[derive(Args, Clone, Debug)]
pub struct Vet {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    placement: Placement,
    /// Check each value of the data files against this expression instead of the whole configuration
    #[arg(short = 'd', long, value_name = "EXPR")]
    schema: Option<String>,
    /// Every field has a concrete value; `-c=false` lets fields be open without a word
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    concrete: Option<bool>,
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    data_flags: DataFlags,
    /// Values of data files are never merged here
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    merge: Option<bool>,
}

impl Vet {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        self.data_flags.refuse()?;
        refuse(&[(self.merge == Some(true), "--merge")])?;
        if self.schema.is_some() && self.placement.is_used() {
            return Err(Failure::usage("`-d` takes values where they are: without `-l` and `--list`"));
        }
        let mut build = self.input.load(streams)?;
        let schema = expressions(&mut build, self.schema.as_slice(), "-d")?.pop();
        let values = self.placement.place_all(&mut build)?;
        let mut errors = Vec::new();
        for main in build.instances.iter().copied() {
            errors.extend(match build.data.is_empty() {
                true => whole(&build, main),
                false => each(&build, main, schema.as_ref(), &values),
            });
        }
        let concrete = self.concrete.unwrap_or(!build.data.is_empty());
        let before = errors.len();
        errors.retain(|error| concrete || error.code != Code::Incomplete);
        let is_open = errors.len() < before;
        if is_open && self.concrete.is_none() && errors.is_empty() {
            let _ = writeln!(streams.err, "some fields have no concrete value; `-c` shows them, `-c=false` is silent");
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors, &build.sources)) }
    }
}

/// What is wrong with a package by itself.
fn whole(build: &Build, main: usize) -> Vec<Error> {
    let found = build.instance(main, &[], Limits::default()).and_then(|instance| instance.data(None));
    found.err().unwrap_or_default()
}

/// What is wrong with each of the values by itself.
fn each(build: &Build, main: usize, schema: Option<&Expr>, values: &[Expr]) -> Vec<Error> {
    let wrong = |value| match checked(build, main, schema, value) {
        Ok(both) => both.to_data().err().map(|failed| failed.errors).unwrap_or_default(),
        Err(failure) => failure.errors,
    };
    values.iter().flat_map(wrong).collect()
}
