//! The history in numbers, over the wire.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    history::{DAY_MS, Durations, Sums},
    id::{EnvironmentName, ProjectId},
    time::Timestamp,
};

/// How deployments went over a time range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsView {
    /// The project.
    pub project_id: ProjectId,
    /// The beginning of the first day (UTC) that counts.
    pub since: Timestamp,
    /// The end of the last day that counts.
    pub until: Timestamp,
    /// All environments together, or the one that was asked for.
    pub total: Measures,
    /// Each environment in which something ended.
    pub environments: BTreeMap<EnvironmentName, Measures>,
}

/// Measures of deployments that ended, four of them DORA's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// How many deployments ended, of every kind.
    pub deployments: u64,
    /// The same by coarse status.
    pub by_status: BTreeMap<String, u64>,
    /// Share of those that succeeded and were not taken back, of all but those that a person ended; none without any.
    pub success_rate: Option<f64>,
    /// Those that failed, by cause: `release`, `machinery`, `person`.
    pub failed_by_cause: BTreeMap<String, u64>,
    /// DORA's deployment frequency: changes (deployments of kind `deploy` that came to traffic) a day.
    pub deployment_frequency_per_day: f64,
    /// DORA's lead time for changes, counted from asking for the deployment until it is complete.
    pub lead_time: SpanView,
    /// DORA's change failure rate: share of changes that went back, got stuck, or were taken back later.
    pub change_failure_rate: Option<f64>,
    /// DORA's failed deployment recovery time: from the failure, or from asking for a rollback, until it was as before.
    pub time_to_restore: SpanView,
}

/// How long something took, of many. Quantiles are right within an eighth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpanView {
    /// How many were measured.
    pub count: u64,
    /// Their mean in milliseconds.
    pub mean_ms: Option<u64>,
    /// Half of them took at most that.
    pub median_ms: Option<u64>,
    /// Nine in ten took at most that.
    pub p90_ms: Option<u64>,
}

impl SpanView {
    fn of(durations: &Durations) -> Self {
        Self {
            count: durations.count,
            mean_ms: durations.mean_ms(),
            median_ms: durations.quantile_ms(50),
            p90_ms: durations.quantile_ms(90),
        }
    }
}

impl Measures {
    fn of(sums: &Sums, days: i64) -> Self {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let count = |status: &str| sums.by_status.get(status).copied().unwrap_or(0);
        Self {
            deployments: sums.ended(),
            success_rate: share(count("success"), sums.ended() - count("cancelled")),
            by_status: sums.by_status.clone(),
            failed_by_cause: sums.by_cause.clone(),
            deployment_frequency_per_day: sums.changes as f64 / days.max(1) as f64,
            lead_time: SpanView::of(&sums.lead),
            change_failure_rate: share(sums.changes_failed, sums.changes),
            time_to_restore: SpanView::of(&sums.restore),
        }
    }
}

impl StatisticsView {
    /// From the sums of environments over days, both ends included.
    pub fn of(project_id: ProjectId, first: i64, last: i64, sums: &BTreeMap<EnvironmentName, Sums>) -> Self {
        let mut total = Sums::default();
        sums.values().for_each(|one| total.merge(one));
        let days = last - first + 1;
        Self {
            project_id,
            since: Timestamp(first * DAY_MS),
            until: Timestamp((last + 1) * DAY_MS),
            total: Measures::of(&total, days),
            environments: sums.iter().map(|(name, one)| (name.clone(), Measures::of(one, days))).collect(),
        }
    }
}
