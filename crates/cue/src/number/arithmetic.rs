//! The operators `+ - * /` and the integer functions `div mod quo rem`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use super::digits::{count_digits, power_of_ten, round_off, without_trailing_zeros};
use super::{MAX_EXPONENT, Number};

/// Significant digits of a computed float.
const PRECISION_DIGITS: u32 = 34;

/// Why a computation gave no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Something by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// Zero by zero.
    #[error("division undefined")]
    DivisionUndefined,
    /// An integer function on a float.
    #[error("an integer is needed")]
    NotAnInteger,
    /// No number for such operands, such as the root of a negative one.
    #[error("no number is the result")]
    Undefined,
    /// Beyond 10^100000, or closer to zero than 10^-100000.
    #[error("the exponent of the result is out of bounds (±{MAX_EXPONENT})")]
    OutOfBounds,
}

impl Number {
    /// `self + other`: an exact integer of two integers, else a float of 34 digits.
    ///
    /// # Errors
    /// [`NumberError::OutOfBounds`]
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        let (left, right, exponent) = self.aligned(other);
        Self::computed(left + right, exponent, self.int && other.int)
    }

    /// `self - other`, as [`Self::add`].
    ///
    /// # Errors
    /// [`NumberError::OutOfBounds`]
    pub fn sub(&self, other: &Self) -> Result<Self, NumberError> {
        let (left, right, exponent) = self.aligned(other);
        Self::computed(left - right, exponent, self.int && other.int)
    }

    /// `self * other`: an exact integer of two integers, else a float of 34 digits.
    ///
    /// # Errors
    /// [`NumberError::OutOfBounds`]
    pub fn mul(&self, other: &Self) -> Result<Self, NumberError> {
        let exponent = self.exponent + other.exponent;
        Self::computed(&self.coefficient * &other.coefficient, exponent, self.int && other.int)
    }

    /// `self / other`: always a float, of 34 digits, without trailing zeros but the one after the point.
    ///
    /// # Errors
    /// [`NumberError::DivisionByZero`], [`NumberError::DivisionUndefined`], [`NumberError::OutOfBounds`]
    pub fn divide(&self, other: &Self) -> Result<Self, NumberError> {
        if other.is_zero() {
            return Err(if self.is_zero() { NumberError::DivisionUndefined } else { NumberError::DivisionByZero });
        }
        let exponent = self.exponent - other.exponent;
        if self.is_zero() {
            return Ok(Self::reduced(BigInt::zero(), exponent));
        }
        // One digit more than needed, and a last one that only says whether something was left over.
        let lacking = i64::from(PRECISION_DIGITS) + 1 - i64::from(count_digits(&self.coefficient))
            + i64::from(count_digits(&other.coefficient));
        let added = u32::try_from(lacking).unwrap_or(0);
        let (quotient, remainder) = (&self.coefficient * power_of_ten(added)).div_rem(&other.coefficient);
        let sign = quotient.signum();
        let sticky = if remainder.is_zero() { BigInt::zero() } else { sign };
        let exponent = exponent - added as i32 - 1;
        let result = Self::computed(quotient * 10 + sticky, exponent, false)?;
        Ok(Self::reduced(result.coefficient, result.exponent))
    }

    /// Whether it has no more digits than a computed float has, zeros at the end left aside. Integers beyond that are
    /// exact here, as the specification asks; CUE's own releases differ, and v0.17 rounds them.
    #[must_use]
    pub fn is_within_precision(&self) -> bool {
        count_digits(&self.coefficient) <= PRECISION_DIGITS
            || count_digits(&without_trailing_zeros(&self.coefficient, 0).0) <= PRECISION_DIGITS
    }

    /// `-self`
    #[must_use]
    pub fn neg(&self) -> Self {
        Self { coefficient: -&self.coefficient, ..*self }
    }

    /// The value without its sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self { coefficient: self.coefficient.abs(), ..*self }
    }

    /// Euclidean quotient of integers: the remainder is never negative.
    ///
    /// # Errors
    /// [`NumberError::NotAnInteger`], [`NumberError::DivisionByZero`]
    pub fn div(&self, other: &Self) -> Result<Self, NumberError> {
        self.integers(other, |left, right| (left - left.mod_floor(&right.abs())) / right)
    }

    /// Euclidean remainder of integers, never negative.
    ///
    /// # Errors
    /// [`NumberError::NotAnInteger`], [`NumberError::DivisionByZero`]
    pub fn modulo(&self, other: &Self) -> Result<Self, NumberError> {
        self.integers(other, |left, right| left.mod_floor(&right.abs()))
    }

    /// Quotient of integers, truncated.
    ///
    /// # Errors
    /// [`NumberError::NotAnInteger`], [`NumberError::DivisionByZero`]
    pub fn quo(&self, other: &Self) -> Result<Self, NumberError> {
        self.integers(other, |left, right| left / right)
    }

    /// Remainder of the truncated quotient; its sign is that of `self`.
    ///
    /// # Errors
    /// [`NumberError::NotAnInteger`], [`NumberError::DivisionByZero`]
    pub fn rem(&self, other: &Self) -> Result<Self, NumberError> {
        self.integers(other, |left, right| left % right)
    }

    fn integers(&self, other: &Self, compute: fn(&BigInt, &BigInt) -> BigInt) -> Result<Self, NumberError> {
        if !self.int || !other.int {
            return Err(NumberError::NotAnInteger);
        }
        if other.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        Ok(Self::int(compute(&self.coefficient, &other.coefficient)))
    }

    /// Both coefficients at the lower exponent of the two. Exponents are bounded, so the coefficients are, too.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i32) {
        let lowest = self.exponent.min(other.exponent);
        let raised = |number: &Self| match number.exponent.abs_diff(lowest) {
            0 => number.coefficient.clone(),
            _ if number.is_zero() => BigInt::zero(),
            places => &number.coefficient * power_of_ten(places),
        };
        (raised(self), raised(other), lowest)
    }

    /// A result: exact for integers, rounded to [`PRECISION_DIGITS`] otherwise.
    pub(crate) fn computed(coefficient: BigInt, exponent: i32, int: bool) -> Result<Self, NumberError> {
        let number = Self { coefficient, exponent, int };
        let number = if int { number } else { number.rounded(PRECISION_DIGITS) };
        number.within_bounds().ok_or(NumberError::OutOfBounds)
    }

    /// The value with at most so many significant digits, halves away from zero.
    pub(crate) fn rounded(self, digits: u32) -> Self {
        let excess = count_digits(&self.coefficient).saturating_sub(digits);
        if excess == 0 {
            return self;
        }
        let rounded = Self {
            coefficient: round_off(&self.coefficient, excess),
            exponent: self.exponent.saturating_add(excess as i32),
            int: self.int,
        };
        // 9.99 may have become 10.00, one digit too many; the second round takes off a zero.
        rounded.rounded(digits)
    }

    /// A float without trailing zeros, except that one after a point stays one: `3.000` becomes `3.0`.
    pub(crate) fn reduced(coefficient: BigInt, exponent: i32) -> Self {
        let (shortest, place) = without_trailing_zeros(&coefficient, exponent);
        if exponent < 0 && place >= 0 {
            return Self { coefficient: shortest * 10, exponent: place - 1, int: false };
        }
        Self { coefficient: shortest, exponent: place, int: false }
    }
}
