//! One question to one remote, with names filled in. A secret is in what is sent, and in nothing that is told.

use std::{collections::BTreeMap, path::PathBuf};

use futures_util::StreamExt;
use shipway_core::{
    command_line::CommandLine,
    config::remote::REMOTE_BYTES_MAX,
    id::{EnvironmentName, ProjectId},
    ports::{COMMAND_LINE_BYTES_MAX, CommandEnd, CommandEvent, CommandRun, RemoteAnswer, RemoteCall},
    secret::SecretText,
    spec::RemoteSpec,
};

use crate::{Engine, secrets};

/// What a remote answered.
pub(super) enum Answered {
    /// What is remembered holds.
    Unchanged,
    /// All of it.
    Whole { body: Vec<u8>, etag: Option<String> },
}

/// Why a remote gave nothing.
pub(super) enum Why {
    /// It can't be asked as it is declared: nothing but a change helps.
    Wrong { message: String, advice: String },
    /// It gave no answer, or none that can be used.
    Unavailable(String),
}

impl Why {
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Wrong { message, .. } | Self::Unavailable(message) => message,
        }
    }

    pub(super) fn advice(&self) -> String {
        match self {
            Self::Wrong { advice, .. } => advice.clone(),
            Self::Unavailable(_) => {
                "see that it answers, then deploy again; `if_unavailable` declares what holds when it doesn't".into()
            }
        }
    }

    /// Whether it is what `if_unavailable` is for.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

type At<'a> = (&'a ProjectId, &'a EnvironmentName);

/// Asks. An answer that comes with a version is asked for again by it.
pub(super) async fn call(
    engine: &Engine,
    at: At<'_>,
    declared: &RemoteSpec,
    etag: Option<String>,
) -> Result<Answered, Why> {
    if let Some(command) = &declared.command {
        return run(engine, at, declared, command).await;
    }
    let call = match (&declared.http, &declared.file) {
        (Some(url), _) => {
            let mut headers = BTreeMap::new();
            for (name, value) in &declared.headers {
                headers.insert(name.clone(), with_secrets(engine, at, value).await?);
            }
            RemoteCall::Http { url: with_secrets(engine, at, url).await?, headers, etag }
        }
        (None, Some(file)) => RemoteCall::File { path: PathBuf::from(with_names(at, file)) },
        (None, None) => return Err(Why::Unavailable("nobody is asked".into())),
    };
    match engine.ports.remotes.ask(call, REMOTE_BYTES_MAX).await {
        Ok(RemoteAnswer::Unchanged) => Ok(Answered::Unchanged),
        Ok(RemoteAnswer::Whole { body, etag }) => Ok(Answered::Whole { body, etag }),
        Err(fault) => Err(Why::Unavailable(fault.message)),
    }
}

async fn run(engine: &Engine, at: At<'_>, declared: &RemoteSpec, command: &CommandLine) -> Result<Answered, Why> {
    if engine.settings.is_root && declared.run_as.is_none() {
        let message = "its command would run as root".to_owned();
        let advice = "name a user in `run_as`, or write `run_as = \"@server\"` if root is meant".into();
        return Err(Why::Wrong { message, advice });
    }
    let own = ["PATH", "HOME"].iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let names = [("SHIPWAY_PROJECT", at.0.to_string()), ("SHIPWAY_ENVIRONMENT", at.1.to_string())];
    let names = names.map(|(name, value)| (name.to_owned(), value));
    let words = command.words().iter().map(|word| with_names(at, word)).collect();
    let run = CommandRun {
        command: CommandLine::new(words).map_err(Why::Unavailable)?,
        folder: PathBuf::from("/"),
        variables: own.chain(names).collect(),
        run_as: declared.run_as.clone(),
        timeout_ms: declared.timeout.ms,
        input: Vec::new(),
        secret_files: BTreeMap::new(),
    };
    let mut body = String::new();
    let mut events = engine.ports.runner.run(run);
    while let Some(event) = events.next().await {
        match event.map_err(|fault| Why::Unavailable(fault.message))? {
            CommandEvent::Line(line) if line.len() >= COMMAND_LINE_BYTES_MAX => {
                let message = format!("it printed a line of {COMMAND_LINE_BYTES_MAX} bytes or more");
                return Err(Why::Unavailable(message));
            }
            CommandEvent::Line(line) => {
                body.push_str(&line);
                body.push('\n');
            }
            CommandEvent::Ended(CommandEnd::Exited(0)) => {
                return Ok(Answered::Whole { body: body.into_bytes(), etag: None });
            }
            CommandEvent::Ended(CommandEnd::TimedOut) => {
                return Err(Why::Unavailable(format!("no answer within {}", declared.timeout)));
            }
            CommandEvent::Ended(CommandEnd::Exited(status)) => {
                return Err(Why::Unavailable(format!("it ended with status {status}")));
            }
            CommandEvent::Ended(CommandEnd::Signalled(signal)) => {
                return Err(Why::Unavailable(format!("it was ended by signal {signal}")));
            }
        }
        if body.len() > REMOTE_BYTES_MAX {
            return Err(Why::Unavailable(format!("it answered more than {REMOTE_BYTES_MAX} bytes")));
        }
    }
    Err(Why::Unavailable("its command was cut off".into()))
}

fn with_names((project, environment): At<'_>, text: &str) -> String {
    text.replace("{project}", project.as_str()).replace("{environment}", environment.as_str())
}

/// Names in braces, filled in: of the project, the environment, and of secrets. Never of the server's own variables.
async fn with_secrets(engine: &Engine, at: At<'_>, text: &str) -> Result<SecretText, Why> {
    let (project, environment) = at;
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let never_closed = || Why::Wrong {
            message: "a { is never closed in what is asked".into(),
            advice: "close it, or write %7B for the brace itself".into(),
        };
        let (name, after) = after.split_once('}').ok_or_else(never_closed)?;
        whole.push_str(before);
        match name {
            "project" => whole.push_str(project.as_str()),
            "environment" => whole.push_str(environment.as_str()),
            name => whole.push_str(secret(engine, at, name).await?.reveal()),
        }
        rest = after;
    }
    whole.push_str(rest);
    Ok(SecretText::new(whole))
}

async fn secret(engine: &Engine, (project, environment): At<'_>, name: &str) -> Result<SecretText, Why> {
    let found = secrets::of_environment(engine, project, environment, name).await;
    let found =
        found.map_err(|fault| Why::Unavailable(format!("its secret {name} can't be read: {}", fault.message)))?;
    found.ok_or_else(|| Why::Wrong {
        message: format!("{environment} has no secret {name}"),
        advice: format!("set it: `shipway secret set {name} -e {environment}`"),
    })
}
