//! Data as text: JSON and YAML as `cue export` prints them, TOML, plain text and bytes.
//!
//! Not here: CUE itself (that is the formatter), reading (that is [`crate::decode`]).

mod json;
mod toml;
mod yaml;

pub use json::{json, json_compact};
pub use toml::toml;
pub use yaml::{yaml, yaml_stream};

use crate::data::Data;
use crate::error::{Code, Error};

/// The text of a string, or of bytes that are UTF-8.
///
/// # Errors
/// The value is of another kind.
pub fn text(data: &Data) -> Result<String, Error> {
    match data {
        Data::String(text) => Ok(text.to_string()),
        Data::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(refused("text", "these bytes are not UTF-8").help("write them as `binary`")),
        },
        other => Err(wants_string("text", other)),
    }
}

/// The bytes of a string or of bytes.
///
/// # Errors
/// The value is of another kind.
pub fn binary(data: &Data) -> Result<Vec<u8>, Error> {
    match data {
        Data::String(text) => Ok(text.as_bytes().to_vec()),
        Data::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Err(wants_string("binary", other)),
    }
}

fn wants_string(format: &str, data: &Data) -> Error {
    refused(format, format_args!("it takes a string or bytes, not {}", data.kind_name()))
        .help("choose the string with `-e PATH`, or another format")
}

/// The error of a value that a format can't hold.
fn refused(format: &str, message: impl std::fmt::Display) -> Error {
    Error::new(Code::Conflict, format!("can't write this as {format}: {message}"), None)
}

/// Bytes as base64 with padding, as JSON, TOML and YAML carry them.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
