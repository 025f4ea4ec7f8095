//! Arguments of functions as Rust's types, and Rust's values as results.
//!
//! The evaluator has checked the kinds already; what is asked for here beyond them (the range of an integer, the kinds
//! of a list's elements) is an error of the call.

use num_bigint::BigInt;

use super::CallError;
use crate::data::Data;
use crate::kind::Kind;
use crate::number::{Number, NumberError};

pub(super) const BOOL: Kind = Kind::BOOL;
pub(super) const INT: Kind = Kind::INT;
pub(super) const NUMBER: Kind = Kind::NUMBER;
pub(super) const TEXT: Kind = Kind::STRING;
pub(super) const BYTES: Kind = Kind::BYTES;
pub(super) const TEXT_OR_BYTES: Kind = Kind::STRING.or(Kind::BYTES);
pub(super) const LIST: Kind = Kind::LIST;
pub(super) const STRUCT: Kind = Kind::STRUCT;
pub(super) const ANY: Kind = Kind::TOP;

/// The longest text that a function builds (bytes). It is there for the memory: a short configuration must not ask for
/// any amount of it.
pub(super) const MAX_RESULT_LENGTH: usize = 1 << 26;

/// The longest list that a function builds (elements).
pub(super) const MAX_LIST_LENGTH: usize = 2_000_000;

pub(super) type Outcome = Result<Data, CallError>;

fn wrong(at: usize, wanted: &str, data: Option<&Data>) -> CallError {
    let found = data.map_or("nothing", Data::kind_name);
    CallError::new(format!("argument {} must be {wanted}, not {found}", at + 1))
}

pub(super) fn any(args: &[Data], at: usize) -> Result<&Data, CallError> {
    args.get(at).ok_or_else(|| wrong(at, "there", None))
}

pub(super) fn boolean(args: &[Data], at: usize) -> Result<bool, CallError> {
    match args.get(at) {
        Some(Data::Bool(value)) => Ok(*value),
        other => Err(wrong(at, "a bool", other)),
    }
}

pub(super) fn text(args: &[Data], at: usize) -> Result<&str, CallError> {
    match args.get(at) {
        Some(Data::String(text)) => Ok(text),
        other => Err(wrong(at, "a string", other)),
    }
}

/// Bytes, or the bytes of a string.
pub(super) fn bytes(args: &[Data], at: usize) -> Result<&[u8], CallError> {
    match args.get(at) {
        Some(Data::Bytes(bytes)) => Ok(bytes),
        Some(Data::String(text)) => Ok(text.as_bytes()),
        other => Err(wrong(at, "bytes or a string", other)),
    }
}

pub(super) fn number(args: &[Data], at: usize) -> Result<&Number, CallError> {
    match args.get(at) {
        Some(Data::Number(number)) => Ok(number),
        other => Err(wrong(at, "a number", other)),
    }
}

/// An integer of any size.
pub(super) fn big_integer(args: &[Data], at: usize) -> Result<&BigInt, CallError> {
    match args.get(at) {
        Some(Data::Number(number)) if number.is_int() => Ok(number.coefficient()),
        other => Err(wrong(at, "an int", other)),
    }
}

/// An integer of 64 bits.
pub(super) fn integer(args: &[Data], at: usize) -> Result<i64, CallError> {
    let value = big_integer(args, at)?;
    i64::try_from(value).map_err(|_| CallError::new(format!("argument {}: {value} doesn't fit into 64 bits", at + 1)))
}

/// A count or an index; nothing if it is negative.
pub(super) fn size(args: &[Data], at: usize) -> Result<Option<usize>, CallError> {
    Ok(usize::try_from(integer(args, at)?).ok())
}

pub(super) fn list(args: &[Data], at: usize) -> Result<&[Data], CallError> {
    match args.get(at) {
        Some(Data::List(elements)) => Ok(elements),
        other => Err(wrong(at, "a list", other)),
    }
}

/// A list of strings.
pub(super) fn texts(args: &[Data], at: usize) -> Result<Vec<&str>, CallError> {
    each(args, at, "a string", |element| match element {
        Data::String(text) => Some(&**text),
        _ => None,
    })
}

/// A list of numbers.
pub(super) fn numbers(args: &[Data], at: usize) -> Result<Vec<&Number>, CallError> {
    each(args, at, "a number", |element| match element {
        Data::Number(number) => Some(number),
        _ => None,
    })
}

fn each<'a, T: ?Sized>(
    args: &'a [Data],
    at: usize,
    wanted: &str,
    read: fn(&'a Data) -> Option<&'a T>,
) -> Result<Vec<&'a T>, CallError> {
    let read = |(index, element)| read(element).ok_or_else(|| wrong_element(at, index, wanted, element));
    list(args, at)?.iter().enumerate().map(read).collect()
}

fn wrong_element(at: usize, index: usize, wanted: &str, data: &Data) -> CallError {
    let found = data.kind_name();
    CallError::new(format!("element {index} of the list in argument {} must be {wanted}, not {found}", at + 1))
}

pub(super) fn int(value: impl Into<BigInt>) -> Data {
    Data::Number(Number::int(value))
}

/// A few texts as a list.
pub(super) fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Data {
    Data::List(texts.into_iter().map(Data::string).collect())
}

/// As many elements as there are, as a list.
pub(super) fn listed(elements: impl IntoIterator<Item = Data>) -> Outcome {
    let elements: Vec<Data> = elements.into_iter().take(MAX_LIST_LENGTH + 1).collect();
    if elements.len() > MAX_LIST_LENGTH { Err(too_long()) } else { Ok(Data::List(elements)) }
}

pub(super) fn too_long() -> CallError {
    CallError::unsupported(format!("lists of more than {MAX_LIST_LENGTH} elements: make it shorter"))
}

/// A text that is put together piece by piece, no longer than a result may be.
#[derive(Default)]
pub(super) struct Built(String);

impl Built {
    pub(super) fn push(&mut self, piece: &str) -> Result<(), CallError> {
        if self.0.len() + piece.len() > MAX_RESULT_LENGTH {
            return Err(CallError::too_large("texts", MAX_RESULT_LENGTH));
        }
        self.0.push_str(piece);
        Ok(())
    }

    pub(super) fn finished(self) -> Outcome {
        Ok(Data::string(self.0))
    }
}

pub(super) fn bytes_of(bytes: impl AsRef<[u8]>) -> Data {
    Data::Bytes(bytes.as_ref().into())
}

/// A computed number: whole ones are integers, whatever they were computed from.
pub(super) fn whole_if_possible(number: &Number) -> Data {
    Data::Number(number.to_integer().map_or_else(|| number.clone(), Number::int))
}

impl From<NumberError> for CallError {
    fn from(error: NumberError) -> Self {
        Self::new(error.to_string())
    }
}
