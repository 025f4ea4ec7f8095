//! From the text of a spec to a checked project, or to findings with file, line and a hint.
//!
//! `read::parse` makes a tree of the text; `check` holds it against the schema; `resolve` lays everything over
//! everything for one environment; `rules` asks what the values mean together; `findings` does all of that at once.
//!
//! Not here, and never to come: IO, a clock, the machine. What depends on the machine is the engine's to validate.

pub mod check;
pub mod explained;
mod fault;
mod field;
pub mod layers;
mod named;
mod place;
pub mod read;
pub mod reference;
pub mod resolve;
pub mod rules;
pub mod schema;
mod shape;
mod show;
mod spelled;
pub mod suggest;
mod walk;

use shipway_core::{
    finding::{Finding, Severity},
    id::EnvironmentName,
};

use crate::{read::Source, resolve::Layer};

/// An environment that is asked about, with what lies above the file there.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The environment.
    pub environment: EnvironmentName,
    /// The layers, the weakest first.
    pub layers: Vec<Layer>,
}

impl Target {
    /// Every environment of the file, with nothing above the file.
    pub fn all(source: &Source) -> Vec<Self> {
        let alone = |environment| Self { environment, layers: Vec::new() };
        resolve::environments(source).into_iter().map(alone).collect()
    }
}

/// Everything that can be said about a file and the environments asked about, each thing once: what blocks first, then
/// by line. One fault keeps no other from being seen.
pub fn findings(source: &Source, targets: &[Target]) -> Vec<Finding> {
    let mut found = check::check(source);
    found.extend(rules::of_file(source));
    for target in targets {
        match resolve::draft(source, target.environment.as_str(), &target.layers) {
            Err(findings) => found.extend(findings),
            Ok(draft) => {
                found.extend(rules::of_draft(source, &draft, &target.layers));
                found.extend(draft.findings);
            }
        }
    }
    in_order(spelled::as_written(source, found))
}

/// Each finding once: what blocks first, then by line.
fn in_order(found: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        if !kept.contains(&finding) {
            kept.push(finding);
        }
    }
    kept.sort_by_key(|finding| (order_of(finding.severity), finding.line));
    kept
}

fn order_of(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}
