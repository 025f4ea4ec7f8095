//! Values and shapes in words, and as TOML. Not here: what is wrong with them (`walk`).

use serde_json::Value;

use crate::{
    field::is_bare,
    shape::{Bounds, Member, Shape},
    suggest::either,
};

const SHOWN_CHARS_MAX: usize = 60;

/// What a value is: "a text (`\"two\"`)".
pub(crate) fn what_is(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(_) => format!("`{value}`"),
        Value::Number(number) if number.is_f64() => format!("a number with a fraction ({number})"),
        Value::Number(number) => format!("a whole number ({number})"),
        Value::String(_) => format!("a text ({})", short(value)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a table".into(),
    }
}

/// What a value must be to fit a shape.
pub(crate) fn what_may_be(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".into(),
        Shape::Text => "a text".into(),
        Shape::Flag => "`true` or `false`".into(),
        Shape::Whole(bounds) => format!("a whole number{}", span(bounds)),
        Shape::Number(bounds) => format!("a number{}", span(bounds)),
        Shape::Words(words) => either(words.iter().map(String::as_str)),
        Shape::Parsed(parsed) => parsed.what.into(),
        Shape::List(_) => "a list".into(),
        Shape::Map(_) | Shape::Table(_) => "a table".into(),
        Shape::Either(branches) => {
            let mut wants: Vec<String> = branches.iter().map(what_may_be).collect();
            wants.dedup();
            wants.join(", or ")
        }
    }
}

fn span(bounds: &Bounds) -> String {
    match (&bounds.min, &bounds.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        _ => String::new(),
    }
}

/// Whether a value is of a shape's type, right or wrong.
pub(crate) fn same_type(shape: &Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Any, _)
            | (Shape::Text | Shape::Words(_), Value::String(_))
            | (Shape::Flag, Value::Bool(_))
            | (Shape::Whole(_) | Shape::Number(_), Value::Number(_))
            | (Shape::Parsed(_), Value::String(_) | Value::Array(_))
            | (Shape::List(_), Value::Array(_))
            | (Shape::Map(_) | Shape::Table(_), Value::Object(_))
    )
}

/// How a key is written, for a sentence: "`instances = 1`".
pub(crate) fn example(key: &str, shape: &Shape, default: Option<&Value>) -> String {
    let of = |value: &str| format!("`{} = {value}`", toml_key(key));
    match (shape, default) {
        (_, Some(default @ (Value::Number(_) | Value::Bool(_) | Value::String(_)))) => of(&toml_value(default)),
        (Shape::Words(words), _) => {
            let each: Vec<String> = words.iter().map(|word| of(&toml_value(&Value::from(word.as_str())))).collect();
            each.join(" or ")
        }
        _ => of(&example_value(shape)),
    }
}

fn example_value(shape: &Shape) -> String {
    match shape {
        Shape::Any | Shape::Text => "\"…\"".into(),
        Shape::Flag => "true".into(),
        Shape::Whole(bounds) | Shape::Number(bounds) => bounds.min.as_ref().map_or("1".into(), ToString::to_string),
        Shape::Words(words) => toml_value(&Value::from(words.first().map_or("…", String::as_str))),
        Shape::Parsed(parsed) => parsed.example.into(),
        Shape::List(item) => format!("[{}]", example_value(item)),
        Shape::Map(item) => format!("{{ NAME = {} }}", example_value(item)),
        Shape::Table(table) => {
            let required: Vec<&Member> = table.members.iter().filter(|member| member.required).collect();
            let shown = if required.is_empty() { table.members.iter().take(1).collect() } else { required };
            let pair = |member: &&Member| format!("{} = {}", member.name, example_value(&member.shape));
            format!("{{ {} }}", shown.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Shape::Either(branches) => branches.first().map_or("\"…\"".into(), example_value),
    }
}

/// `key = value` as TOML.
pub(crate) fn assignment(key: &str, value: &Value) -> String {
    format!("{} = {}", toml_key(key), toml_value(value))
}

fn toml_key(key: &str) -> String {
    // A list item has no key of its own: `checks[0]` stays as it is.
    if is_bare(key) || key.ends_with(']') { key.into() } else { Value::from(key).to_string() }
}

/// A value as TOML writes it in one line.
pub(crate) fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| assignment(key, value);
            format!("{{ {} }}", map.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}
