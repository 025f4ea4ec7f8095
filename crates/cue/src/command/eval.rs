//! `eval`: the value of a configuration, or of expressions in it, as CUE: what is open stays open.
//!
//! Not here: values as they were written (`def`).

use clap::Args;

use super::input::{Input, expressions};
use super::output::{Format, Output};
use super::placement::Placement;
use super::{Failure, Streams};
use crate::error::Error;
use crate::format::format_expr_on_one_line;
use crate::load::Build;
use crate::syntax::ast::Expr;
use crate::{Limits, Style, Value};

/// Evaluate and print a configuration
#[derive(Args, Clone, Debug)]
pub struct Eval {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    placement: Placement,
    /// The value of this expression only; may be given several times
    #[arg(short = 'e', long = "expression", value_name = "EXPR")]
    expressions: Vec<String>,
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

impl Eval {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut build = self.input.load(streams)?;
        let wanted = expressions(&mut build, &self.expressions, "-e")?;
        let mut data = Vec::new();
        for file in build.data.clone() {
            data.extend(self.placement.place(&mut build, &file)?);
        }
        let mut found = Vec::new();
        for main in build.instances.clone() {
            let values = values(&build, main, &data, &wanted);
            found.extend(values.map_err(|errors| Failure::new(errors, &build.sources))?);
        }
        let failed = |failed: crate::Failed| Failure::new(failed.errors, &build.sources);
        if self.output.format(Format::Cue)? != Format::Cue {
            let data = found.iter().map(|(_, value)| value.to_data()).collect::<Result<Vec<_>, _>>();
            return self.output.write(&data.map_err(failed)?, streams);
        }
        let written = found.iter().map(|(name, value)| Ok((name.clone(), self.text(value)?)));
        let written = written.collect::<Result<Vec<_>, crate::Failed>>().map_err(failed)?;
        self.output.write_cue(&written, streams)
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

/// The values of the expressions, each named if they are several; else the value of the package.
fn values(build: &Build, main: usize, data: &[Expr], wanted: &[Expr]) -> Result<Vec<(String, Value)>, Vec<Error>> {
    let instance = build.instance(main, data, Limits::default())?;
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
