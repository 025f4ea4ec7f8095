//! Sealed values: they open under their own name by their own master key, and by nothing else.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    ports::{Fault, FaultKind, Secrets},
    secret::{Envelope, SecretText},
};
use shipway_store::{KeySource, MasterKey, Sealer};

const ABOUT: &str = "shop/production:DATABASE_URL@1";
const VALUE: &str = "postgres://shop:hunter2@db/shop";

/// Keys in memory.
#[derive(Default)]
struct Keys(Mutex<Vec<MasterKey>>);

impl KeySource for Keys {
    fn words(&self) -> String {
        "the test".into()
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<MasterKey>, Fault>> {
        async { Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()) }.boxed()
    }

    fn add(&self, key: MasterKey) -> BoxFuture<'_, Result<(), Fault>> {
        async {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(0, key);
            Ok(())
        }
        .boxed()
    }
}

/// Bytes that differ from call to call: all that these tests need of chance.
fn chance(bytes: &mut [u8]) {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    bytes.iter_mut().for_each(|byte| *byte = NEXT.fetch_add(1, Ordering::Relaxed));
    bytes[0] = bytes[0].wrapping_mul(31);
}

async fn sealer(keys: &[u8]) -> Arc<Sealer> {
    let keys = Keys(Mutex::new(keys.iter().map(|byte| MasterKey::new([*byte; 32])).collect()));
    Sealer::open(Arc::new(keys), chance).await
}

fn value() -> SecretText {
    SecretText::new(VALUE)
}

fn kind(opened: Result<SecretText, Fault>) -> FaultKind {
    opened.expect_err("it must not open").kind
}

#[tokio::test]
async fn what_is_sealed_opens_and_shows_nothing() {
    let sealer = sealer(&[1]).await;
    let envelope = sealer.seal(ABOUT, &value()).expect("there is a key");
    assert_eq!(sealer.open(ABOUT, &envelope).expect("it is whole").reveal(), VALUE);
    let text = serde_json::to_string(&envelope).expect("it is JSON");
    let as_hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!text.contains("hunter2") && !text.contains(&as_hex), "{text}");
    let again = sealer.seal(ABOUT, &value()).expect("there is a key");
    assert!(again.sealed != envelope.sealed && again.wrapped_key != envelope.wrapped_key, "keys and nonces are new");
}

#[tokio::test]
async fn it_opens_under_no_other_name() {
    let sealer = sealer(&[1]).await;
    let envelope = sealer.seal(ABOUT, &value()).expect("there is a key");
    for other in ["shop/production:DATABASE_URL@2", "shop/staging:DATABASE_URL@1", "shop:DATABASE_URL@1"] {
        assert_eq!(kind(sealer.open(other, &envelope)), FaultKind::Corrupt, "{other}");
    }
    let other = sealer.seal(ABOUT, &SecretText::new("another")).expect("there is a key");
    let mixed = Envelope { sealed: other.sealed, ..envelope };
    assert_eq!(kind(sealer.open(ABOUT, &mixed)), FaultKind::Corrupt, "one value's key opens no other value");
}

#[tokio::test]
async fn every_flipped_bit_is_noticed() {
    let sealer = sealer(&[1]).await;
    let envelope = sealer.seal(ABOUT, &value()).expect("there is a key");
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).expect("it is hex")
    };
    for at in 0..envelope.sealed.len() {
        let bad = Envelope { sealed: flipped(&envelope.sealed, at), ..envelope.clone() };
        assert_eq!(kind(sealer.open(ABOUT, &bad)), FaultKind::Corrupt, "digit {at} of the value");
    }
    for at in 0..envelope.wrapped_key.len() {
        let bad = Envelope { wrapped_key: flipped(&envelope.wrapped_key, at), ..envelope.clone() };
        assert_eq!(kind(sealer.open(ABOUT, &bad)), FaultKind::Corrupt, "digit {at} of the key");
    }
    for cut in ["", "00", "zz"] {
        let bad = Envelope { sealed: cut.into(), ..envelope.clone() };
        assert_eq!(kind(sealer.open(ABOUT, &bad)), FaultKind::Corrupt, "`{cut}`");
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_one_are_told_from_damage() {
    let envelope = sealer(&[1]).await.seal(ABOUT, &value()).expect("there is a key");
    for (keys, words) in [(vec![2], "another one"), (vec![], "no master key")] {
        let fault = sealer(&keys).await.open(ABOUT, &envelope).expect_err("the key isn't there");
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert!(fault.message.contains(words) && fault.hint.is_some(), "{fault}");
        assert!(!fault.to_string().contains(VALUE));
    }
    assert_eq!(sealer(&[]).await.seal(ABOUT, &value()).expect_err("no key").kind, FaultKind::Unavailable);
    // One that claims to be of a known key.
    let other = MasterKey::new([2; 32]);
    let claimed = Envelope { master_key: other.id().to_owned(), ..envelope };
    assert_eq!(kind(sealer(&[2]).await.open(ABOUT, &claimed)), FaultKind::Corrupt);
}

#[tokio::test]
async fn another_master_key_takes_over_while_both_open() {
    let before = sealer(&[1]).await;
    let envelope = before.seal(ABOUT, &value()).expect("there is a key");
    let keys = before.make_key().await.expect("the test's source takes it");
    assert_eq!((keys.ids.len(), &keys.ids[1]), (2, &envelope.master_key));
    assert_eq!(before.open(ABOUT, &envelope).expect("the old key still opens").reveal(), VALUE);
    let renewed = before.seal_again(ABOUT, &envelope).expect("both keys are there");
    assert_eq!((&renewed.master_key, &renewed.sealed), (&keys.ids[0], &envelope.sealed));
    assert_eq!(before.open(ABOUT, &renewed).expect("the new key opens").reveal(), VALUE);
    assert_eq!(kind(sealer(&[1]).await.open(ABOUT, &renewed)), FaultKind::Unavailable, "the old key alone does not");
}

#[tokio::test]
async fn fingerprints_are_equal_for_equal_values_of_one_project_and_one_key() {
    let (one, other) = (sealer(&[1]).await, sealer(&[2]).await);
    let print = |sealer: &Sealer, project: &str, text: &str| {
        sealer.fingerprint(&project.into(), &SecretText::new(text)).expect("there is a key")
    };
    assert_eq!(print(&one, "shop", "a"), print(&one, "shop", "a"));
    let others = [print(&one, "shop", "b"), print(&one, "blog", "a"), print(&other, "shop", "a")];
    assert!(!others.contains(&print(&one, "shop", "a")));
}

#[test]
fn keys_are_read_in_hex_and_base64_and_never_repeated_in_a_message() {
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let ids =
        [hex, base64, base64.trim_end_matches('=')].map(|text| MasterKey::read(text).map(|key| key.id().to_owned()));
    assert!(ids[0].is_ok() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(MasterKey::read_all(&format!("# new\n{base64}\n\n{hex}\n")).map(|keys| keys.len()), Ok(2));
    for bad in ["secretsecret!", "00ff", ""] {
        let fault = MasterKey::read(bad).expect_err("it is no key");
        assert!(bad.is_empty() || !fault.contains(bad), "{fault}");
    }
    assert!(MasterKey::read_all("00\n").is_err_and(|fault| fault.contains("line 1")));
    assert!(!format!("{:?}", MasterKey::read(hex)).contains(hex));
}
