//! Access tokens: made, taken away, and known again when somebody comes in with one.
//!
//! Not here: what they are (`core::access`), what their holders may do (`core::policy`).

use shipway_core::{
    access::{AccessToken, ID_DIGITS, TOKENS_MAX, TokenRequest, TokenText, parts},
    id::Actor,
    ports::Fault,
    store::Commit,
};

use crate::{Engine, Refusal, Reply, refusal::conflict};

impl Engine {
    /// Makes a token. The secret is 32 random bytes: the reply holds it, and nothing else ever does.
    pub(crate) async fn create_token(&self, request: TokenRequest, actor: &Actor) -> Result<Reply, Refusal> {
        if let Some(fault) = request.fault() {
            return Err(Refusal::Fault(Fault::invalid(fault)));
        }
        let _one_at_a_time = self.intake.all().await;
        let now = self.ports.clock.now();
        let known = self.tokens().await?;
        let same = known.iter().find(|token| token.name == request.name);
        if let Some(same) = same.filter(|same| !same.has_expired(now)) {
            let message = format!("there is an access token `{}` already", same.name);
            return Err(conflict(message, format!("take it away first: `shipway token revoke {}`", same.name)));
        }
        if same.is_none() && known.len() >= TOKENS_MAX {
            let message = format!("there are {TOKENS_MAX} access tokens, and no more are kept");
            return Err(conflict(message, "revoke those that nobody uses: `shipway token list`"));
        }
        let ids = &self.ports.ids;
        let id: String = ids.token().chars().take(ID_DIGITS).collect();
        let secret = format!("{}{}", ids.token(), ids.token());
        let token = AccessToken::new(request, id, &secret, actor.name.clone(), now);
        let text = TokenText::new(&token.id, &secret);
        let commit = same.iter().fold(Commit::at(now).put(&token), |commit, expired| commit.delete(*expired));
        self.ports.store.commit(commit).await?;
        Ok(Reply::Token(Box::new(token), text))
    }

    /// Takes a token away, at once.
    pub(crate) async fn revoke_token(&self, name: &str) -> Result<Reply, Refusal> {
        let _one_at_a_time = self.intake.all().await;
        let known = self.tokens().await?.into_iter().find(|token| token.name == name);
        let Some(token) = known else {
            let fault = Fault::not_found(format!("there is no access token `{name}`"));
            return Err(Refusal::Fault(fault.with_hint("`shipway token list` shows them")));
        };
        self.ports.store.commit(Commit::at(self.ports.clock.now()).delete(&token)).await?;
        Ok(Reply::RevokedToken(Box::new(token)))
    }

    /// All access tokens, the oldest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn tokens(&self) -> Result<Vec<AccessToken>, Fault> {
        self.ports.store.below("").await
    }

    /// Whoever comes in with a text; none when it is no access token, or one that has ended or was taken away.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn actor_of(&self, text: &str) -> Result<Option<Actor>, Fault> {
        let Some((id, secret)) = parts(text) else { return Ok(None) };
        let known = self.ports.store.share::<AccessToken>(id).await?;
        let now = self.ports.clock.now();
        let good = known.filter(|token| token.is_opened_by(secret) && !token.has_expired(now));
        Ok(good.map(|token| token.actor()))
    }
}
