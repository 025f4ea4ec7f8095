//! Probes and checks: each asks exactly one thing, and expects what can be.

use shipway_core::spec::Ask;

use super::{Subject, commands::needs_no_shell, report::Report};
use crate::field::Field;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let health = &subject.spec.serve.health;
    let probes = [("startup", &health.startup), ("readiness", &health.readiness), ("liveness", &health.liveness)];
    for (key, probe) in probes {
        if let Some(probe) = probe {
            ask(&probe.ask, &subject.field("health").key(key), report);
        }
    }
    let checks = &subject.spec.serve.checks;
    for (index, check) in checks.iter().enumerate() {
        let at = subject.field("checks").index(index);
        ask(&check.ask, &at, report);
        if check.name.trim().is_empty() {
            report.critical(&at.key("name"), "the check's name is empty", "say what it checks: reports show it");
        } else if checks[..index].iter().any(|other| other.name == check.name) {
            let message = format!("two checks of `{}` are called `{}`", subject.name, check.name);
            report.critical(&at.key("name"), message, "give each a name of its own: reports tell them apart by it");
        }
    }
}

/// Whether a question asks one thing, and can be answered.
pub(super) fn ask(ask: &Ask, at: &Field, report: &mut Report<'_>) {
    let said = [("http", ask.http.is_some()), ("tcp", ask.tcp.is_some()), ("command", ask.command.is_some())];
    let said: Vec<&str> = said.into_iter().filter(|(_, said)| *said).map(|(key, _)| key).collect();
    let label = at.label();
    match said.as_slice() {
        [] => report.critical(
            at,
            format!("`{label}` asks nothing"),
            "add exactly one of `http = \"/healthz\"`, `tcp = true` and `command = \"…\"`",
        ),
        [_] => {}
        several => report.critical(
            at,
            format!("`{label}` asks {} things: {}", several.len(), crate::suggest::all(several.iter().copied())),
            "keep exactly one of them, and write another check for the other",
        ),
    }
    http_path(ask, at, report);
    expectation(ask, at, report);
    if ask.tcp == Some(false) {
        report.critical(&at.key("tcp"), "`tcp` is `false`: that asks nothing", "write `tcp = true`, or remove it");
    }
    if let Some(command) = &ask.command {
        needs_no_shell(command, &at.key("command"), report);
    }
}

fn http_path(ask: &Ask, at: &Field, report: &mut Report<'_>) {
    let Some(path) = &ask.http else { return };
    let advice = "write the path of a request, for instance `http = \"/healthz\"`";
    if !path.starts_with('/') {
        report.critical(&at.key("http"), format!("`http` must begin with `/`: `{path}`"), advice);
    } else if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#') {
        report.critical(&at.key("http"), format!("`http` holds a character that no path may hold: `{path}`"), advice);
    }
}

fn expectation(ask: &Ask, at: &Field, report: &mut Report<'_>) {
    let Some(expect) = &ask.expect else { return };
    let at = at.key("expect");
    if ask.tcp.is_some() {
        report.warning(&at, "`expect` means nothing for `tcp`: a connection is all it asks for", "remove `expect`");
    }
    let Some(status) = expect.status else { return };
    let advice = |range: &str, example: u16| format!("write {range}, for instance `status = {example}`");
    if ask.http.is_some() && !(100..=599).contains(&status) {
        let message = format!("`status` is {status}: an answer of HTTP has one from 100 to 599");
        report.critical(&at.key("status"), message, advice("such a number", 200));
    }
    if ask.command.is_some() && status > 255 {
        let message = format!("`status` is {status}: a command ends with one from 0 to 255");
        report.critical(&at.key("status"), message, advice("such a number", 0));
    }
}
