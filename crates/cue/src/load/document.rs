//! Data files as values.
//!
//! Not here: where a value is put in the configuration.

use std::sync::Arc;

use super::argument::Encoding;
use crate::decode;
use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Decl, Expr, ExprKind, Ident, Label};

/// The text that spans of a file point into; bytes that are no text are shown as none.
pub(super) fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map(str::to_owned).unwrap_or_default()
}

/// The values of a file of data.
pub(super) fn values(file: FileId, bytes: &[u8], encoding: Encoding, guessed: bool) -> Result<Vec<Expr>, Error> {
    let whole = Span::new(file, 0, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    if encoding == Encoding::Binary {
        return Ok(vec![Expr { kind: ExprKind::Bytes(Arc::from(bytes)), span: whole }]);
    }
    let start = Span::new(file, 0, 0);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::new(Code::Load, format!("the file is not UTF-8: {error}"), Some(start)))?;
    let values = match encoding {
        Encoding::Json | Encoding::JsonLines => match decode::json_lines(file, text)? {
            none if none.is_empty() && encoding == Encoding::Json => vec![decode::json(file, text)?],
            values => values,
        },
        Encoding::Yaml => decode::yaml(file, text)?,
        Encoding::Toml => vec![decode::toml(file, text)?],
        Encoding::Text => vec![Expr { kind: ExprKind::String(text.into()), span: whole }],
        Encoding::JsonSchema => return Err(unsupported("a JSON Schema", start)),
        Encoding::Cue | Encoding::Binary => Vec::new(),
    };
    match values.iter().find_map(schema).filter(|_| guessed) {
        Some(sort) => Err(unsupported(sort, start)
            .help("put the qualifier `json:` or `yaml:` before the file if it is meant as plain data")),
        None => Ok(values),
    }
}

fn unsupported(sort: &str, span: Span) -> Error {
    Error::new(Code::Unsupported, format!("{sort} among the arguments is not supported"), Some(span))
}

/// What a value says that it is, where CUE would read it as more than data.
fn schema(value: &Expr) -> Option<&'static str> {
    let field = |name: &str| match &value.kind {
        ExprKind::Struct(fields) => fields.decls.iter().find_map(|decl| match decl {
            Decl::Field(field) => match (&field.label, &field.value.kind) {
                (Label::String(label, _) | Label::Ident(Ident { name: label, .. }), ExprKind::String(text))
                    if **label == *name =>
                {
                    Some(Arc::clone(text))
                }
                _ => None,
            },
            _ => None,
        }),
        _ => None,
    };
    if field("$schema").is_some_and(|uri| uri.contains("//json-schema.org/")) {
        return Some("a JSON Schema");
    }
    field("openapi").filter(|version| version.starts_with("3.")).map(|_| "an OpenAPI document")
}
