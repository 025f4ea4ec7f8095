//! JSON Schema (draft-04 to 2020-12) as CUE: a value fits the text that comes out exactly if it fits the schema.
//!
//! Source: the JSON Schema specifications; which constraints of CUE stand for which keywords is mostly as in CUE's
//! `encoding/jsonschema`. Formats are asserted where CUE has a validator for them (`date-time`, `date`, `ipv4`, `ipv6`,
//! `uri`, `regex`), as CUE does; the others are annotations, as the specifications have it. Unknown keywords mean
//! nothing, as the specifications say.
//!
//! Not here: references to other documents, `unevaluatedProperties` and `unevaluatedItems`, dynamic references, `$id`
//! below the root: they are refused by name. Nor is the way back, from CUE to JSON Schema.

mod array;
mod object;
mod read;
mod reference;
mod scalar;
mod schema;
mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::error::{Code, Error};
use crate::format;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parse_file;
use read::Schema;

/// How deep schemas may stand in each other, in levels.
pub const MAX_SCHEMA_LEVELS: usize = 100;

/// The version of JSON Schema that a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    Four,
    Six,
    Seven,
    Y2019,
    Y2020,
}

impl Draft {
    /// The draft of a `$schema`.
    fn of(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
        Some(match rest.trim_end_matches('#') {
            "json-schema.org/draft-04/schema" => Self::Four,
            "json-schema.org/draft-06/schema" => Self::Six,
            "json-schema.org/draft-07/schema" => Self::Seven,
            "json-schema.org/draft/2019-09/schema" => Self::Y2019,
            "json-schema.org/draft/2020-12/schema" => Self::Y2020,
            _ => return None,
        })
    }
}

/// The text of a CUE file for a schema, as [`crate::decode`] read it. `package` becomes its package clause. Definitions
/// of the schema become definitions (`#name`); the schema itself is the file's value.
///
/// # Errors
/// The document is no schema, or uses what can't be said in CUE exactly.
pub fn to_cue(schema: &Expr, package: Option<&str>) -> Result<String, Error> {
    if let Some(value) = truth(schema) {
        let package = package.map(|name| format!("package {name}\n\n")).unwrap_or_default();
        return Ok(format!("{package}{}\n", if value { "_" } else { "_|_" }));
    }
    let root = Schema::new(schema)?;
    let draft = match root.get("$schema") {
        None => Draft::Y2020,
        Some(uri) => read::string("$schema", uri).and_then(|text| {
            let message = format!("the version `{text}` of JSON Schema is not known");
            Draft::of(text).ok_or_else(|| Error::new(Code::Unsupported, message, Some(uri.span)))
        })?,
    };
    let mut writer = Writer {
        root: schema,
        draft,
        imports: BTreeSet::new(),
        names: BTreeMap::new(),
        waiting: VecDeque::new(),
        depth: 0,
    };
    writer.file(&root, package)
}

/// Writes a document.
struct Writer<'a> {
    root: &'a Expr,
    draft: Draft,
    imports: BTreeSet<&'static str>,
    /// The names of the schemas that have one, by their JSON pointers.
    names: BTreeMap<String, String>,
    /// The named schemas that are still to be written.
    waiting: VecDeque<String>,
    depth: usize,
}

impl Writer<'_> {
    fn file(&mut self, root: &Schema<'_>, package: Option<&str>) -> Result<String, Error> {
        for keyword in ["definitions", "$defs"] {
            for (name, _, _) in root.fields_of(keyword)? {
                self.name_of(&format!("/{keyword}/{}", reference::escape(name)));
            }
        }
        let mut body = self.root_decls(root)?;
        while let Some(pointer) = self.waiting.pop_front() {
            let target = reference::find(self.root, &pointer, self.root.span)?;
            let name = self.names.get(&pointer).cloned().unwrap_or_default();
            let comment = read::comment(target);
            let text = self.schema(target)?.text;
            body.push_str(&format!("\n{comment}{name}: {text}\n"));
        }
        let package = package.map(|name| format!("package {name}\n\n")).unwrap_or_default();
        let comment = match read::comment(self.root) {
            none if none.is_empty() => none,
            comment => format!("{comment}\n"),
        };
        self.laid_out(&format!("{comment}{package}{}\n{body}", self.import_clause()))
    }

    fn import_clause(&self) -> String {
        let paths: Vec<_> = self.imports.iter().map(|path| format!("\"{path}\"")).collect();
        match paths.as_slice() {
            [] => String::new(),
            [only] => format!("import {only}\n"),
            several => format!("import (\n{}\n)\n", several.join("\n")),
        }
    }

    /// The root's own constraints, as declarations of the file.
    fn root_decls(&mut self, root: &Schema<'_>) -> Result<String, Error> {
        let only_definitions = root.fields().all(|(name, _, _)| read::is_annotation(name));
        if only_definitions {
            return Ok(String::new());
        }
        let text = self.schema(self.root)?;
        // A reference to the whole document needs a name for it.
        if let Some(name) = self.names.get("") {
            self.waiting.retain(|pointer| !pointer.is_empty());
            return Ok(format!("{name}\n\n{name}: {}\n", text.text));
        }
        Ok(match text.inner() {
            Some(decls) => format!("{decls}\n"),
            None => format!("{}\n", text.text),
        })
    }

    /// The canonical layout of what was written.
    fn laid_out(&self, text: &str) -> Result<String, Error> {
        match parse_file(FileId(u32::MAX), text) {
            (file, errors) if errors.is_empty() => Ok(format::format_file(&file, text)),
            (_, errors) => {
                let reason = errors.first().map(|error| error.message.clone()).unwrap_or_default();
                let message = format!("the schema can't be written as CUE: {reason}");
                Err(Error::new(Code::Unsupported, message, Some(self.root.span)))
            }
        }
    }
}

/// The error of a keyword that is not supported.
fn unsupported(what: impl std::fmt::Display, span: Span) -> Error {
    Error::new(Code::Unsupported, format!("{what} of JSON Schema is not supported"), Some(span))
}

/// The error of a keyword whose value is wrong.
fn wrong(keyword: &str, takes: &str, span: Span) -> Error {
    Error::new(Code::Syntax, format!("`{keyword}` of JSON Schema takes {takes}"), Some(span))
}

/// `true` and `false`, which are schemas too.
fn truth(expr: &Expr) -> Option<bool> {
    match expr.kind {
        ExprKind::Bool(value) => Some(value),
        _ => None,
    }
}
