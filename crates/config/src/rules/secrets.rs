//! Secrets of a service: what they are called, and as what they are given.
//!
//! Not here: whether the environment has them (the engine).

use std::collections::BTreeMap;

use shipway_core::{release::variable::PORT, secret::secret_name_fault, spec::ServiceKind};

use super::{Subject, report::Report};

const OWN_PREFIX: &str = "SHIPWAY_";
const FILE_CHARS_MAX: usize = 100;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let serve = &subject.spec.serve;
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, wanted) in &serve.secrets {
        let at = subject.field("secrets").key(key);
        if serve.kind == ServiceKind::Static {
            report.critical(&at, "a static site has no instances that a secret could be given to", "remove it");
            continue;
        }
        let name = wanted.secret.as_deref().unwrap_or(key);
        if let Some(fault) = secret_name_fault(name) {
            let message = format!("the secret's name `{}` {fault}", name.escape_debug());
            report.critical(&at, message, "name the secret in `secret`, as `shipway secret list` shows it");
        }
        match &wanted.file {
            None => variable(subject, key, report),
            Some(file) => {
                let at = at.key("file");
                if let Some(fault) = file_fault(file) {
                    let message = format!("the file's name `{}` {fault}", file.escape_debug());
                    report.critical(&at, message, "name a file, for instance `tls.key`; it is in SHIPWAY_SECRETS_DIR");
                } else if let Some(other) = files.insert(file, key) {
                    let message = format!("`{file}` is the file of `{other}`, too");
                    report.critical(&at, message, "give each secret a file of its own");
                }
            }
        }
    }
}

fn variable(subject: &Subject<'_>, key: &str, report: &mut Report<'_>) {
    let at = subject.field("secrets").key(key);
    if key.is_empty() || key.contains(['=', '\0']) {
        report.critical(&at, format!("`{}` can't be a variable's name", key.escape_debug()), "rename it");
    } else if key == PORT || key.starts_with(OWN_PREFIX) {
        report.critical(&at, format!("the variable `{key}` is Shipway's own"), "choose another key");
    } else if subject.spec.serve.variables.contains_key(key) {
        let message = format!("`{key}` is a variable and a secret");
        report.critical(&at, message, "remove it from `variables`: what stands there is no secret");
    }
}

fn file_fault(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        _ if name.len() > FILE_CHARS_MAX => Some("is longer than 100 characters"),
        _ if name.starts_with('.') => Some("begins with a dot"),
        _ if name.contains(['/', '\0']) => Some("holds a `/` or a zero byte"),
        _ => None,
    }
}
