//! The package `math/bits`: integers of any size as bits, negative ones in two's complement without an end.

use num_bigint::BigInt;
use num_traits::{One, Signed};

use super::super::arguments::{INT, Outcome, big_integer, int, integer};
use super::super::{Builtin, CallError, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package = Package {
    path: "math/bits",
    functions: &[
        Builtin::new("Lsh", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? << shift(args, true)?))),
        Builtin::new("Rsh", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? >> shift(args, false)?))),
        Builtin::new("At", &[INT, INT], INT, bit_at),
        Builtin::new("Set", &[INT, INT, INT], INT, set_bit),
        Builtin::new("And", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? & big_integer(args, 1)?))),
        Builtin::new("Or", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? | big_integer(args, 1)?))),
        Builtin::new("Xor", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? ^ big_integer(args, 1)?))),
        Builtin::new("Clear", &[INT, INT], INT, |args| Ok(int(big_integer(args, 0)? & !big_integer(args, 1)?))),
        Builtin::new("OnesCount", &[INT], INT, |args| Ok(int(ones(big_integer(args, 0)?)))),
        Builtin::new("Len", &[INT], INT, |args| Ok(int(big_integer(args, 0)?.bits()))),
    ],
    constants: &[],
};

/// The longest integer that is made here (bits): about the largest that can be computed elsewhere.
const MAX_INTEGER_BITS: u64 = 330_000;

/// How far to shift; a shift to the left is bounded by what fits into memory.
fn shift(args: &[Data], left: bool) -> Result<u64, CallError> {
    let places = integer(args, 1)?;
    let places = u64::try_from(places).map_err(|_| CallError::new(format!("can't shift by {places} places")))?;
    if left && big_integer(args, 0)?.bits().saturating_add(places) > MAX_INTEGER_BITS {
        return Err(CallError::unsupported(format!("a shift by {places} places")));
    }
    Ok(places)
}

fn place(args: &[Data]) -> Result<u64, CallError> {
    let place = integer(args, 1)?;
    u64::try_from(place).map_err(|_| CallError::new(format!("there is no bit {place}")))
}

fn bit_at(args: &[Data]) -> Outcome {
    match place(args)? {
        place if place > i32::MAX as u64 => Err(CallError::new("bit index too large")),
        place => Ok(int(u8::from(big_integer(args, 0)?.bit(place)))),
    }
}

fn set_bit(args: &[Data]) -> Outcome {
    let place = place(args)?;
    let value = match integer(args, 2)? {
        0 => false,
        1 => true,
        other => return Err(CallError::new(format!("a bit is 0 or 1, not {other}"))),
    };
    if place > MAX_INTEGER_BITS {
        return Err(CallError::unsupported(format!("the bit {place}")));
    }
    let mask = BigInt::one() << place;
    let number = big_integer(args, 0)?;
    Ok(int(if value { number | mask } else { number & !mask }))
}

fn ones(value: &BigInt) -> u64 {
    value.abs().iter_u64_digits().map(|digit| u64::from(digit.count_ones())).sum()
}
