//! Data files as values.
//!
//! Not here: where a value is put in the configuration.

use std::sync::Arc;

use super::argument::{Encoding, FileArgument};
use crate::decode;
use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Decl, Expr, ExprKind, Ident, Label};

/// The text that spans of a file point into; bytes that are no text are shown as none.
pub(super) fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map(str::to_owned).unwrap_or_default()
}

/// What a file of data holds.
pub(super) enum Document {
    Values(Vec<Expr>),
    JsonSchema(Expr),
}

/// What a file among the arguments holds; where its encoding was only guessed, it may say itself that it is a schema.
pub(super) fn read(file: FileId, bytes: &[u8], argument: &FileArgument) -> Result<Document, Error> {
    let is_schema = argument.encoding == Encoding::JsonSchema;
    let encoding = match argument.encoding {
        Encoding::JsonSchema => Encoding::of_name(&argument.name).unwrap_or(Encoding::Json),
        encoding => encoding,
    };
    let mut values = values(file, bytes, encoding)?;
    let start = Span::of_file(file);
    let sort = values.iter().find_map(schema).filter(|_| argument.guessed);
    match (is_schema || sort == Some(Sort::JsonSchema), values.len()) {
        (true, 1) => Ok(Document::JsonSchema(values.remove(0))),
        (true, _) => Err(Error::new(Code::Load, "a JSON Schema is one value", Some(start))),
        (false, _) if sort.is_some() => {
            let error = Error::new(Code::Unsupported, "an OpenAPI document is not supported", Some(start));
            Err(error.help("put the qualifier `json:` or `yaml:` before the file if it is meant as plain data"))
        }
        (false, _) => Ok(Document::Values(values)),
    }
}

/// The values of a file of data.
pub(super) fn values(file: FileId, bytes: &[u8], encoding: Encoding) -> Result<Vec<Expr>, Error> {
    let whole = Span::new(file, 0, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    if encoding == Encoding::Binary {
        return Ok(vec![Expr { kind: ExprKind::Bytes(Arc::from(bytes)), span: whole }]);
    }
    let start = Span::of_file(file);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::new(Code::Load, format!("the file is not UTF-8: {error}"), Some(start)))?;
    Ok(match encoding {
        Encoding::Json | Encoding::JsonLines => match decode::json_lines(file, text)? {
            none if none.is_empty() && encoding == Encoding::Json => vec![decode::json(file, text)?],
            values => values,
        },
        Encoding::Yaml => decode::yaml(file, text)?,
        Encoding::Toml => vec![decode::toml(file, text)?],
        Encoding::Text => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            vec![Expr { kind: ExprKind::String(text.into()), span: whole }]
        }
        Encoding::Cue | Encoding::Binary | Encoding::JsonSchema => Vec::new(),
    })
}

/// What a document may be but data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    JsonSchema,
    OpenApi,
}

/// What a value says that it is, where CUE would read it as more than data.
fn schema(value: &Expr) -> Option<Sort> {
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
        return Some(Sort::JsonSchema);
    }
    field("openapi").filter(|version| version.starts_with("3.")).map(|_| Sort::OpenApi)
}
