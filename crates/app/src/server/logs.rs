//! Logs: what there is, or a live stream when the caller accepts one.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, rejection::QueryRejection},
    http::HeaderMap,
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use shipway_api::{LogLine, LogsView};
use shipway_core::{
    deployment::Deployment,
    id::InstanceId,
    plan::Step,
    ports::{Fault, LogPage, LogPosition},
};

use super::{Shared, State, answer::Rejected, events::wants_stream};

/// Lines of one log in one answer.
const LINES_MAX: usize = 5000;
/// How often logs are looked at for a live stream.
const TICK_MS: u64 = 150;

/// Which lines.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    service: Option<String>,
    tail: Option<usize>,
}

/// One log that is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Log {
    Deployment { id: String, stream: &'static str, service: String },
    Instance { id: InstanceId, service: String },
}

impl Log {
    async fn read(&self, shared: &Shared, from: LogPosition) -> Result<LogPage, Fault> {
        match self {
            Self::Deployment { id, stream, service } => {
                shared.engine.deployment_log(id, &format!("{stream}/{service}"), from, LINES_MAX)
            }
            Self::Instance { id, .. } => shared.engine.instance_log(id, from, LINES_MAX).await,
        }
    }

    fn line(&self, line: String) -> LogLine {
        match self {
            Self::Deployment { stream, service, .. } => {
                LogLine { stream: (*stream).into(), service: service.clone(), instance: None, line }
            }
            Self::Instance { id, service } => {
                LogLine { stream: "instance".into(), service: service.clone(), instance: Some(id.clone()), line }
            }
        }
    }
}

/// The logs of a deployment: builds, hooks, and the instances that its plans start.
fn logs_of(deployment: &Deployment, wanted: &Wanted) -> Vec<Log> {
    let fits = |service: &str| wanted.service.as_deref().is_none_or(|wanted| wanted == service);
    let mut logs = Vec::new();
    for stream in ["build", "hooks"] {
        for service in deployment.services.keys().filter(|service| fits(service.as_str())) {
            logs.push(Log::Deployment { id: deployment.id.to_string(), stream, service: service.to_string() });
        }
    }
    let plans = deployment.course.plan.iter().chain(&deployment.course.unwind);
    for planned in plans.flat_map(|plan| &plan.steps) {
        let Some(service) = planned.service.as_ref().filter(|service| fits(service.as_str())) else { continue };
        if let Step::Start { instance, .. } = &planned.step {
            logs.push(Log::Instance { id: instance.clone(), service: service.to_string() });
        }
    }
    logs
}

pub(super) async fn of_deployment(
    shared: State,
    Path(id): Path<String>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Rejected> {
    let Query(wanted) = wanted?;
    let deployment = shared.engine.find_deployment(&id).await?;
    if wants_stream(&headers) {
        let id = deployment.id.to_string();
        return Ok(stream_of(shared.0.clone(), Source::Deployment { id, wanted }));
    }
    answer(&shared, &logs_of(&deployment, &wanted), &wanted).await
}

pub(super) async fn of_instance(
    shared: State,
    Path(id): Path<String>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Rejected> {
    let Query(wanted) = wanted?;
    let log = Log::Instance { id: InstanceId::new(id), service: String::new() };
    if wants_stream(&headers) {
        return Ok(stream_of(shared.0.clone(), Source::Instance(log)));
    }
    answer(&shared, &[log], &wanted).await
}

async fn answer(shared: &Shared, logs: &[Log], wanted: &Wanted) -> Result<Response, Rejected> {
    let mut lines = Vec::new();
    for log in logs {
        let mut page = read_all(shared, log).await?;
        let keep = wanted.tail.unwrap_or(LINES_MAX).min(LINES_MAX);
        let from = page.len().saturating_sub(keep);
        lines.extend(page.drain(from..).map(|line| log.line(line)));
    }
    Ok(Json(LogsView { lines }).into_response())
}

async fn read_all(shared: &Shared, log: &Log) -> Result<Vec<String>, Rejected> {
    let mut lines = Vec::new();
    let mut from = LogPosition::default();
    loop {
        let page = match log.read(shared, from).await {
            Ok(page) => page,
            // An instance that was planned and never started has none.
            Err(fault) if fault.kind == shipway_core::ports::FaultKind::NotFound => return Ok(lines),
            Err(fault) => return Err(fault.into()),
        };
        if page.lines.is_empty() {
            return Ok(lines);
        }
        lines.extend(page.lines);
        let surplus = lines.len().saturating_sub(LINES_MAX);
        lines.drain(..surplus);
        from = page.next;
    }
}

/// What a live stream follows.
enum Source {
    Deployment { id: String, wanted: Wanted },
    Instance(Log),
}

struct Follow {
    shared: Arc<Shared>,
    source: Source,
    positions: BTreeMap<Log, LogPosition>,
}

fn stream_of(shared: Arc<Shared>, source: Source) -> Response {
    let follow = Follow { shared, source, positions: BTreeMap::new() };
    Sse::new(follow.lines()).keep_alive(KeepAlive::default()).into_response()
}

impl Follow {
    /// Lines as they come; of a deployment until it has ended and all of it was told.
    fn lines(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
        let batches = stream::unfold(Some(self), |follow| async move {
            let mut follow = follow?;
            let ended = follow.ended().await;
            let lines = follow.new_lines().await;
            if ended && lines.is_empty() {
                return None;
            }
            if lines.is_empty() {
                let mut stop = follow.shared.stop.subscribe();
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(TICK_MS)) => {}
                    _ = stop.wait_for(Option::is_some) => return None,
                }
            }
            Some((stream::iter(lines), Some(follow)))
        });
        batches.flatten().map(|line| {
            let sent = sse::Event::default().json_data(&line);
            Ok(sent.unwrap_or_else(|error| sse::Event::default().comment(error.to_string())))
        })
    }

    async fn ended(&self) -> bool {
        match &self.source {
            Source::Instance(_) => false,
            Source::Deployment { id, .. } => {
                let deployment = self.shared.engine.find_deployment(id).await;
                deployment.map_or(true, |deployment| deployment.phase.is_end())
            }
        }
    }

    async fn logs(&self) -> Vec<Log> {
        match &self.source {
            Source::Instance(log) => vec![log.clone()],
            Source::Deployment { id, wanted } => match self.shared.engine.find_deployment(id).await {
                Ok(deployment) => logs_of(&deployment, wanted),
                Err(_) => Vec::new(),
            },
        }
    }

    async fn new_lines(&mut self) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for log in self.logs().await {
            let from = self.positions.get(&log).copied().unwrap_or_default();
            // A log that isn't there yet is one without lines.
            let Ok(page) = log.read(&self.shared, from).await else { continue };
            lines.extend(page.lines.into_iter().map(|line| log.line(line)));
            self.positions.insert(log, page.next);
        }
        lines
    }
}
