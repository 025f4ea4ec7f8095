//! Rules that need values: what defaults do where references lead to other values and other defaults.
//!
//! Not here: what can be seen in the text (`fallback`, `layers`).

use super::{Finding, Rule};
use crate::data::Data;
use crate::encode;
use crate::provenance::{Alternative, Fate, Provenance, Role, Said};

/// The findings in values that were explained ([`crate::Instance::why`]).
#[must_use]
pub fn lint_values(found: &[Provenance]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for provenance in found {
        let of_fallbacks = provenance.said.iter().filter_map(unused);
        let all = of_fallbacks.chain(two_defaults(&provenance.said).filter(|_| provenance.value.is_err()));
        for finding in all.map(|finding| finding.path(&provenance.path)) {
            let same = |known: &Finding| known.rule == finding.rule && known.error.labels == finding.error.labels;
            if !findings.iter().any(same) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// A default that is taken although a reference beside it has a value.
fn unused(said: &Said) -> Option<Finding> {
    let default = said.alternatives.iter().find(|alternative| alternative.fate == Fate::Taken)?;
    let is_unused = |other: &&Alternative| !other.is_default && other.fate == Fate::Left && other.value.is_some();
    let other = said.alternatives.iter().find(is_unused)?;
    let value = other.value.as_ref()?;
    if said.role != Role::Default || default.value.as_ref() == Some(value) {
        return None;
    }
    let message = format!("the reference has the value {}, but the marked alternative is taken", shown(value));
    let finding = Finding::new(Rule::FallbackNeverUsed, message, said.span).at(other.span, "this has a value");
    Some(finding.help("mark the reference instead, to use the other alternative only where it has no value"))
}

/// Two disjunctions whose defaults differ: there is none then.
fn two_defaults(said: &[Said]) -> Option<Finding> {
    let mut defaults = said.iter().flat_map(|said| said.alternatives.iter().filter(|one| one.is_default));
    let one = defaults.find(|alternative| alternative.value.is_some())?;
    let other = defaults.find(|other| other.value.is_some() && other.value != one.value)?;
    let (a, b) = (shown(one.value.as_ref()?), shown(other.value.as_ref()?));
    let message = format!("two defaults for one field, {a} and {b}: then it has none");
    let finding = Finding::new(Rule::TwoDefaults, message, one.span).at(other.span, "the other default");
    Some(finding.help("let one layer give the default, and others a value"))
}

fn shown(value: &Data) -> String {
    encode::json_compact(value, false)
}
