//! One message to one channel: a signed webhook, a command, an e-mail.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use sha2::Sha256;
use shipway_core::{
    command_line::CommandLine,
    ports::{CommandEnd, CommandEvent, CommandRun},
    secret::SecretText,
    spec::{EmailSpec, NotifySpec},
};

use super::Message;
use crate::{Engine, secrets};

const TIMEOUT_MS: u64 = 10_000;

/// Delivers, or says why not.
pub(super) async fn deliver(engine: &Engine, message: &Message) -> Result<(), String> {
    let body = payload(message);
    match &message.channel {
        NotifySpec { webhook: Some(url), secret_variable, .. } => {
            webhook(engine, url, secret_variable.as_deref(), message, &body).await
        }
        NotifySpec { command: Some(command), .. } => run(engine, command, body).await,
        NotifySpec { email: Some(email), .. } => send_mail(engine, email, message).await,
        _ => Ok(()),
    }
}

/// The event as it is in the stream, with what it is told as.
fn payload(message: &Message) -> String {
    serde_json::json!({ "notification": message.on, "event": message.event }).to_string()
}

async fn webhook(
    engine: &Engine,
    written: &str,
    secret: Option<&str>,
    message: &Message,
    body: &str,
) -> Result<(), String> {
    let url = with_variables(engine, message, written).await?;
    let client = reqwest::Client::builder().timeout(Duration::from_millis(TIMEOUT_MS)).build();
    let client = client.map_err(|error| error.to_string())?;
    let mut request = client.post(url.reveal()).header("Content-Type", "application/json");
    // The receiver tells a repeated delivery by it.
    request = request.header("X-Shipway-Delivery", &message.id);
    if let Some(name) = secret {
        let key = known(engine, message, name).await?;
        request = request.header("X-Shipway-Signature", format!("sha256={}", signature(key.reveal(), body)));
    }
    let answer = request.body(body.to_owned()).send().await.map_err(|error| error.without_url().to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("{written} answered {status}")),
    }
}

/// The HMAC-SHA256 (RFC 2104) of the body in lower-case hex.
fn signature(key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn run(engine: &Engine, command: &CommandLine, body: String) -> Result<(), String> {
    let variables = ["PATH", "HOME"].iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let run = CommandRun {
        command: command.clone(),
        folder: engine.settings.folders.data.clone(),
        variables: variables.collect::<BTreeMap<_, _>>(),
        run_as: None,
        timeout_ms: TIMEOUT_MS,
        input: body.into_bytes(),
        secret_files: BTreeMap::new(),
    };
    let mut last = String::new();
    let mut events = engine.ports.runner.run(run);
    while let Some(event) = events.next().await {
        match event.map_err(|fault| fault.to_string())? {
            CommandEvent::Line(line) => last = line,
            CommandEvent::Ended(CommandEnd::Exited(0)) => return Ok(()),
            CommandEvent::Ended(end) => return Err(format!("`{command}` ended with {end:?}: {last}")),
        }
    }
    Err(format!("`{command}` was cut off"))
}

async fn send_mail(engine: &Engine, email: &EmailSpec, message: &Message) -> Result<(), String> {
    let server = with_variables(engine, message, &email.server).await?;
    let event = &message.event.body;
    let environment = event.environment.as_ref().map_or("", |name| name.as_str());
    let mut mail = Mail::builder()
        .from(email.from.parse().map_err(|error| format!("`{}` is no address: {error}", email.from))?)
        .subject(format!("[shipway] {environment}: {}", event.message));
    for to in &email.to {
        mail = mail.to(to.parse().map_err(|error| format!("`{to}` is no address: {error}"))?);
    }
    let text = format!("{}\n\n{}", event.message, serde_json::to_string_pretty(&message.event).unwrap_or_default());
    let mail = mail.body(text).map_err(|error| error.to_string())?;
    let transport =
        AsyncSmtpTransport::<Tokio1Executor>::from_url(server.reveal()).map_err(|error| error.to_string())?;
    let transport = transport.timeout(Some(Duration::from_millis(TIMEOUT_MS))).build();
    transport.send(mail).await.map(|_| ()).map_err(|error| error.to_string())
}

/// Puts values in the place of `{NAME}`.
async fn with_variables(engine: &Engine, message: &Message, text: &str) -> Result<SecretText, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("a {{ is never closed in `{text}`"))?;
        whole.push_str(before);
        whole.push_str(known(engine, message, name).await?.reveal());
        rest = after;
    }
    whole.push_str(rest);
    Ok(SecretText::new(whole))
}

/// The value of a name: a secret of the environment or the project, else a variable of the server.
async fn known(engine: &Engine, message: &Message, name: &str) -> Result<SecretText, String> {
    let body = &message.event.body;
    if let (Some(project), Some(environment)) = (&body.project, &body.environment) {
        let secret = secrets::of_environment(engine, project, environment, name).await;
        if let Some(value) = secret.map_err(|fault| fault.to_string())? {
            return Ok(value);
        }
    }
    of_server(name)
}

/// A variable of the server's. A spec may not send its master key anywhere.
fn of_server(name: &str) -> Result<SecretText, String> {
    let missing = || format!("there is no secret {name}, and the server has no variable {name}");
    if name.starts_with("SHIPWAY_MASTER_KEY") {
        return Err(missing());
    }
    std::env::var(name).map(SecretText::new).map_err(|_| missing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_rfc_4231_s() {
        // Test case 2 of RFC 4231.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let fault = of_server("SHIPWAY_NO_SUCH").expect_err("it is not set");
        assert!(fault.contains("SHIPWAY_NO_SUCH"));
        assert!(of_server("SHIPWAY_MASTER_KEY").is_err(), "it is nobody's to send");
        assert!(of_server("PATH").is_ok());
    }
}
