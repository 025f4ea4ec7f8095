//! Access tokens: by which people and programs come in under a name of their own, with one role.
//!
//! Not here: what a role may do (`policy`), where the randomness of a token comes from (`ports::Ids`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{Actor, EnvironmentName, Role},
    time::{Span, Timestamp},
};

/// How the text of every access token begins, so that one is known where it turns up by mistake.
pub const PREFIX: &str = "shw_";
/// Hex digits of the public part of a token.
pub const ID_DIGITS: usize = 12;
/// Hex digits of the secret part: 32 random bytes.
pub const SECRET_DIGITS: usize = 64;
/// Access tokens that a server has at most.
pub const TOKENS_MAX: usize = 1000;
/// Environments that one token is limited to at most.
pub const ENVIRONMENTS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 63;
/// The name of whoever holds the data folder's own token.
const OWNER: &str = "admin";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRequest {
    /// The name of whoever will come in with it, as it is shown and recorded; no two tokens have the same.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// The environments that it may act in; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentName>,
    /// How long it is good for; until it is revoked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

impl TokenRequest {
    /// Says why it can't be meant, or nothing when it can.
    pub fn fault(&self) -> Option<String> {
        let name = self.name.as_str();
        let may = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(may) {
            return Some(format!("`name` has 1 to {NAME_CHARS_MAX} of letters, digits and `.`, `_`, `@`, `-`"));
        }
        if name == OWNER {
            return Some(format!("`name` can't be `{OWNER}`: that is who holds the data folder's own token"));
        }
        if self.environments.len() > ENVIRONMENTS_MAX {
            return Some(format!("`environments` names {ENVIRONMENTS_MAX} at most"));
        }
        if self.expires_in.is_some_and(|span| span.ms == 0) {
            return Some("`expiresIn` is no time at all".into());
        }
        None
    }
}

/// An access token as it is stored: without the text that its holder has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    /// The public part of its text, by which it is found.
    pub id: String,
    /// The name of whoever comes in with it.
    pub name: String,
    /// What it is trusted with.
    pub role: Role,
    /// The environments that it may act in; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<EnvironmentName>,
    /// The blake3 hash of its secret part, in hex. The secret is 256 bits of chance: no slow hash protects it better.
    pub hash: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl AccessToken {
    /// A token of a request that has no fault.
    pub fn new(request: TokenRequest, id: String, secret: &str, created_by: String, now: Timestamp) -> Self {
        let expires_at = request.expires_in.map(|span| now.plus_ms(span.ms));
        let TokenRequest { name, role, environments, .. } = request;
        let hash = blake3::hash(secret.as_bytes()).to_hex().to_string();
        Self { id, name, role, environments, hash, created_by, created_at: now, expires_at }
    }

    /// Whether it has ended.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether a secret is its own. Takes as long for a wrong one as for the right one.
    pub fn is_opened_by(&self, secret: &str) -> bool {
        let own = blake3::Hash::from_hex(&self.hash);
        // blake3's own comparison takes constant time.
        own.is_ok_and(|own| own == blake3::hash(secret.as_bytes()))
    }

    /// Whoever comes in with it.
    pub fn actor(&self) -> Actor {
        let Self { id, name, role, environments, .. } = self.clone();
        Actor { environments, token: Some(id), ..Actor::person(&name, role) }
    }
}

/// The text of an access token, which its holder is shown once. It isn't stored, and can't be printed by mistake.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

impl TokenText {
    /// The text of a token's two parts.
    pub fn new(id: &str, secret: &str) -> Self {
        Self(format!("{PREFIX}{id}_{secret}"))
    }

    /// The text itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// The public and the secret part of what may be an access token's text; none when it has another shape.
pub fn parts(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let hex = |part: &str, digits: usize| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex(id, ID_DIGITS) && hex(secret, SECRET_DIGITS)).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> TokenRequest {
        TokenRequest { name: name.into(), role: Role::Developer, environments: Vec::new(), expires_in: None }
    }

    #[test]
    fn names_are_plain_and_nobody_elses() {
        for good in ["ann", "ci-staging", "bo@example.org", "Robot_2"] {
            assert_eq!(request(good).fault(), None, "{good}");
        }
        for bad in ["", "admin", "shipway/promotion", "a b", "ünal", &"a".repeat(64)] {
            assert!(request(bad).fault().is_some(), "{bad}");
        }
        let no_time = TokenRequest { expires_in: Some(Span { ms: 0 }), ..request("ann") };
        assert!(no_time.fault().is_some());
    }

    #[test]
    fn a_token_is_opened_by_its_own_secret_until_it_ends() {
        let secret = "5".repeat(SECRET_DIGITS);
        let asked = TokenRequest { expires_in: Some(Span::seconds(60)), ..request("ann") };
        let token = AccessToken::new(asked, "0123456789ab".into(), &secret, "admin".into(), Timestamp(1000));
        assert!(token.is_opened_by(&secret) && !token.is_opened_by(&"6".repeat(SECRET_DIGITS)));
        assert!(!token.has_expired(Timestamp(60_999)) && token.has_expired(Timestamp(61_000)));
        assert!(!serde_json::to_string(&token).expect("JSON").contains(&secret));
        let text = TokenText::new(&token.id, &secret);
        assert_eq!(parts(text.reveal()), Some(("0123456789ab", secret.as_str())));
        assert!(!format!("{text:?}").contains(&secret));
        let actor = token.actor();
        assert_eq!(
            (actor.role(), actor.owner, actor.token.as_deref()),
            (Some(Role::Developer), false, Some("0123456789ab"))
        );
    }

    #[test]
    fn what_is_no_token_has_no_parts() {
        for bad in ["", "shw_", "shw_0123456789ab_55", "0123456789ab", "shw_zzzzzzzzzzzz_", "shw__"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
