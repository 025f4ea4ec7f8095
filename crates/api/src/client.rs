//! The typed client.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use reqwest::{Method, RequestBuilder, Response, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

const TIMEOUT_MS: u64 = 120_000;
const CONNECT_MS: u64 = 2000;
/// Bytes of one event of a stream.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Talks to a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said so.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The server could not be reached, or the connection broke.
    #[error("{message}")]
    Unreachable {
        /// What happened.
        message: String,
    },
    /// The answer can't be read: another version, or not a Shipway server.
    #[error("the answer of {url} can't be read: {message}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// Why.
        message: String,
    },
}

impl ClientError {
    fn unreachable(error: &reqwest::Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            message = format!("{message}: {inner}");
            source = inner.source();
        }
        Self::Unreachable { message }
    }
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:7070`.
    ///
    /// # Errors
    /// The machine's TLS or resolver can't be set up.
    pub fn new(base: &str, token: &str) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_millis(CONNECT_MS)).no_proxy();
        if base.starts_with("http://") {
            // Reading the machine's certificates takes longer than most calls.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ClientError::unreachable(&error))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn send(request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.send().await.map_err(|error| ClientError::unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (url, status) = (answer.url().to_string(), answer.status());
        let body = answer.bytes().await.map_err(|error| ClientError::unreachable(&error))?;
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(ClientError::Problem(Box::new(problem))),
            Err(_) => Err(ClientError::Unreadable { url, message: format!("it is {status} without a problem body") }),
        }
    }

    async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ClientError> {
        let url = answer.url().to_string();
        let body = answer.bytes().await.map_err(|error| ClientError::unreachable(&error))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable { url, message: error.to_string() })
    }

    /// `GET`.
    ///
    /// # Errors
    /// What the server says, or that it can't be reached; so with all calls.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path).timeout(Duration::from_millis(TIMEOUT_MS));
        Self::read(Self::send(request).await?).await
    }

    /// `GET` of a text.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let request = self.request(Method::GET, path).timeout(Duration::from_millis(TIMEOUT_MS));
        Self::send(request).await?.text().await.map_err(|error| ClientError::unreachable(&error))
    }

    /// `POST` with a key, so that a repeated call does nothing twice.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        idempotency_key: &str,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::POST, path).header("Idempotency-Key", idempotency_key).json(body);
        Self::read(Self::send(request).await?).await
    }

    /// `PUT`.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        let request = self.request(Method::PUT, path).timeout(Duration::from_millis(TIMEOUT_MS)).json(body);
        Self::read(Self::send(request).await?).await
    }

    /// `DELETE`.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self.request(Method::DELETE, path).timeout(Duration::from_millis(TIMEOUT_MS));
        Self::read(Self::send(request).await?).await
    }

    /// `POST` of bytes as they come.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
        idempotency_key: &str,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::POST, path).header("Idempotency-Key", idempotency_key);
        Self::read(Self::send(request.header(header::CONTENT_TYPE, "application/x-tar").body(body)).await?).await
    }

    /// A live stream of JSON values (server-sent events), until the server ends it or the connection breaks.
    pub async fn stream<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<T, ClientError>> + Send + use<T>, ClientError> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
        let answer = Self::send(request).await?;
        let url = answer.url().to_string();
        let state = (answer.bytes_stream(), Vec::new(), url);
        Ok(stream::unfold(state, |(mut bytes, mut buffer, url)| async move {
            loop {
                if let Some(data) = take_event(&mut buffer) {
                    let item = serde_json::from_str(&data);
                    let item =
                        item.map_err(|error| ClientError::Unreadable { url: url.clone(), message: error.to_string() });
                    return Some((item, (bytes, buffer, url)));
                }
                match bytes.next().await? {
                    Ok(chunk) if buffer.len() + chunk.len() <= EVENT_BYTES_MAX => buffer.extend_from_slice(&chunk),
                    Ok(_) => {
                        let message = "an event is too long".to_owned();
                        buffer.clear();
                        return Some((
                            Err(ClientError::Unreadable { url: url.clone(), message }),
                            (bytes, buffer, url),
                        ));
                    }
                    Err(error) => return Some((Err(ClientError::unreachable(&error)), (bytes, buffer, url))),
                }
            }
        }))
    }
}

/// Takes the next event with data out of what has come (the field format of the HTML standard's server-sent events).
fn take_event(buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = buffer.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&block);
        let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
        if !data.is_empty() {
            return Some(data.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::take_event;

    #[test]
    fn events_are_taken_whole_and_comments_skipped() {
        let mut buffer = b": keep-alive\n\nid: 1\ndata: {\"a\":1}\n\ndata: {\"b\"".to_vec();
        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"a\":1}"));
        assert_eq!(take_event(&mut buffer), None);
        buffer.extend_from_slice(b":2}\n\n");
        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"b\":2}"));
    }
}
