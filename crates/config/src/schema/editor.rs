//! The schema as editors want it: with what takes values away, where a layer may say that, and with parts of tables
//! where they are laid over whole ones.
//!
//! Not here: the schema by which files are checked, which knows both in other ways (`check`, `read`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::json_schema;

const UNSET: &str = "Unset";
/// Lists whose items merge by name.
const NAMED: [&str; 2] = ["checks", "hooks"];
/// Tables of free keys that every layer may say something about.
const LAYERED: [&str; 2] = ["EnvironmentSpec", "ServiceSpec"];
/// Definitions with a form of their own: they are tables of one piece.
const WHOLE: [&str; 4] = ["Strategy", "CanarySteps", "CommandLine", "Span"];

/// The schema of `shipway.toml` for editors.
pub fn editor_schema() -> Value {
    let mut schema = json_schema();
    let description = "Takes away what a weaker layer says.";
    schema["$defs"][UNSET] = json!({
        "type": "object",
        "description": description,
        "properties": { "unset": { "const": true } },
        "required": ["unset"],
        "additionalProperties": false,
    });
    let mut parts = Parts { definitions: schema["$defs"].clone(), made: Map::new(), begun: BTreeSet::new() };
    let patch = parts.table(&schema["$defs"]["ServicePatch"].clone());
    schema["$defs"]["ServicePatch"] = patch;
    for name in LAYERED {
        let values = &mut schema["$defs"][name]["properties"]["variables"]["additionalProperties"];
        *values = or_unset(values.clone());
    }
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.extend(parts.made);
    }
    schema
}

/// Definitions of tables of which a part may stand.
struct Parts {
    definitions: Value,
    made: Map<String, Value>,
    begun: BTreeSet<String>,
}

impl Parts {
    /// A table with nothing required, and everything that can be taken away.
    fn table(&mut self, table: &Value) -> Value {
        let mut part = table.clone();
        if let Some(part) = part.as_object_mut() {
            part.shift_remove("required");
        }
        for (name, property) in part["properties"].as_object_mut().into_iter().flatten() {
            if NAMED.contains(&name.as_str()) {
                // A part of an item, or its end: the name says which.
                property["items"] = json!({ "anyOf": [property["items"], named_part()] });
            } else {
                *property = self.part(property);
            }
            *property = or_unset(property.take());
        }
        part
    }

    /// A value of which a part may stand, when it is a table or a map.
    fn part(&mut self, schema: &Value) -> Value {
        if schema["additionalProperties"].is_object() {
            let mut map = schema.clone();
            map["additionalProperties"] = or_unset(self.part(&map["additionalProperties"]));
            return map;
        }
        let Some(name) = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) else {
            return schema.clone();
        };
        let definition = self.definitions[name].clone();
        if WHOLE.contains(&name) || !definition["properties"].is_object() {
            return schema.clone();
        }
        let part = format!("{name}Patch");
        if self.begun.insert(part.clone()) {
            let table = self.table(&definition);
            self.made.insert(part.clone(), table);
        }
        let mut schema = schema.clone();
        schema["$ref"] = json!(format!("#/$defs/{part}"));
        schema
    }
}

fn named_part() -> Value {
    json!({
        "type": "object",
        "description": "A part of the item of that name, or with `unset = true` its end.",
        "properties": { "name": { "type": "string" }, "unset": { "type": "boolean" } },
        "required": ["name"],
    })
}

/// The same value, or what takes it away. What is said of it stays on top.
fn or_unset(mut schema: Value) -> Value {
    let mut whole = json!({});
    for key in ["description", "default"] {
        if let Some(said) = schema.as_object_mut().and_then(|schema| schema.shift_remove(key)) {
            whole[key] = said;
        }
    }
    whole["anyOf"] = json!([schema, { "$ref": format!("#/$defs/{UNSET}") }]);
    whole
}
