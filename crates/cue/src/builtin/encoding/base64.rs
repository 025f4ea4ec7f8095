//! The package `encoding/base64`, of which only the standard alphabet is there: the encoding is always null.

use ::base64::Engine;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::arguments::{
    ANY, BYTES, INT, Outcome, TEXT, TEXT_OR_BYTES, any, bytes, bytes_of, int, integer, text,
};
use super::super::{Builtin, CallError, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/base64",
    functions: &[
        Builtin::new("EncodedLen", &[ANY, INT], INT, |args| {
            length(args, |length| length.checked_add(2).and_then(|length| (length / 3).checked_mul(4)))
        }),
        Builtin::new("DecodedLen", &[ANY, INT], INT, |args| length(args, |length| Some(length / 4 * 3))),
        Builtin::new("Encode", &[ANY, TEXT_OR_BYTES], TEXT, encode),
        Builtin::new("Decode", &[ANY, TEXT], BYTES, decode),
    ],
    constants: &[],
};

/// As Go's decoder: padding must be there, bits that don't count may be anything.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

fn standard(args: &[Data]) -> Result<(), CallError> {
    match any(args, 0)? {
        Data::Null => Ok(()),
        other => Err(CallError::new(format!("the encoding must be null, not {}", other.kind_name()))),
    }
}

fn length(args: &[Data], convert: fn(i64) -> Option<i64>) -> Outcome {
    standard(args)?;
    convert(integer(args, 1)?).map(int).ok_or_else(|| CallError::new("the length is out of range"))
}

fn encode(args: &[Data]) -> Outcome {
    standard(args)?;
    Ok(Data::string(ENGINE.encode(bytes(args, 1)?)))
}

fn decode(args: &[Data]) -> Outcome {
    standard(args)?;
    let plain = text(args, 1)?.replace(['\r', '\n'], "");
    let decoded = ENGINE.decode(plain);
    decoded.map(bytes_of).map_err(|error| CallError::new(format!("illegal base64 data: {error}")))
}
