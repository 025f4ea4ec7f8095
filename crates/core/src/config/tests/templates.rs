//! Names in braces.

use serde_json::json;

use super::super::template::{Names, fill, with_release};

const NAMES: Names<'static> = Names { project: "shop", environment: "staging", service: "web" };

#[test]
fn names_stand_for_what_they_name() {
    let cases = [
        ("{project}-{environment}-{service}", "shop-staging-web"),
        ("{variables.HOST}:{settings.port}", "web.staging.localhost:8080"),
        ("{settings.deep.flag}", "true"),
        ("{\"a\": {x}}", "{\"a\": {x}}"),
        ("{unknown} { } {", "{unknown} { } {"),
        ("{{environment}}", "{environment}"),
        ("{{ mustache }} {{name}}", "{{ mustache }} {{name}}"),
        ("{{environment}", "{staging"),
    ];
    for (text, expected) in cases {
        let mut service = json!({
            "run": "bin/{service}",
            "variables": { "HOST": "{service}.{environment}.localhost", "X": text },
            "settings": { "port": 8080, "deep": { "flag": true } },
        });
        let filled = fill(&mut service, NAMES);
        assert_eq!(filled.faults, [], "{text}");
        assert_eq!(service["variables"]["X"], expected, "{text}");
        assert_eq!(service["run"], "bin/{service}", "only variables and settings are templates");
    }
}

#[test]
fn the_release_stays_a_name_until_an_instance_starts() {
    let mut service = json!({
        "variables": { "TAG": "{release}/{{release}}", "VIA": "<{variables.TAG}>", "PLAIN": "{{release}}" },
        "settings": { "list": ["{release}"] },
    });
    let filled = fill(&mut service, NAMES);
    assert_eq!(filled.symbolic, ["/settings/list/0", "/variables/TAG", "/variables/VIA"]);
    assert_eq!(service["variables"]["PLAIN"], "{release}");
    let text = service["variables"]["VIA"].as_str().expect("a text");
    assert_eq!(with_release(text, "r1"), "<r1/{release}>");
}

#[test]
fn what_cannot_be_filled_in_is_told_all_at_once() {
    let mut service = json!({
        "variables": { "A": "{variables.B}", "B": "{settings.c}", "NONE": "{variables.NOPE}", "TABLE": "{settings.t}" },
        "settings": { "c": "{variables.A}", "t": { "x": 1 } },
    });
    let told: Vec<_> = fill(&mut service, NAMES).faults.into_iter().map(|fault| (fault.key, fault.message)).collect();
    let circle = |path: &str| format!("values name each other in a circle: {path}");
    let expected = [
        ("settings.c", circle("settings.c → variables.A → variables.B → settings.c")),
        ("variables.A", circle("variables.A → variables.B → settings.c → variables.A")),
        ("variables.B", circle("variables.B → settings.c → variables.A → variables.B")),
        ("variables.NONE", "`{variables.NOPE}` stands for nothing: there is no such value".to_owned()),
        ("variables.TABLE", "`{settings.t}` is a table or a list".to_owned()),
    ];
    assert_eq!(told, expected.map(|(key, message)| (key.to_owned(), message)));
}

#[test]
fn texts_that_double_with_every_step_are_refused() {
    let mut variables = serde_json::Map::new();
    variables.insert("V0".into(), json!("x".repeat(64)));
    for at in 1..20 {
        let before = at - 1;
        variables.insert(format!("V{at}"), json!(format!("{{variables.V{before}}}{{variables.V{before}}}")));
    }
    let mut service = json!({ "variables": variables });
    let faults = fill(&mut service, NAMES).faults;
    assert!(faults.iter().any(|fault| fault.message.contains("longer than 65536 bytes")), "{faults:?}");
}
