//! The package `math`: rounding, powers and logarithms of decimals, and some functions of binary floats.
//!
//! Decimal results have 34 digits and are integers where they are whole.

mod binary;
pub(super) mod bits;
mod decimals;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::arguments::{BOOL, INT, NUMBER, Outcome, big_integer, int, integer, number, whole_if_possible};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;
use crate::kind::Kind;
use crate::number::{Number, NumberError};
use decimals::Decimals;

/// Digits of a number that the package's decimal arithmetic holds without rounding.
const EXACT_DIGITS: usize = 34;

const ONE: &[Kind] = &[NUMBER];
const TWO: &[Kind] = &[NUMBER, NUMBER];

pub(super) static PACKAGE: Package = Package {
    path: "math",
    functions: &[
        Builtin::new("Jacobi", &[INT, INT], INT, jacobi),
        Builtin::new("Floor", ONE, INT, |args| short(rounded(args, |n, unit| n.div_floor(unit)))),
        Builtin::new("Ceil", ONE, INT, |args| short(rounded(args, |n, unit| n.div_ceil(unit)))),
        Builtin::new("Trunc", ONE, INT, |args| rounded(args, |n, unit| n / unit)),
        Builtin::new("Round", ONE, INT, |args| rounded(args, half_away)),
        Builtin::new("RoundToEven", ONE, INT, |args| rounded(args, half_even)),
        Builtin::new("MultipleOf", TWO, BOOL, multiple_of),
        Builtin::new("Abs", ONE, NUMBER, absolute),
        Builtin::new("Copysign", TWO, NUMBER, copy_sign),
        Builtin::new("Dim", TWO, NUMBER, positive_difference),
        Builtin::new("Signbit", ONE, BOOL, |args| Ok(Data::Bool(number(args, 0)?.is_negative()))),
        Builtin::new("Cbrt", ONE, NUMBER, |args| computed(Decimals::RESULT.cbrt(number(args, 0)?))),
        Builtin::new("Exp", ONE, NUMBER, |args| computed(Decimals::RESULT.exp(number(args, 0)?))),
        Builtin::new("Exp2", ONE, NUMBER, |args| computed(Decimals::RESULT.pow(&Number::int(2), number(args, 0)?))),
        Builtin::new("Log", ONE, NUMBER, |args| computed(Decimals::RESULT.ln(above_zero(args)?))),
        Builtin::new("Log10", ONE, NUMBER, |args| computed(Decimals::RESULT.log10(above_zero(args)?))),
        Builtin::new("Log2", ONE, NUMBER, binary_logarithm),
        Builtin::new("Pow", TWO, NUMBER, power),
        Builtin::new("Pow10", &[INT], NUMBER, power_of_ten),
        Builtin::new("Sqrt", ONE, NUMBER, binary::square_root),
        Builtin::new("Mod", TWO, NUMBER, binary::modulo),
        Builtin::new("Remainder", TWO, NUMBER, binary::remainder),
        Builtin::new("Ldexp", &[NUMBER, INT], NUMBER, binary::load_exponent),
        Builtin::new("Logb", ONE, NUMBER, binary::exponent),
        Builtin::new("Ilogb", ONE, INT, binary::integer_exponent),
        Builtin::new("Acosh", ONE, NUMBER, binary::refuse),
        Builtin::new("Asin", ONE, NUMBER, binary::refuse),
        Builtin::new("Acos", ONE, NUMBER, binary::refuse),
        Builtin::new("Asinh", ONE, NUMBER, binary::refuse),
        Builtin::new("Atan", ONE, NUMBER, binary::refuse),
        Builtin::new("Atan2", TWO, NUMBER, binary::refuse),
        Builtin::new("Atanh", ONE, NUMBER, binary::refuse),
        Builtin::new("Erf", ONE, NUMBER, binary::refuse),
        Builtin::new("Erfc", ONE, NUMBER, binary::refuse),
        Builtin::new("Erfinv", ONE, NUMBER, binary::refuse),
        Builtin::new("Erfcinv", ONE, NUMBER, binary::refuse),
        Builtin::new("Expm1", ONE, NUMBER, binary::refuse),
        Builtin::new("Gamma", ONE, NUMBER, binary::refuse),
        Builtin::new("Hypot", TWO, NUMBER, binary::refuse),
        Builtin::new("J0", ONE, NUMBER, binary::refuse),
        Builtin::new("J1", ONE, NUMBER, binary::refuse),
        Builtin::new("Jn", &[INT, NUMBER], NUMBER, binary::refuse),
        Builtin::new("Y0", ONE, NUMBER, binary::refuse),
        Builtin::new("Y1", ONE, NUMBER, binary::refuse),
        Builtin::new("Yn", &[INT, NUMBER], NUMBER, binary::refuse),
        Builtin::new("Log1p", ONE, NUMBER, binary::refuse),
        Builtin::new("Cos", ONE, NUMBER, binary::refuse),
        Builtin::new("Cosh", ONE, NUMBER, binary::refuse),
        Builtin::new("Sin", ONE, NUMBER, binary::refuse),
        Builtin::new("Sinh", ONE, NUMBER, binary::refuse),
        Builtin::new("Tan", ONE, NUMBER, binary::refuse),
        Builtin::new("Tanh", ONE, NUMBER, binary::refuse),
    ],
    constants: CONSTANTS,
};

/// Source of the values: the package's own, digit for digit (some end a digit early).
const CONSTANTS: &[Constant] = &[
    Constant { name: "MaxExp", cue: "2147483647" },
    Constant { name: "MinExp", cue: "-2147483648" },
    Constant { name: "MaxPrec", cue: "4294967295" },
    Constant { name: "ToNearestEven", cue: "0" },
    Constant { name: "ToNearestAway", cue: "1" },
    Constant { name: "ToZero", cue: "2" },
    Constant { name: "AwayFromZero", cue: "3" },
    Constant { name: "ToNegativeInf", cue: "4" },
    Constant { name: "ToPositiveInf", cue: "5" },
    Constant { name: "Below", cue: "-1" },
    Constant { name: "Exact", cue: "0" },
    Constant { name: "Above", cue: "1" },
    Constant { name: "MaxBase", cue: "62" },
    Constant { name: "E", cue: "2.71828182845904523536028747135266249775724709369995957496696763" },
    Constant { name: "Pi", cue: "3.14159265358979323846264338327950288419716939937510582097494459" },
    Constant { name: "Phi", cue: "1.61803398874989484820458683436563811772030917980576286213544861" },
    Constant { name: "Sqrt2", cue: "1.41421356237309504880168872420969807856967187537694807317667974" },
    Constant { name: "SqrtE", cue: "1.64872127070012814684865078781416357165377610071014801157507931" },
    Constant { name: "SqrtPi", cue: "1.77245385090551602729816748334114518279754945612238712821380779" },
    Constant { name: "SqrtPhi", cue: "1.27201964951406896425242246173749149171560804184009624861664038" },
    Constant { name: "Ln2", cue: "0.693147180559945309417232121458176568075500134360255254120680009" },
    Constant { name: "Log2E", cue: "1.442695040888963407359924681001892137426645954152985934135449408" },
    Constant { name: "Ln10", cue: "2.3025850929940456840179914546843642076011014886287729760333278" },
    Constant { name: "Log10E", cue: "0.43429448190325182765112891891660508229439700580366656611445378" },
];

fn computed(result: Result<Number, NumberError>) -> Outcome {
    Ok(whole_if_possible(&result?))
}

/// The number as `coefficient / unit`, both whole.
fn ratio(number: &Number) -> (BigInt, BigInt) {
    let places = number.exponent();
    let power = BigInt::from(10).pow(places.unsigned_abs());
    if places < 0 { (number.coefficient().clone(), power) } else { (number.coefficient() * power, BigInt::one()) }
}

fn rounded(args: &[Data], round: fn(&BigInt, &BigInt) -> BigInt) -> Outcome {
    let (coefficient, unit) = ratio(number(args, 0)?);
    Ok(int(round(&coefficient, &unit)))
}

/// Floors and ceilings of more digits are not exact in CUE.
fn short(result: Outcome) -> Outcome {
    match &result {
        Ok(Data::Number(number)) if number.coefficient().magnitude().to_string().len() > EXACT_DIGITS => {
            Err(CallError::unsupported(format!("a result of more than {EXACT_DIGITS} digits")))
        }
        _ => result,
    }
}

fn half_away(coefficient: &BigInt, unit: &BigInt) -> BigInt {
    let half_up: BigInt = (coefficient.abs() * 2 + unit) / (unit * 2);
    half_up * coefficient.signum()
}

fn half_even(coefficient: &BigInt, unit: &BigInt) -> BigInt {
    let (below, rest) = coefficient.div_mod_floor(unit);
    let up = match (rest * 2u8).cmp(unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => below.is_odd(),
        std::cmp::Ordering::Greater => true,
    };
    if up { below + 1 } else { below }
}

fn multiple_of(args: &[Data]) -> Outcome {
    let quotient = number(args, 0)?.divide(number(args, 1)?)?;
    Ok(Data::Bool(quotient.to_integer().is_some()))
}

fn absolute(args: &[Data]) -> Outcome {
    computed(Number::int(0).into_float().add(&number(args, 0)?.abs()))
}

fn copy_sign(args: &[Data]) -> Outcome {
    let magnitude = number(args, 0)?.abs();
    let result = if number(args, 1)?.is_negative() { magnitude.neg() } else { magnitude };
    Ok(whole_if_possible(&result))
}

fn positive_difference(args: &[Data]) -> Outcome {
    let difference = number(args, 0)?.clone().into_float().sub(number(args, 1)?)?;
    Ok(if difference.is_negative() { int(0) } else { whole_if_possible(&difference) })
}

fn above_zero(args: &[Data]) -> Result<&Number, CallError> {
    let number = number(args, 0)?;
    if number.is_zero() {
        return Err(CallError::unsupported("the result is no number, but -Infinity"));
    }
    Ok(number)
}

fn binary_logarithm(args: &[Data]) -> Outcome {
    let of_two = Decimals::RESULT.ln(&Number::int(2))?;
    computed(Decimals::RESULT.ln(above_zero(args)?)?.divide(&of_two))
}

fn power(args: &[Data]) -> Outcome {
    let (base, exponent) = (number(args, 0)?, number(args, 1)?);
    if base.is_zero() && exponent.is_negative() {
        return Err(CallError::unsupported("the result is no number, but Infinity"));
    }
    computed(Decimals::RESULT.pow(base, exponent))
}

fn power_of_ten(args: &[Data]) -> Outcome {
    let exponent = integer(args, 0)?;
    let power = i32::try_from(exponent).ok().and_then(|exponent| Number::float(1, exponent));
    let power = power.ok_or_else(|| CallError::unsupported(format!("a power of ten as large as {exponent}")))?;
    Ok(whole_if_possible(&power))
}

/// The Jacobi symbol (x/y), for an odd y; the sign of y counts as in Go's `big.Jacobi`.
fn jacobi(args: &[Data]) -> Outcome {
    let (x, y) = (big_integer(args, 0)?, big_integer(args, 1)?);
    if y.is_even() {
        return Err(CallError::new(format!("the second argument must be odd, not {y}")));
    }
    let (mut a, mut b, mut sign) = (x.clone(), y.abs(), 1);
    if y.is_negative() && x.is_negative() {
        sign = -1;
    }
    loop {
        if b.is_one() {
            return Ok(int(sign));
        }
        a = a.mod_floor(&b);
        if a.is_zero() {
            return Ok(int(0));
        }
        let twos = a.trailing_zeros().unwrap_or(0);
        if twos % 2 == 1 && matches!(low_bits(&b, 8), 3 | 5) {
            sign = -sign;
        }
        let odd = a >> twos;
        if low_bits(&b, 4) == 3 && low_bits(&odd, 4) == 3 {
            sign = -sign;
        }
        a = b;
        b = odd;
    }
}

/// `value mod modulus`, for a small modulus and a value above zero.
fn low_bits(value: &BigInt, modulus: u32) -> u32 {
    (value % modulus).iter_u32_digits().next().unwrap_or(0)
}
