//! YAML as Go's `yaml.v3` writes it with an indentation of two, which is how CUE does: strings stay plain where they
//! read back as themselves, by YAML 1.1 too; strings over several lines are block scalars.
//!
//! Source of the rules: `yaml.v3`'s `emitterc.go` and CUE's `internal/encoding/yaml`.
//!
//! Not here: comments, anchors.

mod scalar;

use crate::data::Data;
use scalar::{Layout, Where};

/// YAML of one document, with a newline at the end.
#[must_use]
pub fn yaml(data: &Data) -> String {
    let mut writer = Writer { out: String::new() };
    writer.root(data);
    writer.out
}

/// YAML of several documents with `---` between them.
#[must_use]
pub fn yaml_stream(documents: &[Data]) -> String {
    documents.iter().map(yaml).collect::<Vec<_>>().join("---\n")
}

/// How far a level is moved in, in spaces.
const INDENT: usize = 2;

/// The longest key that stands before its value on one line, in bytes.
const MAX_SIMPLE_KEY_BYTES: usize = 128;

struct Writer {
    out: String,
}

impl Writer {
    fn root(&mut self, data: &Data) {
        match data {
            Data::Struct(fields) if !fields.is_empty() => self.fields(fields, 0),
            Data::List(values) if !values.is_empty() => self.elements(values, 0),
            other => {
                self.scalar(other, INDENT);
                self.out.push('\n');
            }
        }
    }

    /// The fields of a struct, the first where the line stands, the others moved in by `indent`.
    fn fields(&mut self, fields: &indexmap::IndexMap<std::sync::Arc<str>, Data>, indent: usize) {
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.spaces(indent);
            }
            let key = scalar::string(name, Where::Key);
            if key.text.len() > MAX_SIMPLE_KEY_BYTES {
                self.out.push_str("? ");
                self.out.push_str(&key.text);
                self.out.push('\n');
                self.spaces(indent);
            } else {
                self.out.push_str(&key.text);
            }
            self.out.push(':');
            self.field_value(value, indent);
        }
    }

    fn field_value(&mut self, value: &Data, indent: usize) {
        match value {
            Data::Struct(fields) if !fields.is_empty() => {
                self.out.push('\n');
                self.spaces(indent + INDENT);
                self.fields(fields, indent + INDENT);
            }
            Data::List(values) if !values.is_empty() => {
                self.out.push('\n');
                self.spaces(indent + INDENT);
                self.elements(values, indent + INDENT);
            }
            other => {
                self.out.push(' ');
                self.scalar(other, indent + INDENT);
                self.out.push('\n');
            }
        }
    }

    fn elements(&mut self, values: &[Data], indent: usize) {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.spaces(indent);
            }
            self.out.push_str("- ");
            match value {
                Data::Struct(fields) if !fields.is_empty() => self.fields(fields, indent + INDENT),
                Data::List(values) if !values.is_empty() => self.elements(values, indent + INDENT),
                other => {
                    self.scalar(other, indent + INDENT);
                    self.out.push('\n');
                }
            }
        }
    }

    /// What stands on one line, or a block scalar whose lines are moved in by `indent`.
    fn scalar(&mut self, data: &Data, indent: usize) {
        match data {
            Data::Null => self.out.push_str("null"),
            Data::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Data::Number(number) => self.out.push_str(&number.literal()),
            Data::String(text) => self.layout(&scalar::string(text, Where::Value), indent),
            Data::Bytes(bytes) => {
                self.out.push_str(format!("!!binary {}", super::base64(bytes)).trim_end());
            }
            Data::List(_) => self.out.push_str("[]"),
            Data::Struct(_) => self.out.push_str("{}"),
        }
    }

    fn layout(&mut self, scalar: &scalar::Written, indent: usize) {
        if scalar.layout == Layout::Line {
            self.out.push_str(&scalar.text);
            return;
        }
        let mut lines = scalar.text.split('\n');
        self.out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            self.out.push('\n');
            if !line.is_empty() {
                self.spaces(indent);
                self.out.push_str(line);
            }
        }
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
}
