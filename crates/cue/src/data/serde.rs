//! Data as types that serde reads, and types that serde writes as data.
//!
//! Not here: what has a place in a file; an error here names the field, whoever evaluated knows the place.

use std::fmt;
use std::sync::Arc;

use ::serde::de::value::{MapDeserializer, SeqDeserializer};
use ::serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use ::serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Data;
use crate::number::Number;

/// Why data doesn't fit a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was wrong, in a sentence.
    pub message: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string() }
    }
}

impl Data {
    /// The data as a type.
    ///
    /// # Errors
    /// It doesn't fit; a number that the type can't hold exactly doesn't either, unless the type is a float.
    pub fn to_type<T: DeserializeOwned>(&self) -> Result<T, Mismatch> {
        T::deserialize(self)
    }
}

impl<'de> IntoDeserializer<'de, Mismatch> for &'de Data {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Data {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Number(number) => visit_number(number, visitor),
            Data::String(text) => visitor.visit_borrowed_str(text),
            Data::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Data::List(values) => visitor.visit_seq(SeqDeserializer::new(values.iter())),
            Data::Struct(fields) => {
                visitor.visit_map(MapDeserializer::new(fields.iter().map(|(name, value)| (&**name, value))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self {
            Data::String(text) => visitor.visit_enum((&**text).into_deserializer()),
            Data::Struct(fields) if fields.len() == 1 => {
                let fields = fields.iter().map(|(name, value)| (&**name, value));
                visitor.visit_enum(de::value::MapAccessDeserializer::new(MapDeserializer::new(fields)))
            }
            other => {
                let known = variants.join(", ");
                let message =
                    format!("{name} is a string or a struct of one field ({known}), not {}", other.kind_name());
                Err(Mismatch { message })
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self {
            Data::Number(number) => visitor.visit_f64(finite(number)?),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    ::serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A whole number as an integer, whatever its kind in CUE: `1.0` fits an `u8`.
fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Mismatch> {
    match number.to_integer() {
        Some(integer) => match (u64::try_from(&integer), i64::try_from(&integer), i128::try_from(&integer)) {
            (Ok(small), _, _) => visitor.visit_u64(small),
            (_, Ok(small), _) => visitor.visit_i64(small),
            (_, _, Ok(large)) => visitor.visit_i128(large),
            _ => Err(Mismatch { message: format!("the integer {integer} is larger than 128 bits") }),
        },
        None => visitor.visit_f64(finite(number)?),
    }
}

fn finite(number: &Number) -> Result<f64, Mismatch> {
    let float = number.to_f64();
    let too_large = || Mismatch { message: format!("the number {number} is beyond a 64-bit float") };
    if float.is_finite() { Ok(float) } else { Err(too_large()) }
}

impl Serialize for Data {
    /// Numbers are written as integers of up to 128 bits or as 64-bit floats; larger ones are errors.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => serialize_number(number, serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Struct(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                let mut entry = |(name, value): (&Arc<str>, &Self)| map.serialize_entry(&**name, value);
                fields.iter().try_for_each(&mut entry)?;
                map.end()
            }
        }
    }
}

fn serialize_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    let too_large = || ::serde::ser::Error::custom(format!("the number {number} is too large"));
    if number.is_int() {
        let integer = number.to_integer().ok_or_else(too_large)?;
        return match (u64::try_from(&integer), i64::try_from(&integer), i128::try_from(&integer)) {
            (Ok(small), _, _) => serializer.serialize_u64(small),
            (_, Ok(small), _) => serializer.serialize_i64(small),
            (_, _, Ok(large)) => serializer.serialize_i128(large),
            _ => Err(too_large()),
        };
    }
    match number.to_f64() {
        float if float.is_finite() => serializer.serialize_f64(float),
        _ => Err(too_large()),
    }
}
