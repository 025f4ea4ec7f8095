//! `lint`: what a configuration says without meaning it.
//!
//! Not here: the rules (that is [`crate::lint`]).

use clap::Args;

use super::input::Input;
use super::{Failure, Streams};
use crate::lint;
use crate::report;

/// Find what is no error but may not be meant
#[derive(Args, Clone, Debug)]
pub struct Lint {
    #[command(flatten)]
    input: Input,
}

impl Lint {
    /// Prints the findings; says whether there are none.
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<bool, Failure> {
        let build = self.input.load(streams)?;
        let mut clean = true;
        for main in &build.instances {
            let Some(package) = build.packages.get(*main) else { continue };
            let files: Vec<_> = package.files.iter().map(|file| file.tree.clone()).collect();
            for finding in lint::lint(&files) {
                clean = false;
                let text = report::finding(finding.rule.name(), &finding.error, &build.sources, streams.colours);
                let _ = writeln!(streams.out, "{text}");
            }
        }
        Ok(clean)
    }
}
