//! The package `encoding/json`.

use super::super::arguments::{ANY, BOOL, LIST, Outcome, TEXT, TEXT_OR_BYTES, any, bytes, list, text};
use super::super::{Builtin, CallError, Package};
use super::{NO_FILE, data, json_text, text_of, utf8};
use crate::data::Data;
use crate::{decode, encode};

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/json",
    functions: &[
        Builtin::new("Valid", &[TEXT_OR_BYTES], BOOL, |args| Ok(Data::Bool(json_text::is_valid(bytes(args, 0)?)))),
        Builtin::new("Compact", &[TEXT_OR_BYTES], TEXT, |args| text_of(json_text::compact(valid(args)?))),
        Builtin::new("Indent", &[TEXT_OR_BYTES, TEXT, TEXT], TEXT, indent),
        Builtin::new("HTMLEscape", &[TEXT_OR_BYTES], TEXT, html_escape),
        Builtin::new("Marshal", &[ANY], TEXT, |args| Ok(Data::string(encode::json_compact(any(args, 0)?, false)))),
        Builtin::new("MarshalStream", &[LIST], TEXT, marshal_stream),
        Builtin::new("Unmarshal", &[TEXT_OR_BYTES], ANY, unmarshal),
        Builtin::new("UnmarshalStream", &[TEXT_OR_BYTES], ANY, unmarshal_stream),
    ],
    constants: &[],
};

fn invalid() -> CallError {
    CallError::new("invalid JSON")
}

fn valid(args: &[Data]) -> Result<&[u8], CallError> {
    let bytes = bytes(args, 0)?;
    if json_text::is_valid(bytes) { Ok(bytes) } else { Err(invalid()) }
}

fn indent(args: &[Data]) -> Outcome {
    text_of(json_text::indent(valid(args)?, text(args, 1)?, text(args, 2)?)?)
}

/// Escapes what HTML would take for its own, wherever it stands: it can only be in strings.
fn html_escape(args: &[Data]) -> Outcome {
    let escapes =
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
    let escaped = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    Ok(Data::string(escapes.into_iter().fold(utf8(args, 0)?.to_owned(), escaped)))
}

fn marshal_stream(args: &[Data]) -> Outcome {
    let lines: String = list(args, 0)?.iter().map(|value| encode::json_compact(value, false) + "\n").collect();
    Ok(Data::string(lines))
}

fn unmarshal(args: &[Data]) -> Outcome {
    valid(args)?;
    data(&decode::json(NO_FILE, utf8(args, 0)?)?)
}

fn unmarshal_stream(args: &[Data]) -> Outcome {
    let values = decode::json_lines(NO_FILE, utf8(args, 0)?)?;
    Ok(Data::List(values.iter().map(data).collect::<Result<_, _>>()?))
}
