//! Sealing in the simulated world: by no key worth the name, and the same way every time.

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    id::ProjectId,
    ports::{Fault, FaultKind, MasterKeys, Secrets},
    secret::{Envelope, SecretText},
};

/// Seals by writing down what it is of.
pub struct PlainSecrets;

const KEY: &str = "simulated";

impl Secrets for PlainSecrets {
    fn keys(&self) -> MasterKeys {
        MasterKeys { source: "the simulation".into(), ids: vec![KEY.into()], fault: None }
    }

    fn read_keys(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>> {
        async { Ok(self.keys()) }.boxed()
    }

    fn make_key(&self) -> BoxFuture<'_, Result<MasterKeys, Fault>> {
        async { Ok(self.keys()) }.boxed()
    }

    fn seal(&self, about: &str, value: &SecretText) -> Result<Envelope, Fault> {
        Ok(Envelope { master_key: KEY.into(), wrapped_key: about.into(), sealed: value.reveal().into() })
    }

    fn open(&self, about: &str, envelope: &Envelope) -> Result<SecretText, Fault> {
        match envelope.wrapped_key == about {
            true => Ok(SecretText::new(&envelope.sealed)),
            false => Err(Fault::new(FaultKind::Corrupt, format!("{about} is not what was sealed"))),
        }
    }

    fn seal_again(&self, about: &str, envelope: &Envelope) -> Result<Envelope, Fault> {
        self.seal(about, &self.open(about, envelope)?)
    }

    fn fingerprint(&self, project: &ProjectId, value: &SecretText) -> Result<String, Fault> {
        Ok(format!("{project} {}", value.reveal().len()))
    }
}
