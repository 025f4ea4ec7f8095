//! What a schema says of objects.
//!
//! Not here: `unevaluatedProperties`.

use std::collections::BTreeSet;

use super::read::{Schema, comment, elements, string};
use super::scalar::checked_pattern;
use super::text::Text;
use super::{Writer, truth, unsupported, wrong};
use crate::error::Error;
use crate::format::{quote_label, quote_string};
use crate::pattern;
use crate::source::Span;
use crate::syntax::ast::Expr;

/// The names that what is written here refers to: a field of such a name is quoted, so that it doesn't take its place.
const RESERVED: &[&str] = &[
    "bool", "close", "int", "list", "matchIf", "matchN", "math", "net", "null", "number", "regexp", "string",
    "strings", "struct", "time",
];

/// Whether an object may have fields that no property and no pattern names.
enum Rest<'a> {
    Any,
    None,
    Of(&'a Expr),
}

impl Writer<'_> {
    /// The constraints on objects, if there are any.
    pub(super) fn objects(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let mut parts: Vec<Text> = self.fields(schema)?.into_iter().collect();
        for (keyword, function) in [("minProperties", "MinFields"), ("maxProperties", "MaxFields")] {
            if let Some(count) = schema.count(keyword)? {
                self.imports.insert("struct");
                parts.push(Text::whole(format!("struct.{function}({count})")));
            }
        }
        parts.extend(self.names(schema)?);
        parts.extend(self.dependencies(schema)?);
        if parts.is_empty() {
            return Ok(None);
        }
        if !parts.iter().any(|part| part.text.starts_with(['{', 'c'])) {
            parts.insert(0, Text::whole("{...}"));
        }
        Ok(Some(Text::and(parts)))
    }

    /// The struct of properties, patterns and what else there may be.
    fn fields(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let properties = schema.fields_of("properties")?;
        let patterns = schema.fields_of("patternProperties")?;
        let required: BTreeSet<&str> = schema.strings("required")?.into_iter().collect();
        let rest = match schema.get("additionalProperties") {
            None => Rest::Any,
            Some(value) => match truth(value) {
                Some(true) => Rest::Any,
                Some(false) => Rest::None,
                None => Rest::Of(value),
            },
        };
        if properties.is_empty() && patterns.is_empty() && required.is_empty() && matches!(rest, Rest::Any) {
            return Ok(None);
        }
        let mut decls = self.properties(&properties, &required)?;
        let is_named = |name: &str| {
            let matches = |(pattern, _, _): &(&str, Span, &Expr)| {
                pattern::compile(pattern).is_ok_and(|pattern| pattern.is_match(name))
            };
            properties.iter().any(|(known, _, _)| *known == name) || patterns.iter().any(matches)
        };
        for name in required.iter().filter(|name| !properties.iter().any(|(known, _, _)| known == *name)) {
            let forbidden = matches!(rest, Rest::None) && !is_named(name);
            decls.push_str(&format!("{}!: {}\n", quote_string(name), if forbidden { "_|_" } else { "_" }));
        }
        for (pattern, span, schema) in &patterns {
            let pattern = quote_string(checked_pattern(pattern, *span)?);
            decls.push_str(&format!("[=~{pattern}]: {}\n", self.schema(schema)?.text));
        }
        self.closed(decls, &rest, &properties, &patterns)
    }

    /// The struct, open, closed, or with a schema for what else there is.
    fn closed(
        &mut self,
        mut decls: String,
        rest: &Rest<'_>,
        properties: &[(&str, Span, &Expr)],
        patterns: &[(&str, Span, &Expr)],
    ) -> Result<Option<Text>, Error> {
        match rest {
            Rest::Any => decls.push_str("...\n"),
            Rest::None => return Ok(Some(Text::whole(format!("close({})", Text::structure(&decls).text)))),
            Rest::Of(schema) => {
                let names: Vec<_> = properties.iter().map(|(name, _, _)| pattern::quote_meta(name)).collect();
                let mut others: Vec<String> = patterns.iter().map(|(pattern, _, _)| (*pattern).to_owned()).collect();
                if !names.is_empty() {
                    others.insert(0, format!("^({})$", names.join("|")));
                }
                let others: Vec<_> = others.iter().map(|other| format!("!~{}", quote_string(other))).collect();
                let label = if others.is_empty() { "string".to_owned() } else { others.join(" & ") };
                decls.push_str(&format!("[{label}]: {}\n", self.schema(schema)?.text));
            }
        }
        Ok(Some(Text::structure(&decls)))
    }

    fn properties(&mut self, properties: &[(&str, Span, &Expr)], required: &BTreeSet<&str>) -> Result<String, Error> {
        let mut decls = String::new();
        for (name, _, schema) in properties {
            let mark = if required.contains(name) { "!" } else { "?" };
            let (comment, value) = (comment(schema), self.schema(schema)?.text);
            let before = if comment.is_empty() || decls.is_empty() { "" } else { "\n" };
            let label = if RESERVED.contains(name) { quote_string(name) } else { quote_label(name) };
            decls.push_str(&format!("{before}{comment}{label}{mark}: {value}\n"));
        }
        Ok(decls)
    }

    /// `propertyNames`: other names have no value that fits.
    fn names(&mut self, schema: &Schema<'_>) -> Result<Option<Text>, Error> {
        let Some(names) = schema.get("propertyNames") else { return Ok(None) };
        if truth(names) == Some(true) {
            return Ok(None);
        }
        let keywords = Schema::new(names)?;
        let only_pattern = keywords
            .fields()
            .all(|(keyword, _, _)| matches!(*keyword, "pattern" | "type") || super::read::is_annotation(keyword));
        match keywords.get("pattern") {
            Some(value) if only_pattern => {
                let pattern = quote_string(checked_pattern(string("pattern", value)?, value.span)?);
                Ok(Some(Text::structure(&format!("[!~{pattern}]: _|_\n...\n"))))
            }
            _ => Err(unsupported("`propertyNames` with anything but a `pattern`", names.span)),
        }
    }

    /// `dependentRequired`, `dependentSchemas`, and `dependencies`, which is both.
    fn dependencies(&mut self, schema: &Schema<'_>) -> Result<Vec<Text>, Error> {
        let mut texts = Vec::new();
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            for (name, span, value) in schema.fields_of(keyword)? {
                let consequence = match elements(value) {
                    Some(names) if keyword != "dependentSchemas" => {
                        let names =
                            names.into_iter().map(|name| string(keyword, name)).collect::<Result<Vec<_>, _>>()?;
                        let fields: String = names.iter().map(|name| format!("{}!: _, ", quote_string(name))).collect();
                        format!("{{{fields}...}}")
                    }
                    None if keyword != "dependentRequired" => self.schema(value)?.text,
                    _ => return Err(wrong(keyword, "arrays of names, or schemas", span)),
                };
                texts.push(Text::whole(format!("matchIf({{{}!: _, ...}}, {consequence}, _)", quote_string(name))));
            }
        }
        Ok(texts)
    }
}
