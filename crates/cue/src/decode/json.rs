//! JSON (RFC 8259) as CUE, strictly: what only CUE would read is an error here.
//!
//! Not here: JSON with comments or trailing commas.

use std::sync::Arc;

use super::{
    MAX_NESTING_LEVELS, MAX_VALUES, at, field, list, number, span, string, structure, syntax_error, too_deep, too_many,
};
use crate::error::Error;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Expr, ExprKind};

/// The value of a JSON text.
///
/// # Errors
/// The text is not one JSON value, is nested too deep, or writes half of a surrogate pair.
pub fn json(file: FileId, text: &str) -> Result<Expr, Error> {
    let mut reader = Reader::new(file, text);
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("after the value there is more"));
    }
    Ok(value)
}

/// The values of a text of JSON values one after another, such as JSON Lines.
///
/// # Errors
/// As [`json`].
pub fn json_lines(file: FileId, text: &str) -> Result<Vec<Expr>, Error> {
    let mut reader = Reader::new(file, text);
    let mut values = Vec::new();
    reader.skip_space();
    while reader.at < text.len() {
        values.push(reader.value()?);
        reader.skip_space();
    }
    Ok(values)
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    depth: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn new(file: FileId, text: &'a str) -> Self {
        // Go's decoder, and with it CUE's, knows no byte order mark; editors on some systems write one all the same.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { file, text, at, depth: 0, values: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn span_from(&self, start: usize) -> Span {
        span(self.file, start..self.at)
    }

    fn error(&self, message: impl std::fmt::Display) -> Error {
        let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        syntax_error("JSON", message, span(self.file, self.at..self.at + length))
    }

    fn value(&mut self) -> Result<Expr, Error> {
        self.skip_space();
        let start = self.at;
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(too_many("JSON", self.span_from(start)));
        }
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(|text| string(text, self.span_from(start))),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", ExprKind::Null),
            Some(b't') => self.word("true", ExprKind::Bool(true)),
            Some(b'f') => self.word("false", ExprKind::Bool(false)),
            Some(_) => Err(self.error("a value should stand here")),
            None => Err(self.error("it ends where a value should stand")),
        }
    }

    fn word(&mut self, word: &str, kind: ExprKind) -> Result<Expr, Error> {
        let start = self.at;
        if !self.text[start..].starts_with(word) {
            return Err(self.error("a value should stand here"));
        }
        self.at += word.len();
        Ok(at(kind, self.span_from(start)))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Expr, Error>) -> Result<Expr, Error> {
        self.depth += 1;
        if self.depth > MAX_NESTING_LEVELS {
            return Err(too_deep("JSON", span(self.file, self.at..self.at + 1)));
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// Steps over `close`, or over the comma before the next entry; says whether it was the end.
    fn ends(&mut self, close: u8, first: bool) -> Result<bool, Error> {
        self.skip_space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(false),
            _ => Err(self.error(format_args!("`,` or `{}` should stand here", char::from(close)))),
        }
    }

    fn array(&mut self) -> Result<Expr, Error> {
        let start = self.at;
        self.at += 1;
        let mut values = Vec::new();
        while !self.ends(b']', values.is_empty())? {
            values.push(self.value()?);
        }
        Ok(list(values, self.span_from(start)))
    }

    fn object(&mut self) -> Result<Expr, Error> {
        let start = self.at;
        self.at += 1;
        let mut fields = Vec::new();
        while !self.ends(b'}', fields.is_empty())? {
            self.skip_space();
            let key_start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in double quotes should stand here"));
            }
            let key = self.string()?;
            let key_span = self.span_from(key_start);
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("`:` should stand here"));
            }
            self.at += 1;
            fields.push(field(key, key_span, self.value()?));
        }
        Ok(structure(fields, self.span_from(start)))
    }

    fn number(&mut self) -> Result<Expr, Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        self.digits()?;
        if self.text.as_bytes()[whole] == b'0' && self.at > whole + 1 {
            self.at = whole;
            return Err(self.error("a number doesn't start with a zero"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let place = self.span_from(start);
        number(&self.text[start..self.at], place).ok_or_else(|| syntax_error("JSON", "the number is too large", place))
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.error("a digit should stand here")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Arc<str>, Error> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.at;
            while self.peek().is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            text.push_str(&self.text[plain..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.error("a control character in a string is written as an escape")),
                None => return Err(syntax_error("JSON", "the string is not closed", self.span_from(start))),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let escape = self.peek().unwrap_or_default();
        self.at += usize::from(escape.is_ascii_graphic());
        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.error("JSON has no such escape"));
            }
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, Error> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                self.at = start;
                return Err(self.error("half of a surrogate pair is no character"));
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.error("half of a surrogate pair is no character")
        })
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error("four hexadecimal digits should stand here"))?;
        self.at += 4;
        Ok(code)
    }
}
