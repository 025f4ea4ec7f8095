//! What `export`, `eval` and `def` take: which values of which configuration are asked for, and where they go.
//!
//! Not here: what is printed of a value.

use clap::Args;

use super::flags::{Common, DataFlags, unsupported};
use super::input::{Input, expressions};
use super::output::Output;
use super::placement::Placement;
use super::{Failure, Streams};
use crate::load::Build;
use crate::syntax::ast::Expr;
use crate::{Limits, Value};

/// What is asked for.
#[derive(Args, Clone, Debug)]
pub struct Query {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    placement: Placement,
    /// The value of this expression only; may be given several times
    #[arg(short = 'e', long = "expression", value_name = "EXPR")]
    expressions: Vec<String>,
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    data_flags: DataFlags,
}

/// Whether each value of data files is taken by itself.
#[derive(Args, Clone, Debug, Default)]
pub struct OneByOne {
    /// Unify each value of the data files with this expression, and print them
    #[arg(short = 'd', long, value_name = "EXPR")]
    schema: Option<String>,
    /// All values of data files are part of one configuration; `--merge=false` unifies each with it by itself
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    merge: Option<bool>,
}

impl OneByOne {
    fn is_wanted(&self) -> bool {
        self.schema.is_some() || self.merge == Some(false)
    }
}

/// What was loaded for a query.
pub(super) struct Asked {
    pub(super) build: Build,
    /// The expressions whose values are wanted; none for the whole configuration.
    pub(super) wanted: Vec<Expr>,
    pub(super) data: DataValues,
}

/// The values of data files.
pub(super) enum DataValues {
    /// They are part of the configuration.
    Merged(Vec<Expr>),
    /// Each is unified by itself with the schema, or with the whole configuration.
    Each { schema: Option<Expr>, values: Vec<Expr> },
}

impl Query {
    /// Loads what the arguments name.
    pub(super) fn load(&self, one_by_one: &OneByOne, streams: &Streams<'_>) -> Result<Asked, Failure> {
        self.data_flags.refuse()?;
        if one_by_one.is_wanted() && self.placement.is_used() {
            return Err(Failure::usage(
                "`-d` and `--merge=false` take values where they are: without `-l` and `--list`",
            ));
        }
        if one_by_one.is_wanted() && !self.expressions.is_empty() {
            return Err(unsupported("`-e` together with `-d` or `--merge=false` is not supported"));
        }
        let mut build = self.input.load(streams)?;
        if one_by_one.schema.is_some() && build.data.is_empty() {
            return Err(Failure::usage("`-d` is for data files, and there is none among the arguments"));
        }
        let schema = expressions(&mut build, one_by_one.schema.as_slice(), "-d")?.pop();
        let wanted = expressions(&mut build, &self.expressions, "-e")?;
        let values = self.placement.place_all(&mut build)?;
        let data = match one_by_one.is_wanted() && !build.data.is_empty() {
            true => DataValues::Each { schema, values },
            false => DataValues::Merged(values),
        };
        Ok(Asked { build, wanted, data })
    }
}

/// A value of data unified with the schema, or with the whole package: what is closed there is closed for it.
pub(super) fn checked(build: &Build, main: usize, schema: Option<&Expr>, value: &Expr) -> Result<Value, Failure> {
    let instance = build.instance(main, &[], Limits::default());
    let both = instance.and_then(|instance| {
        let both = instance.value(schema).unify(&instance.value(Some(value)));
        both.map_err(|failed| failed.errors)
    });
    both.map_err(|errors| Failure::new(errors, &build.sources))
}
