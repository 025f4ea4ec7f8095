//! Routes: well formed, and no two services at one place.

use std::collections::BTreeMap;

use shipway_core::{
    finding::{Category, Severity},
    spec::{EnvironmentPlan, RouteSpec},
};

use super::{Subject, report::Report};
use crate::field::Field;

const PLACEHOLDER: &str = "{environment}";
const HOST_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (index, route) in subject.spec.serve.routes.iter().enumerate() {
        let at = subject.field("routes").index(index);
        if let Some(fault) = host_fault(&route.host) {
            let advice =
                format!("write a name alone, for instance `host = \"{}.{PLACEHOLDER}.localhost\"`", subject.name);
            network(&at.key("host"), format!("the host `{}` {fault}", route.host), advice, report);
        }
        if let Some(fault) = path_fault(&route.path) {
            let advice = "write the path's beginning, for instance `path = \"/api\"`".to_owned();
            network(&at.key("path"), format!("the path `{}` {fault}", route.path), advice, report);
        }
    }
}

fn network(at: &Field, message: String, advice: String, report: &mut Report<'_>) {
    report.tell(Severity::Critical, Category::Network, at, message, advice);
}

fn host_fault(host: &str) -> Option<String> {
    if host.contains("://") {
        return Some("begins like a URL".into());
    }
    if host.contains('/') {
        return Some("holds a path: that belongs into `path`".into());
    }
    if host.contains(':') {
        return Some("holds a port: the proxy listens on one of its own".into());
    }
    // One letter stands for the environment's name, which has been checked as a label.
    let named = host.replace(PLACEHOLDER, "e");
    if named.contains(['{', '}']) {
        return Some(format!("holds a placeholder that is not `{PLACEHOLDER}`"));
    }
    if named.chars().any(|c| c.is_ascii_uppercase()) {
        return Some("holds capitals: hosts are compared in lower case".into());
    }
    if named.is_empty() || named.len() > HOST_CHARS_MAX {
        return Some(format!("must have from 1 to {HOST_CHARS_MAX} characters"));
    }
    named.split('.').find_map(label_fault)
}

fn label_fault(label: &str) -> Option<String> {
    let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if label.is_empty() {
        Some("has an empty part between dots".into())
    } else if label.len() > LABEL_CHARS_MAX {
        Some(format!("has a part of more than {LABEL_CHARS_MAX} characters"))
    } else if label.starts_with('-') || label.ends_with('-') {
        Some(format!("has a part that begins or ends with `-`: `{label}`"))
    } else if !label.chars().all(is_known) {
        Some("may hold only a-z, 0-9, `-` and dots".into())
    } else {
        None
    }
}

fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        Some("must begin with `/`")
    } else if path.contains(['?', '#']) {
        Some("holds a `?` or `#`: only the path itself is matched")
    } else if path.contains("//") {
        Some("holds an empty segment: `//`")
    } else if path.split('/').any(|segment| segment == "." || segment == "..") {
        Some("holds a `.` or `..` segment")
    } else if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '*') {
        Some("holds a character that no path may hold")
    } else {
        None
    }
}

/// One place of a request belongs to one service.
pub(super) fn check_together(plan: &EnvironmentPlan, report: &mut Report<'_>) {
    let mut taken: BTreeMap<(String, String), &str> = BTreeMap::new();
    for (name, service) in &plan.services {
        for (index, route) in service.serve.routes.iter().enumerate() {
            let at = Field::of(&["services", name.as_str(), "routes"]).index(index);
            let (host, path) = place_of(route, plan.name.as_str());
            let shown = format!("{host}{path}");
            let Some(other) = taken.insert((host, path), name.as_str()) else {
                continue;
            };
            let message = if other == name.as_str() {
                format!("`{name}` takes the route `{shown}` twice")
            } else {
                format!("`{other}` and `{name}` both take the route `{shown}`")
            };
            network(&at, message, "give each another `path` or `host`".into(), report);
        }
    }
}

fn place_of(route: &RouteSpec, environment: &str) -> (String, String) {
    let path = route.path.trim_end_matches('/');
    let path = if path.is_empty() { "/" } else { path };
    (route.host.replace(PLACEHOLDER, environment).to_ascii_lowercase(), path.to_owned())
}
