//! From text to a tree that remembers its lines: of TOML, or of CUE where the file's name ends so.
//!
//! Not here: whether the tree makes sense (`check`, `rules`).

mod cue;
mod gather;
mod gathered;
mod written;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};
use shipway_core::{
    config::origin::Origin,
    finding::{Category, Finding},
};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

pub use self::gather::gather;
use crate::field::Field;

/// The longest spec that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
const SYNTAX_FINDINGS_MAX: usize = 20;
const VALIDATOR: &str = "spec-syntax";

/// The names that a spec file may have, the usual one first. A folder holds one of them.
pub const FILES: [&str; 2] = ["shipway.toml", "shipway.cue"];

/// A spec file that is TOML, or the value of one that is CUE; whether it is a spec is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The name of the file, as it is to be shown.
    pub file: String,
    /// What the file says, in its order.
    pub tree: Value,
    /// The place of every key and list item, by its dotted path: `services.web.checks[0].http`.
    pub lines: BTreeMap<String, Written>,
    /// Environments that are not in the file: who made them.
    pub made: BTreeMap<String, Origin>,
}

impl Source {
    /// Where a key is written, by its dotted path; the start of the file for one that has no place.
    pub fn place(&self, field: &str) -> Written {
        let start = || Written { file: self.file.as_str().into(), line: 1 };
        self.lines.get(field).cloned().unwrap_or_else(start)
    }
}

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file, as it is to be shown: a spec in CUE may consist of several.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// Whether a spec file of that name is written in CUE.
pub fn is_cue(file_name: &str) -> bool {
    file_name.ends_with(".cue")
}

/// Reads the text of a spec file; of one in CUE, the text that [`gather`] gives.
///
/// # Errors
/// Everything in it that is not TOML, or wrong as CUE, each with line and column.
pub fn parse(file_name: &str, text: &str) -> Result<Source, Vec<Finding>> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the file is larger than {TEXT_BYTES_MAX} bytes");
        let finding = Finding::critical(VALIDATOR, Category::Configuration, message)
            .file_line(file_name, 1)
            .recommendation("keep only the spec in it");
        return Err(vec![finding]);
    }
    if is_cue(file_name) {
        return cue::parse(file_name, text);
    }
    let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let (lines, findings) = (BTreeMap::new(), Vec::new());
    let mut reader = Reader { file: file_name, shown: file_name.into(), text, line_starts, lines, findings };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(SYNTAX_FINDINGS_MAX) {
        reader.syntax(error.span().map_or(0, |span| span.start), error.message());
    }
    if !reader.findings.is_empty() {
        return Err(reader.findings);
    }
    let tree = reader.table(&Field::default(), table.get_ref());
    if !reader.findings.is_empty() {
        return Err(reader.findings);
    }
    Ok(Source { file: file_name.to_owned(), tree, lines: reader.lines, made: BTreeMap::new() })
}

/// TOML has no null: `{ unset = true }` says that a value of a weaker layer is taken away.
fn or_unset(field: &Field, map: Map<String, Value>) -> Value {
    let takes_away = map.len() == 1 && map.get("unset") == Some(&Value::Bool(true)) && field.parent().is_some();
    if takes_away { Value::Null } else { Value::Object(map) }
}

struct Reader<'a> {
    file: &'a str,
    shown: Arc<str>,
    text: &'a str,
    /// The byte at which each line begins.
    line_starts: Vec<usize>,
    lines: BTreeMap<String, Written>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn table(&mut self, field: &Field, table: &DeTable<'_>) -> Value {
        let mut map = Map::new();
        for (key, value) in table {
            let at = field.key(key.get_ref());
            self.note(&at, key.span().start);
            map.insert(key.get_ref().to_string(), self.value(&at, value));
        }
        or_unset(field, map)
    }

    fn note(&mut self, at: &Field, byte: usize) {
        let (line, _) = self.position(byte);
        self.lines.insert(at.to_string(), Written { file: self.shown.clone(), line });
    }

    fn value(&mut self, field: &Field, value: &Spanned<DeValue<'_>>) -> Value {
        let from = value.span().start;
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(at) => Value::String(at.to_string()),
            DeValue::Integer(number) => self.number(from, integer(number), number.as_str()),
            DeValue::Float(number) => self.number(from, float(number.as_str()), number.as_str()),
            DeValue::Table(table) => self.table(field, table),
            DeValue::Array(items) => {
                let item = |(at, item): (usize, &Spanned<DeValue<'_>>)| {
                    let at = field.index(at);
                    self.note(&at, item.span().start);
                    self.value(&at, item)
                };
                Value::Array(items.iter().enumerate().map(item).collect())
            }
        }
    }

    fn number(&mut self, from: usize, number: Option<Value>, text: &str) -> Value {
        number.unwrap_or_else(|| {
            self.syntax(from, &format!("the number {text} is out of range"));
            Value::Null
        })
    }

    fn syntax(&mut self, from: usize, message: &str) {
        let (line, column) = self.position(from);
        let shown = self.text.lines().nth(line as usize - 1).unwrap_or("").trim_end();
        let message = format!("{}:{line}:{column}: this is not TOML: {message}", self.file);
        let finding = Finding::critical(VALIDATOR, Category::Configuration, message)
            .file_line(self.file, line)
            .details(format!("{shown}\n{}^", " ".repeat(column as usize - 1)))
            .recommendation("write `key = \"text\"`, `key = 5`, `key = [\"a\", \"b\"]`, or a table: `[services.web]`");
        self.findings.push(finding);
    }

    /// Line and column, both from 1, of a byte.
    fn position(&self, byte: usize) -> (u32, u32) {
        let mut end = byte.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= end);
        let from = line.checked_sub(1).map_or(0, |before| self.line_starts[before]);
        let column = self.text[from..end].chars().count() + 1;
        // TEXT_BYTES_MAX is far below 2^32.
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

fn integer(number: &DeInteger<'_>) -> Option<Value> {
    let signed = i64::from_str_radix(number.as_str(), number.radix()).map(Value::from);
    signed.or_else(|_| u64::from_str_radix(number.as_str(), number.radix()).map(Value::from)).ok()
}

fn float(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}
