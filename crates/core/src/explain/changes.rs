//! What differs from the last good state: code, configuration, dependencies, environment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{CHANGES_MAX, Change, ChangeSort, Facts, LastGood};
use crate::{
    artifact::GitCommit,
    deployment::Kind,
    id::ServiceName,
    release::Release,
    slot::{Serving, Slot},
    spec::ServeSpec,
};

/// Characters of a value that a report holds; what is longer is cut.
const VALUE_CHARS_MAX: usize = 200;
/// Characters of a commit's hash.
const COMMIT_CHARS: usize = 10;

/// The services that the deployment is about.
fn services<'a>(facts: &Facts<'a>) -> BTreeSet<&'a ServiceName> {
    let deployment = facts.deployment;
    let unchanged = |service: &&ServiceName| deployment.services.get(*service).is_some_and(|state| state.unchanged);
    let all = deployment.course.goal.keys().chain(deployment.services.keys());
    all.filter(|service| !unchanged(service)).collect()
}

/// What the services served before.
pub(super) fn last_good(facts: &Facts<'_>) -> Vec<LastGood> {
    let of = |service: &ServiceName| {
        let slot = facts.parent(service);
        let live = slot.and_then(|slot| slot.live.as_ref());
        // Who wrote the slot last may only have put it back.
        let by = live.and_then(|live| facts.release(&live.release)).map(|release| &release.made_by);
        LastGood {
            service: service.clone(),
            release: live.map(|live| live.release.clone()),
            version: live.map(|live| facts.version(&live.release)),
            by: by.map(|by| facts.around.names.get(by).cloned().unwrap_or_else(|| by.to_string())),
        }
    };
    services(facts).into_iter().map(of).collect()
}

/// What differs from that, and how many differences more there are.
pub(super) fn changed(facts: &Facts<'_>) -> (Vec<Change>, usize) {
    let mut changes = Vec::new();
    for service in services(facts) {
        of_service(facts, service, &mut changes);
    }
    of_environment(facts, &mut changes);
    changes.sort_by_key(|change| change.sort);
    let more = changes.len().saturating_sub(CHANGES_MAX);
    changes.truncate(CHANGES_MAX);
    (changes, more)
}

fn of_service(facts: &Facts<'_>, service: &ServiceName, changes: &mut Vec<Change>) {
    let old = facts.parent(service).and_then(|slot| slot.live.as_ref());
    let before = old.and_then(|old| facts.release(&old.release));
    let after = facts.coming(service).and_then(|id| facts.release(id));
    let change = |sort, what: &str, before, after| {
        let service = Some(service.clone());
        (before != after).then(|| Change { sort, service, what: what.to_owned(), before, after })
    };
    changes.extend(of_code(facts, service, before, after));
    let new = facts.deployment.course.goal.get(service).cloned().flatten();
    let count = |serving: Option<&Serving>| serving.map(|s| s.instances).filter(|n| *n > 0).map(|n| n.to_string());
    if new.is_some() && old.is_some() {
        changes.extend(change(ChangeSort::Environment, "instances", count(old), count(new.as_ref())));
    }
    let (Some(before), Some(after)) = (before, after) else { return };
    let (old, new) = (leaves(&before.serve), leaves(&after.serve));
    for path in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        changes.extend(change(sort_of(path), path, old.get(path).cloned(), new.get(path).cloned()));
    }
    changes.extend(along(facts, service, &after.serve));
}

/// What runs: artifact, version, commit.
fn of_code(facts: &Facts<'_>, service: &ServiceName, before: Option<&Release>, after: Option<&Release>) -> Vec<Change> {
    let state = facts.deployment.services.get(service);
    let goes = facts.deployment.course.goal.get(service).is_some_and(Option::is_none);
    let commit = |release: &Release| release.git.as_ref().map(words);
    // Before its release is made, the commit is all that is known of what comes.
    let made = |of: fn(&Release) -> String| after.map(of);
    let coming = after.and_then(commit).or_else(|| state.and_then(|state| state.git.as_ref()).map(words));
    let rows = [
        ("version", before.map(|b| b.version.clone()), made(|a| a.version.clone())),
        ("artifact", before.map(|b| b.artifact.short().to_owned()), made(|a| a.artifact.short().to_owned())),
        ("commit", before.and_then(commit), coming),
    ];
    // A version that nobody gave is the artifact's digest; one that somebody gave may say nothing of the code.
    let (_, before_artifact, after_artifact) = rows[1].clone();
    let twice = rows[0].1 == before_artifact && rows[0].2 == after_artifact;
    let same = before_artifact.is_some() && before_artifact == after_artifact;
    let rows = rows.into_iter().filter(|(what, ..)| !twice || *what != "artifact");
    let rows = rows.map(|(what, before, after)| match what {
        "version" if same => ("version, of the same artifact", before, after),
        _ => (what, before, after),
    });
    let known = |before: &Option<String>, after: &Option<String>| (after.is_some() || goes) && before != after;
    let rows = rows.filter(|(_, before, after)| known(before, after));
    rows.map(|(what, before, after)| {
        let service = Some(service.clone());
        Change { sort: ChangeSort::Code, service, what: what.to_owned(), before, after }
    })
    .collect()
}

/// A commit as a person knows it.
fn words(git: &GitCommit) -> String {
    let short = git.commit.get(..COMMIT_CHARS).unwrap_or(&git.commit);
    git.branch.as_ref().map_or_else(|| short.to_owned(), |branch| format!("{short} ({branch})"))
}

/// Dependencies that change in the same deployment.
fn along(facts: &Facts<'_>, service: &ServiceName, serve: &ServeSpec) -> Vec<Change> {
    let changing = services(facts);
    let of = |dependency: &ServiceName| {
        let old = facts.parent(dependency).and_then(|slot| slot.live.as_ref()).map(|live| &live.release);
        let new = facts.coming(dependency);
        let version = |id: Option<&_>| id.map(|id| facts.version(id));
        (old != new).then(|| Change {
            sort: ChangeSort::Dependencies,
            service: Some(service.clone()),
            what: format!("{dependency} changes along"),
            before: version(old),
            after: version(new),
        })
    };
    serve.depends_on.iter().filter(|dependency| changing.contains(dependency)).filter_map(of).collect()
}

/// What is of all services: settings of the environment, data that was put back.
fn of_environment(facts: &Facts<'_>, changes: &mut Vec<Change>) {
    let mut add = |service: Option<ServiceName>, what: &str, after: String| {
        let what = what.to_owned();
        changes.push(Change { sort: ChangeSort::Environment, service, what, before: None, after: Some(after) });
    };
    let made = |slot: &Slot| Some(facts.release(&slot.live.as_ref()?.release)?.made_at);
    let last = services(facts).into_iter().filter_map(|service| facts.parent(service)).filter_map(made).max();
    let since = |layer: &&crate::project::EnvironmentLayer| last.is_some_and(|last| layer.at > last);
    if let Some(layer) = facts.around.layer.as_ref().filter(since) {
        let environment = &facts.deployment.request.environment;
        add(None, &format!("settings of {environment}"), format!("changed by {} at {}", layer.by, layer.at));
    }
    if let Kind::RestoreData { snapshots } = &facts.deployment.request.kind {
        for (service, snapshot) in snapshots {
            add(Some(service.clone()), "data folders", format!("put back from {snapshot}"));
        }
    }
}

fn sort_of(path: &str) -> ChangeSort {
    match path.split(['.', '[']).next() {
        Some("depends_on") => ChangeSort::Dependencies,
        Some("routes") => ChangeSort::Environment,
        _ => ChangeSort::Configuration,
    }
}

/// The values of a configuration by dotted path, as the spec writes them. The instance count is of the slot.
fn leaves(serve: &ServeSpec) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let tree = serde_json::to_value(serve).unwrap_or_default();
    gather(&tree, String::new(), &mut leaves);
    leaves.remove("instances");
    leaves
}

fn gather(value: &Value, path: String, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                gather(value, path, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                // What has a name keeps it when it moves; the path says it already.
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
                let path = format!("{path}[{name}]");
                gather(item, path.clone(), leaves);
                leaves.remove(&format!("{path}.name"));
            }
        }
        Value::Null => {}
        Value::String(text) => {
            leaves.insert(path, cut(text));
        }
        other => {
            leaves.insert(path, cut(&other.to_string()));
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
