//! What gates must be so that they can be asked at all. Whether the machine knows a time zone says the engine.

use shipway_core::{
    gate::{
        Gates,
        declared::{GatesSpec, WindowSpec},
        zone::{Zone, Zones},
    },
    spec::EnvironmentPlan,
};

use super::report::Report;
use crate::field::Field;

pub(super) fn check(plan: &EnvironmentPlan, report: &mut Report<'_>) {
    let at = Field::of(&["environments", plan.name.as_str(), "gates"]);
    windows(&plan.gates, &at, report);
    names("windows", &plan.gates.windows, &at, report);
    names("freezes", &plan.gates.freezes, &at, report);
    lengths(&plan.gates, &at, report);
    for key in ["branches", "required_checks"] {
        let list = if key == "branches" { &plan.gates.branches } else { &plan.gates.required_checks };
        if list.iter().any(|name| name.trim().is_empty()) {
            report.critical(&at.key(key), format!("a name in `{key}` is empty: nothing fits it"), "take it out");
        }
    }
}

/// Each alone. Which zones there are nobody knows here: one is as good as another.
fn windows(gates: &GatesSpec, at: &Field, report: &mut Report<'_>) {
    let zones = gates.zones().into_iter().map(Zone::unread).fold(Zones::default(), Zones::with);
    for fault in Gates::read(gates, &zones).err().unwrap_or_default() {
        report.critical(&at.key(fault.list).index(fault.number).key(fault.key), fault.message, fault.advice);
    }
}

fn names(list: &str, windows: &[WindowSpec], at: &Field, report: &mut Report<'_>) {
    for (number, window) in windows.iter().enumerate() {
        let field = at.key(list).index(number).key("name");
        if window.name.trim().is_empty() {
            report.critical(&field, "it has no name: nobody could say which one holds", "give it a name");
        } else if windows[..number].iter().any(|other| other.name == window.name) {
            report.critical(&field, format!("`{}` is there twice", window.name), "give each a name of its own");
        }
    }
}

fn lengths(gates: &GatesSpec, at: &Field, report: &mut Report<'_>) {
    if let Some(approvals) = &gates.approvals {
        let at = at.key("approvals");
        if approvals.roles.is_empty() {
            report.critical(&at.key("roles"), "nobody could ever approve", "name at least one role");
        }
        if approvals.expires.ms == 0 {
            report.critical(&at.key("expires"), "an approval would never hold", "write it like `expires = \"7d\"`");
        }
    }
    if gates.rate.as_ref().is_some_and(|rate| rate.per.ms == 0) {
        let message = "`per` is no time at all: nothing would ever be counted";
        report.critical(&at.key("rate").key("per"), message, "write it like `per = \"1h\"`");
    }
    if gates.artifact_max_age.is_some_and(|age| age.ms == 0) {
        let message = "every artifact is older than no time at all";
        report.critical(&at.key("artifact_max_age"), message, "write it like `artifact_max_age = \"30d\"`");
    }
}
