//! Names of variables: those that can be set, and those that are Shipway's.

use shipway_core::{
    finding::{Category, Severity},
    release::variable::PORT,
};

use super::{Subject, report::Report};
use crate::field::Field;

const OWN_PREFIX: &str = "SHIPWAY_";

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let (make, serve) = (&subject.spec.make, &subject.spec.serve);
    for (name, value) in &serve.variables {
        let at = subject.field("variables").key(name);
        can_be_set(name, value, &at, report);
        if name == PORT {
            let message = "`PORT` is Shipway's: each instance is given a port of its own";
            report.critical(&at, message, "remove it, and let the program listen on 127.0.0.1 at `PORT`");
        }
    }
    for (name, value) in &make.build_variables {
        can_be_set(name, value, &subject.field("build_variables").key(name), report);
    }
    for (index, name) in make.build_pass.iter().enumerate() {
        passed(name, &subject.field("build_pass").index(index), report);
        if make.build_variables.contains_key(name) {
            let at = subject.field("build_variables").key(name);
            report.warning(&at, format!("`{name}` is set for the build and also passed to it"), "keep one of the two");
        }
    }
}

fn can_be_set(name: &str, value: &str, at: &Field, report: &mut Report<'_>) {
    if let Some(fault) = fault_of(name) {
        report.critical(at, format!("the variable's name `{}` {fault}", name.escape_debug()), "rename the variable");
    } else if value.contains('\0') {
        report.critical(at, format!("the value of `{name}` holds a zero byte"), "remove the zero byte");
    } else if name.starts_with(OWN_PREFIX) {
        let message = format!("`{name}` is Shipway's: names that begin with `{OWN_PREFIX}` are given by Shipway");
        report.critical(at, message, "choose another name");
    }
}

fn passed(name: &str, at: &Field, report: &mut Report<'_>) {
    if let Some(fault) = fault_of(name) {
        report.critical(at, format!("the variable's name `{}` {fault}", name.escape_debug()), "name a variable");
    } else if name.starts_with(OWN_PREFIX) {
        let message = format!("`{name}` is the server's own: a build may not see it");
        report.tell(Severity::Critical, Category::Security, at, message, format!("remove `{name}`"));
    }
}

fn fault_of(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.contains('=') {
        Some("holds a `=`")
    } else if name.contains('\0') {
        Some("holds a zero byte")
    } else {
        None
    }
}
