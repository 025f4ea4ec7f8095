//! Names that mean something everywhere.
//!
//! Not here: names of packages.

use num_bigint::BigInt;

use super::ir::Native;
use crate::kind::Kind;

/// What a predeclared name means.
pub(super) enum Predeclared {
    /// A kind.
    Kind(Kind),
    /// Integers from, to.
    Range(BigInt, BigInt),
    /// Integers from 0.
    Unsigned,
    /// Floats up to a magnitude, as CUE text.
    Float(&'static str),
    /// A function.
    Native(Native),
}

/// What a name means if nothing in sight has it.
pub(super) fn predeclared(name: &str) -> Option<Predeclared> {
    let name = name.strip_prefix("__").unwrap_or(name);
    let kind = |kind| Some(Predeclared::Kind(kind));
    let native = |native| Some(Predeclared::Native(native));
    match name {
        "bool" => kind(Kind::BOOL),
        "int" => kind(Kind::INT),
        "float" => kind(Kind::FLOAT),
        "number" => kind(Kind::NUMBER),
        "string" => kind(Kind::STRING),
        "bytes" => kind(Kind::BYTES),
        "uint" => Some(Predeclared::Unsigned),
        "rune" => Some(Predeclared::Range(BigInt::from(0), BigInt::from(0x10_FFFF))),
        "float32" => Some(Predeclared::Float("3.40282346638528859811704183484516925440e+38")),
        "float64" => Some(Predeclared::Float("1.797693134862315708145274237317043567981e+308")),
        "len" => native(Native::Len),
        "close" => native(Native::Close),
        "and" => native(Native::And),
        "or" => native(Native::Or),
        "div" => native(Native::Div),
        "mod" => native(Native::Mod),
        "quo" => native(Native::Quo),
        "rem" => native(Native::Rem),
        "error" => native(Native::Error),
        "matchN" => native(Native::MatchN),
        "matchIf" => native(Native::MatchIf),
        _ => sized(name),
    }
}

/// Whether a name means something everywhere.
pub(crate) fn is_predeclared(name: &str) -> bool {
    predeclared(name).is_some()
}

/// `int8` … `int128`, `uint8` … `uint128`.
fn sized(name: &str) -> Option<Predeclared> {
    let (signed, bits) = match name.strip_prefix("uint") {
        Some(bits) => (false, bits),
        None => (true, name.strip_prefix("int")?),
    };
    let bits: u32 = ["8", "16", "32", "64", "128"].contains(&bits).then(|| bits.parse().ok())??;
    let one = BigInt::from(1);
    Some(if signed {
        let half = one << (bits - 1);
        Predeclared::Range(-half.clone(), half - 1)
    } else {
        Predeclared::Range(BigInt::from(0), (one << bits) - 1)
    })
}
