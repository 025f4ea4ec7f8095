//! How a deployment is shown in numbers and coarse words. Each is one pure function of the recorded state.

use crate::{
    deployment::{Deployment, StepStatus},
    phase::Phase,
    time::Timestamp,
};

/// The coarse status: `pending`, `building`, `deploying`, `success`, `failed`, `cancelled`, `rolled_back`. Who waits
/// for a gate or for others before anything has moved is pending.
pub fn coarse_status(deployment: &Deployment) -> &'static str {
    match deployment.phase {
        Phase::Queued => "pending",
        Phase::Validating | Phase::Preparing if deployment.waiting.is_some() => "pending",
        Phase::Validating | Phase::Preparing => "building",
        Phase::Completed if deployment.rolled_back_by.is_some() => "rolled_back",
        Phase::Completed => "success",
        Phase::Failed | Phase::Stuck => "failed",
        Phase::Cancelled => "cancelled",
        Phase::RolledBack => "rolled_back",
        _ => "deploying",
    }
}

/// The stage of the pipeline: `preparing`, `staging`, `validating`, `promoting`, `verifying`, `cleanup`, or how it ended.
pub fn current_stage(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "queued",
        Phase::Validating | Phase::Preparing => "preparing",
        Phase::Staging | Phase::Provisioning => "staging",
        Phase::Testing => "validating",
        Phase::Promoting => "promoting",
        Phase::Verifying | Phase::Monitoring => "verifying",
        Phase::Cleaning => "cleanup",
        Phase::RollingBack => "rolling_back",
        Phase::Completed => "completed",
        Phase::Failed | Phase::Stuck => "failed",
        Phase::RolledBack => "rolled_back",
        Phase::Cancelled => "cancelled",
    }
}

/// Progress from 0 to 100. It never falls while a deployment goes forward; going back counts its own steps.
pub fn progress(deployment: &Deployment) -> u8 {
    const MADE: usize = 40;
    match deployment.phase {
        Phase::Queued => 0,
        Phase::Validating => 2,
        Phase::Preparing => {
            let made = deployment.services.values().filter(|service| service.artifact.is_some()).count();
            share(5, MADE, made, deployment.services.len())
        }
        phase if phase.is_end() => 100,
        phase => {
            let back = phase == Phase::RollingBack;
            let steps = deployment.steps.iter().filter(|step| step.back == back);
            let (done, all) = steps.fold((0, 0), |(done, all), step| {
                (done + usize::from(matches!(step.status, StepStatus::Done | StepStatus::Skipped)), all + 1)
            });
            share(if back { 0 } else { MADE }, 99, done, all)
        }
    }
}

fn share(from: usize, to: usize, done: usize, all: usize) -> u8 {
    let percent = from + (to - from) * done / all.max(1);
    u8::try_from(percent.min(99)).unwrap_or(99)
}

/// When it will probably be complete: the median of earlier ones of its kind, counted from its start. None without
/// earlier ones, and once that time has passed.
pub fn estimated_completion(deployment: &Deployment, earlier_ms: &[u64], now: Timestamp) -> Option<Timestamp> {
    if deployment.phase.is_end() {
        return None;
    }
    let mut sorted = earlier_ms.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2)?;
    let at = deployment.started_at.unwrap_or(deployment.created_at).plus_ms(*median);
    (at > now).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deployment::{Request, ServiceState, StepState, Waiting},
        id::Actor,
    };

    fn deployment() -> Deployment {
        let request: Request =
            serde_json::from_str(r#"{"project":"p","environment":"e","kind":{"is":"deploy"}}"#).expect("a request");
        Deployment::new("d".into(), 1, request, Actor::admin(), "c".into(), Timestamp(1000))
    }

    #[test]
    fn progress_grows_with_phases_and_steps() {
        let mut deployment = deployment();
        assert_eq!(progress(&deployment), 0);
        deployment.phase = Phase::Preparing;
        deployment.services.insert("a".into(), ServiceState { artifact: Some("x".into()), ..ServiceState::default() });
        deployment.services.insert("b".into(), ServiceState::default());
        let preparing = progress(&deployment);
        assert!(preparing > 5 && preparing < 40);
        deployment.phase = Phase::Testing;
        let step = |status| StepState { status, attempts: 1, ..StepState::waiting(false, 0) };
        deployment.steps = vec![step(StepStatus::Done), step(StepStatus::Running)];
        let testing = progress(&deployment);
        assert!(testing > preparing && testing < 100);
        deployment.phase = Phase::Completed;
        assert_eq!(progress(&deployment), 100);
    }

    #[test]
    fn the_estimate_is_the_median_until_it_has_passed() {
        let mut deployment = deployment();
        deployment.started_at = Some(Timestamp(2000));
        assert_eq!(estimated_completion(&deployment, &[], Timestamp(2000)), None);
        let estimate = estimated_completion(&deployment, &[100, 9000, 500], Timestamp(2000));
        assert_eq!(estimate, Some(Timestamp(2500)));
        assert_eq!(estimated_completion(&deployment, &[500], Timestamp(3000)), None);
        deployment.phase = Phase::Failed;
        assert_eq!(estimated_completion(&deployment, &[500], Timestamp(2000)), None);
    }

    #[test]
    fn every_phase_has_its_coarse_words() {
        let mut deployment = deployment();
        let words = ["pending", "building", "deploying", "success", "failed", "cancelled", "rolled_back"];
        let ends =
            [Phase::Completed, Phase::Failed, Phase::RolledBack, Phase::Cancelled, Phase::Stuck, Phase::RollingBack];
        for phase in Phase::FORWARD.into_iter().chain(ends) {
            deployment.phase = phase;
            assert!(words.contains(&coarse_status(&deployment)), "{phase}");
        }
        deployment.phase = Phase::Preparing;
        assert_eq!(coarse_status(&deployment), "building");
        deployment.waiting = Some(Waiting { reason: "approval".into(), since: Timestamp(0), on: Vec::new() });
        assert_eq!(coarse_status(&deployment), "pending");
        deployment.phase = Phase::Completed;
        deployment.rolled_back_by = Some("other".into());
        assert_eq!(coarse_status(&deployment), "rolled_back");
    }
}
