//! Commands about secrets. Each write names the revision that it read, so that nobody's version is lost.

use std::collections::BTreeSet;

use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::Actor,
    ports::Fault,
    project::Project,
    secret::{Revocation, SECRET_BYTES_MAX, Secret, SecretAddress, SecretCommand, SecretText, SecretVersion},
    store::{Commit, Guarded},
};

use super::{masked::learn, rekey, uses};
use crate::{
    Engine,
    refusal::{Refusal, conflict},
    reply::Reply,
};

/// Does what is asked about secrets.
pub(crate) async fn command(engine: &Engine, command: SecretCommand, actor: &Actor) -> Result<Reply, Refusal> {
    let reply = match command {
        SecretCommand::Set { secret, value, rotate, reason } => {
            set(engine, secret, &value, rotate, reason, actor).await.map(reply)?
        }
        SecretCommand::Revoke { secret, version, reason } => {
            revoke(engine, secret, version, reason, actor).await.map(reply)?
        }
        SecretCommand::Delete { secret, force, reason } => {
            delete(engine, secret, force, reason.as_deref(), actor).await.map(reply)?
        }
        SecretCommand::Rekey { reason } => Reply::Rekeyed(rekey::run(engine, reason.as_deref(), actor).await?),
    };
    learn(engine).await?;
    Ok(reply)
}

fn reply(secret: Secret) -> Reply {
    Reply::Secret(Box::new(secret))
}

async fn find(engine: &Engine, address: &SecretAddress) -> Result<Option<Secret>, Refusal> {
    if let Some(fault) = address.fault() {
        return Err(Fault::invalid(fault).into());
    }
    Ok(engine.ports.store.find(&address.to_string()).await?)
}

async fn existing(engine: &Engine, address: &SecretAddress) -> Result<Secret, Refusal> {
    let found = find(engine, address).await?.filter(|secret| !secret.versions.is_empty());
    found.ok_or_else(|| {
        let fault = Fault::not_found(format!("there is no secret {} in {}", address.name, address.scope()));
        fault.with_hint("`shipway secret list` shows all of them").into()
    })
}

async fn set(
    engine: &Engine,
    address: SecretAddress,
    value: &SecretText,
    rotate: bool,
    reason: Option<String>,
    actor: &Actor,
) -> Result<Secret, Refusal> {
    let project = engine.known_project(&address.project).await?;
    refuse_unknown_place(engine, &project, &address)?;
    refuse_bad_value(value)?;
    let mut secret = match rotate {
        true => existing(engine, &address).await?,
        false => find(engine, &address).await?.unwrap_or_else(|| Secret::new(address.clone())),
    };
    have_the_right_key(engine).await?;
    let number = secret.last + 1;
    let envelope = engine.ports.secrets.seal(&secret.about(number), value)?;
    let in_use: BTreeSet<u32> = uses::users(engine, &address).await?.iter().map(|user| user.version).collect();
    let (by, at) = (actor.name.clone(), engine.ports.clock.now());
    secret.add(SecretVersion { number, by, at, reason: reason.clone(), revoked: None, envelope }, &in_use);
    let message = format!("{} set {}@{number}{}", actor.name, address, why(reason.as_deref()));
    write(engine, secret, EventStatus::Ok, message).await
}

/// A secret for a place that isn't there would be given to nobody.
fn refuse_unknown_place(engine: &Engine, project: &Project, address: &SecretAddress) -> Result<(), Refusal> {
    if let Some(fault) = address.fault() {
        return Err(Fault::invalid(fault).into());
    }
    let Some(environment) = &address.environment else { return Ok(()) };
    engine.known_environment(project, environment)?;
    let Some(service) = &address.service else { return Ok(()) };
    let spec = engine.understood.spec(&project.file, &project.text).map_err(Refusal::Findings)?;
    if spec.services().contains(service) {
        return Ok(());
    }
    let names: Vec<_> = spec.services().iter().map(ToString::to_string).collect();
    let fault = Fault::not_found(format!("{} has no service `{service}`", project.id));
    Err(fault.with_hint(format!("the services are {}", names.join(", "))).into())
}

fn refuse_bad_value(value: &SecretText) -> Result<(), Refusal> {
    let (text, bytes) = (value.reveal(), value.reveal().len());
    let fault = match bytes {
        0 => Some("the value is empty".to_owned()),
        _ if bytes > SECRET_BYTES_MAX => {
            Some(format!("the value has {bytes} bytes, and a secret holds at most {SECRET_BYTES_MAX}"))
        }
        _ => text.contains('\0').then(|| "the value holds a zero byte, which no variable can".to_owned()),
    };
    fault.map_or(Ok(()), |fault| Err(Fault::invalid(fault).into()))
}

/// Refuses to seal by another key than what is sealed already, and makes the first key when there is nothing yet.
async fn have_the_right_key(engine: &Engine) -> Result<(), Refusal> {
    let keys = engine.ports.secrets.keys();
    let secrets: Vec<Secret> = engine.ports.store.below("").await?;
    let sealed = secrets.iter().flat_map(|secret| &secret.versions).map(|version| &version.envelope.master_key);
    let used: BTreeSet<&String> = sealed.collect();
    if keys.ids.is_empty() && keys.fault.is_none() && used.is_empty() {
        engine.ports.secrets.make_key().await?;
        return Ok(());
    }
    let Some(unknown) = used.into_iter().find(|id| !keys.ids.contains(id)) else { return Ok(()) };
    let has = match (&keys.fault, keys.ids.first()) {
        (Some(fault), _) => fault.clone(),
        (None, Some(id)) => format!("{} has another one ({id})", keys.source),
        (None, None) => format!("there is none in {}", keys.source),
    };
    let fault = Fault::unavailable(format!("secrets are sealed by the master key {unknown}, and {has}"));
    let hint =
        "give the server that key again; if it is lost for good, delete the secrets with --force and set them anew";
    Err(fault.with_hint(hint).into())
}

async fn revoke(
    engine: &Engine,
    address: SecretAddress,
    number: u32,
    reason: Option<String>,
    actor: &Actor,
) -> Result<Secret, Refusal> {
    let mut secret = existing(engine, &address).await?;
    let (by, at) = (actor.name.clone(), engine.ports.clock.now());
    let version = secret.versions.iter_mut().find(|version| version.number == number);
    let Some(version) = version else {
        let fault = Fault::not_found(format!("{address} has no version {number}"));
        return Err(fault.with_hint("`shipway secret list` shows the versions").into());
    };
    if version.revoked.is_some() {
        return Ok(secret);
    }
    version.revoked = Some(Revocation { by, at, reason: reason.clone() });
    let then = match secret.newest() {
        Some(newest) => format!("instances that start from now on are given {}@{}", address.name, newest.number),
        None => "no version is left: what needs it can't start".to_owned(),
    };
    let message = format!("{} revoked {address}@{number}{}; {then}", actor.name, why(reason.as_deref()));
    write(engine, secret, EventStatus::Warning, message).await
}

async fn delete(
    engine: &Engine,
    address: SecretAddress,
    force: bool,
    reason: Option<&str>,
    actor: &Actor,
) -> Result<Secret, Refusal> {
    let mut secret = existing(engine, &address).await?;
    let users = uses::users(engine, &address).await?;
    if !users.is_empty() && !force {
        let list = users.iter().map(|user| format!("{} names {}@{}", user.slot, address.name, user.version)).collect();
        let message = format!("{address} is in use: instances of these could not start without it");
        let hint = Some("deploy them without it first, or say --force".to_owned());
        return Err(Refusal::Conflict { message, list, hint });
    }
    secret.versions.clear();
    let message = format!("{} deleted {address}{}", actor.name, why(reason));
    write(engine, secret, EventStatus::Warning, message).await
}

fn why(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// Writes a secret that must still be what was read.
async fn write(engine: &Engine, mut secret: Secret, status: EventStatus, message: String) -> Result<Secret, Refusal> {
    let guarded = Guarded::Secret(secret.address.clone());
    let read = secret.revision;
    secret.revision += 1;
    let event = said(&secret.address, status, message);
    let commit = Commit::at(engine.ports.clock.now()).raise(guarded, read).put(&secret).event(event);
    match engine.ports.store.commit(commit).await {
        Err(fault) if fault.kind == shipway_core::ports::FaultKind::Conflict => {
            Err(conflict(format!("somebody else changed {} just now", secret.address), "look at it, and do it again"))
        }
        committed => committed.map(|_| secret).map_err(Refusal::from),
    }
}

fn said(address: &SecretAddress, status: EventStatus, message: String) -> EventBody {
    EventBody {
        project: Some(address.project.clone()),
        environment: address.environment.clone(),
        services: address.service.clone().into_iter().collect(),
        ..EventBody::new(EventKind::SecretChanged, status, "secrets", message)
    }
}
