//! `export`: the concrete value of a configuration, or of expressions in it.
//!
//! Not here: values that are still open.

use clap::Args;

use super::query::{Asked, DataValues, OneByOne, Query, checked};
use super::{Failure, Streams};
use crate::Limits;
use crate::data::Data;
use crate::error::Error;
use crate::load::Build;
use crate::syntax::ast::Expr;

/// Print the concrete value of a configuration
#[derive(Args, Clone, Debug)]
pub struct Export {
    #[command(flatten)]
    pub(super) query: Query,
    #[command(flatten)]
    one_by_one: OneByOne,
}

impl Export {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let Asked { build, wanted, data } = self.query.load(&self.one_by_one, streams)?;
        let failed = |errors: Vec<Error>| Failure::new(errors, &build.sources);
        let mut results = Vec::new();
        for main in build.instances.iter().copied() {
            match &data {
                DataValues::Merged(values) => {
                    results.extend(merged(&build, main, values, &wanted).map_err(failed)?);
                }
                DataValues::Each { schema, values } => {
                    for value in values {
                        let value = checked(&build, main, schema.as_ref(), value)?;
                        results.push(value.to_data().map_err(|wrong| failed(wrong.errors))?);
                    }
                }
            }
        }
        self.query.output.write(&results, streams)
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
