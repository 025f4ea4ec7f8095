//! Notifications: from the event stream, kept until they are delivered, tried again across restarts.

mod deliver;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shipway_core::{
    event::{Event, EventBody, EventKind, EventStatus},
    ports::Fault,
    project::Project,
    spec::{NotifyOn, NotifySpec},
    store::{Commit, DocumentKind, Listing, Stored},
    time::Timestamp,
};
use tracing::warn;

use crate::Engine;

const BATCH: u32 = 100;
const TICK_MS: u64 = 1000;
const BACK_OFF_MS: u64 = 1000;
const BACK_OFF_MS_MAX: u64 = 300_000;
/// How often a message is tried before it is given up.
const ATTEMPTS_MAX: u32 = 20;
/// Messages that are tried in one round.
const ROUND_MAX: u32 = 50;

/// A message on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Message {
    id: String,
    channel: NotifySpec,
    on: NotifyOn,
    event: Event,
    attempts: u32,
    next_at: Timestamp,
}

impl Stored for Message {
    const KIND: DocumentKind = DocumentKind::Notification;
    fn key(&self) -> String {
        self.id.clone()
    }
    fn scope(&self) -> String {
        String::new()
    }
    fn order(&self) -> i64 {
        self.next_at.0
    }
}

/// How far the event stream has been read.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cursor {
    after: u64,
}

impl Stored for Cursor {
    const KIND: DocumentKind = DocumentKind::Meta;
    fn key(&self) -> String {
        CURSOR.into()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

const CURSOR: &str = "notify-cursor";

pub(crate) fn start(engine: &Arc<Engine>) {
    engine.spawn(read_events(engine.clone()));
    engine.spawn(deliver_due(engine.clone()));
}

async fn read_events(engine: Arc<Engine>) {
    loop {
        if engine.itself.leads(engine.ports.clock.now()).is_none() {
            engine.ports.clock.sleep_ms(TICK_MS).await;
            continue;
        }
        match read_some(&engine).await {
            Ok(after) => engine.ports.store.wait_event(after).await,
            Err(fault) => {
                warn!(%fault, "notifications can't be written");
                engine.ports.clock.sleep_ms(TICK_MS).await;
            }
        }
    }
}

/// Turns the next events into messages, in the commit that moves the cursor.
async fn read_some(engine: &Engine) -> Result<u64, Fault> {
    let store = &engine.ports.store;
    let cursor: Option<Cursor> = store.find(CURSOR).await?;
    let after = match cursor {
        Some(cursor) => cursor.after,
        None => 0,
    };
    let events = store.events(after, None, BATCH).await?;
    let Some(last) = events.last().map(|event| event.seq) else { return Ok(after) };
    let mut commit = Commit::at(engine.ports.clock.now());
    for event in events {
        for message in messages(engine, &event).await? {
            commit = commit.put(&message);
        }
    }
    store.commit(commit.put(&Cursor { after: last })).await?;
    Ok(last)
}

/// The newest event that was read.
pub(crate) async fn told_until(engine: &Engine) -> Result<u64, Fault> {
    let cursor: Option<Cursor> = engine.ports.store.find(CURSOR).await?;
    Ok(cursor.map_or(0, |cursor| cursor.after))
}

/// What an event tells, if it is told at all.
fn occasion(event: &EventBody) -> Option<NotifyOn> {
    match event.kind {
        EventKind::DeploymentStarted => Some(NotifyOn::Started),
        EventKind::DeploymentWaiting => Some(NotifyOn::Waiting),
        EventKind::DeploymentSucceeded => Some(NotifyOn::Succeeded),
        EventKind::DeploymentFailed if event.phase == Some(shipway_core::phase::Phase::RolledBack) => {
            Some(NotifyOn::RolledBack)
        }
        EventKind::DeploymentFailed => Some(NotifyOn::Failed),
        EventKind::DeploymentCancelled if event.status == EventStatus::Failed => Some(NotifyOn::Failed),
        EventKind::DeploymentStuck | EventKind::DeploymentsStopped => Some(NotifyOn::Stuck),
        EventKind::DriftFound | EventKind::DriftRepairFailed => Some(NotifyOn::Drift),
        EventKind::GlassBroken => Some(NotifyOn::BreakGlass),
        _ => None,
    }
}

async fn messages(engine: &Engine, event: &Event) -> Result<Vec<Message>, Fault> {
    let body = &event.body;
    let Some(on) = occasion(body) else { return Ok(Vec::new()) };
    let (Some(project), Some(environment)) = (&body.project, &body.environment) else { return Ok(Vec::new()) };
    let Some(project) = engine.ports.store.share::<Project>(project.as_str()).await? else { return Ok(Vec::new()) };
    let Some(plan) = engine.environment_plan(&project, environment).await else { return Ok(Vec::new()) };
    let all = on == NotifyOn::BreakGlass;
    let wanted = plan.notify.iter().filter(|channel| all || channel.on.is_empty() || channel.on.contains(&on));
    let message = |(number, channel)| Message {
        id: format!("{}-{number}", event.id),
        channel: NotifySpec::clone(channel),
        on,
        event: event.clone(),
        attempts: 0,
        next_at: event.at,
    };
    Ok(wanted.enumerate().map(message).collect())
}

async fn deliver_due(engine: Arc<Engine>) {
    loop {
        if engine.itself.leads(engine.ports.clock.now()).is_some()
            && let Err(fault) = deliver_some(&engine).await
        {
            warn!(%fault, "notifications can't be read");
        }
        engine.ports.clock.sleep_ms(TICK_MS).await;
    }
}

async fn deliver_some(engine: &Engine) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let listing = Listing { before: Some(now.0 + 1), limit: ROUND_MAX, ..Listing::default() };
    let due: Vec<Message> = engine.ports.store.all(listing).await?;
    futures_util::future::try_join_all(due.into_iter().map(|message| deliver_one(engine, message))).await?;
    Ok(())
}

async fn deliver_one(engine: &Engine, message: Message) -> Result<(), Fault> {
    let result = deliver::deliver(engine, &message).await;
    let now = engine.ports.clock.now();
    let Err(why) = result else {
        return engine.ports.store.commit(Commit::at(now).delete(&message)).await.map(|_| ());
    };
    let attempts = message.attempts + 1;
    if attempts >= ATTEMPTS_MAX {
        let text = format!("a notification was given up after {attempts} attempts: {why}");
        let event = EventBody {
            project: message.event.body.project.clone(),
            environment: message.event.body.environment.clone(),
            deployment: message.event.body.deployment.clone(),
            ..EventBody::new(EventKind::NotificationFailed, EventStatus::Failed, "notifications", text)
        };
        return engine.ports.store.commit(Commit::at(now).delete(&message).event(event)).await.map(|_| ());
    }
    let wait_ms = BACK_OFF_MS.saturating_mul(1 << attempts.min(20)).min(BACK_OFF_MS_MAX);
    warn!(%why, attempts, "a notification could not be delivered yet");
    let next = Message { attempts, next_at: now.plus_ms(wait_ms), ..message };
    engine.ports.store.commit(Commit::at(now).put(&next)).await.map(|_| ())
}
