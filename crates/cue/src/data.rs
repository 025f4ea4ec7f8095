//! Concrete values: what an evaluation exports, what standard packages take and give, what other formats hold.
//!
//! Not here: constraints, references, anything that is still open.

mod serde;

use std::sync::Arc;

use indexmap::IndexMap;

pub use self::serde::Mismatch;
use crate::number::Number;

/// A concrete value. Structs keep the order of their fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer or a decimal, of any size.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Vec<Data>),
    /// A struct of regular fields.
    Struct(Box<IndexMap<Arc<str>, Data>>),
}

impl Data {
    /// Text as data.
    #[must_use]
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// What is left of so many bytes when it takes its own: those of its texts and numbers, and one for each value. None
    /// if they aren't enough. What is in it twice counts twice, as it does where it is written.
    pub(crate) fn left_of(&self, bytes: usize) -> Option<usize> {
        let bytes = bytes.checked_sub(1)?;
        match self {
            Self::Null | Self::Bool(_) => Some(bytes),
            Self::Number(number) => bytes.checked_sub(usize::try_from(number.coefficient().bits() / 8).ok()?),
            Self::String(text) => bytes.checked_sub(text.len()),
            Self::Bytes(text) => bytes.checked_sub(text.len()),
            Self::List(elements) => elements.iter().try_fold(bytes, |bytes, element| element.left_of(bytes)),
            Self::Struct(fields) => {
                fields.iter().try_fold(bytes, |bytes, (name, value)| value.left_of(bytes.checked_sub(name.len())?))
            }
        }
    }

    /// The kind's name as CUE says it.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(number) if number.is_int() => "int",
            Self::Number(_) => "float",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Struct(_) => "struct",
        }
    }
}
