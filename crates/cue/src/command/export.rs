//! `export`: the concrete value of a configuration, or of expressions in it.
//!
//! Not here: values that are still open.

use clap::Args;

use super::input::{Input, expressions};
use super::output::Output;
use super::placement::Placement;
use super::{Failure, Streams};
use crate::Limits;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::load::Build;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind};

/// Print the concrete value of a configuration
#[derive(Args, Clone, Debug)]
pub struct Export {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    placement: Placement,
    /// The value of this expression only; may be given several times
    #[arg(short = 'e', long = "expression", value_name = "EXPR")]
    expressions: Vec<String>,
    /// Check each value of the data files against this expression, and print them
    #[arg(short = 'd', long, value_name = "EXPR")]
    schema: Option<String>,
}

impl Export {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut build = self.input.load(streams)?;
        let schema = expressions(&mut build, self.schema.as_slice(), "-d")?.pop();
        let wanted = expressions(&mut build, &self.expressions, "-e")?;
        if schema.is_some() && self.placement.is_used() {
            return Err(Failure::usage(
                "`-d` checks values where they are: it can't be combined with `-l` or `--list`",
            ));
        }
        let mut data = Vec::new();
        for file in build.data.clone() {
            data.extend(self.placement.place(&mut build, &file)?);
        }
        let mut results = Vec::new();
        for main in build.instances.clone() {
            let found = match &schema {
                Some(schema) => with_schema(&build, main, schema, &wanted),
                None => merged(&build, main, &data, &wanted),
            };
            results.extend(found.map_err(|errors| Failure::new(errors, &build.sources))?);
        }
        self.output.write(&results, streams)
    }
}

/// The values of a configuration that all data is part of.
fn merged(build: &Build, main: usize, data: &[Expr], wanted: &[Expr]) -> Result<Vec<Data>, Vec<Error>> {
    let instance = build.instance(main, data, Limits::default())?;
    let found = match wanted {
        [] => instance.data(None).map(|value| vec![value]),
        wanted => wanted.iter().map(|expr| instance.data(Some(expr))).collect(),
    };
    if build.instances.last() == Some(&main) {
        // The process ends soon: to give a large graph back piece by piece would take a sixth of its time.
        std::mem::forget(instance);
    }
    found
}

/// The values of the data files, each of them unified with the schema.
fn with_schema(build: &Build, main: usize, schema: &Expr, wanted: &[Expr]) -> Result<Vec<Data>, Vec<Error>> {
    if let Some(wanted) = wanted.first() {
        let message = "`-e` together with `-d` is not supported";
        return Err(vec![Error::new(Code::Unsupported, message, Some(wanted.span))]);
    }
    let instance = build.instance(main, &[], Limits::default())?;
    let values = build.data.iter().flat_map(|file| &file.values);
    let checked = values.map(|value| {
        let (left, right) = (Box::new(schema.clone()), Box::new(value.clone()));
        let kind = ExprKind::Binary { op: BinaryOp::And, op_span: schema.span, left, right };
        instance.data(Some(&Expr { kind, span: value.span }))
    });
    checked.collect()
}
