//! The picture of a deployment: phases, services side by side, the numbers while traffic moves. Pure: from what is
//! known to lines.

use std::collections::BTreeMap;

use shipway_api::{DeploymentView, LogLine, StepView};
use shipway_core::{
    deployment::{ServiceState, StepStatus},
    id::ServiceName,
    phase::Phase,
    ports::ReleaseTraffic,
    time::Timestamp,
};

use crate::cli::{
    terminal::{Hue, Paint},
    words,
};

const BAR_CELLS: usize = 20;
/// A shorter rest is over before it is read.
const ESTIMATE_MS_MIN: u64 = 1000;

/// What the picture is made of.
pub struct Picture {
    /// The deployment as it was last read.
    pub view: DeploymentView,
    paint: Paint,
    building: BTreeMap<String, String>,
}

impl Picture {
    /// A picture of a deployment.
    pub fn new(view: DeploymentView, paint: Paint) -> Self {
        Self { view, paint, building: BTreeMap::new() }
    }

    /// Notes the newest line of a build.
    pub fn build_line(&mut self, line: &LogLine) {
        if !line.line.trim().is_empty() {
            self.building.insert(line.service.clone(), line.line.trim_end().to_owned());
        }
    }

    /// The lines as they are to be drawn.
    pub fn lines(&self, numbers: &[ReleaseTraffic], now: Timestamp) -> Vec<String> {
        let mut lines = vec![self.title(now), self.phases()];
        lines.extend(self.services());
        lines.extend(self.traffic(numbers));
        lines.extend(self.waiting());
        lines
    }

    fn title(&self, now: Timestamp) -> String {
        let view = &self.view;
        let elapsed = words::span(now.since_ms(view.created_at));
        let strategy = view.strategy.map(|strategy| format!(" · {strategy}")).unwrap_or_default();
        let name = self.paint.put(Hue::Bold, &view.name);
        let left = view.estimated_completion.map(|at| at.since_ms(now)).filter(|ms| *ms >= ESTIMATE_MS_MIN);
        let left = left.map(|ms| format!(" · about {} s left", ms / 1000)).unwrap_or_default();
        format!("{} {name} · {}{strategy} · {elapsed}{left}", view.kind.name(), view.environment)
    }

    fn phases(&self) -> String {
        let view = &self.view;
        if view.phase == Phase::RollingBack {
            let last = view.phases.iter().rev().find(|record| record.phase <= Phase::Cleaning);
            let last = last.map(|record| format!(" after {}", record.phase)).unwrap_or_default();
            return self.paint.put(Hue::Warn, format!("↩ going back{last}"));
        }
        let shown = Phase::FORWARD.iter().filter(|phase| **phase != Phase::Queued || view.phase == Phase::Queued);
        let mark = |phase: &Phase| match phase.cmp(&view.phase) {
            std::cmp::Ordering::Less => self.paint.put(Hue::Good, format!("✓ {phase}")),
            std::cmp::Ordering::Equal => self.paint.put(Hue::Busy, format!("● {phase}")),
            std::cmp::Ordering::Greater => self.paint.put(Hue::Faint, format!("· {phase}")),
        };
        shown.map(mark).collect::<Vec<_>>().join(" ")
    }

    fn services(&self) -> Vec<String> {
        let services = &self.view.services;
        let width = services.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
        services.iter().map(|(name, state)| self.service(name, state, width)).collect()
    }

    fn service(&self, name: &ServiceName, state: &ServiceState, width: usize) -> String {
        let steps: Vec<&StepView> = self.steps_of(name).collect();
        let (done, all) = if steps.is_empty() {
            (usize::from(state.artifact.is_some()), 2)
        } else {
            (steps.iter().filter(|step| step.status == StepStatus::Done).count(), steps.len())
        };
        let failed = steps.iter().any(|step| step.status == StepStatus::Failed);
        let hue = match (failed, self.view.phase) {
            (true, _) => Hue::Bad,
            (_, Phase::RollingBack) => Hue::Warn,
            _ => Hue::Busy,
        };
        let filled = BAR_CELLS * done / all.max(1);
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR_CELLS - filled));
        format!("  {:width$}  {}  {}", name.as_str(), self.paint.put(hue, bar), self.doing(name, state, &steps))
    }

    fn steps_of<'a>(&'a self, name: &'a ServiceName) -> impl Iterator<Item = &'a StepView> {
        let back = self.view.phase == Phase::RollingBack;
        let mine = move |step: &&StepView| step.service.as_ref().is_none_or(|service| service == name);
        self.view.steps.iter().filter(move |step| step.back == back).filter(mine)
    }

    fn doing(&self, name: &ServiceName, state: &ServiceState, steps: &[&StepView]) -> String {
        let failed = steps.iter().find(|step| step.status == StepStatus::Failed);
        if let Some(step) = failed {
            let why = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            return self.paint.put(Hue::Bad, format!("✗ {}{why}", step.title));
        }
        if let Some(step) = steps.iter().find(|step| step.status == StepStatus::Running) {
            let again = if step.attempts > 1 { format!(" (attempt {})", step.attempts) } else { String::new() };
            return format!("{}{again}", step.title);
        }
        if !steps.is_empty() && steps.iter().all(|step| step.status == StepStatus::Done) {
            return self.paint.put(Hue::Good, "done");
        }
        match &state.artifact {
            Some(artifact) if state.cached => format!("artifact {} (found, not built)", artifact.short()),
            Some(artifact) => format!("artifact {}", artifact.short()),
            None => match self.building.get(name.as_str()) {
                Some(line) => self.paint.put(Hue::Faint, format!("│ {line}")),
                None => String::new(),
            },
        }
    }

    /// The numbers of the releases that come, while traffic moves to them or they are watched.
    fn traffic(&self, numbers: &[ReleaseTraffic]) -> Vec<String> {
        if !(Phase::Promoting..=Phase::Monitoring).contains(&self.view.phase) {
            return Vec::new();
        }
        let coming = self.view.services.values().filter_map(|state| state.release.as_ref());
        let coming: Vec<_> = coming.map(|release| release.as_str()).collect();
        let mine = numbers.iter().filter(|one| coming.contains(&one.release.as_str()) && one.requests > 0);
        mine.map(|one| self.traffic_of(one)).collect()
    }

    fn traffic_of(&self, numbers: &ReleaseTraffic) -> String {
        let service = numbers.pool.rsplit('/').next().unwrap_or_default();
        let slow = numbers.latency_quantile_ms(0.99);
        let slow = slow.filter(|ms| *ms < u64::MAX).map(|ms| format!(" · p99 ≤ {ms} ms")).unwrap_or_default();
        let bad = numbers.failed + numbers.server_errors;
        let errors = format!("{} errors, {} failed", numbers.server_errors, numbers.failed);
        let errors = self.paint.put(if bad > 0 { Hue::Bad } else { Hue::Good }, errors);
        format!("  {service} new: {}, {errors}{slow}", words::count(numbers.requests, "request"))
    }

    fn waiting(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.view.paused {
            let words = format!("  paused: `shipway resume {}` lets it go on", self.view.name);
            lines.push(self.paint.put(Hue::Warn, words));
        }
        let waiting = self.view.waiting.iter();
        lines.extend(waiting.map(|waiting| self.paint.put(Hue::Warn, format!("  {}", waiting.reason))));
        lines
    }
}
