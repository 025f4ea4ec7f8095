//! `def`: a configuration as one file of CUE, not evaluated, but with all that is said of one field in one place; or
//! the definition that an expression is, by itself.
//!
//! Not here: values (`eval`).

use clap::Args;

use super::input::{Input, expressions};
use super::output::{Format, Output};
use super::placement::Placement;
use super::{Failure, Streams};
use crate::error::{Code, Error};
use crate::load::Build;
use crate::syntax::ast::Expr;
use crate::{Failed, Limits, Style};

/// Print consolidated definitions
#[derive(Args, Clone, Debug)]
pub struct Def {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    placement: Placement,
    /// All that this expression is, by itself; may be given several times
    #[arg(short = 'e', long = "expression", value_name = "EXPR")]
    expressions: Vec<String>,
    /// Print attributes, too; they always are
    #[arg(short = 'A', long)]
    show_attributes: bool,
    /// Put what is imported in the place of the import (not supported)
    #[arg(long)]
    inline_imports: bool,
}

impl Def {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        if self.inline_imports {
            return Err(unsupported("`--inline-imports` is not supported"));
        }
        if self.output.format(Format::Cue)? != Format::Cue {
            return Err(unsupported("definitions in another format than CUE are not supported"));
        }
        let mut build = self.input.load(streams)?;
        let wanted = expressions(&mut build, &self.expressions, "-e")?;
        let mut data = Vec::new();
        for file in build.data.clone() {
            data.extend(self.placement.place(&mut build, &file)?);
        }
        let mut texts = Vec::new();
        for main in build.instances.clone() {
            let found = definitions(&build, main, &data, &wanted);
            texts.extend(found.map_err(|errors| Failure::new(errors, &build.sources))?);
        }
        let texts: Vec<(String, String)> = texts.into_iter().map(|text| (String::new(), text)).collect();
        self.output.write_cue(&texts, streams)
    }
}

fn definitions(build: &Build, main: usize, data: &[Expr], wanted: &[Expr]) -> Result<Vec<String>, Vec<Error>> {
    let instance = build.instance(main, data, Limits::default())?;
    let texts: Result<Vec<String>, Failed> = match wanted {
        [] => instance.value(None).package_to_cue().map(|text| vec![text]),
        _ => wanted.iter().map(|expr| instance.value(Some(expr)).to_cue(Style::WHOLE)).collect(),
    };
    texts.map_err(|failed| failed.errors)
}

fn unsupported(message: &str) -> Failure {
    Failure::plain(Error::new(Code::Unsupported, message, None))
}
