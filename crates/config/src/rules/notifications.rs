//! Who hears of deployments: exactly one way each, and a way that can be gone.

use serde::Deserialize;
use serde_json::Value;
use shipway_core::{
    finding::{Category, Severity},
    spec::{EmailSpec, EnvironmentPlan, NotifySpec},
};

use super::{commands::needs_no_shell, report::Report};
use crate::{field::Field, read::Source, suggest::all};

pub(super) fn check_project(source: &Source, report: &mut Report<'_>) {
    each(&source.tree["project"]["notify"], &Field::of(&["project", "notify"]), report);
}

pub(super) fn check_environment(source: &Source, plan: &EnvironmentPlan, report: &mut Report<'_>) {
    let name = plan.name.as_str();
    each(&source.tree["environments"][name]["notify"], &Field::of(&["environments", name, "notify"]), report);
}

/// Read one by one from the tree, so that each keeps its index.
fn each(list: &Value, at: &Field, report: &mut Report<'_>) {
    for (index, value) in list.as_array().into_iter().flatten().enumerate() {
        if let Ok(notify) = NotifySpec::deserialize(value) {
            check(&notify, &at.index(index), report);
        }
    }
}

fn check(notify: &NotifySpec, at: &Field, report: &mut Report<'_>) {
    let said = [
        ("webhook", notify.webhook.is_some()),
        ("command", notify.command.is_some()),
        ("email", notify.email.is_some()),
    ];
    let said: Vec<&str> = said.into_iter().filter(|(_, said)| *said).map(|(key, _)| key).collect();
    match said.as_slice() {
        [] => report.critical(at, "this entry notifies nobody", "add exactly one of `webhook`, `command` and `email`"),
        [_] => {}
        several => {
            let message = format!("this entry notifies in {} ways: {}", several.len(), all(several.iter().copied()));
            report.critical(at, message, "write an entry for each of them");
        }
    }
    webhook(notify, at, report);
    if let Some(command) = &notify.command {
        needs_no_shell(command, &at.key("command"), report);
    }
    if let Some(email) = &notify.email {
        check_email(email, &at.key("email"), report);
    }
}

fn webhook(notify: &NotifySpec, at: &Field, report: &mut Report<'_>) {
    let Some(url) = &notify.webhook else {
        if notify.secret_variable.is_some() {
            let message = "`secret_variable` means nothing without a `webhook`";
            report.warning(&at.key("secret_variable"), message, "remove it");
        }
        return;
    };
    let host = url.strip_prefix("https://").or(url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
        let advice = "write a URL, for instance `webhook = \"https://example.com/hooks/shipway\"`";
        let message = format!("the webhook `{url}` is no URL of http or https");
        report.tell(Severity::Critical, Category::Network, &at.key("webhook"), message, advice);
    }
    if notify.secret_variable.is_none() {
        let message = "the webhook is not signed: its receiver can't tell who sent it";
        let advice = "name the server's variable that holds the key: `secret_variable = \"HOOK_KEY\"`";
        report.tell(Severity::Info, Category::Security, at, message, advice);
    }
}

fn check_email(email: &EmailSpec, at: &Field, report: &mut Report<'_>) {
    if !["smtp://", "smtps://"]
        .iter()
        .any(|scheme| email.server.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        let advice = "for instance `server = \"smtps://{SMTP_USER}:{SMTP_PASSWORD}@mail.example.com\"`";
        // The server's text may hold a password, so it is not repeated.
        report.critical(&at.key("server"), "the mail server must begin with `smtp://` or `smtps://`", advice);
    }
    if email.to.is_empty() {
        report.critical(&at.key("to"), "the message has no recipients", "for instance `to = [\"team@example.com\"]`");
    }
    let to = email.to.iter().enumerate().map(|(index, address)| (at.key("to").index(index), address));
    for (at, address) in [(at.key("from"), &email.from)].into_iter().chain(to) {
        if !address.contains('@') {
            let message = format!("`{address}` is no address of e-mail");
            report.critical(&at, message, "write it like `team@example.com`");
        }
    }
}
