//! Data as Rust types.

use std::collections::BTreeMap;

use serde::Deserialize;
use shipway_cue::data::Data;
use shipway_cue::decode;
use shipway_cue::source::FileId;

fn data(json: &str) -> Data {
    let expr = decode::json(FileId(0), json).expect("the table holds JSON");
    decode::expr_to_data(&expr).expect("JSON is literal")
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct App {
    name: String,
    replicas: u8,
    #[serde(default)]
    ratio: f32,
    kind: Option<Kind>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Plain,
    Sized { size: i64 },
    Pair(u8, bool),
}

#[test]
fn data_fits_types() {
    let table = [
        (r#"{"name": "a", "replicas": 2, "kind": null}"#, None, 0.0),
        (r#"{"name": "a", "replicas": 2.0, "kind": "plain", "ratio": 1}"#, Some(Kind::Plain), 1.0),
        (
            r#"{"name": "a", "replicas": 2, "kind": {"sized": {"size": -5}}, "ratio": 0.5}"#,
            Some(Kind::Sized { size: -5 }),
            0.5,
        ),
        (r#"{"name": "a", "replicas": 2, "kind": {"pair": [1, true]}}"#, Some(Kind::Pair(1, true)), 0.0),
    ];
    for (json, kind, ratio) in table {
        let expected = App { name: "a".into(), replicas: 2, ratio, kind, labels: BTreeMap::new() };
        assert_eq!(data(json).to_type(), Ok(expected), "{json}");
    }
    assert_eq!(data("[1, null]").to_type(), Ok((1_i32, None::<bool>)));
    assert_eq!(data("170141183460469231731687303715884105727").to_type(), Ok(i128::MAX));
}

#[test]
fn what_does_not_fit_is_told() {
    let table = [
        (r#"{"name": 1, "replicas": 2}"#, "invalid type: integer `1`, expected a string"),
        (r#"{"name": "a", "replicas": 256}"#, "invalid value: integer `256`, expected u8"),
        (r#"{"name": "a", "replicas": 1.5}"#, "invalid type: floating point `1.5`, expected u8"),
        (r#"{"name": "a"}"#, "missing field `replicas`"),
        (
            r#"{"name": "a", "replicas": 1, "x": 2}"#,
            "unknown field `x`, expected one of `name`, `replicas`, `ratio`, `kind`, `labels`",
        ),
        (
            r#"{"name": "a", "replicas": 1, "kind": 3}"#,
            "Kind is a string or a struct of one field (plain, sized, pair), not int",
        ),
        (r#"{"name": "a", "replicas": 1, "ratio": 1e999}"#, "the number 1E+999 is beyond a 64-bit float"),
    ];
    for (json, expected) in table {
        assert_eq!(data(json).to_type::<App>().map_err(|error| error.message), Err(expected.to_owned()), "{json}");
    }
}

#[test]
fn data_is_written_by_serde_too() {
    let json = r#"{"a":[1,-2,0.5,null,true],"b":{"c":"d"},"e":18446744073709551615}"#;
    assert_eq!(serde_json::to_string(&data(json)).expect("it fits JSON"), json);
    assert!(serde_json::to_string(&data("1e999")).is_err());
}
