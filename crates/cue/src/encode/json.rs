//! JSON as Go writes it, which is how CUE does.
//!
//! Not here: another order of the fields than the data's.

use std::fmt::Write;

use super::base64;
use crate::data::Data;

/// JSON over several lines, without a newline at the end. `indent` is what each level is moved in by; `escape_html`
/// writes `<`, `>` and `&` as escapes.
#[must_use]
pub fn json(data: &Data, indent: &str, escape_html: bool) -> String {
    let mut writer = Writer { out: String::new(), indent: Some(indent), escape_html, depth: 0 };
    writer.value(data);
    writer.out
}

/// JSON on one line.
#[must_use]
pub fn json_compact(data: &Data, escape_html: bool) -> String {
    let mut writer = Writer { out: String::new(), indent: None, escape_html, depth: 0 };
    writer.value(data);
    writer.out
}

struct Writer<'a> {
    out: String,
    indent: Option<&'a str>,
    escape_html: bool,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, data: &Data) {
        match data {
            Data::Null => self.out.push_str("null"),
            Data::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Data::Number(number) => {
                let _ = write!(self.out, "{number}");
            }
            Data::String(text) => self.string(text),
            Data::Bytes(bytes) => self.string(&base64(bytes)),
            Data::List(values) => self.all('[', values, ']', |writer, value| writer.value(value)),
            Data::Struct(fields) => self.all('{', fields.iter(), '}', |writer, (name, value)| {
                writer.string(name);
                writer.out.push_str(if writer.indent.is_some() { ": " } else { ":" });
                writer.value(value);
            }),
        }
    }

    fn all<T>(&mut self, open: char, entries: impl IntoIterator<Item = T>, close: char, write: impl Fn(&mut Self, T)) {
        self.out.push(open);
        self.depth += 1;
        let mut empty = true;
        for entry in entries {
            if !empty {
                self.out.push(',');
            }
            empty = false;
            self.line();
            write(self, entry);
        }
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push(close);
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            (0..self.depth).for_each(|_| self.out.push_str(indent));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        text.chars().for_each(|c| self.char(c));
        self.out.push('"');
    }

    fn char(&mut self, c: char) {
        match c {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '<' | '>' | '&' if self.escape_html => self.escape(c),
            '\u{2028}' | '\u{2029}' => self.escape(c),
            c if c < ' ' => self.escape(c),
            c => self.out.push(c),
        }
    }

    fn escape(&mut self, c: char) {
        let _ = write!(self.out, "\\u{:04x}", u32::from(c));
    }
}
