//! TOML.
//!
//! Not here: dates and times, which are strings in CUE.

use ::toml::{Table, Value};

use super::{base64, refused};
use crate::data::Data;
use crate::error::Error;

/// TOML of a struct, its fields in their order as far as TOML lets them: plain values stand before tables.
///
/// # Errors
/// The data is no struct, or holds what TOML can't: null, an integer beyond 64 bits, a number no binary float holds.
pub fn toml(data: &Data) -> Result<String, Error> {
    let Data::Struct(_) = data else {
        return Err(refused("TOML", format_args!("it takes a struct, not {}", data.kind_name())));
    };
    let value = value(data, "")?;
    ::toml::to_string(&value).map_err(|error| refused("TOML", error))
}

fn value(data: &Data, path: &str) -> Result<Value, Error> {
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    match data {
        Data::Null => Err(refused("TOML", format_args!("TOML has no null{place}"))),
        Data::Bool(value) => Ok(Value::Boolean(*value)),
        Data::String(text) => Ok(Value::String(text.to_string())),
        Data::Bytes(bytes) => Ok(Value::String(base64(bytes))),
        Data::Number(number) if number.is_int() => match number.to_i64() {
            Some(integer) => Ok(Value::Integer(integer)),
            None => Err(refused("TOML", format_args!("the integer {number}{place} is beyond 64 bits"))),
        },
        Data::Number(number) => match number.to_f64() {
            float if float.is_finite() => Ok(Value::Float(float)),
            _ => Err(refused("TOML", format_args!("the number {number}{place} is beyond a 64-bit float"))),
        },
        Data::List(values) => {
            let entry = |(at, data): (usize, &Data)| value(data, &format!("{path}[{at}]"));
            values.iter().enumerate().map(entry).collect::<Result<_, _>>().map(Value::Array)
        }
        Data::Struct(fields) => {
            let dot = if path.is_empty() { "" } else { "." };
            let entry = |(name, data): (&std::sync::Arc<str>, &Data)| {
                Ok((name.to_string(), value(data, &format!("{path}{dot}{name}"))?))
            };
            fields.iter().map(entry).collect::<Result<Table, _>>().map(Value::Table)
        }
    }
}
