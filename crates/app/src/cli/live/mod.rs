//! The live view of a deployment: from the event stream to lines on a terminal, or to plain lines where nobody looks.
//! Not here: what is said when it has ended (`ending`).

mod feed;
mod picture;
mod plain;

use std::time::Duration;

use shipway_api::DeploymentView;
use shipway_core::{
    event::{Event, EventKind},
    phase::Phase,
};
use tokio::sync::mpsc;

use self::{
    feed::{Builds, Numbers},
    picture::Picture,
};
use super::{
    errors::CliError,
    remote::{Remote, escaped},
    terminal::{Canvas, Terminal},
    words,
};

/// How often the picture is drawn.
const FRAME_MS: u64 = 125;
/// The longest that the picture shows what it knows without asking again, for what changes without an event.
const REFRESH_MS: u64 = 1000;
/// How long a server that has gone away is waited for.
pub const RETURN_MS_MAX: u64 = 60_000;

/// How far a deployment is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Until {
    /// Until all traffic has moved
    Promoted,
    /// Until it is complete
    #[default]
    Completed,
}

impl Until {
    fn is_reached(self, phase: Phase) -> bool {
        let promoted = phase > Phase::Promoting && phase <= Phase::Cleaning;
        phase.is_end() || (self == Self::Promoted && promoted)
    }
}

/// Watches a deployment until it is as far as wanted, or has ended.
///
/// # Errors
/// The server went away and did not return, or says no.
pub async fn follow(
    remote: &Remote,
    terminal: Terminal,
    first: DeploymentView,
    until: Until,
) -> Result<DeploymentView, CliError> {
    follow_from(remote, terminal, first, until, 0).await
}

/// The same, without what came before and at a place in the events.
///
/// # Errors
/// As `follow`.
pub async fn follow_from(
    remote: &Remote,
    terminal: Terminal,
    first: DeploymentView,
    until: Until,
    after: u64,
) -> Result<DeploymentView, CliError> {
    let mut events = feed::events(remote.clone(), first.id.as_str().to_owned(), after);
    if terminal.interactive && !terminal.json {
        return Drawn::new(remote, terminal, first, until).follow(&mut events).await;
    }
    let (path, begun) = (path_of(&first), first.created_at);
    while let Some(event) = events.recv().await {
        let event = event?;
        if let Some(line) = plain::line(&event, begun) {
            terminal.say(line);
        }
        if may_end(&event, until) {
            let view: DeploymentView = feed::patiently(remote, &path).await?;
            if until.is_reached(view.phase) {
                return Ok(view);
            }
        }
    }
    Err(CliError::Failed("the stream of events has ended".into()))
}

fn path_of(view: &DeploymentView) -> String {
    format!("/api/deployments/{}", escaped(view.id.as_str()))
}

/// Whether a deployment may be as far as wanted after an event.
fn may_end(event: &Event, until: Until) -> bool {
    let turned = matches!(event.body.kind, EventKind::PhaseStarted | EventKind::PhaseCompleted);
    let phase = event.body.phase;
    phase.is_some_and(Phase::is_end) || (until == Until::Promoted && turned && phase > Some(Phase::Promoting))
}

/// The view that is drawn again and again.
struct Drawn<'a> {
    remote: &'a Remote,
    until: Until,
    path: String,
    canvas: Canvas,
    picture: Picture,
    builds: Builds,
    numbers: Numbers,
    asked: tokio::time::Instant,
    stale: bool,
}

impl<'a> Drawn<'a> {
    fn new(remote: &'a Remote, terminal: Terminal, first: DeploymentView, until: Until) -> Self {
        Self {
            remote,
            until,
            path: path_of(&first),
            canvas: Canvas::new(),
            builds: feed::builds(remote.clone(), first.id.as_str().to_owned()),
            numbers: feed::numbers(remote.clone()),
            picture: Picture::new(first, terminal.paint),
            asked: tokio::time::Instant::now(),
            stale: true,
        }
    }

    async fn follow(mut self, events: &mut feed::Events) -> Result<DeploymentView, CliError> {
        self.watch(events).await?;
        Ok(self.picture.view)
    }

    async fn watch(&mut self, events: &mut feed::Events) -> Result<(), CliError> {
        let mut frames = tokio::time::interval(Duration::from_millis(FRAME_MS));
        frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { return Err(CliError::Failed("the events have ended".into())) };
                    self.stale = true;
                    if may_end(&event?, self.until) && self.has_ended().await? {
                        return Ok(());
                    }
                }
                Some(line) = self.builds.recv() => self.picture.build_line(&line),
                _ = frames.tick() => self.draw().await,
            }
        }
    }

    async fn has_ended(&mut self) -> Result<bool, CliError> {
        self.picture.view = feed::patiently(self.remote, &self.path).await?;
        Ok(self.until.is_reached(self.picture.view.phase))
    }

    async fn draw(&mut self) {
        let old = self.asked.elapsed() >= Duration::from_millis(REFRESH_MS);
        if self.stale || old {
            // A server that is gone for a moment is waited for by the stream of events.
            if let Ok(view) = self.remote.get(&self.path).await {
                self.picture.view = view;
            }
            (self.stale, self.asked) = (false, tokio::time::Instant::now());
        }
        self.numbers.wanted(self.picture.view.phase);
        let lines = self.picture.lines(&self.numbers.newest(), words::now());
        self.canvas.draw(&lines);
    }
}

/// A channel's bound: the stream waits while the view is behind.
const NEWS_MAX: usize = 256;

fn channel<T>() -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
    mpsc::channel(NEWS_MAX)
}
