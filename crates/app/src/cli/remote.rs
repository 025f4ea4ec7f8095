//! The server as the verbs call it: every POST with its own idempotency key, every failure with the server's address.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use shipway_api::{Client, ClientError};

use super::errors::CliError;

/// How long a server has to say that it is alive.
const ALIVE_MS_MAX: u64 = 2000;
const KEY_BYTES: usize = 16;

/// A server.
#[derive(Clone)]
pub struct Remote {
    client: Client,
    /// Whether it is reached with an access token, and not with the data folder's own.
    by_access_token: bool,
}

impl Remote {
    /// The server at an address.
    ///
    /// # Errors
    /// The client can't be set up.
    pub fn new(base: &str, token: &str) -> Result<Self, CliError> {
        let failed = |error| CliError::Client { base: base.to_owned(), error };
        let by_access_token = token.starts_with(shipway_core::access::PREFIX);
        Ok(Self { client: Client::new(base, token).map_err(failed)?, by_access_token })
    }

    /// Its address.
    pub fn base(&self) -> &str {
        self.client.base()
    }

    /// Whether it may be told of folders on this machine: it runs here, as far as its address says, and it is the
    /// owner of its data folder who calls.
    pub fn is_local(&self) -> bool {
        if self.by_access_token {
            return false;
        }
        let host = self.base().split("://").nth(1).unwrap_or_default();
        let host = host.split('/').next().unwrap_or_default();
        host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
    }

    fn failed(&self, error: ClientError) -> CliError {
        CliError::Client { base: self.base().to_owned(), error }
    }

    /// Reads.
    ///
    /// # Errors
    /// What the server says, or that it can't be reached; so with all calls.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.client.get(path).await.map_err(|error| self.failed(error))
    }

    /// Reads a text.
    pub async fn text(&self, path: &str) -> Result<String, CliError> {
        self.client.text(path).await.map_err(|error| self.failed(error))
    }

    /// Asks for a change.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.client.post(path, body, &fresh_key()?).await.map_err(|error| self.failed(error))
    }

    /// Sets something to be so.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.client.put(path, body).await.map_err(|error| self.failed(error))
    }

    /// Takes something away.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.client.delete(path).await.map_err(|error| self.failed(error))
    }

    /// Sends a tar stream.
    pub async fn upload<T, S>(&self, path: &str, chunks: S) -> Result<T, CliError>
    where
        T: DeserializeOwned,
        S: Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static,
    {
        let body = reqwest::Body::wrap_stream(chunks);
        self.client.upload(path, body, &fresh_key()?).await.map_err(|error| self.failed(error))
    }

    /// Follows a live stream.
    pub async fn stream<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<T, CliError>> + Send + use<T>, CliError> {
        let stream = self.client.stream(path).await.map_err(|error| self.failed(error))?;
        let remote = self.clone();
        Ok(stream.map(move |item| item.map_err(|error| remote.failed(error))))
    }

    /// Whether something answers there.
    pub async fn is_alive(&self) -> bool {
        let asked = self.client.get::<serde_json::Value>("/healthz");
        let answer = tokio::time::timeout(Duration::from_millis(ALIVE_MS_MAX), asked).await;
        // The answer's text is no matter: that there is one says it all.
        matches!(answer, Ok(Ok(_) | Err(ClientError::Problem(_) | ClientError::Unreadable { .. })))
    }
}

/// A key that no other call has.
fn fresh_key() -> Result<String, CliError> {
    let mut bytes = [0_u8; KEY_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::Failed(format!("the machine gives no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A text as one segment or value of an address.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// A path with those parameters that are there.
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let given: Vec<_> = given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::{escaped, with_query};

    #[test]
    fn what_a_person_writes_stays_one_segment() {
        assert_eq!(escaped("staging-7"), "staging-7");
        assert_eq!(escaped("../a b?c=d"), "..%2Fa%20b%3Fc%3Dd");
        assert_eq!(with_query("/x", &[("a", None), ("b", Some("1 2".into()))]), "/x?b=1%202");
        assert_eq!(with_query("/x", &[("a", None)]), "/x");
    }
}
