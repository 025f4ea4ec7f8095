//! `shipway token`: access tokens, by which people and programs come in under a name and a role of their own.

use clap::ValueEnum;
use shipway_api::{NewTokenView, TokenView};
use shipway_core::{
    access::TokenRequest,
    id::{EnvironmentName, Role},
    time::{Span, Timestamp},
};

use super::{
    Exit, Outcome,
    context::Context,
    remote::escaped,
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Make, list and revoke access tokens: names with a role, for people and programs
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make an access token; its text is shown this once, and goes into SHIPWAY_TOKEN
#[derive(clap::Args)]
struct CreateArgs {
    /// The name of whoever comes in with it, as the history and the audit record show it
    name: String,
    /// What it is trusted with; each role may do what those before it may
    #[arg(long, value_enum)]
    role: RoleArg,
    /// Only in this environment; may be repeated; all of them when absent
    #[arg(short, long = "environment", value_name = "ENVIRONMENT")]
    environments: Vec<String>,
    /// How long it is good for (`12h`, `30d`); until it is revoked when absent
    #[arg(long, value_name = "SPAN")]
    expires: Option<Span>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Reads
    Viewer,
    /// Deploys, cancels, scales, rolls back and configures outside production
    Developer,
    /// Keeps everything running everywhere: also pauses, retries, skips, resolves, rolls production back, resets breakers
    Operator,
    /// Decides what comes into production: also deploys, promotes, approves and configures there
    ReleaseManager,
    /// Everything, with access tokens, shutdown and emergencies
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Developer => Self::Developer,
            RoleArg::Operator => Self::Operator,
            RoleArg::ReleaseManager => Self::ReleaseManager,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// List the access tokens
#[derive(clap::Args)]
struct ListArgs {}

/// Take an access token away, at once
#[derive(clap::Args)]
struct RevokeArgs {
    /// Its name
    name: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::Create(args) => create(context, args).await,
        Act::List(ListArgs {}) => list(context).await,
        Act::Revoke(args) => revoke(context, args).await,
    }
}

async fn create(context: &Context, args: CreateArgs) -> Outcome {
    let CreateArgs { name, role, environments, expires } = args;
    let environments = environments.iter().map(EnvironmentName::new).collect();
    let request = TokenRequest { name, role: role.into(), environments, expires_in: expires };
    let new: NewTokenView = context.remote()?.post("/api/tokens", &request).await?;
    context.terminal.show(&new, |paint| {
        let TokenView { name, role, expires_at, .. } = &new.view;
        let until = expires_at.map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {at}"));
        let once = "it is shown this once: keep it where secrets are kept, and give it as SHIPWAY_TOKEN";
        vec![format!("{name} comes in as {role}, {until}"), new.token.clone(), paint.put(Hue::Faint, once)]
    });
    Ok(Exit::Done)
}

async fn list(context: &Context) -> Outcome {
    let tokens: Vec<TokenView> = context.remote()?.get("/api/tokens").await?;
    context.terminal.show(&tokens, |paint| lines(paint, &tokens));
    Ok(Exit::Done)
}

fn lines(paint: Paint, tokens: &[TokenView]) -> Vec<String> {
    if tokens.is_empty() {
        return vec!["there is no access token yet: `shipway token create NAME --role ROLE`".into()];
    }
    let mut table = Table::new(&["name", "role", "environments", "id", "made", "by", "until"]);
    let now = words::now();
    tokens.iter().for_each(|token| table.row(row(token, now)));
    table.lines(paint, 0)
}

fn row(token: &TokenView, now: Timestamp) -> Vec<(Hue, String)> {
    let environments = token.environments.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ");
    let until = match token.expires_at {
        None => plain("it is revoked"),
        Some(at) if token.expired => (Hue::Bad, format!("expired {}", words::ago(at, now))),
        Some(at) => plain(format!("in {}", words::span(at.since_ms(now)))),
    };
    vec![
        (Hue::Bold, token.name.clone()),
        plain(token.role.name()),
        plain(if environments.is_empty() { "all".to_owned() } else { environments }),
        (Hue::Faint, token.id.clone()),
        plain(words::ago(token.created_at, now)),
        plain(&token.created_by),
        until,
    ]
}

async fn revoke(context: &Context, args: RevokeArgs) -> Outcome {
    let path = format!("/api/tokens/{}/revoke", escaped(&args.name));
    let token: TokenView = context.remote()?.post(&path, &serde_json::json!({})).await?;
    context.terminal.show(&token, |_| vec![format!("nobody comes in as {} with it any more", token.name)]);
    Ok(Exit::Done)
}
