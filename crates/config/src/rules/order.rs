//! The waves of a group: each member once, and nobody before what it depends on.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use shipway_core::{
    id::ServiceName,
    spec::{EnvironmentPlan, GroupSpec, Order},
};

use super::report::Report;
use crate::{
    field::Field,
    read::Source,
    suggest::{all, nearest},
};

/// What is the same in every environment: who is named, and how often.
pub(super) fn check(group: &GroupSpec, at: &Field, report: &mut Report<'_>) {
    let Some(waves) = waves(group) else { return };
    if waves.is_empty() {
        report.warning(
            at,
            "the order has no waves, so it orders nothing",
            "add waves, or write `order = \"parallel\"`",
        );
    }
    let mut named: Vec<&ServiceName> = Vec::new();
    for (index, wave) in waves.iter().enumerate() {
        let at = at.index(index);
        if wave.is_empty() {
            report.warning(&at, format!("wave {} is empty", index + 1), "name services in it, or remove it");
        }
        for (index, service) in wave.iter().enumerate() {
            is_member(service, group, &at.index(index), report);
            if named.contains(&service) {
                let message = format!("the order names `{service}` twice");
                report.critical(&at.index(index), message, "name it in one wave alone");
            }
            named.push(service);
        }
    }
}

/// What an environment may say otherwise: who depends on whom.
pub(super) fn check_environment(source: &Source, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    for (name, group) in source.tree["groups"].as_object().into_iter().flatten() {
        if let Ok(group) = GroupSpec::deserialize(group) {
            keeps_to_dependencies(&group, plan, &Field::of(&["groups", name, "order"]), report);
        }
    }
}

fn waves(group: &GroupSpec) -> Option<&[Vec<ServiceName>]> {
    match &group.order {
        Some(Order::Waves(waves)) => Some(waves),
        _ => None,
    }
}

fn is_member(service: &ServiceName, group: &GroupSpec, at: &Field, report: &mut Report<'_>) {
    if group.services.contains(service) {
        return;
    }
    let members = || group.services.iter().map(ServiceName::as_str);
    let meant = nearest(service.as_str(), members());
    let guess = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
    let advice = match meant {
        Some(meant) => format!("write `{meant}`"),
        None => format!("name one of {}, or add `{service}` to the group's `services`", all(members())),
    };
    report.critical(at, format!("`{service}` is no member of the group{guess}"), advice);
}

fn keeps_to_dependencies(group: &GroupSpec, plan: &EnvironmentPlan, at: &Field, report: &mut Report<'_>) {
    let Some(waves) = waves(group) else { return };
    for (number, wave) in waves.iter().enumerate() {
        let members = wave.iter().enumerate().filter(|(_, service)| group.services.contains(service));
        for (index, service) in members {
            for way in ways(service, plan) {
                let Some(last) = way.last().filter(|last| group.services.contains(last)) else { continue };
                if wave_of(last, waves) > number {
                    let message = format!("`{service}` comes before `{last}`, for which it waits: {}", written(&way));
                    let advice = format!("put `{last}` into an earlier wave, or both into the same");
                    report.critical(&at.index(number).index(index), message, advice);
                }
            }
        }
    }
}

/// Who is named in no wave comes in a last one.
fn wave_of(service: &ServiceName, waves: &[Vec<ServiceName>]) -> usize {
    waves.iter().position(|wave| wave.contains(service)).unwrap_or(waves.len())
}

fn written(way: &[&ServiceName]) -> String {
    way.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" -> ")
}

/// The shortest way from a service to each that it waits for, itself first.
fn ways<'a>(service: &'a ServiceName, plan: &'a EnvironmentPlan) -> Vec<Vec<&'a ServiceName>> {
    let mut before: BTreeMap<&ServiceName, &ServiceName> = BTreeMap::new();
    let mut waiting = VecDeque::from([service]);
    let mut ways = Vec::new();
    while let Some(name) = waiting.pop_front() {
        for dependency in plan.services.get(name).into_iter().flat_map(|spec| &spec.serve.depends_on) {
            if dependency != service && !before.contains_key(dependency) {
                before.insert(dependency, name);
                waiting.push_back(dependency);
                ways.push(way_back(dependency, &before));
            }
        }
    }
    ways
}

fn way_back<'a>(end: &'a ServiceName, before: &BTreeMap<&'a ServiceName, &'a ServiceName>) -> Vec<&'a ServiceName> {
    let mut way = vec![end];
    while let Some(name) = way.last().and_then(|last| before.get(last)) {
        way.push(name);
    }
    way.reverse();
    way
}
