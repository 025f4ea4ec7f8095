//! What a schema says of numbers and strings.
//!
//! Not here: listed values.

use super::read::{Schema, string};
use super::schema::literal;
use super::text::Text;
use super::{Draft, Writer, unsupported, wrong};
use crate::data::Data;
use crate::error::Error;
use crate::format::quote_string;
use crate::number::Number;
use crate::pattern;
use crate::source::Span;

impl Writer<'_> {
    /// The constraints on numbers of a kind, if there are any.
    pub(super) fn numbers(&mut self, schema: &Schema<'_>, kind: &str) -> Result<Option<Text>, Error> {
        let mut parts = Vec::new();
        for (keyword, exclusive, open, closed) in
            [("minimum", "exclusiveMinimum", ">", ">="), ("maximum", "exclusiveMaximum", "<", "<=")]
        {
            let bound = schema.number(keyword)?;
            let mut add = |operator: &str, bound: Number| {
                parts.push(Text::whole(format!("{operator}{}", literal(&Data::Number(bound)))));
            };
            if self.draft == Draft::Four {
                let operator = if schema.flag(exclusive)? { open } else { closed };
                bound.into_iter().for_each(|bound| add(operator, bound));
                continue;
            }
            bound.into_iter().for_each(|bound| add(closed, bound));
            schema.number(exclusive)?.into_iter().for_each(|bound| add(open, bound));
        }
        if let Some(factor) = schema.number("multipleOf")? {
            if factor.is_zero() || factor.is_negative() {
                return Err(wrong("multipleOf", "a number greater than zero", schema.span));
            }
            self.imports.insert("math");
            parts.push(Text::whole(format!("math.MultipleOf({})", literal(&Data::Number(factor)))));
        }
        if parts.is_empty() {
            return Ok(None);
        }
        parts.insert(0, Text::whole(kind));
        Ok(Some(Text::and(parts)))
    }

    /// The constraints on strings, if there are any.
    pub(super) fn strings(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let mut parts = Vec::new();
        for (keyword, function) in [("minLength", "MinRunes"), ("maxLength", "MaxRunes")] {
            if let Some(count) = schema.count(keyword)? {
                self.imports.insert("strings");
                parts.push(Text::whole(format!("strings.{function}({count})")));
            }
        }
        if let Some(value) = schema.get("pattern") {
            let pattern = checked_pattern(string("pattern", value)?, value.span)?;
            parts.push(Text::whole(format!("=~{}", quote_string(pattern))));
        }
        if let Some(format) = schema.get("format") {
            parts.extend(self.string_format(string("format", format)?));
        }
        if parts.is_empty() {
            return Ok(None);
        }
        parts.insert(0, Text::whole("string"));
        Ok(Some(Text::and(parts)))
    }

    /// The validator of a format, if CUE has one.
    fn string_format(&mut self, name: &str) -> Option<Text> {
        let (package, validator) = match name {
            "date-time" => ("time", "time.Time"),
            "date" => ("time", "time.Format(\"2006-01-02\")"),
            "ipv4" => ("net", "net.IPv4"),
            "ipv6" => ("net", "net.IPv6"),
            "uri" => ("net", "net.AbsURL"),
            "regex" => ("regexp", "regexp.Valid"),
            _ => return None,
        };
        self.imports.insert(package);
        Some(Text::whole(validator))
    }
}

/// A pattern that means the same in CUE: most of what ECMAScript has and RE2 doesn't (looking around, referring back)
/// is no pattern there.
pub(super) fn checked_pattern(text: &str, span: Span) -> Result<&str, Error> {
    match pattern::compile(text) {
        Ok(_) => Ok(text),
        Err(reason) => Err(unsupported(format_args!("the pattern `{text}` ({reason})"), span)),
    }
}
