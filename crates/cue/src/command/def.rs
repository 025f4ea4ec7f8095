//! `def`: a configuration as one file of CUE, not evaluated, but with all that is said of one field in one place; or
//! the definition that an expression is, by itself.
//!
//! Not here: values (`eval`).

use clap::Args;

use super::flags::{refuse, unsupported};
use super::output::Format;
use super::query::{Asked, DataValues, OneByOne, Query};
use super::{Failure, Streams};
use crate::error::Error;
use crate::load::Build;
use crate::syntax::ast::Expr;
use crate::{Failed, Limits, Style};

/// Print consolidated definitions
#[derive(Args, Clone, Debug)]
pub struct Def {
    #[command(flatten)]
    pub(super) query: Query,
    /// Print attributes, too; they always are
    #[arg(short = 'A', long)]
    show_attributes: bool,
    #[arg(long, hide = true)]
    inline_imports: bool,
    #[arg(short = 'd', long, hide = true)]
    schema: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1)]
    merge: Option<String>,
}

impl Def {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        refuse(&[
            (self.inline_imports, "--inline-imports"),
            (self.schema.is_some(), "--schema"),
            (self.merge.is_some(), "--merge"),
        ])?;
        if self.query.output.format(Format::Cue)? != Format::Cue {
            return Err(unsupported("definitions in another format than CUE are not supported"));
        }
        let Asked { build, wanted, data } = self.query.load(&OneByOne::default(), streams)?;
        let (DataValues::Merged(data) | DataValues::Each { values: data, .. }) = data;
        let mut texts = Vec::new();
        for main in build.instances.iter().copied() {
            let found = definitions(&build, main, &data, &wanted);
            texts.extend(found.map_err(|errors| Failure::new(errors, &build.sources))?);
        }
        let texts: Vec<(String, String)> = texts.into_iter().map(|text| (String::new(), text)).collect();
        self.query.output.write_cue(&texts, streams)
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
