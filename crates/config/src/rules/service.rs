//! What a service is by its kind, and who it runs as.

use shipway_core::{
    finding::{Category, Severity},
    spec::{EnvironmentPlan, EnvironmentType, OnFailure, ReloadSpec, ServiceKind},
};

use super::{Subject, report::Report};
use crate::field::Field;

pub(super) fn check(subject: &Subject<'_>, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    match subject.spec.serve.kind {
        ServiceKind::Process => process(subject, report),
        ServiceKind::Static => static_site(subject, report),
    }
    run_as(subject, report);
    has_time_to_go_back(subject, report);
    if plan.kind == EnvironmentType::Production && subject.spec.serve.on_failure == OnFailure::Stop {
        report.warning(
            &subject.field("on_failure"),
            format!("a failed deployment of `{}` stays as it is, in production, until a person decides", subject.name),
            "write `on_failure = \"rollback\"`, unless somebody always watches",
        );
    }
    for (key, part_s) in parts(subject) {
        let deadline_s = subject.spec.serve.deadline_s;
        if part_s > deadline_s {
            report.warning(
                &subject.field("timeouts").key(key),
                format!("`{key}` is {part_s}, longer than the whole deployment may take ({deadline_s})"),
                format!("raise `deadline_s` above it, or lower `{key}`"),
            );
        }
    }
}

fn process(subject: &Subject<'_>, report: &mut Report<'_>) {
    let serve = &subject.spec.serve;
    if serve.run.is_none() {
        report.critical(
            &subject.field("run"),
            format!("`{}` is a process without a command", subject.name),
            format!("add the command of an instance, for instance `run = \"bin/{}\"`", subject.name),
        );
    }
    if let Some(reload) = &serve.reload {
        asks_for_one(reload, &subject.field("reload"), report);
    }
    let health = &serve.health;
    if health.startup.is_none() && health.readiness.is_none() && health.liveness.is_none() {
        report.info(
            &subject.field("health"),
            format!("`{}` has no health probe: an open port counts as healthy", subject.name),
            "add `[services.NAME.health.startup]` with `http = \"/healthz\"`, or `readiness`, or `liveness`"
                .replace("NAME", subject.name),
        );
    }
}

/// A reload is asked for in one way.
fn asks_for_one(reload: &ReloadSpec, at: &Field, report: &mut Report<'_>) {
    match (&reload.signal, &reload.http) {
        (None, None) => report.critical(
            at,
            "`reload` doesn't say how",
            "add exactly one of `signal = \"HUP\"` and `http = \"/reload\"`",
        ),
        (Some(_), Some(_)) => report.critical(
            at,
            "`reload` says both `signal` and `http`",
            "keep one of them; what another layer says is taken away by `{ unset = true }`",
        ),
        (None, Some(path)) if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) => {
            report.critical(
                &at.key("http"),
                format!("`{path}` is not the path of a request"),
                "begin it with `/`, without spaces, for instance `http = \"/reload\"`",
            );
        }
        _ => {}
    }
}

fn static_site(subject: &Subject<'_>, report: &mut Report<'_>) {
    let serve = &subject.spec.serve;
    if serve.run.is_some() {
        report.critical(
            &subject.field("run"),
            format!("`{}` is a static site: there is nothing to run", subject.name),
            "remove `run`, or write `kind = \"process\"`",
        );
    }
    let health = &serve.health;
    let meaningless = [
        ("instances", serve.instances != 1),
        ("health", health.startup.is_some() || health.readiness.is_some() || health.liveness.is_some()),
        ("limits", !serve.limits.is_empty()),
        ("data", !serve.data.is_empty()),
        ("reload", serve.reload.is_some()),
    ];
    for (key, _) in meaningless.into_iter().filter(|(_, said)| *said) {
        report.warning(
            &subject.field(key),
            format!("`{key}` means nothing for the static site `{}`: the proxy serves its files", subject.name),
            format!("remove `{key}`"),
        );
    }
}

fn run_as(subject: &Subject<'_>, report: &mut Report<'_>) {
    let at = subject.field("run_as");
    match subject.spec.serve.run_as.as_deref() {
        Some("") => report.critical(&at, "`run_as` is empty", "name a user, or write `run_as = \"@server\"`"),
        Some("root") => report.tell(
            Severity::Warning,
            Category::Security,
            &at,
            format!("`{}` is built and runs as root", subject.name),
            "name a user that may do no more than the service needs",
        ),
        _ => {}
    }
}

fn parts(subject: &Subject<'_>) -> impl Iterator<Item = (&'static str, u64)> {
    let timeouts = &subject.spec.serve.timeouts;
    let parts = [
        ("build_s", timeouts.build_s),
        ("start_s", timeouts.start_s),
        ("check_s", timeouts.check_s),
        ("hook_s", timeouts.hook_s),
        ("drain_s", timeouts.drain_s),
    ];
    parts.into_iter().chain(subject.spec.serve.migrate.iter().map(|_| ("migrate_s", timeouts.migrate_s)))
}

/// The way back may have to start old instances, and to let requests at the new ones end.
fn has_time_to_go_back(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.spec.serve.kind == ServiceKind::Static {
        return;
    }
    let timeouts = &subject.spec.serve.timeouts;
    let needed_s = timeouts.start_s.saturating_add(timeouts.drain_s);
    if timeouts.rollback_s < needed_s {
        report.warning(
            &subject.field("timeouts").key("rollback_s"),
            format!(
                "the way back may take {} s, but starting and draining alone may take {needed_s} s",
                timeouts.rollback_s
            ),
            format!("write `rollback_s = {needed_s}` or more, or lower `start_s` and `drain_s`"),
        );
    }
}
