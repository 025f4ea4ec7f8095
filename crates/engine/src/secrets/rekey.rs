//! Another master key, while everything runs: both keys are known as long as something is sealed by the old one. Each
//! secret is sealed again by itself, so that what was cut off goes on where it stopped when it is asked for again.

use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::Actor,
    ports::{Fault, FaultKind},
    secret::Secret,
    store::{Commit, Guarded},
};

use crate::{
    Engine,
    refusal::{Refusal, conflict},
};

/// How often a secret is read again that somebody wrote in between.
const CONFLICTS_MAX: u32 = 10;

/// What came of sealing everything by another master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// The master key that seals now.
    pub master_key: String,
    /// Where it comes from.
    pub source: String,
    /// Whether Shipway made it.
    pub made: bool,
    /// Secrets that were sealed again.
    pub secrets: usize,
    /// Master keys that nothing in the store is sealed by any more. Older backups are.
    pub old: Vec<String>,
}

pub(super) async fn run(engine: &Engine, reason: Option<&str>, actor: &Actor) -> Result<Rekeyed, Refusal> {
    let mut keys = engine.ports.secrets.read_keys().await?;
    let secrets: Vec<Secret> = engine.ports.store.below("").await?;
    let used = |secret: &Secret, id: &str| secret.versions.iter().any(|version| version.envelope.master_key == id);
    let by_first =
        |secret: &Secret| secret.versions.iter().all(|version| Some(&version.envelope.master_key) == keys.ids.first());
    let known = |secret: &Secret| keys.ids.iter().any(|id| used(secret, id));
    if !secrets.iter().any(|secret| !secret.versions.is_empty()) {
        return Err(conflict("there are no secrets yet", "`shipway secret set` makes the first master key"));
    }
    if !secrets.iter().filter(|secret| !secret.versions.is_empty()).all(known) {
        let message = "some secrets are sealed by a master key that isn't there";
        return Err(conflict(message, "give the server all of its master keys, the new one first"));
    }
    // All by the first one already: then another one is wanted. Else somebody gave another one, or was cut off.
    let made = secrets.iter().all(by_first);
    if made {
        keys = engine.ports.secrets.make_key().await?;
    }
    let Some(first) = keys.ids.first().cloned() else {
        return Err(Fault::unavailable("there is no master key").into());
    };
    let mut count = 0;
    for secret in secrets {
        count += usize::from(seal_again(engine, secret, &first).await?);
    }
    let old: Vec<String> = keys.ids.iter().skip(1).cloned().collect();
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("{} had {count} secrets sealed by the master key {first}{why}", actor.name);
    let event = EventBody::new(EventKind::MasterKeyChanged, EventStatus::Ok, "secrets", message);
    engine.ports.store.commit(Commit::at(engine.ports.clock.now()).event(event)).await?;
    Ok(Rekeyed { master_key: first, source: keys.source, made, secrets: count, old })
}

/// Seals a secret's versions by the first master key. Says whether there was anything to do.
async fn seal_again(engine: &Engine, mut secret: Secret, first: &str) -> Result<bool, Refusal> {
    for _ in 0..CONFLICTS_MAX {
        if secret.versions.iter().all(|version| version.envelope.master_key == first) {
            return Ok(false);
        }
        let (address, read) = (secret.address.clone(), secret.revision);
        let about: Vec<_> = secret.versions.iter().map(|version| secret.about(version.number)).collect();
        for (version, about) in secret.versions.iter_mut().zip(about) {
            version.envelope = engine.ports.secrets.seal_again(&about, &version.envelope)?;
        }
        secret.revision += 1;
        let commit = Commit::at(engine.ports.clock.now()).raise(Guarded::Secret(address.clone()), read).put(&secret);
        match engine.ports.store.commit(commit).await {
            Err(fault) if fault.kind == FaultKind::Conflict => {}
            committed => return committed.map(|_| true).map_err(Refusal::from),
        }
        match engine.ports.store.find::<Secret>(&address.to_string()).await? {
            Some(again) => secret = again,
            None => return Ok(false),
        }
    }
    Err(conflict(format!("{} is written again and again", secret.address), "ask again: what was done stays done"))
}
