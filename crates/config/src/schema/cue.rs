//! The schema as CUE, for `shipway cue vet` and for editors that know CUE; made of the one for editors.
//!
//! Not here: checking a file by it when a spec is read. That is done by the schema of the types (`check`), whose
//! findings come with advice.

use shipway_cue::{decode, error::Error, jsonschema, source::FileId};

use super::editor_schema;

/// The package that the schema is a file of.
const PACKAGE: &str = "shipway";

/// The text of `shipway.schema.cue`.
///
/// # Errors
/// The schema says something that can't be said in CUE; a test sees that it doesn't.
pub fn cue_schema() -> Result<String, Error> {
    let schema = decode::json(FileId(0), &editor_schema().to_string())?;
    jsonschema::to_cue(&schema, Some(PACKAGE))
}
