//! The functions of `math` that CUE computes in binary floats (IEEE 754, 64 bits), as far as their results are exact.
//!
//! Sines, gammas and their kin are refused: their last digits depend on the machine that CUE runs on.

use super::super::CallError;
use super::super::arguments::{Outcome, int, integer, number};
use crate::data::Data;
use crate::number::Number;

/// The number as a binary float.
fn float(args: &[Data], at: usize) -> Result<f64, CallError> {
    let value = number(args, at)?.to_f64();
    if value.is_finite() {
        return Ok(value);
    }
    Err(CallError::new(format!("argument {} doesn't fit into a float of 64 bits", at + 1)))
}

fn result(value: f64) -> Outcome {
    let number = Number::from_f64(value);
    number.map(Data::Number).ok_or_else(|| CallError::unsupported(format!("the result is no number, but {value}")))
}

/// Refuses a function whose last digits can't be met.
pub(super) fn refuse(_: &[Data]) -> Outcome {
    Err(CallError::unsupported("this function is not supported: its last digits depend on the machine CUE runs on"))
}

pub(super) fn square_root(args: &[Data]) -> Outcome {
    result(float(args, 0)?.sqrt())
}

pub(super) fn modulo(args: &[Data]) -> Outcome {
    result(float(args, 0)? % float(args, 1)?)
}

/// IEEE 754's remainder: of the nearest quotient, the even one of two.
pub(super) fn remainder(args: &[Data]) -> Outcome {
    let (x, y) = (float(args, 0)?, float(args, 1)?.abs());
    // Twice y first, to see whether the truncated quotient is odd; what is left is exact in all steps.
    let rest = if y <= f64::MAX / 2.0 { x.abs() % (2.0 * y) } else { x.abs() };
    let nearest = if is_over_half(rest, y) { nearest_again(rest - y, y) } else { rest };
    result(if x.is_sign_negative() { -nearest } else { nearest })
}

fn is_over_half(rest: f64, y: f64) -> bool {
    if y < f64::MIN_POSITIVE * 2.0 { rest + rest > y } else { rest > 0.5 * y }
}

fn nearest_again(rest: f64, y: f64) -> f64 {
    let is_half_or_over = if y < f64::MIN_POSITIVE * 2.0 { rest + rest >= y } else { rest >= 0.5 * y };
    if is_half_or_over { rest - y } else { rest }
}

/// `x × 2^exponent`, rounded once.
pub(super) fn load_exponent(args: &[Data]) -> Outcome {
    let mut value = float(args, 0)?;
    let mut exponent = integer(args, 1)?.clamp(-4000, 4000);
    if value == 0.0 {
        return result(value);
    }
    // The value to [1, 2) first, exactly; then up or down, and only the last step may round.
    let own = binary_exponent(value);
    value = scale(value, -own);
    exponent += own;
    if exponent < -1022 {
        // One step down by a power that is a float itself, the rest to the subnormal end at once.
        return result(if exponent < -1080 { 0.0 } else { scale(value, -1022) * 2f64.powi((exponent + 1022) as i32) });
    }
    result(scale(value, exponent))
}

/// Multiplies by a power of two, in steps that are floats.
fn scale(mut value: f64, mut exponent: i64) -> f64 {
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        value *= 2f64.powi(step as i32);
        exponent -= step;
    }
    value
}

/// The power of two of a float other than zero, subnormal ones included.
fn binary_exponent(value: f64) -> i64 {
    let (value, shift) = if value.abs() < f64::MIN_POSITIVE { (value * 2f64.powi(52), 52) } else { (value, 0) };
    ((value.to_bits() >> 52) & 0x7ff) as i64 - 1023 - shift
}

pub(super) fn exponent(args: &[Data]) -> Outcome {
    match float(args, 0)? {
        0.0 => Err(CallError::unsupported("the result is no number, but -Inf")),
        value => result(binary_exponent(value) as f64),
    }
}

pub(super) fn integer_exponent(args: &[Data]) -> Outcome {
    match float(args, 0)? {
        0.0 => Ok(int(i32::MIN)),
        value => Ok(int(binary_exponent(value))),
    }
}
