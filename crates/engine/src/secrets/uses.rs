//! What there is of secrets, who uses which version, and what stands against opening them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shipway_core::{
    id::{ProjectId, ReleaseId, SlotKey},
    ports::{Fault, MasterKeys},
    release::Release,
    secret::{Secret, SecretAddress},
    slot::Slot,
};

use crate::Engine;

/// A slot whose release names a version of a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretUser {
    /// The slot.
    pub slot: SlotKey,
    /// The release.
    pub release: ReleaseId,
    /// The version that it names.
    pub version: u32,
    /// Whether it is the live one; else it comes, or stands by.
    pub live: bool,
}

/// A secret, as far as it may be shown.
#[derive(Clone, Debug)]
pub struct SecretStanding {
    /// The secret; its values are sealed.
    pub secret: Secret,
    /// What equal values of the project have in common, by version; none for one that can't be opened.
    pub fingerprints: BTreeMap<u32, String>,
    /// Who uses it.
    pub users: Vec<SecretUser>,
}

/// A secret that can't be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTrouble {
    /// Which secret.
    pub secret: SecretAddress,
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Secrets of which the version that would be given can't be opened.
pub(super) fn troubles(engine: &Engine, secrets: &[Secret]) -> Vec<KeyTrouble> {
    let trouble = |secret: &Secret| {
        let newest = secret.newest()?;
        let fault = engine.ports.secrets.open(&secret.about(newest.number), &newest.envelope).err()?;
        Some(KeyTrouble { secret: secret.address.clone(), message: fault.message, hint: fault.hint })
    };
    secrets.iter().filter_map(trouble).collect()
}

/// Everybody who uses a secret.
pub(super) async fn users(engine: &Engine, secret: &SecretAddress) -> Result<Vec<SecretUser>, Fault> {
    let slots: Vec<Slot> = engine.ports.store.below(&secret.scope()).await?;
    let mut users = Vec::new();
    for slot in slots {
        for release in slot.releases() {
            let known = engine.release(release).await?;
            let versions: BTreeSet<u32> =
                known.secrets.values().filter(|pin| pin.secret == *secret).map(|pin| pin.version).collect();
            let live = slot.live.as_ref().is_some_and(|live| live.release == *release);
            users.extend(versions.into_iter().map(|version| SecretUser {
                slot: slot.key.clone(),
                release: release.clone(),
                version,
                live,
            }));
        }
    }
    Ok(users)
}

/// What the secrets of a release have in common with equal ones of its project, by the key in its `secrets`. Of one that
/// can't be opened it is the version that the release names.
pub(crate) async fn fingerprints(engine: &Engine, release: &Release) -> Result<BTreeMap<String, String>, Fault> {
    let mut all = BTreeMap::new();
    for (key, pin) in &release.secrets {
        let secret: Option<Arc<Secret>> = engine.ports.store.share(&pin.secret.to_string()).await?;
        let version = secret.as_ref().and_then(|secret| Some((secret, secret.resolve(pin.version)?)));
        let print = version.and_then(|(secret, version)| {
            let value = engine.ports.secrets.open(&secret.about(version.number), &version.envelope).ok()?;
            engine.ports.secrets.fingerprint(&pin.secret.project, &value).ok()
        });
        all.insert(key.clone(), print.unwrap_or_else(|| pin.to_string()));
    }
    Ok(all)
}

impl Engine {
    /// The secrets of a project, without those that were deleted.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn secrets(&self, project: &ProjectId) -> Result<Vec<SecretStanding>, Fault> {
        let secrets: Vec<Secret> = self.ports.store.below(project.as_str()).await?;
        let mut standings = Vec::new();
        for secret in secrets.into_iter().filter(|secret| !secret.versions.is_empty()) {
            standings.push(self.secret_standing(secret).await?);
        }
        Ok(standings)
    }

    /// A secret, as far as it may be shown.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn secret_standing(&self, secret: Secret) -> Result<SecretStanding, Fault> {
        let mut fingerprints = BTreeMap::new();
        for version in &secret.versions {
            let value = self.ports.secrets.open(&secret.about(version.number), &version.envelope);
            let print = value.and_then(|value| self.ports.secrets.fingerprint(&secret.address.project, &value));
            fingerprints.extend(print.ok().map(|print| (version.number, print)));
        }
        Ok(SecretStanding { users: users(self, &secret.address).await?, fingerprints, secret })
    }

    /// The master keys, and the secrets that they don't open.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn master_keys(&self) -> Result<(MasterKeys, Vec<KeyTrouble>), Fault> {
        let secrets: Vec<Secret> = self.ports.store.below("").await?;
        Ok((self.ports.secrets.keys(), troubles(self, &secrets)))
    }
}
