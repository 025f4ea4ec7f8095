//! How traffic moves: settings that contradict each other, and limits that judge nothing.

use shipway_core::{
    spec::SuccessLimits,
    strategy::{Canary, Pause, Rolling, StrategySpec},
};

use super::{Subject, report::Report};
use crate::field::Field;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let at = subject.field("strategy");
    match &subject.spec.serve.strategy {
        StrategySpec::BlueGreen => {}
        StrategySpec::Rolling(rolling) => {
            rolling_can_move(rolling, &at, report);
            rolling_keeps_serving(subject, rolling, &at, report);
        }
        StrategySpec::Canary(canary) => canary_has_time(subject, canary, &at, report),
        StrategySpec::Recreate(recreate) => {
            if recreate.hold_ms_max == 0 || recreate.held_requests_max == 0 {
                let message = "nothing is held during the gap: every request in it fails";
                report.warning(&at, message, "leave `hold_ms_max` and `held_requests_max` above 0");
            }
        }
    }
    if let Some(success) = &subject.spec.serve.success {
        judges(subject, success, report);
    }
    if subject.spec.serve.timeouts.drain_s == 0 {
        report.warning(
            &subject.field("timeouts").key("drain_s"),
            "`drain_s` is 0: requests in flight at an old instance are cut",
            "give them time to end, for instance `drain_s = 30`",
        );
    }
}

pub(super) fn rolling_can_move(rolling: &Rolling, at: &Field, report: &mut Report<'_>) {
    if rolling.max_surge + rolling.max_unavailable == 0 {
        report.critical(
            at,
            "a rolling deployment can't move: there may be neither one instance more nor one fewer",
            "write `max_surge = 1` or `max_unavailable = 1`",
        );
    }
}

fn rolling_keeps_serving(subject: &Subject<'_>, rolling: &Rolling, at: &Field, report: &mut Report<'_>) {
    let instances = subject.spec.serve.instances;
    if rolling.max_surge == 0 && rolling.max_unavailable >= instances {
        report.warning(
            at,
            format!("all {instances} instances may be missing at a time: nobody would answer"),
            "lower `max_unavailable` below `instances`, or write `max_surge = 1`",
        );
    }
}

fn canary_has_time(subject: &Subject<'_>, canary: &Canary, at: &Field, report: &mut Report<'_>) {
    let pause_ms = |pause: Pause| if let Pause::For(span) = pause { span.ms } else { 0 };
    let pauses_ms: u64 = canary.steps.steps().iter().map(|step| pause_ms(step.pause)).fold(0, u64::saturating_add);
    let total_s = pauses_ms.saturating_add(subject.spec.serve.bake.ms) / 1000;
    let deadline_s = subject.spec.serve.deadline_s;
    if total_s > deadline_s {
        report.warning(
            at,
            format!("the canary's steps and the bake take {total_s} s, but a deployment may take {deadline_s} s"),
            "raise `deadline_s`, or shorten the steps",
        );
    }
}

fn judges(subject: &Subject<'_>, success: &SuccessLimits, report: &mut Report<'_>) {
    let at = subject.field("success");
    if success.error_rate_max.is_none() && success.p99_ms_max.is_none() {
        let message = if success.min_requests > 0 {
            "`min_requests` without a limit judges nothing"
        } else {
            "`success` has no limit, so it judges nothing"
        };
        report.warning(&at, message, "add `error_rate_max = 0.01` or `p99_ms_max = 500`");
        return;
    }
    let is_canary = matches!(subject.spec.serve.strategy, StrategySpec::Canary(_));
    if !is_canary && subject.spec.serve.bake.ms == 0 {
        let message = "`success` is never asked: there is neither a canary nor a bake";
        report.warning(&at, message, "add `bake = \"1m\"`, or a canary");
    }
}
