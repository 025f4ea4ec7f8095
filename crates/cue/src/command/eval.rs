//! `eval`: the value of a configuration, or of expressions in it, as CUE: what is open stays open.
//!
//! Not here: values as they were written (`def`).

use clap::Args;

use super::output::Format;
use super::query::{Asked, DataValues, OneByOne, Query, checked};
use super::{Failure, Streams};
use crate::format::format_expr_on_one_line;
use crate::load::Build;
use crate::syntax::ast::Expr;
use crate::{Limits, Style, Value};

/// Evaluate and print a configuration
#[derive(Args, Clone, Debug)]
pub struct Eval {
    #[command(flatten)]
    pub(super) query: Query,
    #[command(flatten)]
    one_by_one: OneByOne,
    /// Every field has a concrete value; only regular fields are printed
    #[arg(short, long)]
    concrete: bool,
    /// Print optional and hidden fields, too
    #[arg(short, long)]
    all: bool,
    /// Print hidden fields, too
    #[arg(short = 'H', long)]
    show_hidden: bool,
    /// Print optional fields, too
    #[arg(short = 'O', long)]
    show_optional: bool,
    /// Print attributes, too
    #[arg(short = 'A', long)]
    show_attributes: bool,
}

/// A value, and what stands above it where several are printed.
type Named = (String, Value);

impl Eval {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let Asked { build, wanted, data } = self.query.load(&self.one_by_one, streams)?;
        let mut found = Vec::new();
        for main in build.instances.iter().copied() {
            match &data {
                DataValues::Merged(values) => found.extend(merged(&build, main, values, &wanted)?),
                DataValues::Each { schema, values } => {
                    for value in values {
                        found.push((String::new(), checked(&build, main, schema.as_ref(), value)?));
                    }
                }
            }
        }
        let failed = |failed: crate::Failed| Failure::new(failed.errors, &build.sources);
        if self.query.output.format(Format::Cue)? != Format::Cue {
            let data = found.iter().map(|(_, value)| value.to_data()).collect::<Result<Vec<_>, _>>();
            return self.query.output.write(&data.map_err(failed)?, streams);
        }
        let written = found.iter().map(|(name, value)| Ok((name.clone(), self.text(value)?)));
        let written = written.collect::<Result<Vec<_>, crate::Failed>>().map_err(failed)?;
        self.query.output.write_cue(&written, streams)
    }

    fn text(&self, value: &Value) -> Result<String, crate::Failed> {
        if self.concrete {
            value.to_data()?;
        }
        let (hidden, optional) = (self.all || self.show_hidden, self.all || self.show_optional);
        let style = if self.concrete { Style::CONCRETE } else { Style { hidden, optional, ..Style::RESULT } };
        let style = Style { attributes: self.show_attributes, ..style };
        value.to_cue(style).map(|text| indented_by_spaces(&text))
    }
}

/// The values of the expressions, each named if they are several; else the value of the package. All data is part of
/// it.
fn merged(build: &Build, main: usize, data: &[Expr], wanted: &[Expr]) -> Result<Vec<Named>, Failure> {
    let instance = build.instance(main, data, Limits::default());
    let instance = instance.map_err(|errors| Failure::new(errors, &build.sources))?;
    let package = build.packages.get(main).map(|package| package.path.to_string()).unwrap_or_default();
    let package = if build.instances.len() > 1 { package } else { String::new() };
    if wanted.is_empty() {
        return Ok(vec![(package, instance.value(None))]);
    }
    let name = |expr| if wanted.len() > 1 { format_expr_on_one_line(expr) } else { package.clone() };
    Ok(wanted.iter().map(|expr| (name(expr), instance.value(Some(expr)))).collect())
}

/// The same with four spaces for each tab that a line starts with, as `cue eval` prints.
fn indented_by_spaces(text: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start_matches('\t');
        "    ".repeat(line.len() - rest.len()) + rest
    };
    text.split_inclusive('\n').map(line).collect()
}
