//! Where environments promote to: somewhere that exists, and never round in a circle.

use shipway_core::spec::EnvironmentPlan;

use super::report::Report;
use crate::{field::Field, read::Source, suggest::nearest};

/// Environments that are gone through when a circle is looked for.
const STEPS_MAX: usize = 1000;

pub(super) fn check(source: &Source, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    let Some(to) = &plan.promotes_to else { return };
    let at = Field::of(&["environments", plan.name.as_str(), "promotes_to"]);
    let known: Vec<&str> = environments(source).collect();
    if !known.contains(&to.as_str()) {
        let meant = nearest(to.as_str(), known.iter().copied());
        let advice = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the environments are {}", known.join(", ")),
        };
        report.critical(&at, format!("there is no environment `{to}` to promote to"), advice);
        return;
    }
    if comes_back(source, plan.name.as_str()) {
        let message = format!("`{}` promotes to itself, by way of `{to}`", plan.name);
        report.critical(&at, message, "take `promotes_to` away from one of the environments of the circle");
    }
}

fn environments(source: &Source) -> impl Iterator<Item = &str> {
    source.tree["environments"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
}

/// Whether what goes on from an environment comes there again.
fn comes_back(source: &Source, name: &str) -> bool {
    let next = |name: &str| source.tree["environments"][name]["promotes_to"].as_str();
    let mut at = name;
    for _ in 0..STEPS_MAX {
        match next(at) {
            Some(to) if to == name => return true,
            Some(to) => at = to,
            None => return false,
        }
    }
    false
}
