//! Places outside Shipway that configuration comes from: HTTP and files, with bounds on all that comes.
//!
//! No message holds the address as it was sent, a header, or anything of the answer: each may hold secrets.
//!
//! Not here: how long it may take, commands, what the answer means (the engine).

use std::{collections::BTreeMap, error::Error, io::Read, path::Path};

use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION},
    redirect::{Attempt, Policy},
};
use shipway_core::{
    ports::{Fault, RemoteAnswer, RemoteCall, Remotes},
    secret::SecretText,
};

/// Redirects that are followed, within one host.
const REDIRECTS_MAX: usize = 3;
/// The longest name of a version that is kept, in bytes.
const ETAG_BYTES_MAX: usize = 256;

/// Asks by this machine's network and file system.
pub(super) struct MachineRemotes {
    client: Result<Client, String>,
}

impl MachineRemotes {
    /// One client for all, so that connections are used again.
    pub(super) fn new() -> Self {
        let client = Client::builder().redirect(Policy::custom(followed)).build();
        Self { client: client.map_err(|error| error.to_string()) }
    }

    async fn get(
        &self,
        url: &SecretText,
        headers: &BTreeMap<String, SecretText>,
        etag: Option<&str>,
        bytes_max: usize,
    ) -> Result<RemoteAnswer, Fault> {
        let client = self.client.as_ref().map_err(|error| Fault::unavailable(error.clone()))?;
        let url =
            Url::parse(url.reveal()).map_err(|error| Fault::invalid(format!("its address is no URL: {error}")))?;
        let request = client.get(url).headers(sent(headers, etag)?);
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(RemoteAnswer::Unchanged);
        }
        refuse_status(&answer)?;
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.filter(|etag| etag.len() <= ETAG_BYTES_MAX).map(str::to_owned);
        Ok(RemoteAnswer::Whole { body: body(answer, bytes_max).await?, etag })
    }
}

impl Remotes for MachineRemotes {
    fn ask(&self, call: RemoteCall, bytes_max: usize) -> BoxFuture<'_, Result<RemoteAnswer, Fault>> {
        async move {
            match call {
                RemoteCall::Http { url, headers, etag } => self.get(&url, &headers, etag.as_deref(), bytes_max).await,
                RemoteCall::File { path } => {
                    let read = tokio::task::spawn_blocking(move || read(&path, bytes_max)).await;
                    read.unwrap_or_else(|_| Err(Fault::unavailable("reading the file was cut off")))
                }
            }
        }
        .boxed()
    }
}

/// Only within one host, and by the same scheme and port: a secret in a header goes nowhere else.
fn followed(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let is_same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
}

fn sent(headers: &BTreeMap<String, SecretText>, etag: Option<&str>) -> Result<HeaderMap, Fault> {
    let mut sent = HeaderMap::new();
    sent.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let wrong = |what: &str| Fault::invalid(format!("its header `{name}` {what}"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("has a name that no header has"))?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| wrong("holds what no header may"))?;
        value.set_sensitive(true);
        sent.insert(key, value);
    }
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        sent.insert(IF_NONE_MATCH, etag);
    }
    Ok(sent)
}

/// The innermost cause says what happened; the outer ones name the address.
fn unreachable(error: &reqwest::Error) -> Fault {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error.source() {
        Some(_) => Fault::unavailable(cause.to_string()),
        None => Fault::unavailable("the request failed"),
    }
}

fn refuse_status(answer: &Response) -> Result<(), Fault> {
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    if status.is_redirection() && answer.headers().contains_key(LOCATION) {
        let message = format!(
            "it answered {status}, which leads to another host or round in a circle: at most {REDIRECTS_MAX} redirects \
             within the same host are followed"
        );
        return Err(Fault::unavailable(message));
    }
    Err(Fault::unavailable(format!("it answered {status}")))
}

async fn body(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let too_large = || Fault::unavailable(format!("it answered more than {bytes_max} bytes"));
    if answer.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |length| length > bytes_max)) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn read(path: &Path, bytes_max: usize) -> Result<RemoteAnswer, Fault> {
    let fault = |error: std::io::Error| Fault::unavailable(error.to_string());
    // A pipe or a device would be read for ever.
    if !std::fs::metadata(path).map_err(fault)?.is_file() {
        return Err(Fault::unavailable("it is no file"));
    }
    let mut body = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).map_err(fault)?.take(bound).read_to_end(&mut body).map_err(fault)?;
    if body.len() > bytes_max {
        return Err(Fault::unavailable(format!("it holds more than {bytes_max} bytes")));
    }
    Ok(RemoteAnswer::Whole { body, etag: None })
}
