//! The package `uuid` (RFC 4122): reading, and making from names.

use hmac::digest::Digest;
use num_bigint::BigUint;

use super::arguments::{BOOL, INT, Outcome, TEXT, TEXT_OR_BYTES, big_integer, bytes, int, text};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;

pub(super) static PACKAGE: Package = Package {
    path: "uuid",
    functions: &[
        Builtin::new("Valid", &[TEXT], BOOL, valid),
        Builtin::new("Parse", &[TEXT], TEXT, |args| Ok(Data::string(shown(parse(text(args, 0)?)?)))),
        Builtin::new("ToString", &[TEXT], TEXT, |args| Ok(Data::string(text(args, 0)?))),
        Builtin::new("URN", &[TEXT], TEXT, |args| {
            Ok(Data::string(format!("urn:uuid:{}", shown(parse(text(args, 0)?)?))))
        }),
        Builtin::new("FromInt", &[INT], TEXT, from_integer),
        // Of the text, not of the number that it stands for: so it is in CUE.
        Builtin::new("ToInt", &[TEXT], INT, |args| Ok(int(BigUint::from_bytes_be(text(args, 0)?.as_bytes())))),
        Builtin::new("Variant", &[TEXT], INT, |args| Ok(int(variant(parse(text(args, 0)?)?)))),
        Builtin::new("Version", &[TEXT], INT, |args| Ok(int(parse(text(args, 0)?)?[6] >> 4))),
        Builtin::new("SHA1", &[TEXT, TEXT_OR_BYTES], TEXT, |args| named::<sha1::Sha1>(args, 5)),
        Builtin::new("MD5", &[TEXT, TEXT_OR_BYTES], TEXT, |args| named::<md5::Md5>(args, 3)),
    ],
    constants: &[
        Constant {
            name: "ns",
            cue: r#"{
    DNS: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    URL: "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
    OID: "6ba7b812-9dad-11d1-80b4-00c04fd430c8"
    X500: "6ba7b814-9dad-11d1-80b4-00c04fd430c8"
    Nil: "00000000-0000-0000-0000-000000000000"
}"#,
        },
        Constant { name: "variants", cue: "{Invalid: 0, RFC4122: 1, Reserved: 2, Microsoft: 3, Future: 4}" },
    ],
};

/// Where the hyphens are.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn invalid(text: &str) -> CallError {
    CallError::new(format!("invalid UUID {text:?}"))
}

/// Whether it is one with small letters and hyphens.
fn valid(args: &[Data]) -> Outcome {
    let text = text(args, 0)?;
    let right = text.len() == 36 && parse(text).is_ok() && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if right { Ok(Data::Bool(true)) } else { Err(invalid(text)) }
}

/// The bytes of one: with hyphens, as a URN, in braces, or of digits alone.
fn parse(text: &str) -> Result<[u8; 16], CallError> {
    let bytes = text.as_bytes();
    let inner = match bytes.len() {
        45 if bytes[..9].eq_ignore_ascii_case(b"urn:uuid:") => &bytes[9..],
        38 => &bytes[1..37],
        32 | 36 => bytes,
        _ => return Err(invalid(text)),
    };
    let hyphenated = inner.len() == 36;
    if hyphenated && HYPHENS.iter().any(|at| inner[*at] != b'-') {
        return Err(invalid(text));
    }
    let is_digit = |at: usize| !hyphenated || !HYPHENS.contains(&at);
    let digits =
        inner.iter().enumerate().filter(|(at, _)| is_digit(*at)).map(|(_, byte)| char::from(*byte).to_digit(16));
    let digits: Vec<u32> = digits.collect::<Option<_>>().ok_or_else(|| invalid(text))?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + *digit as u8)).collect();
    <[u8; 16]>::try_from(bytes).map_err(|_| invalid(text))
}

fn shown(bytes: [u8; 16]) -> String {
    let digits = super::encoding::hex::encode(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn from_integer(args: &[Data]) -> Outcome {
    let bytes = big_integer(args, 0)?.magnitude().to_bytes_be();
    let padding =
        16usize.checked_sub(bytes.len()).ok_or_else(|| CallError::new("the integer has more than 128 bits"))?;
    let padded = [vec![0; padding], bytes].concat();
    let bytes = <[u8; 16]>::try_from(padded).map_err(|_| CallError::new("the integer has more than 128 bits"))?;
    Ok(Data::string(shown(bytes)))
}

fn variant(bytes: [u8; 16]) -> u8 {
    match bytes[8] {
        byte if byte & 0xc0 == 0x80 => 1,
        byte if byte & 0xe0 == 0xc0 => 3,
        byte if byte & 0xe0 == 0xe0 => 4,
        _ => 2,
    }
}

/// The UUID of a name in a space: the first bytes of their hash.
fn named<H: Digest>(args: &[Data], version: u8) -> Outcome {
    let hash = H::new().chain_update(parse(text(args, 0)?)?).chain_update(bytes(args, 1)?).finalize();
    let mut made = [0u8; 16];
    made.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
    made[6] = made[6] & 0x0f | version << 4;
    made[8] = made[8] & 0x3f | 0x80;
    Ok(Data::string(shown(made)))
}
