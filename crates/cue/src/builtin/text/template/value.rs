//! Values in templates, as Go shows them.

use super::super::super::CallError;
use super::super::super::strconv::floats;
use crate::data::Data;
use crate::number::Number;

/// A value, or none: a field that isn't there, or null at the end of a pipe.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Some(Data),
}

impl Value {
    /// At the end of a pipe, null is no value.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Some(Data::Null) => Self::None,
            other => other,
        }
    }

    /// As an argument of a function, no value is null.
    pub(super) fn into_data(self) -> Data {
        match self {
            Self::None => Data::Null,
            Self::Some(data) => data,
        }
    }

    /// Neither empty, nor zero, nor nothing.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::None | Self::Some(Data::Null) => false,
            Self::Some(Data::Bool(value)) => *value,
            Self::Some(Data::Number(number)) => !number.is_zero(),
            Self::Some(Data::String(text)) => !text.is_empty(),
            Self::Some(Data::Bytes(bytes)) => !bytes.is_empty(),
            Self::Some(Data::List(elements)) => !elements.is_empty(),
            Self::Some(Data::Struct(fields)) => !fields.is_empty(),
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self::Some(data)
    }
}

/// The name of Go's type for data.
pub(super) fn type_name(data: &Data) -> &'static str {
    match data {
        Data::Null => "<nil>",
        Data::Bool(_) => "bool",
        Data::Number(number) if number.is_int() => "int",
        Data::Number(_) => "float64",
        Data::String(_) => "string",
        Data::Bytes(_) => "[]uint8",
        Data::List(_) => "[]interface {}",
        Data::Struct(_) => "map[string]interface {}",
    }
}

/// The fields of a struct, sorted by their names.
pub(super) fn sorted(fields: &indexmap::IndexMap<std::sync::Arc<str>, Data>) -> Vec<(&std::sync::Arc<str>, &Data)> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// Data as Go's `%v`.
pub(super) fn shown(data: &Data) -> Result<String, CallError> {
    let all = |items: Vec<String>| items.join(" ");
    Ok(match data {
        Data::Null => "<nil>".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => number_text(number)?,
        Data::String(text) => text.to_string(),
        Data::Bytes(bytes) => format!("[{}]", all(bytes.iter().map(u8::to_string).collect())),
        Data::List(elements) => format!("[{}]", all(elements.iter().map(shown).collect::<Result<_, _>>()?)),
        Data::Struct(fields) => {
            let field = |(name, value): (&std::sync::Arc<str>, &Data)| Ok(format!("{name}:{}", shown(value)?));
            format!("map[{}]", all(sorted(fields).into_iter().map(field).collect::<Result<_, CallError>>()?))
        }
    })
}

fn number_text(number: &Number) -> Result<String, CallError> {
    if number.is_int() { Ok(number.to_string()) } else { floats::format(number.to_f64(), b'g', None, false) }
}
