//! Reloads: instances that run on and read another configuration, one after the other. Who may, and the steps.
//!
//! Not here: how an instance is told (`ports::Driver::reload`), the way back (`unwind`, which asks here who may).

use std::fmt;

use serde_json::Value;

use super::{
    CheckThrough, Policy, Step,
    builder::Builder,
    moves::Move,
    proving::{Turns, has_checks},
};
use crate::{
    id::InstanceId,
    release::Release,
    spec::{CheckPhase, ServeSpec, ServiceKind, Settings},
};

/// Variables that the program itself is found and started by.
const FOUND_BY: [&str; 3] = ["PATH", "HOME", "LANG"];

/// Why a change starts new instances of a service that asks for reloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Another artifact.
    Artifact,
    /// Other versions of secrets.
    Secrets,
    /// A variable by which the program is found or started.
    Variable(&'static str),
    /// A part of the service that is neither a variable nor a setting, by its key.
    Part(String),
    /// It may change data.
    Migration,
    /// Fewer instances run than it takes.
    Missing,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact => f.write_str("its artifact changes"),
            Self::Secrets => f.write_str("its secrets change"),
            Self::Variable(name) => write!(f, "`variables.{name}` changes, which its program is started by"),
            Self::Part(key) => write!(f, "`{key}` changes, and only variables and settings can be read anew"),
            Self::Migration => f.write_str("it has a migration"),
            Self::Missing => f.write_str("not all of its instances run"),
        }
    }
}

/// Whether instances of one release can become instances of the other by reading its configuration: both ask for it in
/// the same way, and differ in nothing but variables and settings. None where the service doesn't ask for reloads. What
/// holds one way holds the other, and through a third.
pub fn reloadable(live: &Release, next: &Release) -> Option<Result<(), Restart>> {
    next.serve.reload.as_ref()?;
    Some(match differing(live, next) {
        Some(restart) => Err(restart),
        None => Ok(()),
    })
}

fn differing(live: &Release, next: &Release) -> Option<Restart> {
    if live.artifact != next.artifact {
        return Some(Restart::Artifact);
    }
    if live.secrets != next.secrets {
        return Some(Restart::Secrets);
    }
    let other = |name: &&&str| live.serve.variables.get(**name) != next.serve.variables.get(**name);
    if let Some(name) = FOUND_BY.iter().find(other) {
        return Some(Restart::Variable(name));
    }
    if next.serve.migrate.is_some() || live.serve.migrate.is_some() {
        return Some(Restart::Migration);
    }
    let (old, new) = (fixed(&live.serve), fixed(&next.serve));
    let keys = old.keys().chain(new.keys());
    let key = keys.filter(|key| old.get(*key) != new.get(*key)).min();
    // A static site has no process that could read anything.
    let kind = (next.serve.kind == ServiceKind::Static).then(|| "kind".to_owned());
    key.cloned().or(kind).map(Restart::Part)
}

/// What a running process can't take in. How many instances there are is the slot's.
fn fixed(serve: &ServeSpec) -> Settings {
    let (variables, settings, symbolic) = Default::default();
    let fixed = ServeSpec { variables, settings, symbolic, instances: 0, ..serve.clone() };
    match serde_json::to_value(fixed) {
        Ok(Value::Object(fixed)) => fixed,
        _ => Settings::new(),
    }
}

/// How the instances of a slot take a change.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) reloaded: Vec<InstanceId>,
    pub(super) restart: Option<Restart>,
}

impl Turn {
    /// Instances that read their own release's configuration again.
    pub(super) fn back(reloaded: Vec<InstanceId>) -> Self {
        Self { reloaded, restart: None }
    }
}

/// Who takes a change of release by a reload: as many of the old as are wanted, or nobody. What runs of the new already
/// is used instead.
pub(super) fn turn((live, new): (&Release, &Release), old: &[InstanceId], kept: &[InstanceId], wanted: usize) -> Turn {
    let restart = match reloadable(live, new) {
        None => None,
        Some(Err(restart)) => Some(restart),
        Some(Ok(())) if !kept.is_empty() || wanted == 0 => None,
        Some(Ok(())) if old.len() < wanted => Some(Restart::Missing),
        Some(Ok(())) => return Turn { reloaded: old.iter().take(wanted).cloned().collect(), restart: None },
    };
    Turn { reloaded: Vec::new(), restart }
}

/// Has the instances of every member that can read the new configuration, one after the other, a dependency before its
/// dependents.
pub(super) fn reload(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let mut turns = Turns::default();
    for one in moves.iter().filter(|one| one.reloads()) {
        let needs = turns.needs(one);
        let ends = one_by_one(builder, one, policy, needs.clone());
        turns.had(one, needs, ends);
    }
    builder.wall();
}

fn one_by_one(builder: &mut Builder, one: &Move<'_>, policy: &Policy, needs: Vec<usize>) -> Vec<usize> {
    let Some(release) = one.new else { return needs };
    let test = !policy.proven && one.changes_release() && has_checks(release, CheckPhase::Test);
    let mut last = needs;
    for instance in &one.reloaded {
        let reload = Step::Reload { release: release.id.clone(), instance: instance.clone() };
        let mut end = builder.after(one.service(), &last, reload);
        if test {
            let through = CheckThrough::Instance { instance: instance.clone() };
            end = builder.after(one.service(), &[end], Step::Check { release: release.id.clone(), through });
        }
        last = vec![end];
    }
    last
}

/// What a person should know of how a service that asks for reloads takes the change.
pub(super) fn note(one: &Move<'_>) -> Option<String> {
    if let Some(restart) = &one.restart {
        return Some(format!("{}: new instances start instead of a reload: {restart}", one.service()));
    }
    let how = one.new?.serve.reload.as_ref().filter(|_| one.reloads())?;
    let count = one.reloaded.len();
    Some(format!(
        "{}: {count} running instances read the configuration anew ({how}), one after the other: while that goes on, \
         users meet both",
        one.service()
    ))
}
