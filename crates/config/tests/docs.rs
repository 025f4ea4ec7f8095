//! `docs/SPEC.md` shows the annotated example as it is, and `docs/shipway.schema.json` and
//! `docs/shipway.schema.cue` are the schema as it is.
//! `SHIPWAY_RENEW=1` writes them anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use shipway_config::{
    reference::REFERENCE,
    schema::{cue_schema, editor_schema},
};

const BEGIN: &str = "<!-- reference.toml begins -->\n";
const END: &str = "<!-- reference.toml ends -->\n";

#[test]
fn the_page_holds_the_annotated_example() {
    let path = docs().join("SPEC.md");
    let page = fs::read_to_string(&path).expect("docs/SPEC.md is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page says where the example begins");
    let (_, after) = rest.split_once(END).expect("the page says where the example ends");
    let wanted = format!("{before}{BEGIN}```toml\n{}\n```\n{END}{after}", REFERENCE.trim_end());
    is_or_becomes(&path, &wanted);
}

#[test]
fn the_schema_for_editors_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&editor_schema()).expect("a schema is JSON");
    is_or_becomes(&docs().join("shipway.schema.json"), &format!("{schema}\n"));
}

#[test]
fn the_schema_in_cue_is_that_of_the_types() {
    let schema = cue_schema().expect("the schema can be said in CUE");
    is_or_becomes(&docs().join("shipway.schema.cue"), &schema);
}

#[test]
fn the_schema_for_editors_knows_what_takes_values_away() {
    let schema = editor_schema();
    let unset = serde_json::json!({ "$ref": "#/$defs/Unset" });
    let takes = |pointer: &str| {
        let found = schema.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        assert!(found["anyOf"].as_array().is_some_and(|ways| ways.contains(&unset)), "{pointer}: {found}");
    };
    takes("/$defs/ServicePatch/properties/limits");
    takes("/$defs/ServicePatch/properties/variables/anyOf/0/additionalProperties");
    takes("/$defs/LimitsPatch/properties/memory_mb");
    takes("/$defs/ProbePatch/properties/timeout_ms");
    takes("/$defs/EnvironmentSpec/properties/variables/additionalProperties");
    takes("/$defs/ServiceSpec/properties/variables/additionalProperties");
    let items = &schema["$defs"]["ServicePatch"]["properties"]["checks"]["anyOf"][0]["items"]["anyOf"];
    assert_eq!(items[1]["properties"]["unset"], serde_json::json!({ "type": "boolean" }), "{items}");
    assert!(schema["$defs"]["ServiceSpec"]["required"].is_array(), "a whole service still has to be whole");
    assert_eq!(schema["$defs"]["ServiceSpec"]["properties"]["instances"]["type"], "integer");
}

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn is_or_becomes(path: &Path, wanted: &str) {
    if std::env::var_os("SHIPWAY_RENEW").is_some() {
        fs::write(path, wanted).expect("the docs can be written");
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is not as the code has it: SHIPWAY_RENEW=1 cargo test -p shipway-config --test docs",
        path.display()
    );
}
