//! The package `encoding/hex`.

use std::fmt::Write;

use super::super::arguments::{BYTES, INT, Outcome, TEXT, TEXT_OR_BYTES, bytes, bytes_of, int, integer, text};
use super::super::{Builtin, CallError, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/hex",
    functions: &[
        Builtin::new("EncodedLen", &[INT], INT, encoded_length),
        Builtin::new("DecodedLen", &[INT], INT, |args| Ok(int(integer(args, 0)? / 2))),
        Builtin::new("Decode", &[TEXT], BYTES, decode),
        Builtin::new("Dump", &[TEXT_OR_BYTES], TEXT, |args| Ok(Data::string(dump(bytes(args, 0)?)))),
        Builtin::new("Encode", &[TEXT_OR_BYTES], TEXT, |args| Ok(Data::string(encode(bytes(args, 0)?)))),
    ],
    constants: &[],
};

fn encoded_length(args: &[Data]) -> Outcome {
    let length = integer(args, 0)?.checked_mul(2);
    length.map(int).ok_or_else(|| CallError::new("the length is out of range"))
}

/// Bytes as small hexadecimal digits.
pub(in super::super) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing into a string doesn't fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn decode(args: &[Data]) -> Outcome {
    let digits = text(args, 0)?.as_bytes();
    let value = |digit: u8| {
        let value = char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        value.ok_or_else(|| CallError::new(format!("{:?} is no hexadecimal digit", char::from(digit))))
    };
    let decoded = digits.chunks(2).map(|pair| match pair {
        [high, low] => Ok(value(*high)? << 4 | value(*low)?),
        single => {
            single.iter().try_for_each(|digit| value(*digit).map(|_| ()))?;
            Err(CallError::new("the number of hexadecimal digits is odd"))
        }
    });
    Ok(bytes_of(decoded.collect::<Result<Vec<u8>, CallError>>()?))
}

/// As `hexdump -C` shows bytes: sixteen on a line, in two groups, with their characters.
fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{:08x} ", line * 16);
        for column in 0..16 {
            out.push_str(if column == 8 { "  " } else { " " });
            match chunk.get(column) {
                Some(byte) => {
                    let _ = write!(out, "{byte:02x}");
                }
                None => out.push_str("  "),
            }
        }
        let shown = |byte: &u8| if (32..=126).contains(byte) { char::from(*byte) } else { '.' };
        let _ = writeln!(out, "  |{}|", chunk.iter().map(shown).collect::<String>());
    }
    out
}
