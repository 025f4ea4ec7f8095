//! Asks instances and routes whether they answer as expected. Not here: how often, and what follows from it.

use std::{
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use shipway_core::{
    command_line::CommandLine,
    ports::{Answer, CommandEnd, CommandEvent, CommandRun, Prober, Question, Runner},
    spec::Expect,
};
use tokio::{net::TcpStream, time::timeout};

/// The most of a body or an output that is searched, in bytes.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;
/// The most of an unexpected answer that is told, in characters.
const TOLD_CHARS_MAX: usize = 200;
/// How long the body of an answer that has failed already may take, in milliseconds: it is only told.
const TOLD_MS_MAX: u64 = 200;

/// Asks from this machine.
pub struct LocalProber {
    runner: Arc<dyn Runner>,
}

/// Whether it passed, and what came, in words.
type Outcome = (bool, String);

impl LocalProber {
    /// A prober whose commands run by that runner.
    pub fn new(runner: Arc<dyn Runner>) -> Arc<Self> {
        Arc::new(Self { runner })
    }

    async fn outcome(&self, question: &Question) -> Outcome {
        let limit = Duration::from_millis(question.timeout_ms);
        let late = || (false, format!("no answer within {} ms", question.timeout_ms));
        let ask = &question.ask;
        if let Some(command) = &ask.command {
            // The runner holds the time itself, since there is more to end than a wait.
            return self.command(question, command).await.unwrap_or_else(late);
        }
        let asked = async {
            match &ask.http {
                Some(path) => http(question, path).await,
                None => tcp(question.address, ask.tcp.unwrap_or(true)).await,
            }
        };
        timeout(limit, asked).await.unwrap_or_else(|_| late())
    }

    /// None when it took too long.
    async fn command(&self, question: &Question, command: &CommandLine) -> Option<Outcome> {
        let context = question.context.clone();
        let mut events = self.runner.run(CommandRun {
            command: command.clone(),
            folder: context.folder,
            variables: context.variables,
            run_as: context.run_as,
            timeout_ms: question.timeout_ms,
            input: Vec::new(),
            secret_files: context.secret_files,
        });
        let mut output = String::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(CommandEvent::Line(line)) if output.len() < SEARCHED_BYTES_MAX => {
                    output.push_str(&line);
                    output.push('\n');
                }
                Ok(CommandEvent::Line(_)) => {}
                Ok(CommandEvent::Ended(CommandEnd::TimedOut)) => return None,
                Ok(CommandEvent::Ended(end)) => return Some(judge_command(end, &output, question)),
                Err(fault) => return Some((false, fault.to_string())),
            }
        }
        Some((false, "the command was lost".into()))
    }
}

impl Prober for LocalProber {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let begin = Instant::now();
            let (passed, got) = self.outcome(&question).await;
            let took_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
            Answer { passed, expected: expected(&question), got, took_ms }
        })
    }
}

/// What is expected, in words.
fn expected(question: &Question) -> String {
    let ask = &question.ask;
    let expect = ask.expect.clone().unwrap_or_default();
    let (mut words, part) = match (&ask.command, &ask.http, ask.tcp) {
        (Some(_), ..) => (format!("exit status {}", expect.status.unwrap_or(0)), "output"),
        (_, Some(_), _) => match expect.status {
            Some(status) => (format!("status {status}"), "a body"),
            None => ("a status from 200 to 399".into(), "a body"),
        },
        (.., Some(false)) => return "no open port".into(),
        _ => return "an open port".into(),
    };
    if let Some(text) = &expect.contains {
        let _ = write!(words, " and {part} with {text:?}");
    }
    words
}

async fn tcp(address: SocketAddr, wanted: bool) -> Outcome {
    match TcpStream::connect(address).await {
        Ok(_) => (wanted, "an open port".into()),
        Err(error) => (!wanted, words(&error)),
    }
}

fn judge_command(end: CommandEnd, output: &str, question: &Question) -> Outcome {
    let expect = question.ask.expect.clone().unwrap_or_default();
    let (right, mut got) = match end {
        CommandEnd::Exited(status) => {
            (status == i32::from(expect.status.unwrap_or(0)), format!("exit status {status}"))
        }
        CommandEnd::Signalled(signal) => (false, format!("ended by signal {signal}")),
        CommandEnd::TimedOut => (false, "no answer in time".into()),
    };
    let holds = expect.contains.is_none_or(|text| output.contains(&text));
    if !(right && holds) {
        let _ = write!(got, ": {}", told(output));
    }
    (right && holds, got)
}

async fn http(question: &Question, path: &str) -> Outcome {
    let request = match request(question, path) {
        Ok(request) => request,
        Err(error) => return (false, format!("`{path}` can't be asked for: {error}")),
    };
    let stream = match TcpStream::connect(question.address).await {
        Ok(stream) => stream,
        Err(error) => return (false, words(&error)),
    };
    let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(both) => both,
        Err(error) => return (false, error_words(&error)),
    };
    let exchange = async {
        match sender.send_request(request).await {
            Ok(response) => judge_http(question, response.status(), response.into_body()).await,
            Err(error) => (false, error_words(&error)),
        }
    };
    // The connection is driven here, so that it ends with the question. Its own end comes as the exchange's error.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = exchange => outcome,
        () = driven => (false, "connection closed".into()),
    }
}

fn request(question: &Question, path: &str) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let host = question.host.clone().unwrap_or_else(|| question.address.to_string());
    let slash = if path.starts_with('/') { "" } else { "/" };
    Request::get(format!("{slash}{path}"))
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(USER_AGENT, "shipway-check")
        .body(Empty::new())
}

async fn judge_http(question: &Question, status: StatusCode, body: Incoming) -> Outcome {
    let expect: Expect = question.ask.expect.clone().unwrap_or_default();
    let right = match expect.status {
        Some(wanted) => wanted == status.as_u16(),
        None => (200..400).contains(&status.as_u16()),
    };
    let got = format!("status {}", status.as_u16());
    if !right {
        let text = timeout(Duration::from_millis(TOLD_MS_MAX), beginning(body)).await;
        return (false, format!("{got}: {}", told(&text.unwrap_or_else(|_| Ok(String::new())).unwrap_or_default())));
    }
    let Some(wanted) = expect.contains else {
        return (true, got);
    };
    match beginning(body).await {
        Ok(text) if text.contains(&wanted) => (true, format!("{got} and a body with {wanted:?}")),
        Ok(text) => (false, format!("{got}: {}", told(&text))),
        Err(error) => (false, format!("{got}, then {}", error_words(&error))),
    }
}

/// The body, as far as it is searched.
async fn beginning(mut body: Incoming) -> Result<String, hyper::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() >= SEARCHED_BYTES_MAX {
            bytes.truncate(SEARCHED_BYTES_MAX);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn told(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "nothing more".into();
    }
    text.chars().take(TOLD_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn error_words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() {
        return "connection closed before the answer was complete".into();
    }
    if error.is_parse() {
        return "an answer that isn't HTTP".into();
    }
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.map_or_else(|| error.to_string(), words)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        _ => error.to_string(),
    }
}
