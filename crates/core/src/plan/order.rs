//! The order that dependencies give.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::ServiceName;

/// The services with every dependency before its dependents. Names that are not in the map are not waited for.
/// Fails with the cycle written out, its first member again at the end.
pub(super) fn dependencies_first(
    depends_on: &BTreeMap<ServiceName, Vec<ServiceName>>,
) -> Result<Vec<ServiceName>, Vec<ServiceName>> {
    let mut ordered = Vec::new();
    let mut done = BTreeSet::new();
    for service in depends_on.keys() {
        visit(service, depends_on, &mut Vec::new(), &mut done, &mut ordered)?;
    }
    Ok(ordered)
}

fn visit(
    service: &ServiceName,
    depends_on: &BTreeMap<ServiceName, Vec<ServiceName>>,
    path: &mut Vec<ServiceName>,
    done: &mut BTreeSet<ServiceName>,
    ordered: &mut Vec<ServiceName>,
) -> Result<(), Vec<ServiceName>> {
    let Some(dependencies) = depends_on.get(service) else { return Ok(()) };
    if done.contains(service) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|on_path| on_path == service) {
        return Err([&path[start..], std::slice::from_ref(service)].concat());
    }
    path.push(service.clone());
    for dependency in dependencies {
        visit(dependency, depends_on, path, done, ordered)?;
    }
    path.pop();
    done.insert(service.clone());
    ordered.push(service.clone());
    Ok(())
}
