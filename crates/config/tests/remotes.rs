//! Remotes in a spec: what is wrong with one, and what holds before and after it has answered.

mod support;

use serde_json::json;
use shipway_config::{
    Target,
    explained::configuration,
    findings,
    read::{self, Source},
    resolve::{self, Layer, remotes},
};
use shipway_core::{
    config::origin::{Level, Origin},
    finding::Severity,
    id::{EnvironmentName, ServiceName},
    time::Timestamp,
};

use crate::support::expect_one;

const BASE: &str = r#"[project]
name = "shop"
[environments.staging]
type = "staging"
[services.web]
kind = "process"
run = "bin/web"
routes = [{ host = "shop.localhost" }]
health.startup.tcp = true
variables = { MAX = "{settings.limits.max}" }
[[rules]]
key = "settings.limits.max"
required = true
max = 8
"#;
/// The line of `[remote.limits]` in a case.
const REMOTE: u32 = 15;

#[test]
fn each_thing_that_can_be_wrong_with_one() {
    let cases = [
        ("into = \"settings\"", 0, "", "this remote asks nobody"),
        ("http = \"http://a\"\nfile = \"/a\"", 0, "", "this remote asks in 2 ways: `http` and `file`"),
        ("http = \"ftp://a\"", 1, ".http", "`ftp://a` is no URL of http or https"),
        ("http = \"http://{HOST}/a\"", 1, ".http", "whom the URL asks may not be a secret, nor a name and password"),
        (
            "http = \"http://me:secret@a/b\"",
            1,
            ".http",
            "whom the URL asks may not be a secret, nor a name and password",
        ),
        ("file = \"limits.json\"", 1, ".file", "the file is not named by its whole path"),
        ("file = \"/a\"\ninto = \"run\"", 2, ".into", "nothing can go into `run`"),
        ("file = \"/a\"\ninto = \"variables.A\"", 2, ".into", "nothing can go into `variables.A`"),
        ("file = \"/a\"\nat = \"data.\"", 2, ".at", "`at` is no path"),
        ("file = \"/a\"\ntimeout = \"2m\"", 2, ".timeout", "a remote can't be given 2m to answer"),
        ("file = \"/a\"\ntimeout = \"0s\"", 2, ".timeout", "a remote can't be given 0s to answer"),
        ("file = \"/a\"\nservices = [\"wep\"]", 2, ".services[0]", "there is no service `wep`"),
        ("command = \"a\"\nrun_as = \"\"", 2, ".run_as", "`run_as` is empty"),
    ];
    for (lines, line, field, message) in cases {
        let text = format!("{BASE}[remote.limits]\n{lines}\n");
        expect_one(Severity::Critical, &text, REMOTE + line, &format!("remote.limits{field}"), message);
    }
    let warnings = [
        ("file = \"/a\"\nheaders = { A = \"b\" }", 2, ".headers", "`headers` mean nothing without `http`"),
        ("file = \"/a\"\nrun_as = \"me\"", 2, ".run_as", "`run_as` means nothing without `command`"),
        ("file = \"/a\"\nenvironments = [\"stagin\"]", 2, ".environments[0]", "there is no environment `stagin`"),
    ];
    for (lines, line, field, message) in warnings {
        // It has to be asked for in the only environment, or what it says is missing.
        let more = "[remote.other]\nfile = \"/b\"\n";
        let text = format!("{BASE}[remote.limits]\n{lines}\n{more}");
        expect_one(Severity::Warning, &text, REMOTE + line, &format!("remote.limits{field}"), message);
    }
}

fn source() -> Source {
    let text = format!(
        "{BASE}[remote.limits]\nfile = \"/limits\"\ninto = \"settings.limits\"\n\
         [remote.later]\nfile = \"/later\"\ninto = \"settings.limits\"\nservices = [\"web\"]\n\
         [remote.elsewhere]\nfile = \"/else\"\nenvironments = [\"production\"]\n\
         [environments.production]\ntype = \"production\"\n"
    );
    read::parse("shipway.toml", &text).expect("TOML")
}

/// What the remotes of staging say.
fn answered(source: &Source, values: &[(&str, serde_json::Value)]) -> Vec<Layer> {
    let declared = remotes(source, &EnvironmentName::new("staging"));
    let layer = |(name, values): &(&str, serde_json::Value)| {
        let (_, declared) = declared.iter().find(|(known, _)| known == name).expect("a remote of staging");
        let origin = Origin::Remote { name: (*name).into(), source: declared.place(), etag: None, at: Timestamp(1) };
        Layer::remote(name, declared, values, origin)
    };
    values.iter().map(layer).collect()
}

fn told(source: &Source, layers: Vec<Layer>) -> Vec<String> {
    let target = Target { environment: EnvironmentName::new("staging"), layers };
    findings(source, &[target]).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn what_is_missing_is_awaited_only_until_all_have_answered() {
    let source = source();
    let names: Vec<_> = remotes(&source, &EnvironmentName::new("staging")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["limits", "later"], "in the order of the file, and only those of the environment");
    assert_eq!(told(&source, Vec::new()), [""; 0]);
    assert_eq!(told(&source, answered(&source, &[("limits", json!({ "min": 1 }))])), [""; 0], "one is still awaited");
    let both = answered(&source, &[("limits", json!({ "min": 1 })), ("later", json!({}))]);
    assert_eq!(
        told(&source, both),
        ["`settings.limits.max` is required", "`{settings.limits.max}` stands for nothing: there is no such value"]
    );
    let large = answered(&source, &[("limits", json!({ "max": 9 }))]);
    assert_eq!(told(&source, large), ["`settings.limits.max` is 9: it must be 8 or less"], "what came is held to it");
}

#[test]
fn the_later_remote_wins_and_settings_win_over_both() {
    let source = source();
    let mut layers = answered(&source, &[("limits", json!({ "max": 3, "min": 1 })), ("later", json!({ "max": 4 }))]);
    let resolved = |layers: &[Layer]| {
        let plan = resolve::environment(&source, "staging", layers).expect("valid");
        (plan.services[&ServiceName::new("web")].serve.clone(), plan.local)
    };
    let (serve, local) = resolved(&layers);
    assert_eq!(serve.settings["limits"], json!({ "max": 4, "min": 1 }));
    assert_eq!(serve.variables["MAX"], "4");
    // What a remote tells one environment is taken over by no other.
    assert_eq!(local, ["settings.limits.max", "settings.limits.min", "settings.limits.max"]);

    let set = json!({ "settings": { "limits": { "max": 5 } } });
    let by = Origin::Api { by: "ann".into(), at: Timestamp(2), version: 1 };
    layers.push(Layer::settings("settings of staging".into(), set, by, Default::default()));
    assert_eq!(resolved(&layers).0.variables["MAX"], "5");
    let all = configuration(&source, &EnvironmentName::new("staging"), &layers).expect("valid");
    let one = all[&ServiceName::new("web")].iter().find(|one| one.key == "settings.limits.max").expect("the value");
    let levels: Vec<_> = one.chain.iter().map(|link| link.level).collect();
    assert_eq!(levels, [Level::Remote, Level::Remote, Level::Settings]);
    let Origin::Remote { name, source: place, .. } = &one.chain[1].origin else { panic!("{:?}", one.chain) };
    assert_eq!((name.as_str(), place.as_str()), ("later", "/later"));

    // A null takes away what stands below it.
    let gone = answered(&source, &[("limits", json!({ "max": 3 })), ("later", json!({ "max": null }))]);
    assert!(told(&source, gone).iter().any(|message| message == "`settings.limits.max` is required"));
}
