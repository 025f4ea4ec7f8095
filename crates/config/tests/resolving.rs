//! What counts in an environment, and in which order.

use serde_json::json;
use shipway_config::{
    Target, check,
    explained::configuration,
    findings,
    layers::with_made,
    read::{self, Source},
    resolve::{self, Layer},
    rules,
};
use shipway_core::{
    config::origin::{Level, Origin},
    finding::Severity,
    id::ServiceName,
    spec::{EnvironmentType, ServiceSpec},
    strategy::StrategyKind,
};

const SPEC: &str = r#"
[project]
name = "shop"
notify = [{ command = "tell everybody" }]

[services.web]
kind = "process"
run = "bin/web"
limits = { memory_mb = 64, cpu = 0.5 }
routes = [{ host = "a.localhost" }, { host = "b.localhost" }]
strategy = { kind = "rolling", batch = 2 }
health.startup.http = "/healthz"

[services.web.variables]
A = "service"
B = "service"
C = "service"
D = "service"
E = "service"

[services.site]
kind = "static"

[environments.staging]
type = "staging"

[environments.production]
type = "production"
variables = { B = "environment", C = "environment", D = "environment", E = "environment" }
notify = [{ command = "tell the boss" }]

[environments.production.services.web]
limits = { memory_mb = 512 }
routes = [{ host = "c.localhost" }]
variables = { C = "environment's service", D = "environment's service", E = "environment's service" }
strategy = "canary"

[groups.all]
services = ["web", "site"]
"#;

fn source() -> Source {
    read::parse("shipway.toml", SPEC).expect("TOML")
}

fn layer(tree: serde_json::Value) -> Layer {
    Layer::settings("settings of production".into(), tree, Origin::Default, Default::default())
}

fn web(layers: &[Layer]) -> ServiceSpec {
    let plan = resolve::environment(&source(), "production", layers).expect("a plan");
    plan.services[&ServiceName::from("web")].clone()
}

#[test]
fn each_layer_lies_above_the_one_before() {
    let layers = [
        layer(json!({ "variables": { "D": "layer" }, "services": { "web": { "variables": { "E": "layer" } } } })),
        layer(json!({ "services": { "web": { "variables": { "E": "deployment" } } } })),
    ];
    let variables = web(&layers).serve.variables;
    let expected =
        [("A", "service"), ("B", "service"), ("C", "environment's service"), ("D", "layer"), ("E", "deployment")];
    assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

const LAYERED: &str = r#"
variables = { G = "global", E = "global", S = "global", NAME = "{service} in {environment}" }
settings = { log_level = "info", scaling = { min = 1, max = 2 } }

[project]
name = "shop"

[services.web]
kind = "process"
run = "bin/web"
variables = { S = "service", GONE = "service", REVISION = "{release}" }
settings = { scaling = { max = 4 } }
checks = [
  { name = "answers", phase = "test", http = "/" },
  { name = "is fast", phase = "test", http = "/fast" },
]

[environments.production]
type = "production"
region = "eu-west"
labels = { team = "shop" }
variables = { E = "environment", S = "environment" }
settings = { log_level = "warn" }

[environments.production.services.web]
variables = { GONE = { unset = true } }
checks = [{ name = "is fast", retries = 2 }, { name = "answers", unset = true }]

[[rules]]
key = "settings.scaling.max"
max = 8
"#;

#[test]
fn six_layers_with_their_origins() {
    let source = read::parse("shipway.toml", LAYERED).expect("TOML");
    let by = Origin::Api { by: "ann".into(), at: shipway_core::time::Timestamp(7), version: 3 };
    let tree = json!({ "settings": { "scaling": { "min": 2 } }, "labels": { "tier": "1" } });
    let layers = [Layer::settings("settings".into(), tree, by.clone(), Default::default())];
    let plan = resolve::environment(&source, "production", &layers).expect("a plan");
    let web = &plan.services[&ServiceName::from("web")].serve;
    let variables = [
        ("E", "environment"),
        ("G", "global"),
        ("NAME", "web in production"),
        ("REVISION", "{release}"),
        ("S", "service"),
    ];
    assert_eq!(web.variables, variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(web.symbolic, ["/variables/REVISION"]);
    assert_eq!(json!(web.settings), json!({ "log_level": "warn", "scaling": { "max": 4, "min": 2 } }));
    assert_eq!(
        web.checks.iter().map(|check| (check.name.as_str(), check.retries)).collect::<Vec<_>>(),
        [("is fast", 2)]
    );
    assert_eq!(plan.facts.region.as_deref(), Some("eu-west"));
    assert_eq!(json!(plan.facts.labels), json!({ "team": "shop", "tier": "1" }));

    let told = &configuration(&source, &"production".into(), &layers).expect("a configuration")[&"web".into()];
    let chain = |key: &str| {
        let one = told.iter().find(|one| one.key == key).expect("a value");
        one.chain.iter().map(|link| (link.level, link.origin.clone(), link.value.clone())).collect::<Vec<_>>()
    };
    let line = |line| Origin::File { file: "shipway.toml".into(), line };
    assert_eq!(
        chain("settings.scaling.min"),
        [(Level::Global, line(3), Some(json!(1))), (Level::Settings, by, Some(json!(2))),]
    );
    assert_eq!(
        chain("variables.S"),
        [
            (Level::Global, line(2), Some(json!("global"))),
            (Level::Environment, line(22), Some(json!("environment"))),
            (Level::Service, line(11), Some(json!("service"))),
        ]
    );
    assert_eq!(
        chain("variables.GONE"),
        [(Level::Service, line(11), Some(json!("service"))), (Level::ServiceInEnvironment, line(26), None),]
    );
    assert_eq!(chain("instances"), [(Level::Default, Origin::Default, Some(json!(1)))]);
}

#[test]
fn an_environment_that_was_made_resolves_like_one_of_the_file() {
    let source = read::parse("shipway.toml", LAYERED).expect("TOML");
    let by = Origin::Api { by: "ann".into(), at: shipway_core::time::Timestamp(7), version: 0 };
    let stated = json!({ "type": "testing", "variables": { "E": "made" } });
    let whole = with_made(&source, [("qa".to_owned(), stated, by.clone())]);
    let plan = resolve::environment(&whole, "qa", &[]).expect("a plan");
    assert_eq!(plan.services[&ServiceName::from("web")].serve.variables["E"], "made");
    let told = &configuration(&whole, &"qa".into(), &[]).expect("a configuration")[&"web".into()];
    let winner = told.iter().find(|one| one.key == "variables.E").and_then(|one| one.winner()).expect("a winner");
    assert_eq!((winner.level, &winner.origin), (Level::Environment, &by));
}

#[test]
fn values_that_break_rules_and_circles_are_told_where_they_were_written() {
    let text = LAYERED.replace("max = 4", "max = 9").replace("G = \"global\"", "G = \"{variables.E}{variables.G}\"");
    let source = read::parse("shipway.toml", &text).expect("TOML");
    let told: Vec<_> = findings(&source, &Target::all(&source))
        .into_iter()
        .filter(|finding| finding.severity == Severity::Critical)
        .map(|finding| (finding.message, finding.line))
        .collect();
    let expected = [
        ("values name each other in a circle: variables.G → variables.G", Some(2)),
        ("`settings.scaling.max` is 9: it must be 8 or less", Some(12)),
    ];
    assert_eq!(told, expected.map(|(message, line)| (message.to_owned(), line)));
}

#[test]
fn tables_merge_and_lists_replace() {
    let serve = web(&[]).serve;
    assert_eq!((serve.limits.memory_mb, serve.limits.cpu), (Some(512), Some(0.5)));
    assert_eq!(serve.routes.iter().map(|route| route.host.as_str()).collect::<Vec<_>>(), ["c.localhost"]);
    assert_eq!(serve.strategy.kind(), StrategyKind::Canary);
}

#[test]
fn a_null_takes_a_value_away() {
    let unset = layer(json!({
        "variables": { "B": null },
        "services": { "web": { "limits": null, "strategy": null, "variables": { "E": null } } },
    }));
    let serve = web(&[unset]).serve;
    assert!(serve.limits.is_empty());
    assert_eq!(serve.strategy.kind(), StrategyKind::BlueGreen);
    assert!(!serve.variables.contains_key("B") && !serve.variables.contains_key("E"));
    assert_eq!(serve.variables["A"], "service");
}

#[test]
fn an_environment_is_whole() {
    let source = source();
    let names: Vec<String> = resolve::environments(&source).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["staging", "production"]);
    let plan = resolve::environment(&source, "production", &[]).expect("a plan");
    assert_eq!(plan.kind, EnvironmentType::Production);
    assert_eq!(plan.services.len(), 2);
    let told: Vec<String> =
        plan.notify.iter().filter_map(|notify| Some(notify.command.as_ref()?.to_string())).collect();
    assert_eq!(told, ["tell everybody", "tell the boss"]);
    assert_eq!(resolve::environment(&source, "staging", &[]).expect("a plan").notify.len(), 1);
    assert_eq!(resolve::project(&source).expect("a project").name, "shop");
    assert_eq!(resolve::groups(&source).expect("groups")["all"].services.len(), 2);
    assert_eq!(check::check(&source), []);
    assert_eq!(rules::of_file(&source), []);
    assert_eq!(rules::of_environment(&source, &plan, &[]), []);
}

#[test]
fn an_unknown_environment_is_told_with_those_that_exist() {
    let found = resolve::environment(&source(), "prodution", &[]).expect_err("no such environment");
    assert_eq!(found[0].message, "there is no environment `prodution`: did you mean `production`?");
    assert_eq!(found[0].details.as_deref(), Some("the file has `staging` and `production`"));
    let found = resolve::environment(&source(), "qa", &[]).expect_err("no such environment");
    assert_eq!(found[0].message, "there is no environment `qa`");
    assert_eq!(found[0].field.as_deref(), Some("environments"));
}

#[test]
fn what_a_layer_says_wrong_is_told_of_the_layer() {
    let cases = [
        (json!({ "varibles": {} }), "unknown key `varibles`: did you mean `variables`?", "varibles"),
        (
            json!({ "services": { "web": { "instances": 99 } } }),
            "`instances` is 99: it must be from 1 to 64",
            "services.web.instances",
        ),
        (
            json!({ "services": { "wep": { "instances": 9 } } }),
            "there is no service `wep`: did you mean `web`?",
            "services.wep",
        ),
        (json!({ "variables": { "N": 5 } }), "`N` is a whole number (5): it must be a text", "variables.N"),
        (
            json!({ "services": { "web": { "routes": [{ "host": "A" }] } } }),
            "the host `A` holds capitals: hosts are compared in lower case",
            "services.web.routes[0].host",
        ),
    ];
    for (tree, message, field) in cases {
        let target = Target { environment: "production".into(), layers: vec![layer(tree.clone())] };
        let found = findings(&source(), &[target]);
        let blocking = found.iter().filter(|finding| finding.severity == Severity::Critical);
        let told: Vec<_> =
            blocking.map(|f| (f.message.as_str(), f.field.as_deref(), f.file.as_deref(), f.line)).collect();
        assert!(told.contains(&(message, Some(field), Some("settings of production"), None)), "{tree}\n{told:#?}");
        assert!(told.iter().all(|(known, ..)| *known == message), "{told:#?}");
    }
}

#[test]
fn a_layer_that_unsets_what_is_needed_is_refused() {
    let unset = layer(json!({ "services": { "web": { "kind": null } } }));
    let found = resolve::environment(&source(), "production", &[unset]).expect_err("no kind");
    assert_eq!(found[0].message, "`kind` is missing in `services.web`");
}

#[test]
fn a_broken_file_has_no_environments() {
    let source = read::parse("shipway.toml", "environments = 5\nservices = []\nproject = \"x\"\n").expect("TOML");
    assert_eq!(resolve::environments(&source), []);
    assert_eq!(resolve::environment(&source, "staging", &[]).expect_err("broken").len(), 3);
    assert_eq!(findings(&source, &Target::all(&source)).len(), 3);
}
