//! Dependencies: they exist, and nobody waits for itself.

use std::collections::BTreeSet;

use shipway_core::spec::EnvironmentPlan;

use super::{names, report::Report};
use crate::{field::Field, read::Source};

pub(super) fn check(source: &Source, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    // From the tree: a service that can't be read is still there.
    let known: Vec<&str> = names::names(&source.tree["services"]).collect();
    for (name, service) in &plan.services {
        let at = Field::of(&["services", name.as_str(), "depends_on"]);
        let wanted = &service.serve.depends_on;
        for (index, dependency) in wanted.iter().enumerate() {
            let at = at.index(index);
            if wanted[..index].contains(dependency) {
                report.warning(&at, format!("`{name}` depends on `{dependency}` twice"), "name it once");
            }
            names::exists(dependency.as_str(), &known, &at, report);
        }
    }
    for cycle in cycles(plan) {
        let at = Field::of(&["services", cycle[0], "depends_on"]);
        let message = format!("services wait for each other in a circle: {}", written(&cycle));
        report.critical(&at, message, "take one of these out of the `depends_on` of the one before it");
    }
}

fn written(cycle: &[&str]) -> String {
    let mut names = cycle.to_vec();
    names.push(cycle[0]);
    names.join(" -> ")
}

/// Each circle once, from its first name in the alphabet on.
fn cycles(plan: &EnvironmentPlan) -> Vec<Vec<&str>> {
    let mut search = Search { plan, path: Vec::new(), done: BTreeSet::new(), found: Vec::new() };
    for name in plan.services.keys() {
        search.visit(name.as_str());
    }
    search.found
}

struct Search<'a> {
    plan: &'a EnvironmentPlan,
    path: Vec<&'a str>,
    done: BTreeSet<&'a str>,
    found: Vec<Vec<&'a str>>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, name: &'a str) {
        if let Some(start) = self.path.iter().position(|known| *known == name) {
            self.found.push(from_the_first(&self.path[start..]));
            return;
        }
        if self.done.contains(name) {
            return;
        }
        let Some(service) = self.plan.services.get(&name.into()) else {
            return;
        };
        self.path.push(name);
        service.serve.depends_on.iter().for_each(|dependency| self.visit(dependency.as_str()));
        self.path.pop();
        self.done.insert(name);
    }
}

fn from_the_first<'a>(cycle: &[&'a str]) -> Vec<&'a str> {
    let first = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
    [&cycle[first..], &cycle[..first]].concat()
}
