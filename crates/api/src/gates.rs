//! Gates and schedules on the wire: what would hold a deployment, what people say to one that waits, what is asked for
//! again and again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    gate::{Held, declared::GatesSpec},
    id::{EnvironmentName, ProjectId, ServiceName},
    schedule::{Missed, Schedule, ScheduleRun},
    time::Timestamp,
};

use crate::DeploymentRequest;

/// A yes to what a deployment proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApproveRequest {
    /// The hash of the plan that was looked at: another one is not approved. The proposed one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A word that takes a reason: a no, or breaking the glass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WordRequest {
    /// Why; it is kept with the record.
    pub reason: String,
}

/// A schedule that somebody declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleRequest {
    /// Its name within the project.
    pub name: String,
    /// When, again and again: five fields as cron has them, or words: `every weekday 09:00 Europe/Berlin`.
    pub every: String,
    /// The time zone, unless `every` names it; UTC when nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What becomes of a run that was missed by more than a minute: `skip` or `run`, once.
    #[serde(default)]
    pub missed: Missed,
    /// What is asked for; its project is that of the path.
    pub deployment: DeploymentRequest,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    /// Its name.
    pub name: String,
    /// The project.
    pub project_id: ProjectId,
    /// The environment that it deploys to.
    pub environment: EnvironmentName,
    /// The services; all of the spec when empty.
    pub services: Vec<ServiceName>,
    /// When, again and again.
    pub every: String,
    /// The time zone that this is meant in.
    pub zone: String,
    /// What becomes of a run that was missed.
    pub missed: Missed,
    /// Whether it asks for nothing for now.
    pub paused: bool,
    /// Who declared it.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it asks next.
    pub next_at: Option<Timestamp>,
    /// What became of its last run.
    pub last: Option<ScheduleRun>,
}

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        let Schedule { project, name, every, zone, missed, request, by, created_at, paused, next_at, last } = schedule;
        Self {
            name,
            project_id: project,
            environment: request.environment,
            services: request.services,
            every,
            zone,
            missed,
            // What is paused asks for nothing, whenever it would.
            next_at: next_at.filter(|_| !paused),
            paused,
            by,
            created_at,
            last,
        }
    }
}

/// The gates of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatesView {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// As the spec declares them.
    pub declared: GatesSpec,
    /// What would hold a deployment that you asked for now.
    pub held: Vec<Held>,
    /// When the open change window closes, or a freeze begins.
    pub closes_at: Option<Timestamp>,
}
