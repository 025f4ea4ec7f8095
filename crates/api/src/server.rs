//! The server itself: what it is, its routes, what it tells as it happens. Not here: backups and its doctor (`backup`).

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shipway_core::{
    event::Event,
    id::InstanceId,
    ports::{HeldLimits, ReleaseTraffic},
    time::Timestamp,
};

/// The server itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its data folder.
    pub data: PathBuf,
    /// Where the proxy takes requests.
    pub proxy: SocketAddr,
    /// Whether the proxy answers.
    pub proxy_up: bool,
    /// Which limits the machine holds.
    pub limits: HeldLimits,
    /// When the server started.
    pub started_at: Timestamp,
    /// How its backups go, when it was told to take some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<crate::BackupStatus>,
}

/// The body of `POST /api/shutdown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShutdownRequest {
    /// Whether the applications and the proxy stop too.
    #[serde(default)]
    pub applications: bool,
}

/// The answer to an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadView {
    /// The id to name as the source.
    pub id: String,
    /// The folder that it was unpacked to has the spec file of this name.
    pub file: Option<String>,
}

/// The routes with their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutesView {
    /// The generation that the slots say.
    pub generation: u64,
    /// The generation that the proxy follows; none when it can't be asked.
    pub followed: Option<u64>,
    /// The routes.
    pub routes: Vec<RouteView>,
    /// The numbers by service and release, counted since the proxy started.
    pub traffic: Vec<ReleaseTraffic>,
    /// Requests in flight that sudden deaths of the proxy cut off.
    pub lost_in_flight: u64,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// The host.
    pub host: String,
    /// The path's beginning.
    pub path: String,
    /// Whether the service sees the path without this beginning.
    pub strip_prefix: bool,
    /// The slot's key as text.
    pub slot: String,
    /// The releases that share it, with their weights.
    pub weights: BTreeMap<String, u32>,
    /// Whether requests are held.
    pub held: bool,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// In order.
    pub items: Vec<Event>,
    /// What to send as `after` for the next page.
    pub next: u64,
}

/// Lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// `build`, `hooks` or `instance`.
    pub stream: String,
    /// The service.
    pub service: String,
    /// The instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// The line.
    pub line: String,
}

/// The logs of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsView {
    /// The lines: build, hooks, then instances; each in its order.
    pub lines: Vec<LogLine>,
}
