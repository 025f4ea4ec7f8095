//! `vet`: whether a configuration holds, and whether data files fit it.
//!
//! Not here: printing values.

use clap::Args;

use super::input::{Input, expressions};
use super::placement::Placement;
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
}

impl Vet {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut build = self.input.load(streams)?;
        let schema = expressions(&mut build, self.schema.as_slice(), "-d")?.pop();
        let (mut errors, mut is_open) = (Vec::new(), false);
        let data = std::mem::take(&mut build.data);
        for main in build.instances.clone() {
            let found = if data.is_empty() {
                build.instance(main, &[], Limits::default()).and_then(|instance| instance.data(None).map(|_| ()))
            } else {
                let mut values = Vec::new();
                for file in &data {
                    values.extend(self.placement.place(&mut build, file)?);
                }
                check(&build, main, schema.as_ref(), &values)
            };
            let concrete = self.concrete.unwrap_or(!data.is_empty());
            for error in found.err().unwrap_or_default() {
                let passes = !concrete && error.code == Code::Incomplete;
                is_open |= passes;
                errors.extend((!passes).then_some(error));
            }
        }
        if is_open && self.concrete.is_none() && errors.is_empty() {
            let _ = writeln!(streams.err, "some fields have no concrete value; `-c` shows them, `-c=false` is silent");
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors, &build.sources)) }
    }
}

/// Checks each value by itself: it is unified with the schema, or with the whole package, so what is closed there stays
/// closed.
fn check(build: &Build, main: usize, schema: Option<&Expr>, values: &[Expr]) -> Result<(), Vec<Error>> {
    let mut errors = Vec::new();
    for value in values {
        let found = build.instance(main, &[], Limits::default()).and_then(|instance| {
            let both = instance.value(schema).unify(&instance.value(Some(value)));
            both.and_then(|both| both.to_data()).map_err(|failed| failed.errors)
        });
        errors.extend(found.err().unwrap_or_default());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
