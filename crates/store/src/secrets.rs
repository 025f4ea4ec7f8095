//! Sealing: envelopes of AES-256-GCM. A key of its own seals each value, and the master key seals that key, so that
//! another master key needs no value to be read. What is sealed names what it is of and is opened under no other name:
//! rows that were swapped in a database don't open.
//!
//! Not here: where master keys come from (`KeySource`, in `app`), which values there are (`engine::secrets`).

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::{FutureExt, future::BoxFuture};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use shipway_core::{
    id::ProjectId,
    ports::{Fault, FaultKind, MasterKeys, Secrets},
    secret::{Envelope, SecretText},
};
use zeroize::Zeroize;

/// The length of every key, in bytes.
pub const KEY_BYTES: usize = 32;
/// Master keys that a source may give at a time.
pub const MASTER_KEYS_MAX: usize = 16;
/// Characters of a fingerprint.
const FINGERPRINT_CHARS: usize = 16;
const ID_CHARS: usize = 16;

/// A master key: 256 bits.
#[derive(Clone)]
pub struct MasterKey {
    bytes: [u8; KEY_BYTES],
    id: String,
}

impl MasterKey {
    /// A key of those bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        // One way: nothing of the key follows from what it is known by.
        let id = blake3::derive_key("shipway 2026 id of a master key", &bytes);
        Self { bytes, id: hex(&id)[..ID_CHARS].to_owned() }
    }

    /// Reads 32 bytes in hex, or in base64 of either alphabet.
    ///
    /// # Errors
    /// It is something else; the text itself is not in the message.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = unhex(text).or_else(|| unbase64(text));
        let mut bytes = bytes.ok_or("it is neither hex nor base64")?;
        let length = bytes.len();
        let key = bytes.as_slice().try_into().map(Self::new);
        bytes.zeroize();
        key.map_err(|_| format!("it has {length} bytes, and a master key has {KEY_BYTES}"))
    }

    /// Reads one key a line, the one that seals first. Empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// A line is no key, or there are too many; the message names the line.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<_>, _> =
            lines.map(|(number, line)| Self::read(line).map_err(|fault| format!("line {number}: {fault}"))).collect();
        let keys = keys?;
        match keys.len() {
            0..=MASTER_KEYS_MAX => Ok(keys),
            count => Err(format!("it holds {count} keys, and at most {MASTER_KEYS_MAX} are known at a time")),
        }
    }

    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key in hex, for the file that keeps it.
    pub fn to_hex(&self) -> String {
        hex(&self.bytes)
    }

    fn seal(&self, about: &str, key: &[u8; KEY_BYTES], chance: Chance) -> String {
        seal(&self.bytes, &format!("{about}\n{}", self.id), key, chance)
    }

    fn open(&self, about: &str, wrapped: &str) -> Option<[u8; KEY_BYTES]> {
        let mut opened = open(&self.bytes, &format!("{about}\n{}", self.id), wrapped)?;
        let key = opened.as_slice().try_into().ok();
        opened.zeroize();
        key
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "master key {}", self.id)
    }
}

/// Where master keys come from.
pub trait KeySource: Send + Sync {
    /// Where that is, in words.
    fn words(&self) -> String;
    /// The keys, the one that seals first. None when there is none yet.
    fn read(&self) -> BoxFuture<'_, Result<Vec<MasterKey>, Fault>>;
    /// Keeps another key before the others. Refused where Shipway can't write.
    fn add(&self, key: MasterKey) -> BoxFuture<'_, Result<(), Fault>>;
}

/// Fills bytes that nobody can guess.
pub type Chance = fn(&mut [u8]);

/// Seals by master keys from a source.
pub struct Sealer {
    source: Arc<dyn KeySource>,
    chance: Chance,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    keys: Vec<MasterKey>,
    fault: Option<Fault>,
}

impl Sealer {
    /// Reads the keys. A source that fails is no failure here: it is said when a key is needed.
    pub async fn open(source: Arc<dyn KeySource>, chance: Chance) -> Arc<Self> {
        let sealer = Arc::new(Self { source, chance, known: RwLock::default() });
        let _ = sealer.read().await;
        sealer
    }

    async fn read(&self) -> Result<MasterKeys, Fault> {
        let read = self.source.read().await;
        // What could be read before stays known: what runs needs it.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match &read {
            Ok(keys) => *known = Known { keys: keys.clone(), fault: None },
            Err(fault) => known.fault = Some(fault.clone()),
        }
        drop(known);
        read.map(|_| self.keys())
    }

    fn known<T>(&self, of: impl FnOnce(&Known) -> Result<T, Fault>) -> Result<T, Fault> {
        of(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_first<T>(&self, of: impl FnOnce(&MasterKey) -> Result<T, Fault>) -> Result<T, Fault> {
        self.known(|known| match known.keys.first() {
            Some(first) => of(first),
            None => Err(known.fault.clone().unwrap_or_else(|| {
                Fault::unavailable(format!("there is no master key: none is in {}", self.source.words()))
                    .with_hint("give the server its master key again: docs/OPERATIONS.md, \"The master key\"")
            })),
        })
    }

    fn value_key(&self, about: &str, envelope: &Envelope) -> Result<[u8; KEY_BYTES], Fault> {
        let fits = |key: &&MasterKey| key.id == envelope.master_key;
        self.known(|known| match known.keys.iter().find(fits) {
            Some(key) => key.open(about, &envelope.wrapped_key).ok_or_else(|| damaged(about)),
            None => Err(self.wrong_key(about, envelope, known)),
        })
    }

    fn wrong_key(&self, about: &str, envelope: &Envelope, known: &Known) -> Fault {
        let source = self.source.words();
        let has = match (&known.fault, known.keys.len()) {
            (Some(fault), _) => format!("the master key can't be read: {}", fault.message),
            (None, 0) => format!("there is no master key in {source}"),
            (None, _) => {
                let ids: Vec<_> = known.keys.iter().map(MasterKey::id).collect();
                format!("the master key in {source} is another one ({})", ids.join(", "))
            }
        };
        Fault::unavailable(format!("{about} is sealed by the master key {}, and {has}", envelope.master_key))
            .with_hint("give the server its master key again, or delete the secret and set it anew")
    }
}

fn damaged(about: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("{about} is damaged: it is not what was sealed under that name"))
        .with_hint("set it anew with `shipway secret set`, or restore a backup of the data folder")
}

impl Secrets for Sealer {
    fn keys(&self) -> MasterKeys {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        MasterKeys {
            source: self.source.words(),
            ids: known.keys.iter().map(|key| key.id.clone()).collect(),
            fault: known.fault.as_ref().map(ToString::to_string),
        }
    }

    fn read_keys(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>> {
        self.read().boxed()
    }

    fn make_key(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>> {
        async move {
            let mut bytes = [0; KEY_BYTES];
            (self.chance)(&mut bytes);
            let key = MasterKey::new(bytes);
            bytes.zeroize();
            self.source.add(key).await?;
            self.read().await
        }
        .boxed()
    }

    fn seal(&self, about: &str, value: &SecretText) -> Result<Envelope, Fault> {
        self.with_first(|master| {
            let mut key = [0; KEY_BYTES];
            (self.chance)(&mut key);
            let sealed = seal(&key, about, value.reveal().as_bytes(), self.chance);
            let wrapped_key = master.seal(about, &key, self.chance);
            key.zeroize();
            Ok(Envelope { master_key: master.id.clone(), wrapped_key, sealed })
        })
    }

    fn open(&self, about: &str, envelope: &Envelope) -> Result<SecretText, Fault> {
        let mut key = self.value_key(about, envelope)?;
        let opened = open(&key, about, &envelope.sealed);
        key.zeroize();
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(SecretText::new).ok_or_else(|| damaged(about))
    }

    fn seal_again(&self, about: &str, envelope: &Envelope) -> Result<Envelope, Fault> {
        let mut key = self.value_key(about, envelope)?;
        let sealed = self.with_first(|master| {
            let wrapped_key = master.seal(about, &key, self.chance);
            Ok(Envelope { master_key: master.id.clone(), wrapped_key, sealed: envelope.sealed.clone() })
        });
        key.zeroize();
        sealed
    }

    fn fingerprint(&self, project: &ProjectId, value: &SecretText) -> Result<String, Fault> {
        self.with_first(|master| {
            let mut key = blake3::derive_key("shipway 2026 key of fingerprints", &master.bytes);
            let mut hasher = blake3::Hasher::new_keyed(&key);
            // The length keeps two texts apart that are put together from other parts.
            hasher.update(&(project.as_str().len() as u64).to_le_bytes()).update(project.as_str().as_bytes());
            let print = hasher.update(value.reveal().as_bytes()).finalize();
            key.zeroize();
            Ok(print.to_hex()[..FINGERPRINT_CHARS].to_owned())
        })
    }
}

/// Seals under a name; nonce and ciphertext with its tag, in hex.
fn seal(key: &[u8; KEY_BYTES], about: &str, text: &[u8], chance: Chance) -> String {
    // A random nonce of 96 bits: a value's key seals once, and a master key far less often than 2^32 times.
    let mut nonce = [0; NONCE_LEN];
    chance(&mut nonce);
    let mut sealed = text.to_vec();
    cipher(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about.as_bytes()), &mut sealed)
        .expect("a value is far shorter than what AES-GCM can seal");
    hex(&nonce) + &hex(&sealed)
}

fn open(key: &[u8; KEY_BYTES], about: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = unhex(sealed)?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let opened = cipher(key).open_in_place(nonce, Aad::from(about.as_bytes()), &mut sealed).ok()?;
    let opened = opened.to_vec();
    sealed.zeroize();
    Some(opened)
}

fn cipher(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { text.as_bytes().chunks(2).map(digits).collect() } else { None }
}

/// Base64 of either alphabet, padded or not.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | u32::from(value(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}
