//! Secrets: who is given which version, and what becomes of the commands that change them.
//!
//! Not here: sealing (`ports::Secrets`), files in memory (`targets`), the words of the spec (`config`).

mod change;
mod masked;
mod rekey;
mod resolve;
mod uses;

pub(crate) use self::uses::fingerprints;
pub(crate) use self::{
    change::command,
    masked::{Known, MaskedLogs, MaskedProber, MaskedStore, learn},
    resolve::{missing, of_environment, of_release, pins, substituted_words},
};
pub use self::{
    rekey::Rekeyed,
    uses::{KeyTrouble, SecretStanding, SecretUser},
};
