//! Schedules: deployments that are asked for again and again. Not here: asking for them (`engine::schedules`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    deployment::Request,
    gate::{recurrence::Recurrence, zone::Zone},
    id::{DeploymentId, ProjectId},
    store::{DocumentKind, Stored},
    time::Timestamp,
};

/// Schedules of all projects together.
pub const SCHEDULES_MAX: usize = 200;
/// A run that is later than that was missed: the server was down, or busy.
pub const LATE_MS_MAX: u64 = 60_000;

/// A deployment that is asked for again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The project.
    pub project: ProjectId,
    /// Its name within the project.
    pub name: String,
    /// When, again and again: five fields as cron has them, or words.
    pub every: String,
    /// The time zone that this is meant in.
    pub zone: String,
    /// What becomes of a run that was missed.
    pub missed: Missed,
    /// What is asked for.
    pub request: Request,
    /// Who declared it.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether it asks for nothing for now.
    pub paused: bool,
    /// When it asks next; none when it never does again.
    pub next_at: Option<Timestamp>,
    /// What became of its last run.
    pub last: Option<ScheduleRun>,
}

/// What becomes of a run that was missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// It is left out.
    #[default]
    Skip,
    /// It is made up for once, however many were missed.
    Run,
}

/// One run of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleRun {
    /// When it was due.
    pub due: Timestamp,
    /// The deployment that was asked for; none when it was left out or refused.
    pub deployment: Option<DeploymentId>,
    /// Why there is none.
    pub why: Option<String>,
}

/// What is to be done about a schedule now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    NotYet,
    /// It is time: ask for the run that was due then.
    Run(Timestamp),
    /// The run that was due then was missed, and is left out.
    Skip(Timestamp),
}

impl Schedule {
    /// What is to be done about it now.
    pub fn due(&self, now: Timestamp) -> Due {
        match self.next_at.filter(|next| !self.paused && *next <= now) {
            None => Due::NotYet,
            Some(due) if self.missed == Missed::Skip && now.since_ms(due) > LATE_MS_MAX => Due::Skip(due),
            Some(due) => Due::Run(due),
        }
    }

    /// When it asks after an instant, by the rules of its zone as they are now.
    ///
    /// # Errors
    /// `every` can't be read.
    pub fn next_after(&self, zone: &Zone, after: Timestamp) -> Result<Option<Timestamp>, String> {
        let every: Recurrence = self.every.parse()?;
        Ok(every.next_after(zone, after))
    }
}

impl Stored for Schedule {
    const KIND: DocumentKind = DocumentKind::Schedule;
    fn key(&self) -> String {
        format!("{}/{}", self.project, self.name)
    }
    fn scope(&self) -> String {
        self.project.to_string()
    }
    fn order(&self) -> i64 {
        self.created_at.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deployment::Kind, id::EnvironmentName};

    #[test]
    fn a_missed_run_is_left_out_or_made_up_for() {
        let next = Timestamp(1_000_000);
        let request = Request::new(ProjectId::new("app"), EnvironmentName::new("test"), Kind::Deploy);
        let schedule = |missed, paused| Schedule {
            project: ProjectId::new("app"),
            name: "nightly".into(),
            every: "day 09:00".into(),
            zone: "UTC".into(),
            missed,
            request: request.clone(),
            by: "ann".into(),
            created_at: Timestamp(0),
            paused,
            next_at: Some(next),
            last: None,
        };
        let (late, too_late) = (next.plus_ms(LATE_MS_MAX), next.plus_ms(LATE_MS_MAX + 1));
        let cases = [
            (Missed::Skip, false, Timestamp(next.0 - 1), Due::NotYet),
            (Missed::Skip, false, next, Due::Run(next)),
            (Missed::Skip, false, late, Due::Run(next)),
            (Missed::Skip, false, too_late, Due::Skip(next)),
            (Missed::Run, false, too_late, Due::Run(next)),
            (Missed::Run, true, too_late, Due::NotYet),
        ];
        for (missed, paused, now, due) in cases {
            assert_eq!(schedule(missed, paused).due(now), due, "{missed:?} {paused} {now}");
        }
        let nine = schedule(Missed::Skip, false).next_after(&Zone::utc(), Timestamp(0));
        assert_eq!(nine, Ok(Some(Timestamp(9 * 3600 * 1000))));
    }
}
