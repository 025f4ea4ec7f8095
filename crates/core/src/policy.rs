//! Who may do what: one pure function over an actor, an act and a place. `Engine` asks it once for every command, and
//! the HTTP layer for what is no command.
//!
//! Not here: how somebody proves to be an actor (`app::server::auth`), which act a command is (`engine::authorization`).

#[cfg(test)]
mod tests;

use std::fmt;

use crate::{
    id::{Actor, EnvironmentName, Role},
    spec::EnvironmentType,
};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Look at anything that is no secret.
    Read,
    /// Look at what concerns all environments at once.
    Oversee,
    /// Send a folder to be deployed from.
    Upload,
    /// Register a project, or its changed spec, where nothing changes in an environment itself.
    Register,
    /// See what a deployment would do: it builds, and moves nothing.
    Draw,
    /// Make other releases live.
    Deploy,
    /// Make live what another environment verified.
    Promote,
    /// Go back to what was.
    Rollback,
    /// Change counts of instances.
    Scale,
    /// End a deployment, and undo what it did.
    Cancel,
    /// Let a canary go on before its time.
    Advance,
    /// Say yes to what waits for it.
    Approve,
    /// Pause and resume.
    Hold,
    /// Retry, skip and resolve what is stuck.
    Unstick,
    /// Close a circuit breaker.
    ResetBreaker,
    /// Take services away.
    Decommission,
    /// Put a copy of data back.
    RestoreData,
    /// Change settings, flags, secrets' values, and what an environment is.
    Configure,
    /// Change what all environments of a project together may take, and what things cost.
    Budget,
    /// Read the record of all commands.
    Audit,
    /// Stop the server, back up and restore, repair.
    Administer,
    /// Make and revoke access tokens.
    Tokens,
    /// Change the key that wraps all secrets.
    MasterKey,
    /// Open every gate in an emergency.
    BreakGlass,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Read,
        Self::Oversee,
        Self::Upload,
        Self::Register,
        Self::Draw,
        Self::Deploy,
        Self::Promote,
        Self::Rollback,
        Self::Scale,
        Self::Cancel,
        Self::Advance,
        Self::Approve,
        Self::Hold,
        Self::Unstick,
        Self::ResetBreaker,
        Self::Decommission,
        Self::RestoreData,
        Self::Configure,
        Self::Budget,
        Self::Audit,
        Self::Administer,
        Self::Tokens,
        Self::MasterKey,
        Self::BreakGlass,
    ];

    /// What it is called, after "may" and "may not".
    pub fn words(self) -> &'static str {
        match self {
            Self::Read | Self::Oversee => "look",
            Self::Upload => "upload",
            Self::Register => "register a project or its changed spec",
            Self::Draw => "plan",
            Self::Deploy => "deploy",
            Self::Promote => "promote",
            Self::Rollback => "roll back",
            Self::Scale => "scale",
            Self::Cancel => "cancel",
            Self::Advance => "let a canary go on",
            Self::Approve => "approve",
            Self::Hold => "pause, resume and hold",
            Self::Unstick => "retry, skip or resolve",
            Self::ResetBreaker => "reset a breaker",
            Self::Decommission => "decommission",
            Self::RestoreData => "put data back",
            Self::Configure => "change settings",
            Self::Budget => "change the quota and the prices of a project",
            Self::Audit => "read the audit record",
            Self::Administer => "administer the server",
            Self::Tokens => "manage access tokens",
            Self::MasterKey => "change the master key",
            Self::BreakGlass => "break the glass",
        }
    }

    /// The least role that may do it: where it is outside production, and where it is inside.
    fn takes(self) -> (Role, Role) {
        match self {
            Self::Read | Self::Oversee => (Role::Viewer, Role::Viewer),
            // Whose yes counts says the environment's gate, which names the roles.
            Self::Upload | Self::Register | Self::Draw | Self::Approve => (Role::Developer, Role::Developer),
            Self::Rollback | Self::Scale | Self::Cancel => (Role::Developer, Role::Operator),
            Self::Deploy | Self::Promote | Self::Advance | Self::Decommission | Self::Configure => {
                (Role::Developer, Role::ReleaseManager)
            }
            Self::Hold | Self::Unstick | Self::ResetBreaker | Self::Audit => (Role::Operator, Role::Operator),
            Self::RestoreData => (Role::Operator, Role::ReleaseManager),
            Self::Budget => (Role::ReleaseManager, Role::ReleaseManager),
            Self::Administer | Self::Tokens | Self::MasterKey | Self::BreakGlass => (Role::Admin, Role::Admin),
        }
    }

    /// Whether somebody who is limited to environments may do it where no environment is meant: it moves nothing.
    fn is_harmless(self) -> bool {
        matches!(self, Self::Read | Self::Upload | Self::Register)
    }
}

/// The environment that something is done in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub environment: EnvironmentName,
    /// What sort it is; none when that can't be told, and then it is guarded like production.
    pub kind: Option<EnvironmentType>,
}

impl Place {
    /// Whether it is guarded like production.
    fn is_production(&self) -> bool {
        self.kind.is_none_or(|kind| kind == EnvironmentType::Production)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Some(EnvironmentType::Development) => "of type development",
            Some(EnvironmentType::Staging) => "of type staging",
            Some(EnvironmentType::Testing) => "of type testing",
            Some(EnvironmentType::Production) => "of type production",
            None => "of a type that can't be told",
        };
        write!(f, "{} ({kind})", self.environment)
    }
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// Who may not do what, where, and what it takes.
    pub message: String,
    /// Who can change that, and how.
    pub hint: String,
}

/// Whether an actor may do an act in an environment; `None` for what concerns no single one.
///
/// # Errors
/// It may not: which role it takes, or that the actor's access token is for other environments.
pub fn may(actor: &Actor, act: Act, place: Option<&Place>) -> Result<(), Denied> {
    within(actor, act, place)?;
    is_trusted(actor, act, place)
}

/// Whether an actor's role allows an act somewhere, while nobody knows yet where it is to be done.
///
/// # Errors
/// It allows it nowhere.
pub fn may_somewhere(actor: &Actor, act: Act) -> Result<(), Denied> {
    is_trusted(actor, act, None)
}

fn is_trusted(actor: &Actor, act: Act, place: Option<&Place>) -> Result<(), Denied> {
    let (elsewhere, in_production) = act.takes();
    let least = if place.is_some_and(Place::is_production) { in_production } else { elsewhere };
    if actor.role().is_some_and(|role| role >= least) {
        return Ok(());
    }
    let has = actor.role().map_or_else(|| "no role".to_owned(), |role| format!("the role {role}"));
    let at = place.map(|place| format!(" in {place}")).unwrap_or_default();
    let message = format!("{} has {has} and may not {}{at}: it takes the role {least}", actor.name, act.words());
    Err(Denied { message, hint: format!("an admin gives it: `shipway token create NAME --role {least}`") })
}

/// Refuses what lies outside of an actor's environments.
fn within(actor: &Actor, act: Act, place: Option<&Place>) -> Result<(), Denied> {
    let inside = match place {
        Some(place) => actor.sees(&place.environment),
        None => actor.environments.is_empty() || act.is_harmless(),
    };
    if inside {
        return Ok(());
    }
    let names = actor.environments.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ");
    let at = place.map_or_else(|| "outside of them".to_owned(), |place| format!("in {place}"));
    let message = format!("{} acts in {names} alone, and may not {} {at}", actor.name, act.words());
    let hint = match place {
        Some(place) => format!("an admin gives it: `shipway token create NAME --environment {}`", place.environment),
        None => "an admin gives it: `shipway token create NAME` without `--environment`".into(),
    };
    Err(Denied { message, hint })
}
