//! The JSON Schema of the spec file, generated from its types. Not here: checking a file by it (`check`).

mod cue;
mod editor;

use serde_json::{Map, Value, json};
use shipway_core::spec::SpecFile;

pub use self::{cue::cue_schema, editor::editor_schema};

/// The schema of `shipway.toml` by which `check` reads it.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(SpecFile).to_value();
    strip_null(&mut schema);
    let definitions = &mut schema["$defs"];
    // Serde can't combine a closed table with two flattened ones, so this one is closed here.
    definitions["ServiceSpec"]["additionalProperties"] = json!(false);
    // Likewise one with a flattened table.
    definitions["InteractionSpec"]["additionalProperties"] = json!(false);
    let mut patch = definitions["ServiceSpec"].clone();
    patch["description"] = json!("Some fields of a service, laid over the service's own.");
    if let Some(patch) = patch.as_object_mut() {
        patch.shift_remove("required");
    }
    definitions["ServicePatch"] = patch;
    definitions["EnvironmentSpec"]["properties"]["services"]["additionalProperties"] =
        json!({ "$ref": "#/$defs/ServicePatch" });
    schema["title"] = json!("Shipway spec");
    schema
}

/// TOML has no null: what may be absent is simply not written.
fn strip_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(strip_null),
        Value::Object(map) => {
            strip_null_type(map);
            map.values_mut().for_each(strip_null);
        }
        _ => {}
    }
}

fn strip_null_type(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            map["type"] = only.clone();
        }
    }
    let Some(Value::Array(branches)) = map.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| branch != &json!({ "type": "null" }));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        map.shift_remove("anyOf");
        map.extend(only);
    }
}
