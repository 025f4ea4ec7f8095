//! The project's own rules for its values, and what is said of an environment as a whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use shipway_core::{
    config::rules::{Asked, contradictions, violations},
    spec::{EnvironmentPlan, LOCAL_TARGET, RuleSpec},
};

use super::report::Report;
use crate::{
    field::Field,
    read::Source,
    resolve::{Layer, is_awaited},
};

/// Rules that can't be kept, whatever the values.
pub(super) fn check_rules(source: &Source, report: &mut Report<'_>) {
    let (places, rules) = rules(source);
    for found in contradictions(&rules) {
        report.critical(&Field::of(&["rules"]).index(places[found.rule]), found.message, found.advice);
    }
}

/// Values that break a rule.
pub(super) fn check(source: &Source, plan: &EnvironmentPlan, layers: &[Layer], report: &mut Report<'_>) {
    let (_, rules) = rules(source);
    if rules.is_empty() {
        return;
    }
    let mut facts = serde_json::to_value(&plan.facts).unwrap_or_default();
    facts["name"] = json!(plan.name);
    facts["type"] = json!(plan.kind);
    let as_json = |spec| {
        let mut tree = serde_json::to_value(spec).unwrap_or_default();
        tree["environment"] = facts.clone();
        tree
    };
    let services: BTreeMap<_, Value> = plan.services.iter().map(|(name, spec)| (name.clone(), as_json(spec))).collect();
    let asked = Asked { environment: &plan.name, kind: plan.kind, services: &services };
    // What a remote has yet to say is asked for once it has answered.
    let awaited = is_awaited(source, &plan.name, layers);
    for broken in violations(&rules, asked).into_iter().filter(|broken| !(awaited && broken.is_missing)) {
        let key: Vec<&str> = rules[broken.rule].key.split('.').collect();
        let field = match key.as_slice() {
            ["environment", rest @ ..] => Field::of(&[["environments", plan.name.as_str()].as_slice(), rest].concat()),
            key => Field::of(&[["services", broken.service.as_str()].as_slice(), key].concat()),
        };
        report.critical(&field, broken.message, broken.advice);
    }
}

/// What is said of the environment as a whole.
pub(super) fn check_facts(plan: &EnvironmentPlan, report: &mut Report<'_>) {
    let at = |key: &str| Field::of(&["environments", plan.name.as_str(), key]);
    if let Some(target) = plan.facts.target.as_deref().filter(|target| *target != LOCAL_TARGET) {
        let message = format!("there is no target `{target}`: this server has `{LOCAL_TARGET}`");
        report.critical(&at("target"), message, format!("write `target = \"{LOCAL_TARGET}\"`, or leave it out"));
    }
    for (number, place) in plan.facts.monitoring.iter().enumerate() {
        if !place.url.starts_with("http://") && !place.url.starts_with("https://") {
            let message = format!("`{}` is no address that can be opened: {}", place.name, place.url);
            report.critical(&at("monitoring").index(number).key("url"), message, "begin it with https://");
        }
    }
}

/// The rules that can be read, each with its place in the file. The others are findings of the shape.
fn rules(source: &Source) -> (Vec<usize>, Vec<RuleSpec>) {
    let items = source.tree["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().enumerate().filter_map(|(at, item)| Some((at, RuleSpec::deserialize(item).ok()?))).unzip()
}
