//! `shipway events`: what happened, in order.

use futures_util::StreamExt;
use shipway_api::{DeploymentView, EventPage};
use shipway_core::event::{Event, EventStatus};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, escaped, with_query},
    terminal::{Hue, Paint, Terminal},
};

const PAGE_MAX: u64 = 1000;

/// Show what happened
#[derive(clap::Args)]
pub struct Args {
    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,
    /// Only events after this place
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// How many of the last ones, when no place is named
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50, conflicts_with = "after")]
    tail: u64,
    /// Only of this deployment, by id or name
    #[arg(long, value_name = "DEPLOYMENT")]
    deployment: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let deployment = match &args.deployment {
        // A name is no key of the events; the id is.
        Some(name) => {
            let view: DeploymentView = remote.get(&format!("/api/deployments/{}", escaped(name))).await?;
            Some(view.id.as_str().to_owned())
        }
        None => None,
    };
    let after = match (args.after, &deployment) {
        (Some(after), _) => after,
        (None, Some(_)) => 0,
        (None, None) => place_before_newest(&remote, args.tail).await?,
    };
    let after = print_pages(context, &remote, after, deployment.as_deref()).await?;
    if args.follow && !Terminal::is_gone() {
        follow(context, &remote, after, deployment).await?;
    }
    Ok(Exit::Done)
}

/// The place before the newest events.
async fn place_before_newest(remote: &Remote, count: u64) -> Result<u64, CliError> {
    let query = [("newest", Some(count.to_string())), ("limit", Some("1".to_owned()))];
    let page: EventPage = remote.get(&with_query("/api/events", &query)).await?;
    Ok(page.items.first().map_or(0, |event| event.seq - 1))
}

fn path(after: u64, deployment: Option<&str>, limit: Option<u64>) -> String {
    let query = [
        ("after", Some(after.to_string())),
        ("deployment", deployment.map(str::to_owned)),
        ("limit", limit.map(|limit| limit.to_string())),
    ];
    with_query("/api/events", &query)
}

async fn print_pages(
    context: &Context,
    remote: &Remote,
    mut after: u64,
    deployment: Option<&str>,
) -> Result<u64, CliError> {
    loop {
        let page: EventPage = remote.get(&path(after, deployment, Some(PAGE_MAX))).await?;
        for event in &page.items {
            print(context, event);
        }
        let Some(newest) = page.items.last() else { return Ok(after) };
        after = newest.seq;
        if Terminal::is_gone() {
            return Ok(after);
        }
    }
}

async fn follow(context: &Context, remote: &Remote, after: u64, deployment: Option<String>) -> Result<(), CliError> {
    let stream = remote.stream::<Event>(&path(after, deployment.as_deref(), None)).await?;
    let mut stream = Box::pin(stream);
    while let Some(event) = stream.next().await {
        print(context, &event?);
        if Terminal::is_gone() {
            return Ok(());
        }
    }
    Err(CliError::failed("the server has ended the stream", "`shipway events -f --after SEQ` goes on where it was"))
}

fn print(context: &Context, event: &Event) {
    if context.terminal.json {
        context.terminal.json_line(event);
    } else {
        context.terminal.say(line(context.terminal.paint, event));
    }
}

fn line(paint: Paint, event: &Event) -> String {
    let body = &event.body;
    let hue = match body.status {
        EventStatus::Running => Hue::Busy,
        EventStatus::Ok => Hue::Good,
        EventStatus::Warning => Hue::Warn,
        EventStatus::Failed => Hue::Bad,
    };
    let place = [body.project.as_ref().map(ToString::to_string), body.environment.as_ref().map(ToString::to_string)];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join("/");
    let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
    let (seq, at) = (event.seq, paint.put(Hue::Faint, event.at));
    format!("{seq:>6}  {at}  {}  {place}{}", paint.put(hue, format!("{:22}", body.kind.name())), body.message)
}
