//! Events: pages, or a live stream when the caller accepts one.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Query, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use shipway_api::EventPage;
use shipway_core::{event::Event, id::Actor, ports::Fault};

use super::{Shared, State, answer::Rejected};

const PAGE_MAX: u32 = 1000;
const PAGE: u32 = 200;

/// Which events.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    after: Option<u64>,
    newest: Option<u64>,
    deployment: Option<String>,
    limit: Option<u32>,
}

/// Whether the caller wants a live stream.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/event-stream"))
}

pub(super) async fn events(
    shared: State,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Rejected> {
    let Query(wanted) = wanted?;
    let deployment = match &wanted.deployment {
        Some(name) => Some(shared.engine.find_deployment(name).await?.id.to_string()),
        None => None,
    };
    // A stream that broke names the last event that it had.
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match last.or(wanted.after) {
        Some(after) => after,
        None => match wanted.newest {
            Some(count) => shared.engine.last_event().await?.saturating_sub(count),
            None => 0,
        },
    };
    if wants_stream(&headers) {
        let stream = live(shared.0.clone(), after, deployment, actor);
        return Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response());
    }
    let limit = wanted.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let (items, next) = seen(&shared, &actor, after, deployment.as_deref(), limit).await?;
    Ok(Json(EventPage { items, next }).into_response())
}

/// A page of the events that an actor may see, and the place that it reaches to. Only at the end it is empty.
async fn seen(
    shared: &Shared,
    actor: &Actor,
    mut after: u64,
    deployment: Option<&str>,
    limit: u32,
) -> Result<(Vec<Event>, u64), Fault> {
    loop {
        let mut items = shared.engine.events(after, deployment, limit).await?;
        let Some(last) = items.last().map(|event| event.seq) else { return Ok((items, after)) };
        after = last;
        items.retain(|event| event.body.environment.as_ref().is_none_or(|name| actor.sees(name)));
        if !items.is_empty() {
            return Ok((items, after));
        }
    }
}

/// Events from a place on, and then as they come, until the server stops.
fn live(
    shared: Arc<Shared>,
    after: u64,
    deployment: Option<String>,
    actor: Actor,
) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
    let state = (shared, after, deployment, actor, Vec::<Event>::new().into_iter());
    stream::unfold(state, |(shared, mut after, deployment, actor, mut page)| async move {
        loop {
            if let Some(event) = page.next() {
                after = event.seq;
                let sent = sse::Event::default().id(event.seq.to_string()).json_data(&event);
                let sent = sent.unwrap_or_else(|error| sse::Event::default().comment(error.to_string()));
                return Some((Ok(sent), (shared, after, deployment, actor, page)));
            }
            let newest = shared.engine.last_event().await.ok()?;
            let (items, told_to) = seen(&shared, &actor, after, deployment.as_deref(), PAGE).await.ok()?;
            page = items.into_iter();
            if page.len() == 0 {
                after = told_to.max(newest);
                let mut stop = shared.stop.subscribe();
                tokio::select! {
                    () = shared.engine.wait_event(after) => {}
                    _ = stop.wait_for(Option::is_some) => return None,
                }
            }
        }
    })
}
