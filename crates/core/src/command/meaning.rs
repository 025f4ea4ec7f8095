//! What a command means to whoever guards and records it: which act it is, what it is about, which words it gets in the
//! audit record. One arm for each command; values that may be secret have no place here.

use crate::{
    deployment::{Kind, Request},
    id::{DeploymentId, EnvironmentName, ProjectId, ServiceName},
    policy::Act,
    promotion::Wish,
    secret::{SecretAddress, SecretCommand},
};

use super::Command;

/// What a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What it is called in the record.
    pub name: &'static str,
    /// Which act it is.
    pub act: Act,
    /// Where it acts.
    pub about: About,
    /// What exactly it is about, for people: services, a token, the names of settings.
    pub subject: Option<String>,
    /// Why, as whoever asks says.
    pub reason: Option<String>,
}

/// Where a command acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// In the server as a whole.
    Server,
    /// In a project that its spec names.
    Spec,
    /// In a project, in an environment that is found out later.
    Project(ProjectId),
    /// In an environment.
    Environment(ProjectId, EnvironmentName),
    /// Where a deployment is, by its id or name.
    Deployment(DeploymentId),
    /// Where a project's schedule deploys to.
    Schedule(ProjectId, String),
}

impl Meaning {
    /// An act with a name, in a place.
    pub fn new(name: &'static str, act: Act, about: About) -> Self {
        Self { name, act, about, subject: None, reason: None }
    }

    /// The same with what exactly it is about.
    #[must_use]
    pub fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// The same with why.
    #[must_use]
    pub fn because(self, reason: Option<&String>) -> Self {
        Self { reason: reason.cloned(), ..self }
    }
}

impl Command {
    /// What it means to whoever guards and records it.
    pub fn meaning(&self) -> Meaning {
        let server = |name, act| Meaning::new(name, act, About::Server);
        let deployment = |name, act, id: &DeploymentId| Meaning::new(name, act, About::Deployment(id.clone()));
        match self {
            Self::Deploy(request) => of_request(request),
            Self::Cancel { deployment: id, reason } => deployment("cancel", Act::Cancel, id).because(reason.as_ref()),
            Self::Pause { deployment: id } => deployment("pause", Act::Hold, id),
            Self::Resume { deployment: id } => deployment("resume", Act::Hold, id),
            Self::Advance { deployment: id } => deployment("advance", Act::Advance, id),
            Self::Approve { deployment: id, hash, reason } => {
                let plan = hash.as_ref().map_or_else(String::new, |hash| format!("the plan {hash}"));
                deployment("approve", Act::Approve, id).of(plan).because(reason.as_ref())
            }
            Self::Reject { deployment: id, reason } => deployment("reject", Act::Approve, id).because(Some(reason)),
            Self::BreakGlass { deployment: id, reason } => {
                deployment("break-glass", Act::BreakGlass, id).because(Some(reason))
            }
            Self::CreateSchedule(order) => {
                let (project, environment) = (order.request.project.clone(), order.request.environment.clone());
                let about = About::Environment(project, environment);
                Meaning::new("create-schedule", Act::Deploy, about).of(format!("{}: {}", order.name, order.every))
            }
            Self::HoldSchedule { project, name, paused } => {
                let word = if *paused { "pause-schedule" } else { "resume-schedule" };
                Meaning::new(word, Act::Deploy, About::Schedule(project.clone(), name.clone())).of(name)
            }
            Self::DeleteSchedule { project, name } => {
                let about = About::Schedule(project.clone(), name.clone());
                Meaning::new("delete-schedule", Act::Deploy, about).of(name)
            }
            Self::Retry { deployment: id } => deployment("retry", Act::Unstick, id),
            Self::Skip { deployment: id, step, reason } => {
                deployment("skip", Act::Unstick, id).of(format!("step {step}")).because(Some(reason))
            }
            Self::Resolve { deployment: id, reason } => deployment("resolve", Act::Unstick, id).because(Some(reason)),
            Self::ResetBreaker { name, reason } => {
                let about = match name.split_once('/') {
                    Some((project, name)) => About::Environment(ProjectId::new(project), EnvironmentName::new(name)),
                    None => About::Server,
                };
                Meaning::new("reset-breaker", Act::ResetBreaker, about).of(name).because(Some(reason))
            }
            Self::Register(registration) => {
                Meaning::new("register", Act::Register, About::Spec).of(registration.file.clone())
            }
            Self::SetLayer { project, environment, set, unset, reason, .. } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("set", Act::Configure, about).of(paths(set, unset).join(", ")).because(reason.as_ref())
            }
            Self::Repair { project, environment, services, reason } => {
                let about = About::Environment(project.clone(), environment.clone());
                let named = services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
                let named = if named.is_empty() { "all that differs".to_owned() } else { named };
                // It brings nothing new: what is live becomes again what was deployed.
                Meaning::new("repair", Act::Rollback, about).of(named).because(reason.as_ref())
            }
            Self::RestoreLayer { project, environment, version, reason, .. } => {
                let about = About::Environment(project.clone(), environment.clone());
                let meaning = Meaning::new("restore-settings", Act::Configure, about);
                meaning.of(format!("version {version}")).because(reason.as_ref())
            }
            Self::FetchRemotes { project, environment } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("fetch-remotes", Act::Configure, about)
            }
            Self::MakeEnvironment { project, environment, .. } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("create-environment", Act::Configure, about)
            }
            Self::RemoveEnvironment { project, environment } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("delete-environment", Act::Configure, about)
            }
            Self::SetFlag(change) => {
                let about = About::Environment(change.project.clone(), change.environment.clone());
                Meaning::new("set-flag", Act::Configure, about).of(change.name.clone())
            }
            Self::DeleteFlag { project, environment, name, .. } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("delete-flag", Act::Configure, about).of(name)
            }
            Self::Retain { project, environment } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("remove-old", Act::Administer, about)
            }
            Self::Secret(command) => of_secret(command),
            Self::Hold { project, environment, service, pin, reason } => {
                let about = About::Environment(project.clone(), environment.clone());
                let pin = pin.as_ref().map(|pin| format!(" but for {pin}")).unwrap_or_default();
                let what = service.as_ref().map_or("all services", ServiceName::as_str);
                Meaning::new("hold", Act::Hold, about).of(format!("{what}{pin}")).because(Some(reason))
            }
            Self::Unhold { project, environment, service } => {
                let about = About::Environment(project.clone(), environment.clone());
                let what = service.as_ref().map_or("all services", ServiceName::as_str);
                Meaning::new("unhold", Act::Hold, about).of(what)
            }
            Self::NameCombination { project, environment, name } => {
                let about = About::Environment(project.clone(), environment.clone());
                Meaning::new("name-combination", Act::Promote, about).of(name)
            }
            Self::Promote(wish) => of_wish(wish),
            Self::CreateToken(token) => {
                let limits = token.environments.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ");
                let limits = if limits.is_empty() { limits } else { format!(", in {limits} alone") };
                server("create-token", Act::Tokens).of(format!("{} as {}{limits}", token.name, token.role))
            }
            Self::RevokeToken { name } => server("revoke-token", Act::Tokens).of(name),
        }
    }
}

/// Where a promotion goes without a name is found out later, and then it is asked again whether it may.
fn of_wish(wish: &Wish) -> Meaning {
    let about = match &wish.to {
        Some(to) => About::Environment(wish.project.clone(), to.clone()),
        None => About::Project(wish.project.clone()),
    };
    let from = wish.from.as_ref().map(EnvironmentName::as_str).or(wish.combination.as_deref()).unwrap_or("?");
    let skips = if wish.skip_stage { ", skipping a stage" } else { "" };
    Meaning::new("promote", Act::Promote, about).of(format!("from {from}{skips}")).because(wish.reason.as_ref())
}

fn of_request(request: &Request) -> Meaning {
    let act = match request.kind {
        Kind::Deploy => Act::Deploy,
        Kind::Rollback { .. } => Act::Rollback,
        Kind::Scale { .. } => Act::Scale,
        Kind::Decommission => Act::Decommission,
        Kind::RestoreData { .. } => Act::RestoreData,
    };
    let about = About::Environment(request.project.clone(), request.environment.clone());
    let subject = match &request.kind {
        Kind::Scale { instances } => {
            let counts = instances.iter().map(|(service, count)| format!("{service}={count}"));
            counts.collect::<Vec<_>>().join(", ")
        }
        Kind::Rollback { undo: Some(undone), .. } => format!("back from {undone}"),
        Kind::Rollback { to: Some(to), .. } => format!("back to {to}"),
        _ => request.services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", "),
    };
    let subject = if subject.is_empty() { "all services".to_owned() } else { subject };
    let name = if request.break_glass { "break-glass" } else { request.kind.name() };
    let act = if request.break_glass { Act::BreakGlass } else { act };
    Meaning::new(name, act, about).of(subject).because(request.reason.as_ref())
}

fn of_secret(command: &SecretCommand) -> Meaning {
    let meant = |name, secret: &SecretAddress, version: Option<u32>, reason: &Option<String>| {
        // One of the whole project is guarded like production: it reaches there, too.
        let environment = secret.environment.clone().unwrap_or_else(|| EnvironmentName::new("all environments"));
        let about = About::Environment(secret.project.clone(), environment);
        let version = version.map(|version| format!("@{version}")).unwrap_or_default();
        Meaning::new(name, Act::Configure, about).of(format!("{secret}{version}")).because(reason.as_ref())
    };
    match command {
        SecretCommand::Set { secret, reason, .. } => meant("set-secret", secret, None, reason),
        SecretCommand::Revoke { secret, version, reason } => meant("revoke-secret", secret, Some(*version), reason),
        SecretCommand::Delete { secret, reason, .. } => meant("delete-secret", secret, None, reason),
        SecretCommand::Rekey { reason } => {
            Meaning::new("change-master-key", Act::MasterKey, About::Server).because(reason.as_ref())
        }
    }
}

/// The dotted paths of what is set and unset, without what they are set to.
fn paths(set: &serde_json::Value, unset: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    leaves(set, "", &mut paths);
    paths.extend(unset.iter().map(|path| format!("-{path}")));
    paths
}

fn leaves(tree: &serde_json::Value, at: &str, paths: &mut Vec<String>) {
    match tree.as_object() {
        Some(table) => {
            for (key, below) in table {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                leaves(below, &at, paths);
            }
        }
        None => paths.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_told_by_their_names_and_never_by_their_values() {
        let set = json!({ "variables": { "KEY": "hush", "OFF": null }, "services": { "web": { "routes": ["hush"] } } });
        let (project, environment) = ("app".into(), "test".into());
        let unset = vec!["variables.OLD".into()];
        let command = Command::SetLayer { project, environment, set, unset, reason: None, expected: None };
        let meaning = command.meaning();
        let subject = "variables.KEY, variables.OFF, services.web.routes, -variables.OLD";
        assert_eq!(meaning.subject.as_deref(), Some(subject));
        assert!(!format!("{meaning:?}").contains("hush"));
    }

    #[test]
    fn a_request_is_the_act_of_its_kind() {
        let request = |kind| Command::Deploy(Box::new(Request::new("app".into(), "test".into(), kind))).meaning();
        assert_eq!(request(Kind::Deploy).act, Act::Deploy);
        assert_eq!(request(Kind::Deploy).subject.as_deref(), Some("all services"));
        assert_eq!(request(Kind::Decommission).act, Act::Decommission);
        let scale = request(Kind::Scale { instances: [("web".into(), 3)].into() });
        assert_eq!((scale.act, scale.subject.as_deref()), (Act::Scale, Some("web=3")));
    }

    #[test]
    fn a_breaker_is_of_its_environment_or_of_the_server() {
        let reset = |name: &str| Command::ResetBreaker { name: name.into(), reason: "mended".into() }.meaning().about;
        assert_eq!(reset("app/test"), About::Environment("app".into(), "test".into()));
        assert_eq!(reset("target"), About::Server);
    }
}
