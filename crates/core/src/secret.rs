//! Secrets: values that are stored sealed, named by releases, and shown to nobody.
//!
//! Not here: sealing (`ports::Secrets`, in `store`), who is given which (`engine::secrets`), finding values in text
//! (`mask`).

pub mod mask;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

use crate::{
    id::{EnvironmentName, ProjectId, ServiceName, SlotKey, name_fault},
    time::Timestamp,
};

/// The longest value, in bytes: Linux takes no variable of more than 128 KiB.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;
/// How many versions of a secret are kept; older ones that nothing runs go when a new one comes.
pub const SECRET_VERSIONS_MAX: usize = 100;
/// The longest name of a secret.
const NAME_CHARS_MAX: usize = 128;
/// What stands where a value may not.
pub const MASK: &str = "••••";

/// A value that nobody may see: it is printed and serialised as a mask, and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a value.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value itself, for whoever hands it to an instance or seals it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Whatever writes what holds a value writes a mask.
impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "writeOnly": true })
    }
}

/// Writes the value itself, for the one who sends it to the server.
///
/// # Errors
/// The serializer's.
pub fn in_clear<S: Serializer>(value: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.0)
}

/// Whose a secret is, and what it is called: of a project, of an environment, or of one service there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SecretAddress {
    /// The project.
    pub project: ProjectId,
    /// The environment; all of the project when absent.
    pub environment: Option<EnvironmentName>,
    /// The service; all of the environment when absent. Never without an environment.
    pub service: Option<ServiceName>,
    /// What it is called.
    pub name: String,
}

impl SecretAddress {
    /// Whose it is, as a path: `shop`, `shop/production`, `shop/production/web`.
    pub fn scope(&self) -> String {
        let parts = [self.environment.as_ref().map(EnvironmentName::as_str), self.service.as_ref().map(|s| s.as_str())];
        parts.into_iter().flatten().fold(self.project.to_string(), |path, part| format!("{path}/{part}"))
    }

    /// Where a slot's secret of that name may be, the most specific place first.
    pub fn places(slot: &SlotKey, name: &str) -> [Self; 3] {
        let at = |environment, service| Self { project: slot.project.clone(), environment, service, name: name.into() };
        let (environment, service) = (slot.environment.clone(), slot.service.clone());
        [at(Some(environment.clone()), Some(service)), at(Some(environment), None), at(None, None)]
    }

    /// Says what is wrong with it, or nothing.
    pub fn fault(&self) -> Option<String> {
        if self.service.is_some() && self.environment.is_none() {
            return Some("a service's secret needs its environment, too".into());
        }
        let names = [
            Some(self.project.as_str()),
            self.environment.as_ref().map(EnvironmentName::as_str),
            self.service.as_ref().map(ServiceName::as_str),
        ];
        let bad = names.into_iter().flatten().find_map(|name| Some((name, name_fault(name)?)));
        if let Some((name, fault)) = bad {
            return Some(format!("the name `{}` {fault}", name.escape_debug()));
        }
        secret_name_fault(&self.name).map(|fault| format!("the secret's name `{}` {fault}", self.name.escape_debug()))
    }

    /// The words by which the command line names its scope: ` -e production --service web`.
    pub fn options(&self) -> String {
        let environment = self.environment.as_ref().map(|name| format!(" -e {name}"));
        let service = self.service.as_ref().map(|name| format!(" --service {name}"));
        environment.into_iter().chain(service).collect()
    }
}

/// Says why a text can't be a secret's name, or nothing when it can.
pub fn secret_name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.len() > NAME_CHARS_MAX {
        return Some("is longer than 128 characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Some("must start with a letter or '_'");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Some("may hold only letters, digits, '_', '.' and '-'");
    }
    None
}

impl fmt::Display for SecretAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope(), self.name)
    }
}

impl From<SecretAddress> for String {
    fn from(address: SecretAddress) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for SecretAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (scope, name) = text.split_once(':').ok_or_else(|| format!("`{text}` names no secret"))?;
        let mut parts = scope.split('/');
        let project = ProjectId::new(parts.next().unwrap_or_default());
        let (environment, service) = (parts.next().map(Into::into), parts.next().map(Into::into));
        let address = Self { project, environment, service, name: name.into() };
        match (parts.next(), address.fault()) {
            (None, None) => Ok(address),
            (_, fault) => Err(fault.unwrap_or_else(|| format!("`{text}` names no secret"))),
        }
    }
}

/// One version of a secret, as releases name it: `shop/production:DATABASE_URL@3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SecretPin {
    /// Which secret.
    pub secret: SecretAddress,
    /// Which version of it.
    pub version: u32,
}

impl fmt::Display for SecretPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.secret, self.version)
    }
}

impl From<SecretPin> for String {
    fn from(pin: SecretPin) -> Self {
        pin.to_string()
    }
}

impl TryFrom<String> for SecretPin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (secret, version) = text.rsplit_once('@').ok_or_else(|| format!("`{text}` names no version"))?;
        let version = version.parse().map_err(|_| format!("`{version}` is no version"))?;
        Ok(Self { secret: secret.to_owned().try_into()?, version })
    }
}

impl JsonSchema for SecretPin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretPin".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "scope:name@version of a secret" })
    }
}

/// What a release names: by the key in its `secrets`, which version of which secret.
pub type SecretPins = BTreeMap<String, SecretPin>;

/// A sealed value. A key of its own seals the value; the master key seals that key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Which master key: derived from the key itself, so that another key is told from damage.
    pub master_key: String,
    /// The value's key, sealed by the master key, in hex: nonce, then ciphertext with its tag.
    pub wrapped_key: String,
    /// The value, sealed by its key, in hex: nonce, then ciphertext with its tag.
    pub sealed: String,
}

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Whose, and its name.
    pub address: SecretAddress,
    /// Its versions, oldest first. None when it was deleted: its numbers are never used again.
    pub versions: Vec<SecretVersion>,
    /// The number of its newest version, also of one that is gone.
    pub last: u32,
    /// The number of its writes.
    pub revision: u64,
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// Its number, from 1.
    pub number: u32,
    /// Who set it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Set when it may not be given to anybody any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// Its value.
    pub envelope: Envelope,
}

/// Who revoked a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Secret {
    /// One without versions.
    pub fn new(address: SecretAddress) -> Self {
        Self { address, versions: Vec::new(), last: 0, revision: 0 }
    }

    /// What a version's value is sealed as: it can't stand in the place of another.
    pub fn about(&self, number: u32) -> String {
        SecretPin { secret: self.address.clone(), version: number }.to_string()
    }

    /// A version that is there.
    pub fn version(&self, number: u32) -> Option<&SecretVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The newest version that is not revoked.
    pub fn newest(&self) -> Option<&SecretVersion> {
        self.versions.iter().rev().find(|version| version.revoked.is_none())
    }

    /// What a pinned version resolves to: itself, or the newest that is not revoked when it is revoked or gone.
    pub fn resolve(&self, number: u32) -> Option<&SecretVersion> {
        self.version(number).filter(|version| version.revoked.is_none()).or_else(|| self.newest())
    }

    /// Adds a version. Of too many, the oldest go that are not in use.
    pub fn add(&mut self, version: SecretVersion, in_use: &BTreeSet<u32>) {
        self.last = version.number;
        self.versions.push(version);
        while self.versions.len() > SECRET_VERSIONS_MAX {
            let Some(oldest) = self.versions.iter().position(|version| !in_use.contains(&version.number)) else {
                return;
            };
            self.versions.remove(oldest);
        }
    }
}

/// What an instance is given of secrets, beside its variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenSecrets {
    /// Variables by name.
    pub variables: BTreeMap<String, SecretText>,
    /// Files by name.
    pub files: BTreeMap<String, SecretText>,
}

impl GivenSecrets {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.files.is_empty()
    }
}

/// A change of secrets that somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretCommand {
    /// A new version.
    Set {
        /// Which secret.
        secret: SecretAddress,
        /// The value.
        value: SecretText,
        /// Whether the secret must be there already: a mistyped name would make another one.
        rotate: bool,
        /// Why.
        reason: Option<String>,
    },
    /// A version is given to nobody any more.
    Revoke {
        /// Which secret.
        secret: SecretAddress,
        /// Which version.
        version: u32,
        /// Why.
        reason: Option<String>,
    },
    /// All versions go.
    Delete {
        /// Which secret.
        secret: SecretAddress,
        /// Also when a release that serves names it.
        force: bool,
        /// Why.
        reason: Option<String>,
    },
    /// Seal everything by the newest master key.
    Rekey {
        /// Why.
        reason: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SecretAddress {
        text.to_owned().try_into().expect("the test's address is well formed")
    }

    fn version(number: u32, revoked: bool) -> SecretVersion {
        let revoked = revoked.then(|| Revocation { by: "a".into(), at: Timestamp(1), reason: None });
        let envelope = Envelope { master_key: String::new(), wrapped_key: String::new(), sealed: String::new() };
        SecretVersion { number, by: "a".into(), at: Timestamp(1), reason: None, revoked, envelope }
    }

    #[test]
    fn addresses_and_pins_are_texts_and_back() {
        for text in ["shop:A", "shop/production:DATABASE_URL", "shop/production/web:tls.key"] {
            assert_eq!(address(text).to_string(), text);
        }
        let pin: SecretPin = "shop/production:A@12".to_owned().try_into().expect("it is well formed");
        assert_eq!((pin.version, pin.to_string().as_str()), (12, "shop/production:A@12"));
        for bad in ["shop", "Shop:A", "shop:", "shop:1", "shop:a b", "shop/a/b/c:A", "shop//web:A"] {
            assert!(SecretAddress::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(SecretPin::try_from("shop:A".to_owned()).is_err());
    }

    #[test]
    fn a_value_is_never_printed_nor_serialised() {
        let value = SecretText::new("hunter2hunter2");
        assert_eq!(format!("{value:?}"), MASK);
        let command = SecretCommand::Set { secret: address("shop:A"), value, rotate: false, reason: None };
        let text = format!("{command:?} {}", serde_json::to_string(&command).expect("it is JSON"));
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_revoked_version_resolves_to_the_newest_that_is_not() {
        let mut secret = Secret::new(address("shop:A"));
        for (number, revoked) in [(1, false), (2, true), (3, false), (4, true)] {
            secret.add(version(number, revoked), &BTreeSet::new());
        }
        let resolved = |number| secret.resolve(number).map(|version| version.number);
        assert_eq!([1, 2, 3, 4, 9].map(resolved), [Some(1), Some(3), Some(3), Some(3), Some(3)]);
        assert_eq!(Secret::new(address("shop:A")).resolve(1), None);
    }

    #[test]
    fn the_oldest_versions_go_but_for_those_in_use() {
        let mut secret = Secret::new(address("shop:A"));
        for number in 1..=SECRET_VERSIONS_MAX as u32 + 2 {
            secret.add(version(number, false), &BTreeSet::from([1]));
        }
        let first: Vec<u32> = secret.versions.iter().take(2).map(|version| version.number).collect();
        assert_eq!((secret.versions.len(), first), (SECRET_VERSIONS_MAX, vec![1, 4]));
    }
}
