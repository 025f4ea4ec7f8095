//! `docs/API.md` against the code: every endpoint, every kind of event, every field of the documents that Shipway
//! answers to.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};
use shipway_api::{
    DeploymentRequest, DeploymentView, ENDPOINTS, EnvironmentView, LogsView, PlanView, ReportView, ValidationView,
};
use shipway_core::{
    event::{Event, EventKind},
    spec::{MakeSpec, ServeSpec, SpecFile},
};

const PAGE: &str = include_str!("../../../docs/API.md");

/// What the documents list, field by field. The headings are those of the tables.
const THEIRS: &[(&str, &[&str])] = &[
    (
        "DeploymentRequest (Phase 5)",
        &[
            "id",
            "projectId",
            "projectName",
            "sourceEnvironment",
            "targetEnvironment",
            "strategy",
            "files",
            "configuration",
            "metadata",
            "initiatedBy",
            "initiatedAt",
        ],
    ),
    (
        "DeploymentResult (Phase 5)",
        &["deploymentId", "status", "message", "deployedAt", "duration", "metrics", "artifacts"],
    ),
    (
        "DeploymentStatus (Phase 5)",
        &[
            "deploymentId",
            "status",
            "progress",
            "currentStage",
            "startedAt",
            "updatedAt",
            "estimatedCompletion",
            "errors",
        ],
    ),
    (
        "DeploymentConfig (Phase 5)",
        &[
            "strategy",
            "targetEnvironment",
            "rollbackEnabled",
            "validationChecks",
            "notificationChannels",
            "timeout",
            "securityChecks",
        ],
    ),
    (
        "Deployment (PRD)",
        &[
            "id",
            "projectId",
            "environment",
            "status",
            "version",
            "gitCommit",
            "gitBranch",
            "artifactUrl",
            "deploymentUrl",
            "config",
            "startedAt",
            "completedAt",
            "initiatedBy",
            "logs",
        ],
    ),
    (
        "Deployment (Domain)",
        &[
            "id",
            "name",
            "description",
            "status",
            "phase",
            "created_at",
            "updated_at",
            "created_by",
            "environment_id",
            "specification",
            "components",
            "results",
            "rollback_strategy",
            "monitoring_config",
        ],
    ),
    (
        "DeploymentConfig (PRD)",
        &[
            "buildCommand",
            "outputDirectory",
            "environmentVariables",
            "nodeVersion",
            "installCommand",
            "healthCheckPath",
            "timeout",
        ],
    ),
    ("Environment (PRD)", &["id", "projectId", "name", "url", "config", "currentDeployment", "status", "createdAt"]),
    (
        "DeploymentEvent (Domain)",
        &[
            "id",
            "deployment_id",
            "event_type",
            "phase",
            "status",
            "details",
            "affected_components",
            "timestamp",
            "source_component",
            "correlation_id",
        ],
    ),
    (
        "ValidationResult (Domain)",
        &["is_valid", "severity", "category", "message", "details", "recommendations", "timestamp", "validator_id"],
    ),
];

#[test]
fn every_endpoint_is_on_the_page_and_nothing_else() {
    let rows = rows_of("Endpoints");
    let named = |row: &Vec<String>| (row[0].to_lowercase(), quoted(&row[1]).concat());
    let told: BTreeSet<_> = rows.iter().map(named).collect();
    assert_eq!(told.len(), rows.len(), "an endpoint is told twice");
    let real: BTreeSet<_> = ENDPOINTS.iter().map(|one| (one.method.to_owned(), one.path.to_owned())).collect();
    assert_eq!(told, real);
}

#[test]
fn the_query_the_stream_and_the_types_of_each_endpoint_are_as_told() {
    let rows = rows_of("Endpoints");
    let types = definitions_of_the_api();
    for endpoint in ENDPOINTS {
        let same = |row: &&Vec<String>| row[0].to_lowercase() == endpoint.method && quoted(&row[1]) == [endpoint.path];
        let row = rows.iter().find(same).expect("the test before this one finds it");
        let query: BTreeSet<_> = endpoint.query.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(quoted(&row[3]).into_iter().collect::<BTreeSet<_>>(), query, "the query of {}", endpoint.path);
        assert_eq!(row[6] == "yes", endpoint.streams, "whether {} streams", endpoint.path);
        let named = quoted(&row[4]).into_iter().chain(quoted(&row[5]));
        let named = named.filter(|name| name.starts_with(char::is_uppercase));
        for name in named {
            assert!(types.contains_key(&name), "{} names the type {name}, which there is not", endpoint.path);
        }
    }
}

#[test]
fn every_kind_of_event_is_on_the_page_and_nothing_else() {
    let rows = rows_of("Event kinds");
    let told: BTreeSet<_> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    assert_eq!(told.len(), rows.len(), "a kind is told twice");
    let mut real = BTreeSet::new();
    collect_words(&schema_of::<EventKind>(), &mut real);
    assert!(real.len() > 20, "the schema has more kinds than {}", real.len());
    assert_eq!(told, real);
}

#[test]
fn every_field_of_the_documents_has_a_row() {
    let headings: BTreeSet<_> = THEIRS.iter().map(|(heading, _)| *heading).collect();
    assert_eq!(headings.len(), THEIRS.len());
    for (heading, fields) in THEIRS {
        let told: Vec<_> = rows_of(heading).iter().flat_map(|row| quoted(&row[0])).collect();
        assert_eq!(&told, fields, "the rows of {heading}");
    }
}

#[test]
fn every_field_that_is_said_to_be_ours_is_ours() {
    let types = definitions();
    let mut count = 0;
    for (heading, _) in THEIRS {
        for row in rows_of(heading) {
            let ours = quoted(&row[1]);
            assert!(!ours.is_empty() || !row[2].is_empty(), "{heading}: {} is neither ours nor said why not", row[0]);
            // In the third column other words stand in quotes, too; a field is told by its type's name.
            let more =
                quoted(&row[2]).into_iter().filter(|word| word.contains('.') && word.starts_with(char::is_uppercase));
            for path in ours.into_iter().chain(more) {
                assert!(resolves(&types, &path), "{heading}: {} is said to be `{path}`, which there is not", row[0]);
                count += 1;
            }
        }
    }
    assert!(count > 80, "only {count} fields were looked up");
}

#[test]
fn a_field_that_is_not_there_is_noticed() {
    let types = definitions();
    assert!(resolves(&types, "DeploymentView.metrics.failedBySwitch"));
    assert!(resolves(&types, "ServeSpec.health.startup.http"));
    for wrong in
        ["DeploymentView.nothing", "Nothing.id", "DeploymentView", "DeploymentView.id.id", "ServeSpec.health.http"]
    {
        assert!(!resolves(&types, wrong), "{wrong}");
    }
}

/// The cells of the first table below a heading, without its head.
fn rows_of(heading: &str) -> Vec<Vec<String>> {
    let mut lines = PAGE.lines();
    let found = lines.any(|line| line.starts_with('#') && line.trim_start_matches('#').trim() == heading);
    assert!(found, "docs/API.md has no heading `{heading}`");
    let below = lines.take_while(|line| !line.starts_with('#')).skip_while(|line| !line.starts_with('|'));
    let table: Vec<_> = below.take_while(|line| line.starts_with('|')).collect();
    assert!(table.len() > 2, "there is no table below `{heading}`");
    table[2..].iter().map(|line| cells(line)).collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').strip_suffix('|').expect("a row ends with a bar");
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn schema_of<T: JsonSchema>() -> Value {
    generator().into_root_schema_for::<T>().to_value()
}

fn definitions_of_the_api() -> Map<String, Value> {
    let document = shipway_api::openapi();
    document["components"]["schemas"].as_object().expect("the document has schemas").clone()
}

/// Every type that the tables may name, with what each of them holds.
fn definitions() -> BTreeMap<String, Value> {
    let mut generator = generator();
    // What is laid flat into another type has no name of its own in that one's schema.
    let flat = [("MakeSpec", schema_of::<MakeSpec>()), ("ServeSpec", schema_of::<ServeSpec>())];
    generator.subschema_for::<DeploymentRequest>();
    generator.subschema_for::<DeploymentView>();
    generator.subschema_for::<EnvironmentView>();
    generator.subschema_for::<Event>();
    generator.subschema_for::<LogsView>();
    generator.subschema_for::<MakeSpec>();
    generator.subschema_for::<PlanView>();
    generator.subschema_for::<ReportView>();
    generator.subschema_for::<ServeSpec>();
    generator.subschema_for::<SpecFile>();
    generator.subschema_for::<ValidationView>();
    let named = generator.take_definitions(true).into_iter();
    named.chain(flat.map(|(name, schema)| (name.to_owned(), schema))).collect()
}

/// Whether `Type.field.field` is there.
fn resolves(types: &BTreeMap<String, Value>, path: &str) -> bool {
    let mut parts = path.split('.');
    let start = parts.next().and_then(|name| types.get(name));
    let fields: Vec<_> = parts.collect();
    start.is_some_and(|schema| !fields.is_empty() && has(types, schema, &fields))
}

fn has(types: &BTreeMap<String, Value>, schema: &Value, fields: &[&str]) -> bool {
    let Some((first, rest)) = fields.split_first() else { return true };
    let direct = schema.get("properties").and_then(|properties| properties.get(first));
    if direct.is_some_and(|below| has(types, below, rest)) {
        return true;
    }
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|link| types.get(link.rsplit('/').next()?));
    let inner = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    let branches = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    referred.into_iter().chain(inner).chain(branches).any(|below| has(types, below, fields))
}

/// The words of an enum: each is a `const`, or in an `enum`.
fn collect_words(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        Value::Object(map) => {
            let one = map.get("const").into_iter();
            let many = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.extend(one.chain(many).filter_map(Value::as_str).map(str::to_owned));
            map.values().for_each(|below| collect_words(below, words));
        }
        _ => {}
    }
}
