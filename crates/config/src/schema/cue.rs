//! The schema as CUE, for `shipway cue vet` and for editors that know CUE; made of the one for editors.
//!
//! Not here: checking a file by it when a spec is read. That is done by the schema of the types (`check`), whose
//! findings come with advice.

use serde_json::{Value, json};
use shipway_cue::{decode, error::Error, jsonschema, source::FileId};

use super::editor_schema;

/// Where a JSON Schema keeps its definitions.
const DEFINITIONS: &str = "$defs";
/// The definition that a whole spec fits.
const ROOT: &str = "Spec";
/// The package that the schema is a file of.
const PACKAGE: &str = "shipway";

/// The text of `shipway.schema.cue`.
///
/// # Errors
/// The schema says something that can't be said in CUE; a test sees that it doesn't.
pub fn cue_schema() -> Result<String, Error> {
    let schema = decode::json(FileId(0), &named(editor_schema()).to_string())?;
    jsonschema::to_cue(&schema, Some(PACKAGE))
}

/// The schema with its root as a definition, too: what is unified with a definition stays closed all the way down.
fn named(mut schema: Value) -> Value {
    let Some(root) = schema.as_object_mut() else { return schema };
    let mut definitions = root.remove(DEFINITIONS).unwrap_or_else(|| json!({}));
    definitions[ROOT] = Value::Object(std::mem::take(root));
    json!({ "$ref": format!("#/{DEFINITIONS}/{ROOT}"), DEFINITIONS: definitions })
}
