//! What the values of a spec must be together, beyond their types. One file for each subject.
//!
//! Not here: types and known keys (`check`); what depends on the machine, such as users and free ports (the engine).

mod asks;
mod commands;
mod dependencies;
mod gates;
mod interactions;
mod migrations;
mod names;
mod notifications;
mod order;
mod paths;
mod promotions;
mod quotas;
mod remotes;
mod report;
mod rollbacks;
mod routes;
mod secrets;
mod service;
mod traffic;
mod values;
mod variables;

use shipway_core::{finding::Finding, spec::EnvironmentPlan};

use self::report::Report;
use crate::{
    field::Field,
    place::Place,
    read::Source,
    resolve::{Draft, Layer},
};

/// Everything that is wrong with the file as a whole, whatever the environment: names, groups, notifications,
/// interactions.
pub fn of_file(source: &Source) -> Vec<Finding> {
    let mut report = Report::new(Place::file(source), &[]);
    names::check(source, &mut report);
    notifications::check_project(source, &mut report);
    interactions::check(source, &mut report);
    values::check_rules(source, &mut report);
    quotas::check(source, &mut report);
    remotes::check(source, &mut report);
    report.findings
}

/// Everything that is wrong with one environment, resolved with these layers.
pub fn of_environment(source: &Source, plan: &EnvironmentPlan, layers: &[Layer]) -> Vec<Finding> {
    ask(source, plan, layers, &[])
}

/// The same for one that could be read only in part.
pub(crate) fn of_draft(source: &Source, draft: &Draft, layers: &[Layer]) -> Vec<Finding> {
    ask(source, &draft.plan, layers, &draft.excused)
}

fn ask(source: &Source, plan: &EnvironmentPlan, layers: &[Layer], excused: &[Field]) -> Vec<Finding> {
    let place = Place { source, environment: Some(plan.name.as_str()), layers };
    let mut report = Report::new(place, excused);
    for (name, spec) in &plan.services {
        let subject = Subject { name: name.as_str(), spec, at: Field::of(&["services", name.as_str()]) };
        subject.ask_all(plan, &mut report);
    }
    routes::check_together(plan, &mut report);
    dependencies::check(source, plan, &mut report);
    order::check_environment(source, plan, &mut report);
    interactions::check_environment(source, plan, &mut report);
    notifications::check_environment(source, plan, &mut report);
    rollbacks::check(plan, &mut report);
    values::check_facts(plan, &mut report);
    values::check(source, plan, layers, &mut report);
    promotions::check(source, plan, &mut report);
    gates::check(plan, &mut report);
    report.findings
}

/// The service that is asked about.
struct Subject<'a> {
    name: &'a str,
    spec: &'a shipway_core::spec::ServiceSpec,
    at: Field,
}

impl Subject<'_> {
    fn ask_all(&self, plan: &EnvironmentPlan, report: &mut Report<'_>) {
        service::check(self, plan, report);
        paths::check(self, report);
        commands::check(self, report);
        variables::check(self, report);
        secrets::check(self, report);
        asks::check(self, report);
        routes::check(self, report);
        traffic::check(self, report);
        migrations::check(self, report);
    }

    fn field(&self, key: &str) -> Field {
        self.at.key(key)
    }
}
