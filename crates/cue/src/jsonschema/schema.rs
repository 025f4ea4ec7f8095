//! One schema: which types it allows, what it says of each of them, and what it says of all.
//!
//! Not here: what it says of objects, arrays, numbers and strings.

use std::collections::BTreeSet;

use super::read::{Schema, string};
use super::text::Text;
use super::{Draft, MAX_SCHEMA_LEVELS, Writer, truth, unsupported, wrong};
use crate::data::Data;
use crate::decode::expr_to_data;
use crate::error::{Code, Error};
use crate::format;
use crate::syntax::ast::Expr;

/// A type of JSON, as JSON Schema tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

const ALL: &[Type] = &[Type::Null, Type::Boolean, Type::Number, Type::String, Type::Array, Type::Object];

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    fn holds(self, data: &Data) -> bool {
        match data {
            Data::Null => self == Self::Null,
            Data::Bool(_) => self == Self::Boolean,
            Data::Number(number) => self == Self::Number || self == Self::Integer && number.to_integer().is_some(),
            Data::String(_) | Data::Bytes(_) => self == Self::String,
            Data::List(_) => self == Self::Array,
            Data::Struct(_) => self == Self::Object,
        }
    }
}

/// Keywords that change what a schema means and that have no counterpart here.
const UNSUPPORTED: &[&str] = &["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"];

impl Writer<'_> {
    /// A schema as an expression.
    pub(super) fn schema(&mut self, expr: &Expr) -> Result<Text, Error> {
        if let Some(value) = truth(expr) {
            return Ok(Text::whole(if value { "_" } else { "_|_" }));
        }
        self.depth += 1;
        if self.depth > MAX_SCHEMA_LEVELS {
            let message = format!("the schema is nested deeper than {MAX_SCHEMA_LEVELS} levels");
            return Err(Error::new(Code::Limit, message, Some(expr.span)));
        }
        let text = self.object_schema(expr);
        self.depth -= 1;
        text
    }

    fn object_schema(&mut self, expr: &Expr) -> Result<Text, Error> {
        let schema = Schema::new(expr)?;
        for (keyword, span, _) in schema.fields() {
            if UNSUPPORTED.contains(keyword) {
                return Err(unsupported(format_args!("the keyword `{keyword}`"), *span));
            }
        }
        if self.depth > 1
            && let Some(id) = schema.get(if self.draft == Draft::Four { "id" } else { "$id" })
            && !string("$id", id)?.starts_with('#')
        {
            return Err(unsupported("an `$id` below the root", id.span));
        }
        if let Some(reference) = schema.get("$ref") {
            let text = self.reference(reference)?;
            // Up to draft-07 a reference stands alone, whatever is written beside it.
            if self.draft <= Draft::Seven {
                return Ok(text);
            }
            let rest = self.constraints(&schema)?;
            return Ok(Text::and(vec![text, rest]));
        }
        self.constraints(&schema)
    }

    fn constraints(&mut self, schema: &Schema<'_>) -> Result<Text, Error> {
        let types = types(schema)?;
        let mut all = self.of_values(schema, &types)?;
        let listed = schema.get("enum").is_some() || schema.get("const").is_some();
        let core = self.of_types(schema, &types, listed)?;
        all.insert(0, core);
        all.extend(self.combinators(schema)?);
        let text = Text::and(all);
        match schema.get("default").and_then(expr_to_data) {
            Some(default) if !matches!(default, Data::Struct(_) | Data::List(_)) => Ok(with_default(text, &default)),
            _ => Ok(text),
        }
    }

    /// `enum` and `const`, as far as the types allow them.
    fn of_values(&mut self, schema: &Schema<'_>, types: &BTreeSet<Type>) -> Result<Vec<Text>, Error> {
        let mut texts = Vec::new();
        let mut lists: Vec<Vec<&Expr>> = schema.list("enum")?.into_iter().collect();
        lists.extend(schema.get("const").map(|value| vec![value]));
        for values in lists {
            let data: Vec<_> = values.iter().filter_map(|value| expr_to_data(value)).collect();
            let fitting = data.iter().filter(|data| types.iter().any(|of_type| of_type.holds(data)));
            texts.push(Text::or(fitting.map(|data| Text::whole(closed_literal(data))).collect()));
        }
        Ok(texts)
    }

    /// What the schema says of each type; `listed` says that its values are listed elsewhere, so that types alone need
    /// not be told.
    fn of_types(&mut self, schema: &Schema<'_>, types: &BTreeSet<Type>, listed: bool) -> Result<Text, Error> {
        let (mut parts, mut says_more) = (Vec::new(), false);
        for of_type in types {
            let (bare, text) = match of_type {
                Type::Null => ("null", None),
                Type::Boolean => ("bool", None),
                Type::Integer => ("int", self.numbers(schema, "int")?),
                Type::Number => ("number", self.numbers(schema, "number")?),
                Type::String => ("string", self.strings(schema)?),
                Type::Array => ("[...]", self.arrays(schema)?),
                Type::Object => ("{...}", self.objects(schema)?),
            };
            says_more |= text.is_some();
            parts.push(text.unwrap_or_else(|| Text::whole(bare)));
        }
        let all_types = types.len() == ALL.len() && !types.contains(&Type::Integer);
        if !says_more && (all_types || listed) {
            return Ok(Text::whole("_"));
        }
        Ok(Text::or(parts))
    }

    fn combinators(&mut self, schema: &Schema<'_>) -> Result<Vec<Text>, Error> {
        let mut texts = Vec::new();
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let Some(schemas) = schema.list(keyword)? else { continue };
            let count = match keyword {
                "allOf" => schemas.len().to_string(),
                "anyOf" => ">=1".to_owned(),
                _ => "1".to_owned(),
            };
            let schemas = schemas.into_iter().map(|schema| self.schema(schema)).collect::<Result<Vec<_>, _>>()?;
            texts.push(match schemas.as_slice() {
                [only] => only.clone(),
                _ => matches(&count, &schemas),
            });
        }
        if let Some(not) = schema.get("not") {
            texts.push(matches("0", &[self.schema(not)?]));
        }
        if let Some(condition) = schema.get("if") {
            let condition = self.schema(condition)?;
            let mut branch = |keyword| schema.get(keyword).map_or(Ok(Text::whole("_")), |schema| self.schema(schema));
            let (then, otherwise) = (branch("then")?, branch("else")?);
            let call = format!("matchIf({}, {}, {})", condition.text, then.text, otherwise.text);
            texts.push(Text::whole(call));
        }
        Ok(texts)
    }
}

/// The same with a default. A schema needs not allow its own default: what it doesn't allow stays out.
fn with_default(text: Text, default: &Data) -> Text {
    let written = literal(default);
    let allowed = match (text.text.as_str(), default.kind_name()) {
        ("number", kind) => matches!(kind, "int" | "float"),
        (bare, kind) => bare == kind || bare == "_",
    };
    if allowed || text.text.split(" | ").any(|alternative| alternative == written) {
        return text.with_default(&written);
    }
    Text::and(vec![text, Text::whole("_").with_default(&written)])
}

fn matches(count: &str, schemas: &[Text]) -> Text {
    let schemas: Vec<_> = schemas.iter().map(|schema| schema.text.as_str()).collect();
    Text::whole(format!("matchN({count}, [{}])", schemas.join(", ")))
}

/// The types that a schema allows; `integer` is left out where `number` is.
fn types(schema: &Schema<'_>) -> Result<BTreeSet<Type>, Error> {
    let Some(value) = schema.get("type") else { return Ok(ALL.iter().copied().collect()) };
    let names = match super::read::elements(value) {
        Some(names) => names,
        None => vec![value],
    };
    let of_name = |name: &Expr| {
        let takes = "null, boolean, integer, number, string, array, object, or an array of them";
        Type::named(string("type", name)?).ok_or_else(|| wrong("type", takes, name.span))
    };
    let mut types: BTreeSet<Type> = names.into_iter().map(of_name).collect::<Result<_, _>>()?;
    if types.contains(&Type::Number) {
        types.remove(&Type::Integer);
    }
    Ok(types)
}

/// A value as CUE.
pub(super) fn literal(data: &Data) -> String {
    let span = crate::source::Span::new(crate::source::FileId(u32::MAX), 0, 0);
    format::format_expr_on_one_line(&crate::decode::data_to_expr(data, span))
}

/// A value as CUE that only this value fits: structs in it are closed.
fn closed_literal(data: &Data) -> String {
    match data {
        Data::Struct(fields) => {
            let field = |(name, value): (&std::sync::Arc<str>, &Data)| {
                format!("{}!: {}", format::quote_string(name), closed_literal(value))
            };
            format!("close({{{}}})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        Data::List(values) => format!("[{}]", values.iter().map(closed_literal).collect::<Vec<_>>().join(", ")),
        other => literal(other),
    }
}
