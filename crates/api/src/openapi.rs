//! The OpenAPI document (3.1), made of one list of endpoints and the schemas of the wire types.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use shipway_core::{
    access::TokenRequest,
    artifact::Provenance,
    compare::Comparison,
    compatibility::{Compatibility, Requirements},
    config::version::ConfigVersion,
    drift::Drift,
    explain::Explanation,
    flag::{Flag, Flags},
    promotion::{Combination, Hold},
    route::Route,
    utilization::EnvironmentUsage,
};

use crate::{
    Problem, access::*, backup::*, configuration::*, deployments::*, drift::RepairRequest, environments::*, flags::*,
    gates::*, history::StatisticsView, projects::*, promotion::*, quota::*, retention::*, secrets::*, server::*,
    standing::*,
};

/// One endpoint.
pub struct Endpoint {
    /// The method in lower case.
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The parameters in the query: name and what it does.
    pub query: &'static [(&'static str, &'static str)],
    /// The schema of the body.
    pub body: Option<MakeSchema>,
    /// The schema of the answer; a text when absent.
    pub answer: Option<MakeSchema>,
    /// Whether it is also a live stream of server-sent events.
    pub streams: bool,
}

type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

fn of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const NONE: &[(&str, &str)] = &[];
const PAGE: &[(&str, &str)] = &[
    ("environment", "only this environment"),
    ("status", "only this coarse status"),
    ("phase", "only this phase"),
    ("service", "only with this service"),
    ("kind", "only this kind: deploy, rollback, scale, decommission, restore-data"),
    ("actor", "only asked for by this one"),
    ("cause", "only failed by this cause: release, machinery, person"),
    ("since", "only asked for at this time or later"),
    ("until", "only asked for before this time"),
    ("limit", "how many, 1 to 200; 50 when absent"),
    ("before", "the `next` of the page before"),
];
const READER: &[(&str, &str)] = &[("for", "whom the flags are asked for: a user, a customer, …")];
const EXPECTED: &[(&str, &str)] = &[("expected", "the revision that it must have")];
const DAYS: &[(&str, &str)] = &[
    ("environment", "only this environment"),
    ("since", "from the day of this time on; 30 days when absent"),
    ("until", "until the day of this time; now when absent"),
];
const SCOPE: &[(&str, &str)] = &[("environment", "only this environment"), ("service", "only this service")];
const BUILT: &[(&str, &str)] = &[("service", "only this service")];
const COMPARED: &[(&str, &str)] = &[
    ("from", "the first environment; the project's first when absent"),
    ("to", "the second; when absent, the one that the first promotes to, else the next of the project"),
    ("services", "only these services, parted by commas"),
    ("format", "json or html; json when absent"),
];
const EVENTS: &[(&str, &str)] = &[
    ("after", "the place of the last event that is known"),
    ("deployment", "only of this deployment"),
    ("newest", "only that many of the newest, in place of `after`"),
    ("limit", "how many, 1 to 1000; 200 when absent"),
];
const AUDIT: &[(&str, &str)] = &[
    ("project", "only this project"),
    ("environment", "only this environment of the project"),
    ("actor", "only of whoever has this name"),
    ("since", "only since then: an instant (RFC 3339), or how long ago (`2h`, `7d`)"),
    ("limit", "how many, 1 to 200; 50 when absent"),
    ("before", "the `next` of the page before"),
];
const TYPES: &[(&str, &str)] = &[("type", "only this type: development, staging, testing, production")];
const SERVICE: &[(&str, &str)] = &[("service", "only this service")];
const VERSIONS: &[(&str, &str)] =
    &[("limit", "how many, 1 to 200; 50 when absent"), ("before", "the `next` of the page before")];
const TWO_VERSIONS: &[(&str, &str)] =
    &[("from", "the version before `to` when absent"), ("to", "the newest when absent; 0 is that nothing was set")];
const QUOTA: &[(&str, &str)] = &[("environment", "only this environment, besides the whole project")];
const OVER: &[(&str, &str)] =
    &[("intervalMs", "over how long cores and requests a second are counted: 100 to 10000; 1000 when absent")];
const LOGS: &[(&str, &str)] = &[("service", "only this service"), ("tail", "only the last lines of each log")];

const fn get(path: &'static str, summary: &'static str, answer: MakeSchema) -> Endpoint {
    Endpoint { method: "get", path, summary, query: NONE, body: None, answer: Some(answer), streams: false }
}

const fn post(path: &'static str, summary: &'static str, body: MakeSchema, answer: MakeSchema) -> Endpoint {
    Endpoint { method: "post", path, summary, query: NONE, body: Some(body), answer: Some(answer), streams: false }
}

const fn act(path: &'static str, summary: &'static str) -> Endpoint {
    post(path, summary, of::<RollbackRequest>, of::<DeploymentView>)
}

/// Every endpoint. The server's router and the documentation are held against this list by tests.
pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint { answer: None, ..get("/healthz", "Whether the server runs; needs no token", of::<Value>) },
    Endpoint { answer: None, ..get("/metrics", "Numbers for Prometheus; needs no token", of::<Value>) },
    Endpoint {
        query: READER,
        streams: true,
        ..get("/flags/{key}", "The feature flags, for applications; needs no token", of::<FlagsReading>)
    },
    get("/api/openapi.json", "This document", of::<Value>),
    get("/api/server", "The server itself", of::<ServerView>),
    post("/api/shutdown", "Stops the server, with its applications if asked", of::<ShutdownRequest>, of::<Value>),
    post(
        "/api/deployments",
        "Makes a transition, or with `dryRun` its plan",
        of::<DeploymentRequest>,
        of::<DeploymentView>,
    ),
    get("/api/deployments/{id}", "A deployment, by id or name", of::<DeploymentView>),
    act("/api/deployments/{id}/cancel", "Ends it and undoes what it did"),
    act("/api/deployments/{id}/abort", "Ends a canary and undoes it: the same as cancel"),
    act("/api/deployments/{id}/rollback", "Puts its services back to what they were before it"),
    act("/api/deployments/{id}/pause", "Keeps it from going on"),
    act("/api/deployments/{id}/resume", "Lets it go on"),
    act("/api/deployments/{id}/advance", "Ends the canary step that it stands at"),
    post(
        "/api/deployments/{id}/approve",
        "Says yes to what it proposes, in the plan of a hash",
        of::<ApproveRequest>,
        of::<DeploymentView>,
    ),
    post("/api/deployments/{id}/reject", "Says no to it: it ends", of::<WordRequest>, of::<DeploymentView>),
    post(
        "/api/deployments/{id}/break-glass",
        "Opens every gate that it waits for, in an emergency",
        of::<WordRequest>,
        of::<DeploymentView>,
    ),
    Endpoint { body: None, ..act("/api/deployments/{id}/retry", "Tries the way back of a stuck one again") },
    post(
        "/api/deployments/{id}/skip",
        "Leaves a step out of the way back of a stuck one, and tries the rest again",
        of::<SkipRequest>,
        of::<DeploymentView>,
    ),
    post(
        "/api/deployments/{id}/resolve",
        "Declares a stuck one to be dealt with",
        of::<ResolveRequest>,
        of::<DeploymentView>,
    ),
    Endpoint {
        query: LOGS,
        streams: true,
        ..get("/api/deployments/{id}/logs", "Build, hooks and instances", of::<LogsView>)
    },
    get("/api/deployments/{id}/explain", "Why it failed, or why it waits", of::<Explanation>),
    Endpoint {
        answer: None,
        ..get("/api/deployments/{id}/archive", "All that is known of one that has ended, as lines of JSON", of::<Value>)
    },
    get("/api/deployments/{id}/report", "Staging, validation and verification reports", of::<ReportView>),
    post(
        "/api/promotions",
        "Brings what ran together in one environment to another",
        of::<PromotionRequest>,
        of::<DeploymentView>,
    ),
    get("/api/projects", "All projects", of::<Vec<ProjectView>>),
    post("/api/projects", "Registers a project, or its changed spec", of::<ProjectRequest>, of::<ProjectView>),
    get("/api/projects/{id}", "A project", of::<ProjectView>),
    Endpoint {
        query: PAGE,
        ..get("/api/projects/{id}/deployments", "Its deployments, newest first", of::<DeploymentPage>)
    },
    Endpoint {
        query: COMPARED,
        ..get("/api/projects/{id}/compare", "Two of its environments, compared at one commit", of::<Comparison>)
    },
    Endpoint { query: TYPES, ..get("/api/projects/{id}/environments", "Its environments", of::<Vec<EnvironmentView>>) },
    post(
        "/api/projects/{id}/environments",
        "Makes an environment that the spec file does not have",
        of::<EnvironmentRequest>,
        of::<EnvironmentView>,
    ),
    get("/api/projects/{id}/environments/{environment}", "An environment", of::<EnvironmentView>),
    Endpoint {
        method: "delete",
        ..get(
            "/api/projects/{id}/environments/{environment}",
            "Removes an environment that was made so, when nothing runs there",
            of::<Value>,
        )
    },
    Endpoint {
        query: SERVICE,
        ..get(
            "/api/projects/{id}/environments/{environment}/config",
            "Every value of the configuration, with who said what about it",
            of::<ConfigView>,
        )
    },
    Endpoint {
        query: VERSIONS,
        ..get(
            "/api/projects/{id}/environments/{environment}/config/history",
            "Versions of its settings, newest first",
            of::<ConfigHistory>,
        )
    },
    Endpoint {
        query: TWO_VERSIONS,
        ..get(
            "/api/projects/{id}/environments/{environment}/config/diff",
            "What differs between two versions",
            of::<ConfigDiff>,
        )
    },
    post(
        "/api/projects/{id}/environments/{environment}/config/rollback",
        "Puts the settings back to what they were at a version",
        of::<ConfigRollback>,
        of::<ConfigVersion>,
    ),
    post(
        "/api/projects/{id}/environments/{environment}/config/deploy",
        "Deploys a change of configuration alone: the live artifacts in new releases",
        of::<ConfigDeploy>,
        of::<DeploymentView>,
    ),
    Endpoint {
        body: None,
        ..post(
            "/api/projects/{id}/environments/{environment}/config/fetch",
            "Asks the remotes that values come from, and remembers what they say",
            of::<Value>,
            of::<ConfigFetch>,
        )
    },
    Endpoint {
        query: DAYS,
        ..get("/api/projects/{id}/statistics", "How its deployments went, by DORA's measures", of::<StatisticsView>)
    },
    Endpoint {
        method: "put",
        body: Some(of::<EnvironmentUpdate>),
        ..get("/api/projects/{id}/environments/{environment}", "Sets or unsets settings", of::<EnvironmentView>)
    },
    get("/api/projects/{id}/environments/{environment}/flags", "Its feature flags", of::<Flags>),
    Endpoint {
        method: "put",
        body: Some(of::<FlagUpdate>),
        ..get("/api/projects/{id}/environments/{environment}/flags/{name}", "Makes or changes a flag", of::<Flag>)
    },
    Endpoint {
        method: "delete",
        query: EXPECTED,
        ..get("/api/projects/{id}/environments/{environment}/flags/{name}", "Takes a flag away", of::<Flags>)
    },
    get(
        "/api/projects/{id}/environments/{environment}/rollback-target",
        "The deployment whose state a rollback without a name returns to",
        of::<DeploymentView>,
    ),
    get(
        "/api/projects/{id}/environments/{environment}/gates",
        "What would hold a deployment now, until when, and who can open it",
        of::<GatesView>,
    ),
    get(
        "/api/projects/{id}/environments/{environment}/retention",
        "How long its past is kept, and what of it is older",
        of::<RetentionView>,
    ),
    Endpoint {
        method: "post",
        ..get(
            "/api/projects/{id}/environments/{environment}/retention",
            "Removes what is older, as far as one request goes",
            of::<SweptView>,
        )
    },
    get(
        "/api/projects/{id}/environments/{environment}/leases",
        "Who may write which service, and who waits for it",
        of::<LeasesView>,
    ),
    get(
        "/api/projects/{id}/environments/{environment}/quarantine",
        "What is not deployed again by itself, newest first",
        of::<Vec<QuarantineView>>,
    ),
    get(
        "/api/projects/{id}/environments/{environment}/snapshots",
        "Copies of data folders, newest first for each service",
        of::<Vec<SnapshotView>>,
    ),
    Endpoint {
        query: OVER,
        ..get(
            "/api/projects/{id}/environments/{environment}/usage",
            "What it uses now: cores, memory, instances, requests",
            of::<EnvironmentUsage>,
        )
    },
    get("/api/projects/{id}/environments/{environment}/drift", "What is not what its release says", of::<Vec<Drift>>),
    post(
        "/api/projects/{id}/environments/{environment}/drift/repair",
        "Has that put right",
        of::<RepairRequest>,
        of::<Vec<Drift>>,
    ),
    post(
        "/api/projects/{id}/environments/{environment}/compatibility",
        "Whether it can run something: each requirement, and what was measured",
        of::<Requirements>,
        of::<Compatibility>,
    ),
    Endpoint {
        query: QUOTA,
        ..get("/api/projects/{id}/quota", "What it takes of its quotas, and what that costs", of::<QuotasView>)
    },
    get("/api/projects/{id}/secrets", "Its secrets, without their values", of::<Vec<SecretView>>),
    Endpoint {
        method: "put",
        ..post("/api/projects/{id}/secrets", "Sets a secret: another version", of::<SecretWrite>, of::<SecretView>)
    },
    post("/api/projects/{id}/secrets/revoke", "Revokes a version", of::<SecretRevocation>, of::<SecretView>),
    post("/api/projects/{id}/secrets/delete", "Deletes a secret", of::<SecretRemoval>, of::<SecretView>),
    get("/api/master-key", "The master keys, and what they don't open", of::<MasterKeyView>),
    post("/api/master-key/rekey", "Seals everything by another master key", of::<RekeyRequest>, of::<RekeyView>),
    post(
        "/api/projects/{id}/environments/{environment}/combinations",
        "Names what it serves together, to promote it later",
        of::<CombinationRequest>,
        of::<Combination>,
    ),
    get("/api/projects/{id}/environments/{environment}/holds", "What is held there", of::<Vec<Hold>>),
    post(
        "/api/projects/{id}/environments/{environment}/holds",
        "Keeps new releases from it, or from one service",
        of::<HoldRequest>,
        of::<Vec<Hold>>,
    ),
    post(
        "/api/projects/{id}/environments/{environment}/holds/end",
        "Ends a hold",
        of::<UnholdRequest>,
        of::<Vec<Hold>>,
    ),
    post(
        "/api/projects/{id}/environments/{environment}/sync",
        "Takes over another environment's configuration, or with `dryRun` says what differs",
        of::<SyncRequest>,
        of::<SyncView>,
    ),
    get("/api/projects/{id}/combinations", "What its environments serve together", of::<CombinationsView>),
    get("/api/projects/{id}/schedules", "Its schedules", of::<Vec<ScheduleView>>),
    post("/api/projects/{id}/schedules", "Declares a schedule", of::<ScheduleRequest>, of::<ScheduleView>),
    Endpoint {
        method: "post",
        ..get("/api/projects/{id}/schedules/{name}/delete", "Takes a schedule away", of::<ScheduleView>)
    },
    Endpoint {
        method: "post",
        ..get("/api/projects/{id}/schedules/{name}/pause", "Has it ask for nothing for now", of::<ScheduleView>)
    },
    Endpoint {
        method: "post",
        ..get("/api/projects/{id}/schedules/{name}/resume", "Has it ask again", of::<ScheduleView>)
    },
    Endpoint { query: SCOPE, ..get("/api/projects/{id}/instances", "Its instances", of::<Vec<InstanceView>>) },
    Endpoint {
        query: SCOPE,
        ..get("/api/projects/{id}/releases", "Its releases, newest first", of::<Vec<ReleaseView>>)
    },
    Endpoint {
        query: BUILT,
        ..get("/api/projects/{id}/artifacts", "Where its artifacts came from, newest first", of::<Vec<Provenance>>)
    },
    Endpoint { query: LOGS, streams: true, ..get("/api/instances/{id}/logs", "An instance's output", of::<LogsView>) },
    post("/api/validations", "Checks a spec: everything that is found", of::<ValidationRequest>, of::<ValidationView>),
    Endpoint { query: EVENTS, streams: true, ..get("/api/events", "What happened, in order", of::<EventPage>) },
    Endpoint { query: AUDIT, ..get("/api/audit", "Every command that was asked for, newest first", of::<AuditPage>) },
    get("/api/tokens", "The access tokens", of::<Vec<TokenView>>),
    post("/api/tokens", "Makes an access token, and shows it this once", of::<TokenRequest>, of::<NewTokenView>),
    post("/api/tokens/{name}/revoke", "Takes an access token away", of::<Value>, of::<TokenView>),
    get("/api/backups", "Copies in the server's backup folder, newest first", of::<Vec<BackupView>>),
    post("/api/backups", "Copies what can't be made again", of::<BackupRequest>, of::<BackupView>),
    get("/api/doctor", "Whether everything agrees", of::<DoctorView>),
    post("/api/doctor", "The same, and puts right what can be", of::<DoctorRequest>, of::<DoctorView>),
    get("/api/breakers", "The circuit breakers", of::<Vec<BreakerView>>),
    post("/api/breakers/reset", "Closes a breaker", of::<BreakerReset>, of::<BreakerView>),
    get("/api/routes", "The routes with their numbers", of::<RoutesView>),
    get("/api/routes/table", "The routes alone", of::<Vec<Route>>),
    post("/api/uploads", "Takes a project folder as a tar stream", of::<Value>, of::<UploadView>),
];

/// The document.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method] = operation;
    }
    let _ = generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shipway", "version": env!("CARGO_PKG_VERSION") },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let in_path = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| parameter(name, "path", "", true));
    let in_query = endpoint.query.iter().map(|(name, words)| parameter(name, "query", words, false));
    let mut parameters: Vec<Value> = in_path.chain(in_query).collect();
    if endpoint.method == "post" {
        let words = "the same key with the same body is answered as before, and done once";
        parameters.push(parameter("Idempotency-Key", "header", words, false));
    }
    let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let mut operation = json!({
        "summary": endpoint.summary,
        "operationId": operation_id(endpoint),
        "parameters": parameters,
        "responses": {
            "200": { "description": "done", "content": content(endpoint, generator) },
            "default": { "description": "a problem", "content": problem },
        },
    });
    if let Some(body) = endpoint.body {
        let media = if endpoint.path == "/api/uploads" { "application/x-tar" } else { "application/json" };
        operation["requestBody"] = json!({ "content": { media: { "schema": body(generator) } } });
    }
    if !endpoint.path.starts_with("/api") {
        operation["security"] = json!([]);
    }
    operation
}

fn content(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let Some(answer) = endpoint.answer else { return json!({ "text/plain": { "schema": { "type": "string" } } }) };
    let mut content = json!({ "application/json": { "schema": answer(generator) } });
    if endpoint.streams {
        content["text/event-stream"] = json!({ "schema": { "type": "string" } });
    }
    content
}

fn parameter(name: &str, place: &str, words: &str, required: bool) -> Value {
    json!({ "name": name, "in": place, "description": words, "required": required, "schema": { "type": "string" } })
}

fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(['/', '.', '-']).filter(|part| !part.is_empty() && *part != "api");
    let words = words.map(|part| part.trim_matches(['{', '}']));
    std::iter::once(endpoint.method).chain(words).collect::<Vec<_>>().join("_")
}
