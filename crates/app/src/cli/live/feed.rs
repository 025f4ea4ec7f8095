//! What the live view is fed with, each by a task of its own: events, lines of builds, numbers of the proxy.

use std::time::Duration;

use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use shipway_api::{LogLine, RoutesView};
use shipway_core::{event::Event, phase::Phase, ports::ReleaseTraffic};
use tokio::sync::{mpsc, watch};

use super::{RETURN_MS_MAX, channel};
use crate::cli::{
    errors::CliError,
    remote::{Remote, escaped, with_query},
};

const RETRY_MS: u64 = 50;
const RETRY_MS_MAX: u64 = 1000;
const NUMBERS_MS: u64 = 1000;

/// The events of a deployment.
pub type Events = mpsc::Receiver<Result<Event, CliError>>;
/// Lines of its builds.
pub type Builds = mpsc::Receiver<LogLine>;

/// How long to go on trying, and when again.
struct Patience {
    since: tokio::time::Instant,
    wait_ms: u64,
}

impl Patience {
    fn new() -> Self {
        Self { since: tokio::time::Instant::now(), wait_ms: RETRY_MS }
    }

    /// Waits; false when it has waited long enough in all.
    async fn wait(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_millis(RETURN_MS_MAX) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(self.wait_ms)).await;
        self.wait_ms = (self.wait_ms * 2).min(RETRY_MS_MAX);
        true
    }
}

/// Reads, and waits for a server that is gone for a moment.
///
/// # Errors
/// It says no, or has not returned.
pub async fn patiently<T: DeserializeOwned>(remote: &Remote, path: &str) -> Result<T, CliError> {
    let mut patience = Patience::new();
    loop {
        match remote.get(path).await {
            Err(error) if error.is_unreachable() => {
                if !patience.wait().await {
                    return Err(error);
                }
            }
            answer => return answer,
        }
    }
}

/// Follows the events after a place, over restarts of the server.
pub fn events(remote: Remote, deployment: String, mut after: u64) -> Events {
    let (sender, receiver) = channel();
    tokio::spawn(async move {
        let mut patience = Patience::new();
        while !sender.is_closed() {
            let error = read_events(&remote, &deployment, &mut after, &sender, &mut patience).await.err();
            let says_no = error.as_ref().is_some_and(|error| !error.is_unreachable());
            if says_no || !patience.wait().await {
                let gone = || CliError::Failed("the server has ended the stream of events".into());
                // The view may be gone by now; then nobody asks.
                let _ = sender.send(Err(error.unwrap_or_else(gone))).await;
                return;
            }
        }
    });
    receiver
}

async fn read_events(
    remote: &Remote,
    deployment: &str,
    after: &mut u64,
    sender: &mpsc::Sender<Result<Event, CliError>>,
    patience: &mut Patience,
) -> Result<(), CliError> {
    let query = [("after", Some(after.to_string())), ("deployment", Some(deployment.to_owned()))];
    let mut stream = Box::pin(remote.stream::<Event>(&with_query("/api/events", &query)).await?);
    while let Some(event) = stream.next().await {
        let event = event?;
        *after = event.seq;
        *patience = Patience::new();
        if sender.send(Ok(event)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Follows the builds' output. When it can't be read, the view is poorer and nothing else.
pub fn builds(remote: Remote, deployment: String) -> Builds {
    let (sender, receiver) = channel();
    tokio::spawn(async move {
        let path = format!("/api/deployments/{}/logs", escaped(&deployment));
        let Ok(stream) = remote.stream::<LogLine>(&path).await else { return };
        let mut stream = Box::pin(stream);
        while let Some(Ok(line)) = stream.next().await {
            if line.stream == "build" && sender.send(line).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// The proxy's numbers, asked for once a second while they are wanted.
pub struct Numbers {
    wanted: watch::Sender<bool>,
    newest: watch::Receiver<Vec<ReleaseTraffic>>,
}

impl Numbers {
    /// Says in which phase the deployment is: only while traffic moves or is watched do its numbers tell something.
    pub fn wanted(&self, phase: Phase) {
        let wanted = (Phase::Promoting..=Phase::Monitoring).contains(&phase);
        self.wanted.send_if_modified(|was| std::mem::replace(was, wanted) != wanted);
    }

    /// As they were last.
    pub fn newest(&self) -> Vec<ReleaseTraffic> {
        self.newest.borrow().clone()
    }
}

/// Follows the numbers until the view is dropped.
pub fn numbers(remote: Remote) -> Numbers {
    let (wanted, mut is_wanted) = watch::channel(false);
    let (sender, newest) = watch::channel(Vec::new());
    tokio::spawn(async move {
        while is_wanted.wait_for(|wanted| *wanted).await.is_ok() {
            if let Ok(routes) = remote.get::<RoutesView>("/api/routes").await {
                sender.send_replace(routes.traffic);
            }
            tokio::time::sleep(Duration::from_millis(NUMBERS_MS)).await;
        }
    });
    Numbers { wanted, newest }
}
