//! Checks of how services work together: who calls whom, and that each asks one thing that can be asked.
//! Not here: the questions themselves (`asks`), when they are asked (the planner).

use serde::Deserialize;
use shipway_core::{
    finding::{Category, Severity},
    spec::{EnvironmentPlan, InteractionSpec, ServiceKind},
};

use super::{asks, names, report::Report};
use crate::{field::Field, read::Source};

/// What is the same in every environment: names, services, questions.
pub(super) fn check(source: &Source, report: &mut Report<'_>) {
    let known: Vec<&str> = names::names(&source.tree["services"]).collect();
    let mut taken: Vec<String> = Vec::new();
    for (at, interaction) in each(source) {
        name_is_its_own(&interaction.name, &taken, &at.key("name"), report);
        names::exists(interaction.from.as_str(), &known, &at.key("from"), report);
        if let Some(to) = &interaction.to {
            names::exists(to.as_str(), &known, &at.key("to"), report);
        }
        asks::ask(&interaction.ask, &at, report);
        if interaction.ask.tcp == Some(true) {
            report.warning(
                &at.key("tcp"),
                "`tcp` proves nothing here: between services it is the proxy that accepts connections",
                "ask something of the service: `http = \"/healthz\"`, or a `command`",
            );
        }
        taken.push(interaction.name);
    }
}

/// What an environment may say otherwise: dependencies and kinds.
pub(super) fn check_environment(source: &Source, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    for (at, interaction) in each(source) {
        has_a_way(plan, &interaction, &at, report);
        runs_in_public(plan, &interaction, &at, report);
    }
}

/// Read one by one from the tree, so that each keeps its index, and a bad one keeps no other from being seen.
fn each(source: &Source) -> impl Iterator<Item = (Field, InteractionSpec)> {
    let list = source.tree["interactions"].as_array().into_iter().flatten().enumerate();
    list.filter_map(|(index, value)| {
        let interaction = InteractionSpec::deserialize(value).ok()?;
        Some((Field::of(&["interactions"]).index(index), interaction))
    })
}

fn name_is_its_own(name: &str, taken: &[String], at: &Field, report: &mut Report<'_>) {
    if name.trim().is_empty() {
        report.critical(at, "the interaction's name is empty", "say what it checks: reports show it");
    } else if taken.iter().any(|other| other == name) {
        let message = format!("two interactions are called `{name}`");
        report.critical(at, message, "give each a name of its own: reports tell them apart by it");
    }
}

/// A service has addresses of itself and of what it depends on, and of nobody else.
fn has_a_way(plan: &EnvironmentPlan, interaction: &InteractionSpec, at: &Field, report: &mut Report<'_>) {
    let from = &interaction.from;
    let Some(to) = interaction.to.as_ref().filter(|to| *to != from && plan.services.contains_key(*to)) else {
        return;
    };
    let dependencies = Field::of(&["services", from.as_str(), "depends_on"]);
    let Some(caller) = plan.services.get(from).filter(|_| !report.is_excused(&dependencies)) else {
        return;
    };
    if !caller.serve.depends_on.contains(to) {
        report.critical(
            &at.key("to"),
            format!("`{from}` can't call `{to}`: it doesn't depend on it"),
            format!("add `{to}` to `{dependencies}`, or name a service that it depends on"),
        );
    }
}

/// The command of a static site runs in the folder of its files, and those are for everybody.
fn runs_in_public(plan: &EnvironmentPlan, interaction: &InteractionSpec, at: &Field, report: &mut Report<'_>) {
    let is_static =
        plan.services.get(&interaction.from).is_some_and(|service| service.serve.kind == ServiceKind::Static);
    let Some(command) = interaction.ask.command.as_ref().filter(|_| is_static) else {
        return;
    };
    let program = command.program();
    if program.contains('/') && !program.starts_with('/') {
        let message =
            format!("`{program}` is among the files of the static site `{}`: anyone can fetch it", interaction.from);
        let advice = "name a program on PATH, or ask with `http`";
        report.tell(Severity::Info, Category::Security, &at.key("command"), message, advice);
    }
}
