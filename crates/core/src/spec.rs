//! What a project wants: services, environments, groups. These types are the spec file's reference: the JSON Schema
//! for editors and the check of every key are generated from them.
//!
//! Not here: reading the file (crate `config`), laying environments over services (`config`), deciding (`plan`).

mod facts;
mod remote;

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    command_line::CommandLine,
    drift::DriftPolicy,
    gate::declared::GatesSpec,
    id::{EnvironmentName, ServiceName},
    quota::{PricesSpec, QuotaSpec},
    retention::RetentionSpec,
    strategy::StrategySpec,
    time::Span,
};

pub use self::{
    facts::{EnvironmentFacts, LOCAL_TARGET, MonitoringSpec, RuleSpec, Settings, ValueType},
    remote::{IfUnavailable, REMOTE_TIMEOUT_MAX, RemoteSpec},
};

/// The whole spec file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
    /// The project itself.
    pub project: ProjectSpec,
    /// The services by name.
    pub services: BTreeMap<String, ServiceSpec>,
    /// The environments by name. The first in the file is the one that `shipway up` deploys to.
    pub environments: BTreeMap<String, EnvironmentSpec>,
    /// Services that are deployed together, by the group's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupSpec>,
    /// Checks of how services work together. One is asked when a deployment changes either side of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactions: Vec<InteractionSpec>,
    /// Variables of every service in every environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Settings of every service in every environment.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// Places outside Shipway that values come from, by name. They lie above all that the file says; of two that say the
    /// same, the later in the file wins.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remote: BTreeMap<String, RemoteSpec>,
    /// What the values must be, beyond what the spec itself asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSpec>,
    /// What things cost, for quotas of money and `shipway quota`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<PricesSpec>,
}

/// The project itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// The project's name and id.
    pub name: String,
    /// One line on what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who hears of every deployment of the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<NotifySpec>,
    /// What all its environments together may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSpec>,
}

/// Services that are deployed together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// The members.
    pub services: Vec<ServiceName>,
    /// The strategy of the group's deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategySpec>,
    /// The order in which members are proven, on top of their dependencies; side by side when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

/// The order in which the members of a deployment are proven, and change where they change one by one. Dependencies
/// come before their dependents in any case, and traffic still moves for all at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Order {
    /// By a word.
    Named(OrderName),
    /// Wave by wave, each side by side; who is named in none comes in a last one.
    Waves(Vec<Vec<ServiceName>>),
}

/// An order by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderName {
    /// Side by side, as far as dependencies allow.
    Parallel,
    /// One after the other.
    Sequential,
}

impl Default for Order {
    fn default() -> Self {
        Self::Named(OrderName::Parallel)
    }
}

/// A check of how services work together: HTTP as one service calls another, or a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InteractionSpec {
    /// What it is called in reports.
    pub name: String,
    /// When it is asked: `test` before users see the new, where the strategy has all of it proven by then; `verify`
    /// after promotion, before the old is let go.
    pub phase: CheckPhase,
    /// The service that calls: the request goes the way of its own requests, and a command runs with its variables.
    pub from: ServiceName,
    /// The service that is called: `from` itself, or one that it depends on. `from` itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ServiceName>,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// How often a failed check is asked again.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub retries: u32,
}

/// How many automatic rollbacks an environment may have in a time. After that nothing but a rollback is taken until a
/// person has looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RollbackLimit {
    /// How many.
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// In how long.
    pub per: Span,
}

impl Default for RollbackLimit {
    fn default() -> Self {
        Self { max: 10, per: Span::seconds(600) }
    }
}

/// What kind of environment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentType {
    /// For the people who write the code.
    Development,
    /// The last stop before production.
    Staging,
    /// For quality assurance and acceptance.
    Testing,
    /// For customers.
    Production,
}

impl EnvironmentType {
    /// The name as the spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Testing => "testing",
            Self::Production => "production",
        }
    }
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// What kind of environment it is.
    #[serde(rename = "type")]
    pub kind: EnvironmentType,
    /// Where it is: `eu-west`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whose machines it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The target that it runs on: `local`, the server's own machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Settings of its network, for people, rules and templates of other tools.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub network: Settings,
    /// What holds there as policy, for people and rules.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub policies: Settings,
    /// Where to look at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringSpec>,
    /// Variables of every service in this environment, below those of the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Settings of every service in this environment, below those of the service.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// Any field of any service, laid over the service's own. Tables merge, lists replace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<ServiceName, ServicePatch>,
    /// Who hears of the deployments to this environment, besides those of the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<NotifySpec>,
    /// How many automatic rollbacks there may be in a time.
    #[serde(default)]
    pub rollback_limit: RollbackLimit,
    /// What becomes of files and instances that are not what their release says.
    #[serde(default, skip_serializing_if = "DriftPolicy::is_report")]
    pub drift: DriftPolicy,
    /// What it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSpec>,
    /// What deployments to it wait for before anything moves. Rollbacks never do.
    #[serde(default, skip_serializing_if = "GatesSpec::is_empty")]
    pub gates: GatesSpec,
    /// The environment that what was proven here goes on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotes_to: Option<EnvironmentName>,
    /// How another environment's artifacts come here.
    #[serde(default)]
    pub promotion: PromotionSpec,
    /// Keys of services that belong to this environment: `shipway env sync` never takes them over. Written like
    /// `variables.URL`; what is below a key belongs to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    /// How long its past is kept.
    #[serde(default, skip_serializing_if = "RetentionSpec::is_default")]
    pub retention: RetentionSpec,
}

/// How artifacts come into an environment from the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PromotionSpec {
    /// How long they must have run together there before.
    pub soak: Span,
    /// Whether they come by themselves, once they ran for so long.
    pub automatic: bool,
}

/// Some fields of a service. It is checked as a service once it is laid over one.
pub type ServicePatch = serde_json::Map<String, serde_json::Value>;

/// How a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// Instances are processes that answer HTTP on the port that they are given in `PORT`.
    Process,
    /// Files, served by the proxy itself.
    Static,
}

/// One service: how it is made, and how it serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSpec {
    /// How source becomes an artifact.
    #[serde(flatten)]
    pub make: MakeSpec,
    /// How an artifact serves.
    #[serde(flatten)]
    pub serve: ServeSpec,
}

/// How source becomes an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MakeSpec {
    /// The folder of the source, relative to the spec file.
    #[serde(default = "default_source")]
    pub source: String,
    /// Prepares the build, for instance `npm ci`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<CommandLine>,
    /// Builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<CommandLine>,
    /// The folder that becomes the artifact, relative to the source; the whole source when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The version of Node.js that must be there, as far as it is written: `20`, `20.11`, `20.11.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_version: Option<String>,
    /// Variables of the build, besides `PATH`, `HOME` (a fresh folder) and `LANG`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub build_variables: BTreeMap<String, String>,
    /// Variables that the build takes from the server's own environment, by name, for instance `CARGO_HOME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_pass: Vec<String>,
}

fn default_source() -> String {
    ".".into()
}

/// How an artifact serves. All of it belongs to a release, and goes back with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServeSpec {
    /// How the service runs.
    pub kind: ServiceKind,
    /// The command of an instance, its program relative to the artifact's root (or on `PATH`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<CommandLine>,
    /// How many instances run.
    #[serde(default = "default_instances")]
    #[schemars(range(min = 1, max = 64))]
    pub instances: u32,
    /// The user that builds and instances run as; `@server` is the user that the server itself runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// What one instance may use.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Writable folders outside the release; they survive deployments in both directions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// Where the proxy takes requests for the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteSpec>,
    /// Variables of the instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Anything that the service wants to know: log level, scaling, caching. Its instances find all of it as JSON in
    /// `SHIPWAY_SETTINGS`.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// Texts in `variables` and `settings` in which `{release}` still stands, as JSON pointers. Nobody writes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub symbolic: Vec<String>,
    /// Secrets of the instances: as variables, or as files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretUse>,
    /// Services that must be healthy first, and whose addresses the instances are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ServiceName>,
    /// Probes of the instances.
    #[serde(default)]
    pub health: Health,
    /// Tests before promotion and verification after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSpec>,
    /// How traffic moves from the old release to the new.
    #[serde(default)]
    pub strategy: StrategySpec,
    /// How long old instances stay ready after promotion, for an immediate way back.
    #[serde(default = "default_warm_for")]
    pub warm_for: Span,
    /// How long the new release is watched under all traffic before the deployment is complete.
    #[serde(default)]
    pub bake: Span,
    /// Limits for the new release's numbers at the proxy, during canary steps and the bake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<SuccessLimits>,
    /// What a failure after promotion began does.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// The longest that a whole deployment may take, in seconds.
    #[serde(default = "default_deadline_s")]
    #[schemars(range(min = 1, max = 86_400))]
    pub deadline_s: u64,
    /// The longest that its parts may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// How an instance is stopped.
    #[serde(default)]
    pub stop: StopSpec,
    /// How a running instance is told to read its configuration anew. Absent: every change starts new instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadSpec>,
    /// One-off commands, each once per deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSpec>,
    /// A change of the service's data that comes with the release, run once in each deployment of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrate: Option<MigrateSpec>,
}

/// How instances are given a secret: in a variable of the key's name, or as a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// The secret's name, where it is another than the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The name of the file below `SHIPWAY_SECRETS_DIR`; a variable instead when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A change of data. It can't be undone by going back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateSpec {
    /// The command, in the new release's folder and with the variables of its instances.
    pub command: CommandLine,
    /// Whether old releases still work after it.
    pub kind: MigrateKind,
    /// Whether the data folders are copied before it runs, to be restored by `shipway snapshot restore`.
    #[serde(default)]
    pub snapshot: bool,
    /// How large such a copy may be, in mebibytes; beyond it the deployment fails before the command runs.
    #[serde(default = "default_snapshot_mb_max")]
    #[schemars(range(min = 1))]
    pub snapshot_mb_max: u64,
}

/// How much data a copy may hold by default.
pub const SNAPSHOT_MB_MAX: u64 = 1024;

fn default_snapshot_mb_max() -> u64 {
    SNAPSHOT_MB_MAX
}

/// Whether old releases still work after a change of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MigrateKind {
    /// They do: it runs before new instances start.
    Expand,
    /// They don't: it runs when the old instances have stopped, and nothing goes back by itself after it.
    Contract,
}

fn default_instances() -> u32 {
    1
}

fn default_warm_for() -> Span {
    Span::seconds(3600)
}

fn default_deadline_s() -> u64 {
    1800
}

/// What one instance may use. A limit that the machine can't hold is shown as "not limited".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory in mebibytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub memory_mb: Option<u64>,
    /// Processor time in cores: `0.5` is half a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01))]
    pub cpu: Option<f64>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub processes: Option<u64>,
    /// Disk in mebibytes, of the data folders of all instances together. It is counted against quotas, and held by
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub disk_mb: Option<u64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the proxy takes requests for a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// The host, without a port; `{environment}` stands for the environment's name.
    pub host: String,
    /// The path's beginning, in whole segments: `/api` takes `/api` and `/api/x`, not `/apix`.
    #[serde(default = "default_path")]
    pub path: String,
    /// Whether the service sees the path without this beginning.
    #[serde(default)]
    pub strip_prefix: bool,
}

fn default_path() -> String {
    "/".into()
}

/// The probes of an instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Whether it has started: asked every 10 ms, doubling to 250 ms, until it passes. An open port when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
    /// Whether it takes requests: while it fails, the proxy sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// Whether it is alive: when it fails, the instance is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
}

/// One probe: exactly one of `http`, `tcp` and `command`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "default_probe_timeout_ms")]
    #[schemars(range(min = 1, max = 60_000))]
    pub timeout_ms: u64,
    /// How long between two questions, in milliseconds (readiness and liveness).
    #[serde(default = "default_probe_interval_ms")]
    #[schemars(range(min = 10, max = 600_000))]
    pub interval_ms: u64,
    /// How many failures in a row make it failed (readiness and liveness).
    #[serde(default = "default_failure_threshold")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_threshold: u32,
    /// How many successes in a row make it passed.
    #[serde(default = "default_success_threshold")]
    #[schemars(range(min = 1, max = 100))]
    pub success_threshold: u32,
}

fn default_probe_timeout_ms() -> u64 {
    1000
}
fn default_probe_interval_ms() -> u64 {
    2000
}
fn default_failure_threshold() -> u32 {
    3
}
fn default_success_threshold() -> u32 {
    1
}

/// A question to an instance or a route, and what is expected: exactly one of `http`, `tcp` and `command`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// The path of a GET request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Whether a connection to the port is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<bool>,
    /// A command in the release folder, with the instance's variables; it must end with status 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// What the answer must be; any status from 200 to 399 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// What an answer must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The HTTP status, or the exit status of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A text that the body or the output must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

/// When a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckPhase {
    /// Against every new instance, before users see it.
    Test,
    /// Through the real route, after promotion; and again after going back.
    Verify,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    /// What it is called in reports.
    pub name: String,
    /// When it runs.
    pub phase: CheckPhase,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// How often a failed check is asked again.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub retries: u32,
}

/// Limits for a release's numbers at the proxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessLimits {
    /// The largest share of failed answers (5xx and failures at the proxy), from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub error_rate_max: Option<f64>,
    /// The largest 99th percentile of the latency, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub p99_ms_max: Option<u64>,
    /// How many requests it takes to judge; with fewer, a step waits.
    #[serde(default)]
    pub min_requests: u64,
}

/// What a failure after promotion began does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Everything goes back by itself.
    #[default]
    Rollback,
    /// Everything stays as it is, for a person to decide.
    Stop,
}

/// The longest that the parts of a deployment may take, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Install and build together.
    #[schemars(range(min = 1, max = 86_400))]
    pub build_s: u64,
    /// From the start of an instance until it is healthy.
    #[schemars(range(min = 1, max = 3600))]
    pub start_s: u64,
    /// One check, with its retries.
    #[schemars(range(min = 1, max = 3600))]
    pub check_s: u64,
    /// One hook.
    #[schemars(range(min = 1, max = 86_400))]
    pub hook_s: u64,
    /// Until the requests in flight at an old instance have ended.
    #[schemars(range(min = 0, max = 3600))]
    pub drain_s: u64,
    /// One migration.
    #[schemars(range(min = 1, max = 86_400))]
    pub migrate_s: u64,
    /// The whole way back of a failed deployment; then a person is asked.
    #[schemars(range(min = 1, max = 86_400))]
    pub rollback_s: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { build_s: 900, start_s: 60, check_s: 30, hook_s: 300, drain_s: 30, migrate_s: 900, rollback_s: 900 }
    }
}

/// How an instance is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopSpec {
    /// The signal that asks it to stop.
    pub signal: StopSignal,
    /// How long it may take before it is killed, in seconds.
    #[schemars(range(min = 0, max = 3600))]
    pub grace_s: u64,
}

impl Default for StopSpec {
    fn default() -> Self {
        Self { signal: StopSignal::Term, grace_s: 10 }
    }
}

/// How a running instance is told to read its configuration anew: exactly one of `signal` and `http`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadSpec {
    /// The signal that its process gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<ReloadSignal>,
    /// The path of a POST to its own port. A status from 200 to 299 says that it has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
}

impl fmt::Display for ReloadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.http, self.signal.unwrap_or_default()) {
            (Some(path), _) => write!(f, "POST {path}"),
            (None, ReloadSignal::Hup) => f.write_str("SIGHUP"),
            (None, ReloadSignal::Usr1) => f.write_str("SIGUSR1"),
            (None, ReloadSignal::Usr2) => f.write_str("SIGUSR2"),
        }
    }
}

/// A signal that has a process read its configuration anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReloadSignal {
    /// SIGHUP.
    #[default]
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// A signal that asks a process to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT.
    Int,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HookMoment {
    /// Before new instances start.
    BeforeTest,
    /// When all is proven, before traffic moves.
    BeforePromotion,
    /// When the deployment is complete.
    AfterCompletion,
    /// When the deployment goes back.
    OnRollback,
}

/// A one-off command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookSpec {
    /// What it is called. Layers above change hooks by name when all of them have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it runs.
    pub when: HookMoment,
    /// The command, in the new release's folder and with the variables of its instances.
    pub command: CommandLine,
}

/// Who hears of deployments: exactly one of `webhook`, `command` and `email`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifySpec {
    /// A URL that takes a POST of the event as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The name of the server's variable that holds the key of the webhook's signature (HMAC-SHA256 of the body in
    /// `X-Shipway-Signature`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_variable: Option<String>,
    /// A command that reads the event as JSON from its standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// A message by SMTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailSpec>,
    /// What is told; everything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<NotifyOn>,
}

/// A message by SMTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailSpec {
    /// The server: `smtp://host:port`, `smtps://user:password@host`; `{VARIABLE}` stands for a variable of the server.
    pub server: String,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyOn {
    /// A deployment has begun.
    Started,
    /// It waits for something.
    Waiting,
    /// It is complete.
    Succeeded,
    /// It failed before users saw anything, or was cancelled.
    Failed,
    /// It was taken back.
    RolledBack,
    /// It needs a person.
    Stuck,
    /// What runs is not what its release says, or could not be put right.
    Drift,
    /// Somebody opened every gate at once: told to everyone, whatever else they want to hear.
    BreakGlass,
}

/// One environment with everything laid over everything: what the planner and the checks work on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// The environment's name.
    pub name: EnvironmentName,
    /// What kind of environment it is.
    pub kind: EnvironmentType,
    /// Every service as it is in this environment.
    pub services: BTreeMap<ServiceName, ServiceSpec>,
    /// Who hears of its deployments.
    pub notify: Vec<NotifySpec>,
    /// Checks of how services work together.
    #[serde(default)]
    pub interactions: Vec<InteractionSpec>,
    /// How many automatic rollbacks there may be in a time.
    #[serde(default)]
    pub rollback_limit: RollbackLimit,
    /// What becomes of files and instances that are not what their release says.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// What is said of it as a whole.
    #[serde(default)]
    pub facts: EnvironmentFacts,
    /// The environment that what was proven here goes on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotes_to: Option<EnvironmentName>,
    /// How another environment's artifacts come here.
    #[serde(default)]
    pub promotion: PromotionSpec,
    /// Keys of services that belong to this environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    /// What its deployments wait for before anything moves.
    #[serde(default)]
    pub gates: GatesSpec,
    /// How long its past is kept.
    #[serde(default)]
    pub retention: RetentionSpec,
}
