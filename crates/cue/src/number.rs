//! Numbers of any size: integers and decimals as CUE computes them.
//!
//! Source of the arithmetic: General Decimal Arithmetic (<https://speleotrove.com/decimal/>) with 34 digits, halves
//! rounded away from zero, for decimals; exact integers, as the language specification asks for. A value's exponent in
//! scientific notation stays within ±[`MAX_EXPONENT`], so that `1e999999999` can't fill the memory.
//!
//! Not here: the standard package `math` (that is `builtin::math`). A zero has no sign, and there are no infinities.

mod arithmetic;
pub(crate) mod digits;
mod parse;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::{BigInt, Sign};
use num_traits::{ToPrimitive, Zero};

pub use arithmetic::NumberError;
use digits::{count_digits, power_of_ten, without_trailing_zeros};

/// The largest exponent of a value in scientific notation, and, negated, the smallest (powers of ten).
pub const MAX_EXPONENT: i32 = 100_000;

/// `coefficient × 10^exponent`, and whether it is an integer or a float in CUE's sense (`1.0` is a float).
///
/// Trailing zeros are kept: `1.50` prints as `1.50`. An integer's exponent is always 0. Equality, order and hash go by
/// the value: `1 == 1.0`.
#[derive(Clone, Debug)]
pub struct Number {
    coefficient: BigInt,
    exponent: i32,
    int: bool,
}

impl Number {
    /// An integer.
    #[must_use]
    pub fn int(value: impl Into<BigInt>) -> Self {
        Self { coefficient: value.into(), exponent: 0, int: true }
    }

    /// The float `coefficient × 10^exponent`; none if it is out of bounds.
    #[must_use]
    pub fn float(coefficient: impl Into<BigInt>, exponent: i32) -> Option<Self> {
        Self { coefficient: coefficient.into(), exponent, int: false }.within_bounds()
    }

    /// The float of a binary one, by the shortest decimal that reads back as it; none for infinities and NaN.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        Self::parse(&format!("{value:e}")).map(Self::into_float)
    }

    /// Whether it is of kind `int`.
    #[must_use]
    pub fn is_int(&self) -> bool {
        self.int
    }

    /// The same value as a float: `1` becomes `1`, of kind `float`.
    #[must_use]
    pub fn into_float(mut self) -> Self {
        self.int = false;
        self
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.coefficient.is_zero()
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.coefficient.sign() == Sign::Minus
    }

    /// The digits as an integer; with [`Self::exponent`] the whole value.
    #[must_use]
    pub fn coefficient(&self) -> &BigInt {
        &self.coefficient
    }

    /// The power of ten that the coefficient is multiplied with.
    #[must_use]
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// The value as an integer, of either kind; none if it has a fraction.
    #[must_use]
    pub fn to_integer(&self) -> Option<BigInt> {
        if self.exponent == 0 || self.is_zero() {
            return Some(self.coefficient.clone());
        }
        let (coefficient, exponent) = without_trailing_zeros(&self.coefficient, self.exponent);
        let exponent = u32::try_from(exponent).ok()?;
        Some(coefficient * power_of_ten(exponent))
    }

    /// The value as an `i64`, of either kind; none if it has a fraction or doesn't fit.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.to_integer()?.to_i64()
    }

    /// The nearest binary float; infinite where it is out of their range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        // The text of a number is always one that Rust reads.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The order of the values, whatever their kinds.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| number.coefficient.sign();
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            Sign::NoSign => Ordering::Equal,
            Sign::Plus => self.compare_magnitude(other),
            Sign::Minus => other.compare_magnitude(self),
        })
    }

    /// The order of two values other than zero, signs left aside. The leading digits' places are compared first, so
    /// that only numbers of like size are brought to the same exponent.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        self.leading_place().cmp(&other.leading_place()).then_with(|| {
            let lowest = self.exponent.min(other.exponent);
            let raised = |number: &Self| {
                number.coefficient.magnitude() * power_of_ten(number.exponent.abs_diff(lowest)).magnitude()
            };
            raised(self).cmp(&raised(other))
        })
    }

    /// The exponent in scientific notation: 3 for `1000`.
    fn leading_place(&self) -> i64 {
        i64::from(self.exponent) + i64::from(count_digits(&self.coefficient)) - 1
    }

    fn within_bounds(self) -> Option<Self> {
        let bound = i64::from(MAX_EXPONENT);
        (-bound..=bound).contains(&self.leading_place()).then_some(self)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

impl Hash for Number {
    /// By the value: `1`, `1.0` and `10e-1` are the same.
    fn hash<H: Hasher>(&self, state: &mut H) {
        without_trailing_zeros(&self.coefficient, self.exponent).hash(state);
    }
}
