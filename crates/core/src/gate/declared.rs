//! Gates as a spec declares them. Not here: what the texts mean (`window`, `recurrence`), whether they are open.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{id::Role, time::Span};

/// What a deployment to an environment waits for before anything moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatesSpec {
    /// Who has to say yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalsSpec>,
    /// When deployments may begin to move: in any of these; always when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowSpec>,
    /// When they may not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<WindowSpec>,
    /// How many deployments may begin to move in a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateSpec>,
    /// How old an artifact may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_max_age: Option<Span>,
    /// Branches that deployments may come from; `*` stands for anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// Names of checks and interactions that have to be among those that a deployment asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_checks: Vec<String>,
}

/// Who has to say yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalsSpec {
    /// How many people.
    #[schemars(range(min = 1, max = 20))]
    pub count: u32,
    /// With one of which roles.
    pub roles: BTreeSet<Role>,
    /// How long a yes holds.
    pub expires: Span,
}

impl Default for ApprovalsSpec {
    fn default() -> Self {
        Self {
            count: 1,
            roles: BTreeSet::from([Role::ReleaseManager, Role::Admin]),
            expires: Span::seconds(7 * 24 * 3600),
        }
    }
}

/// A time that comes again and again (`every` and `for`), or once (`from` and `until`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// What it is called in reports.
    pub name: String,
    /// When it begins, again and again: `weekday 09:00`, `monday and friday 14:30`, or five fields as cron has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// How long it lasts then, on the clock on the wall.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    /// When it begins, once: `2026-12-20` or `2026-12-20 18:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it ends; a day without a time is still part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The time zone by its name in the zone database, `Europe/Berlin`, or its rules as POSIX has them.
    pub zone: String,
    /// Roles whose deployments it doesn't hold.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<Role>,
}

/// How many deployments may begin to move in a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateSpec {
    /// How many.
    #[schemars(range(min = 1, max = 100))]
    pub max: u32,
    /// In how long.
    pub per: Span,
}

impl GatesSpec {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of the time zones that it needs.
    pub fn zones(&self) -> BTreeSet<&str> {
        self.windows.iter().chain(&self.freezes).map(|window| window.zone.as_str()).collect()
    }
}
