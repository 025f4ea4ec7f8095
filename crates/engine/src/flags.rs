//! Feature flags: changed by commands, read by applications. No deployment takes part, and none takes a flag back.
//!
//! Not here: what a flag means for whom (`core::flag`).

use shipway_core::{
    command::FlagChange,
    event::{EventBody, EventKind, EventStatus},
    flag::{FLAGS_MAX, Flag, FlagValue, Flags, reading_key},
    id::{Actor, EnvironmentName, ProjectId},
    ports::Fault,
    store::{Commit, Guarded},
};

use crate::{Engine, Refusal, refusal::conflict, reply::Reply};

impl Engine {
    /// The flags of an environment.
    ///
    /// # Errors
    /// There is no such environment, or the store can't be read.
    pub async fn flags(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<Flags, Refusal> {
        self.known_environment(&self.known_project(project).await?, environment)?;
        Ok(self.stored_flags(project, environment).await?)
    }

    async fn stored_flags(&self, project: &ProjectId, environment: &EnvironmentName) -> Result<Flags, Fault> {
        let stored = self.ports.store.find(&format!("{project}/{environment}")).await?;
        Ok(stored.unwrap_or_else(|| Flags::none(project.clone(), environment.clone())))
    }

    /// The flags that a reading key is for; none when it is for none.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn flags_of_key(&self, key: &str) -> Result<Option<Flags>, Fault> {
        let Some(access) = &self.settings.flags else { return Ok(None) };
        for project in self.projects().await? {
            for environment in &project.environments {
                if reading_key(&access.secret, &project.id, environment) == key {
                    return self.stored_flags(&project.id, environment).await.map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Where the applications of an environment read its flags.
    pub(crate) fn flags_url(&self, project: &ProjectId, environment: &EnvironmentName) -> Option<String> {
        let access = self.settings.flags.as_ref()?;
        Some(format!("http://{}/flags/{}", access.address, reading_key(&access.secret, project, environment)))
    }

    pub(crate) async fn set_flag(&self, change: FlagChange, actor: &Actor) -> Result<Reply, Refusal> {
        let FlagChange { project, environment, name, value, description, expected } = change;
        let mut flags = self.flags(&project, &environment).await?;
        refuse_other_revision(&flags, &name, expected)?;
        let known = flags.flags.get(&name);
        if known.is_none() && flags.flags.len() >= FLAGS_MAX {
            return Err(conflict(format!("{environment} has {FLAGS_MAX} flags"), "delete some that nobody reads"));
        }
        let description = description.or_else(|| known?.description.clone());
        let before = known.map(|known| known.value.clone());
        let (at, by, revision) = (self.ports.clock.now(), actor.name.clone(), flags.revision + 1);
        let next = Flag { name: name.clone(), value, description, revision, by, at };
        next.check().map_err(|message| Refusal::Fault(Fault::invalid(message)))?;
        let event = told(&flags, actor, &name, before.as_ref(), Some(&next.value));
        flags.flags.insert(name, next.clone());
        self.put_flags(flags, event).await?;
        Ok(Reply::Flag(Box::new(next)))
    }

    pub(crate) async fn delete_flag(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
        name: &str,
        expected: Option<u64>,
        actor: &Actor,
    ) -> Result<Reply, Refusal> {
        let mut flags = self.flags(project, environment).await?;
        refuse_other_revision(&flags, name, expected)?;
        let Some(known) = flags.flags.remove(name) else {
            let fault = Fault::not_found(format!("{environment} has no flag `{name}`"));
            return Err(fault.with_hint("`shipway flag list` shows those that it has").into());
        };
        let event = told(&flags, actor, name, Some(&known.value), None);
        self.put_flags(flags, event).await?;
        Ok(Reply::Done)
    }

    async fn put_flags(&self, flags: Flags, event: EventBody) -> Result<(), Fault> {
        let guard = Guarded::Flags(flags.project.clone(), flags.environment.clone());
        let next = Flags { revision: flags.revision + 1, ..flags };
        let commit = Commit::at(self.ports.clock.now()).raise(guard, next.revision - 1).put(&next).event(event);
        self.ports.store.commit(commit).await.map(|_| ())
    }
}

/// A flag that was looked at before must be as it was then: 0 is one that was not there.
fn refuse_other_revision(flags: &Flags, name: &str, expected: Option<u64>) -> Result<(), Refusal> {
    let (Some(expected), known) = (expected, flags.flags.get(name)) else { return Ok(()) };
    let message = match known {
        Some(known) if known.revision != expected => {
            format!("{} changed `{name}` at {}: it is at revision {}", known.by, known.at, known.revision)
        }
        None if expected > 0 => format!("`{name}` was deleted since"),
        _ => return Ok(()),
    };
    Err(conflict(message, "look at it again, and decide again: `shipway flag list`"))
}

fn told(flags: &Flags, actor: &Actor, name: &str, before: Option<&FlagValue>, after: Option<&FlagValue>) -> EventBody {
    let what = if after.is_some() { "set" } else { "deleted" };
    let message = format!("{} {what} the flag {name} of {}", actor.name, flags.environment);
    EventBody {
        project: Some(flags.project.clone()),
        environment: Some(flags.environment.clone()),
        details: serde_json::json!({ "flag": name, "before": before, "after": after }),
        ..EventBody::new(EventKind::FlagChanged, EventStatus::Ok, "commands", message)
    }
}
