//! `lint`: what a configuration says without meaning it.
//!
//! Not here: the rules (that is [`crate::lint`]).

use clap::Args;

use super::input::Input;
use super::{Failure, Streams};
use crate::Limits;
use crate::lint::{self, Finding};
use crate::load::Build;
use crate::provenance::Provenance;
use crate::report;
use crate::syntax::ast::File;

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
            let files: Vec<&File> = package.files.iter().map(|file| &*file.tree).collect();
            let explained = build.instance(*main, &[], Limits::default()).and_then(|instance| instance.why(None, ""));
            if explained.is_err() {
                let _ = writeln!(streams.err, "only what is written was looked at, as it has no value; `vet` says why");
            }
            for finding in findings(&build, *main, &files, &explained.unwrap_or_default()) {
                clean = false;
                let text = report::finding(finding.rule.name(), &finding.error, &build.sources, streams.colours);
                let _ = writeln!(streams.out, "{text}");
            }
        }
        Ok(clean)
    }
}

/// What the text shows, and what the values show.
fn findings(build: &Build, main: usize, files: &[&File], explained: &[Provenance]) -> Vec<Finding> {
    let others = build.packages.iter().enumerate().filter(|(index, _)| *index != main);
    let imported = others.flat_map(|(_, package)| package.files.iter().map(|file| &*file.tree));
    lint::lint_values(files.iter().copied(), imported, explained)
}
