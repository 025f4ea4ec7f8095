//! Remotes: exactly one way to ask each, for something that exists, and values that go where values may.
//!
//! Not here: whether one answers (the engine).

use serde::Deserialize;
use serde_json::Value;
use shipway_core::{
    config::remote::REMOTES_MAX,
    finding::{Category, Severity},
    id::{EnvironmentName, ServiceName},
    spec::{REMOTE_TIMEOUT_MAX, RemoteSpec},
};

use super::{commands::needs_no_shell, report::Report};
use crate::{
    field::Field,
    read::Source,
    suggest::{all, nearest},
};

pub(super) fn check(source: &Source, report: &mut Report<'_>) {
    let declared: Vec<_> = source.tree["remote"].as_object().into_iter().flatten().collect();
    if declared.len() > REMOTES_MAX {
        let message = format!("there are {} remotes: at most {REMOTES_MAX} can be asked", declared.len());
        report.critical(&Field::of(&["remote"]), message, "have fewer places say more");
    }
    for (name, value) in declared {
        // What can't be read is a finding of the shape.
        let Ok(remote) = RemoteSpec::deserialize(value) else { continue };
        let at = Field::of(&["remote", name]);
        asked_in_one_way(&remote, &at, report);
        place(&remote, &at, report);
        into(&remote, &at, report);
        timeout(&remote, &at, report);
        let services = remote.services.iter().map(ServiceName::as_str);
        for (at, message, advice) in strangers(&source.tree["services"], "service", services, &at.key("services")) {
            report.critical(&at, message, advice);
        }
        let named = remote.environments.iter().map(EnvironmentName::as_str);
        let own = &source.tree["environments"];
        // One that was made through the API is not in the file.
        for (at, message, advice) in strangers(own, "environment", named, &at.key("environments")) {
            report.warning(&at, message, advice);
        }
    }
}

fn asked_in_one_way(remote: &RemoteSpec, at: &Field, report: &mut Report<'_>) {
    let said =
        [("http", remote.http.is_some()), ("file", remote.file.is_some()), ("command", remote.command.is_some())];
    let said: Vec<&str> = said.into_iter().filter(|(_, said)| *said).map(|(key, _)| key).collect();
    match said.as_slice() {
        [] => report.critical(at, "this remote asks nobody", "add exactly one of `http`, `file` and `command`"),
        [_] => {}
        several => {
            let message = format!("this remote asks in {} ways: {}", several.len(), all(several.iter().copied()));
            report.critical(at, message, "write a remote for each of them");
        }
    }
    if remote.http.is_none() && !remote.headers.is_empty() {
        report.warning(&at.key("headers"), "`headers` mean nothing without `http`", "remove them");
    }
    if remote.command.is_none() && remote.run_as.is_some() {
        report.warning(&at.key("run_as"), "`run_as` means nothing without `command`", "remove it");
    }
}

fn place(remote: &RemoteSpec, at: &Field, report: &mut Report<'_>) {
    if let Some(url) = &remote.http {
        let host = url.strip_prefix("https://").or(url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
            let advice = "write a URL, for instance `http = \"https://config.example.com/{environment}.json\"`";
            let message = format!("`{url}` is no URL of http or https");
            report.tell(Severity::Critical, Category::Network, &at.key("http"), message, advice);
        }
        if host.is_some_and(|host| host.split('/').next().is_some_and(|host| host.contains(['@', '{']))) {
            let message = "whom the URL asks may not be a secret, nor a name and password";
            report.critical(&at.key("http"), message, "write the host, and send a secret in `headers`");
        }
    }
    if remote.file.as_ref().is_some_and(|file| !file.starts_with('/')) {
        let advice = "begin it with /: it is on the server's machine, not in the project";
        report.critical(&at.key("file"), "the file is not named by its whole path", advice);
    }
    if let Some(command) = &remote.command {
        needs_no_shell(command, &at.key("command"), report);
    }
    if remote.run_as.as_deref() == Some("") {
        report.critical(&at.key("run_as"), "`run_as` is empty", "name a user, or write `run_as = \"@server\"`");
    }
}

fn into(remote: &RemoteSpec, at: &Field, report: &mut Report<'_>) {
    let mut parts = remote.into.split('.');
    let goes = match (parts.next(), parts.clone().next()) {
        (Some("variables"), None) => true,
        (Some("settings"), _) => parts.all(|part| !part.is_empty()),
        _ => false,
    };
    if !goes {
        let message = format!("nothing can go into `{}`", remote.into);
        let advice = "write `into = \"settings\"`, a path such as `settings.limits`, or `variables`";
        report.critical(&at.key("into"), message, advice);
    }
    if remote.at.as_deref().is_some_and(|path| path.split('.').any(str::is_empty)) {
        report.critical(&at.key("at"), "`at` is no path", "write keys with dots: `at = \"data.shop\"`");
    }
}

fn timeout(remote: &RemoteSpec, at: &Field, report: &mut Report<'_>) {
    let span = remote.timeout;
    if span.ms == 0 || span > REMOTE_TIMEOUT_MAX {
        let message = format!("a remote can't be given {span} to answer");
        report.critical(&at.key("timeout"), message, format!("write a time up to {REMOTE_TIMEOUT_MAX}"));
    }
}

/// Names that the file doesn't have: where, what is wrong, what to do.
fn strangers<'a>(
    table: &Value,
    what: &str,
    named: impl Iterator<Item = &'a str>,
    at: &Field,
) -> Vec<(Field, String, String)> {
    let has: Vec<&str> = table.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let unknown = named.enumerate().filter(|(_, name)| !has.contains(name));
    let told = |(index, name): (usize, &str)| {
        let advice = match nearest(name, has.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the file has {}", all(has.iter().copied())),
        };
        (at.index(index), format!("there is no {what} `{name}`"), advice)
    };
    unknown.map(told).collect()
}
