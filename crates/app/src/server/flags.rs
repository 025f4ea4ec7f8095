//! Feature flags over HTTP: for people, and for the applications of an environment, which read them at an address of
//! their own without an access token.
//!
//! Not here: for whom a flag is on (`core::flag`).

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, Query, rejection::JsonRejection, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use shipway_api::{FlagReading, FlagUpdate, FlagsReading};
use shipway_core::{
    command::{Command, FlagChange},
    flag::{Flag, Flags},
    id::{Actor, EnvironmentName, ProjectId},
};
use shipway_engine::Reply;

use super::{
    Shared, State,
    answer::{Answer, Rejected},
    events::wants_stream,
};

pub(super) async fn list(shared: State, Path((project, environment)): Path<(String, String)>) -> Answer<Flags> {
    Ok(Json(shared.engine.flags(&ProjectId::new(project), &EnvironmentName::new(environment)).await?))
}

pub(super) async fn set(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment, name)): Path<(String, String, String)>,
    body: Result<Json<FlagUpdate>, JsonRejection>,
) -> Answer<Flag> {
    let Json(FlagUpdate { value, description, expected }) = body?;
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let change = FlagChange { project, environment, name, value, description, expected };
    match shared.engine.execute(Command::SetFlag(change), actor).await? {
        Reply::Flag(flag) => Ok(Json(*flag)),
        _ => Err(Rejected::bad_request("that was no flag")),
    }
}

/// Which revision is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    expected: Option<u64>,
}

pub(super) async fn delete(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path((project, environment, name)): Path<(String, String, String)>,
    query: Result<Query<Expected>, QueryRejection>,
) -> Answer<Flags> {
    let Query(Expected { expected }) = query?;
    let (project, environment) = (ProjectId::new(project), EnvironmentName::new(environment));
    let (of, at) = (project.clone(), environment.clone());
    let command = Command::DeleteFlag { project: of, environment: at, name, expected };
    shared.engine.execute(command, actor).await?;
    Ok(Json(shared.engine.flags(&project, &environment).await?))
}

/// For whom the flags are read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reader {
    r#for: Option<String>,
}

/// The flags as an application reads them: once, or live as they change.
pub(super) async fn read(
    shared: State,
    headers: HeaderMap,
    Path(key): Path<String>,
    query: Result<Query<Reader>, QueryRejection>,
) -> Result<Response, Rejected> {
    let Query(Reader { r#for: subject }) = query?;
    let flags = of_key(&shared, &key).await?;
    if wants_stream(&headers) {
        let stream = live(shared.0.clone(), key, subject);
        return Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response());
    }
    let tag = format!("\"{}\"", flags.revision);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    Ok(match same {
        true => (StatusCode::NOT_MODIFIED, caching).into_response(),
        false => (caching, Json(reading(&flags, subject.as_deref()))).into_response(),
    })
}

async fn of_key(shared: &Arc<Shared>, key: &str) -> Result<Flags, Rejected> {
    let flags = shared.engine.flags_of_key(key).await?;
    flags.ok_or_else(|| {
        Rejected::not_found("no environment's flags are read here")
            .hint("applications find the address in SHIPWAY_FLAGS_URL")
    })
}

fn reading(flags: &Flags, subject: Option<&str>) -> FlagsReading {
    let one = |flag: &Flag| FlagReading { on: flag.is_on(subject), value: flag.value.clone() };
    let flags_by_name: BTreeMap<_, _> = flags.flags.iter().map(|(name, flag)| (name.clone(), one(flag))).collect();
    FlagsReading { revision: flags.revision, flags: flags_by_name }
}

/// The flags now, and again whenever one of them changes, until the server stops.
fn live(
    shared: Arc<Shared>,
    key: String,
    subject: Option<String>,
) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
    stream::unfold((shared, key, subject, None), |(shared, key, subject, sent)| async move {
        loop {
            // Taken before the flags are read, so that no change is missed in between.
            let newest = shared.engine.last_event().await.ok()?;
            let flags = shared.engine.flags_of_key(&key).await.ok()??;
            if sent != Some(flags.revision) {
                let event = sse::Event::default().id(flags.revision.to_string());
                let event = event.json_data(reading(&flags, subject.as_deref()));
                let event = event.unwrap_or_else(|error| sse::Event::default().comment(error.to_string()));
                return Some((Ok(event), (shared, key, subject, Some(flags.revision))));
            }
            let mut stop = shared.stop.subscribe();
            tokio::select! {
                () = shared.engine.wait_event(newest) => {}
                _ = stop.wait_for(Option::is_some) => return None,
            }
        }
    })
}
