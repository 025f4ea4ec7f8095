//! Watches which version answers: pollers on connections of their own, as fast as a pause of a millisecond lets them.

use std::{
    io::{Error, ErrorKind},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    Fallible,
    http::{self, Request},
};

/// Between an answer and the next question of a poller that is to see every millisecond.
pub const CLOSE_US: u64 = 500;
const WAIT_MS_MAX: u64 = 30_000;
/// An application that answers at once has failed a request by then.
const ANSWER_MS_MAX: u64 = 2000;

/// One answer.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was there, in microseconds since 1970.
    pub answered_us: u64,
    /// The version, or what went wrong.
    pub version: Result<String, String>,
    /// How long the application took from its start to listening, by its own stamps.
    pub own_us: u64,
}

/// Now, in microseconds since 1970: the clock of the application's stamps.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Asks once.
pub async fn ask(address: SocketAddr, host: &str) -> Sample {
    let request = Request { headers: "Connection: close\r\n", ..Request::get(host, "/") };
    let answer = timeout(Duration::from_millis(ANSWER_MS_MAX), http::once(address, &request)).await;
    let answer = answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::TimedOut, "no answer came")));
    let answered_us = now_us();
    let text = match answer {
        Ok(answer) if answer.status == 200 => Ok(answer.text()),
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    };
    let field = |name: &str| {
        let text = text.as_deref().unwrap_or_default();
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
            .to_owned()
    };
    let stamp = |name: &str| field(name).parse::<u64>().unwrap_or(0);
    let own_us = stamp("listening_us").saturating_sub(stamp("started_us"));
    let version = field("version");
    Sample { answered_us, version: text.map(|_| version), own_us }
}

/// Waits until a version answers.
///
/// # Errors
/// It doesn't.
pub async fn until(address: SocketAddr, host: &str, version: &str) -> Fallible<()> {
    let begin = now_us();
    loop {
        let sample = ask(address, host).await;
        if sample.version.as_deref() == Ok(version) {
            return Ok(());
        }
        if now_us() - begin > WAIT_MS_MAX * 1000 {
            return Err(format!("{version} does not answer, but {:?}", sample.version).into());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// When a poller had its first answer after which a version never answered again, in microseconds since 1970; that
/// answer must come from the version that is back.
///
/// # Errors
/// The version never answered, or it answers to the end, or another one does.
pub fn first_for_good(samples: &[Sample], gone: &str, back: &str) -> Fallible<u64> {
    let last = samples.iter().rposition(|sample| sample.version.as_deref() == Ok(gone));
    let last = last.ok_or_else(|| format!("{gone} never answered before it was taken back"))?;
    let next = samples.get(last + 1).ok_or_else(|| format!("{gone} still answers after it was taken back"))?;
    match &next.version {
        Ok(version) if version == back => Ok(next.answered_us),
        other => Err(format!("after {gone} came {other:?}").into()),
    }
}

/// Pollers at work.
pub struct Watch {
    stop: Arc<AtomicBool>,
    pollers: Vec<JoinHandle<Vec<Sample>>>,
}

impl Watch {
    /// Starts so many pollers, which rest between an answer and the next question.
    pub fn start(address: SocketAddr, host: &str, pollers: usize, rest_us: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let poller = |_| {
            let (stop, host) = (stop.clone(), host.to_owned());
            tokio::spawn(async move {
                let mut samples = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    samples.push(ask(address, &host).await);
                    sleep(Duration::from_micros(rest_us)).await;
                }
                samples
            })
        };
        Self { pollers: (0..pollers).map(poller).collect(), stop }
    }

    /// Ends it; gives the answers by poller, each in order.
    ///
    /// # Errors
    /// A poller failed.
    pub async fn stop(self) -> Fallible<Vec<Vec<Sample>>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for poller in self.pollers {
            all.push(poller.await?);
        }
        Ok(all)
    }
}
