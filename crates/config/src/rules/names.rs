//! Names of project, services, environments and groups, and what groups hold.

use serde_json::{Map, Value};
use shipway_core::{id::name_fault, spec::GroupSpec, strategy::StrategySpec};

use super::{order, report::Report, traffic};
use crate::{
    field::Field,
    read::Source,
    suggest::{all, nearest},
};

/// Read from the tree, so that one bad name keeps no other from being seen.
pub(super) fn check(source: &Source, report: &mut Report<'_>) {
    if let Some(name) = source.tree["project"]["name"].as_str() {
        name_is_well_formed("project", name, &Field::of(&["project", "name"]), report);
    }
    for (table, what) in [("services", "service"), ("environments", "environment"), ("groups", "group")] {
        for name in names(&source.tree[table]) {
            name_is_well_formed(what, name, &Field::of(&[table, name]), report);
        }
    }
    for (table, example) in [("services", "[services.web]"), ("environments", "[environments.staging]")] {
        if source.tree[table].as_object().is_some_and(Map::is_empty) {
            let message = format!("the file has no {table}");
            report.critical(&Field::of(&[table]), message, format!("add at least one: `{example}`"));
        }
    }
    groups(source, report);
}

pub(super) fn names(table: &Value) -> impl Iterator<Item = &str> {
    table.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

fn name_is_well_formed(what: &str, name: &str, at: &Field, report: &mut Report<'_>) {
    if let Some(fault) = name_fault(name) {
        let advice = "use up to 63 of a-z, 0-9 and `-`, beginning with a letter, for instance `web-2`";
        report.critical(at, format!("the {what}'s name `{name}` {fault}"), advice);
    }
}

fn groups(source: &Source, report: &mut Report<'_>) {
    use serde::Deserialize;
    let known: Vec<&str> = names(&source.tree["services"]).collect();
    for (name, group) in source.tree["groups"].as_object().into_iter().flatten() {
        let at = Field::of(&["groups", name]);
        let Ok(group) = GroupSpec::deserialize(group) else {
            continue;
        };
        members(&group, &known, &at.key("services"), report);
        order::check(&group, &at.key("order"), report);
        if let Some(StrategySpec::Rolling(rolling)) = &group.strategy {
            traffic::rolling_can_move(rolling, &at.key("strategy"), report);
        }
    }
}

fn members(group: &GroupSpec, known: &[&str], at: &Field, report: &mut Report<'_>) {
    if group.services.is_empty() {
        report.critical(at, "the group has no services", format!("name some of {}", all(known.iter().copied())));
    }
    for (index, member) in group.services.iter().enumerate() {
        let at = at.index(index);
        if group.services[..index].contains(member) {
            report.warning(&at, format!("the group names `{member}` twice"), "name it once");
        }
        exists(member.as_str(), known, &at, report);
    }
}

/// Whether a service that is named exists.
pub(super) fn exists(name: &str, known: &[&str], at: &Field, report: &mut Report<'_>) {
    if known.contains(&name) {
        return;
    }
    let meant = nearest(name, known.iter().copied());
    let guess = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
    let advice = match meant {
        Some(meant) => format!("write `{meant}`"),
        None => format!("name one of {}", all(known.iter().copied())),
    };
    report.critical(at, format!("there is no service `{name}`{guess}"), advice);
}
