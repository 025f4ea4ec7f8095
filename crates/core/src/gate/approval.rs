//! Approvals: who may say yes, and which yeses still hold.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::declared::ApprovalsSpec;
use crate::{
    id::{Actor, EnvironmentName, Role},
    time::Timestamp,
};

/// Somebody's yes to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who.
    pub by: String,
    /// With which roles.
    pub roles: BTreeSet<Role>,
    /// When.
    pub at: Timestamp,
    /// The plan, by its hash; of another one it says nothing.
    pub hash: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether somebody's yes counts; `authors` are those whose change it is.
///
/// # Errors
/// Why it doesn't.
pub fn may_approve(
    spec: &ApprovalsSpec,
    actor: &Actor,
    authors: &BTreeSet<String>,
    environment: &EnvironmentName,
) -> Result<(), String> {
    if authors.contains(&actor.name) {
        return Err(format!("it is a change of {}: somebody else has to approve it", actor.name));
    }
    if actor.is_automation() {
        return Err("only people approve".into());
    }
    if spec.roles.is_disjoint(&actor.roles) {
        return Err(format!("{} has none of the roles that approve here: {}", actor.name, names(&spec.roles)));
    }
    if !actor.environments.is_empty() && !actor.environments.contains(environment) {
        return Err(format!("{} may not act in {environment}", actor.name));
    }
    Ok(())
}

/// The names of roles, for people.
pub fn names(roles: &BTreeSet<Role>) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

/// The approvals that hold: of this plan, not expired, one of each person.
pub fn standing<'a>(
    spec: &ApprovalsSpec,
    approvals: &'a [Approval],
    hash: &str,
    now: Timestamp,
) -> BTreeMap<&'a str, &'a Approval> {
    let holds = |one: &&Approval| {
        one.hash == hash && !spec.roles.is_disjoint(&one.roles) && now < one.at.plus_ms(spec.expires.ms)
    };
    approvals.iter().filter(holds).map(|one| (one.by.as_str(), one)).collect()
}
