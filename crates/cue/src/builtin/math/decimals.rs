//! Roots, powers, exponentials and logarithms of decimals, digit for digit as CUE's arithmetic computes them.
//!
//! The last digit of such a result depends on how it was computed, so the methods are the same: exponentials by a
//! Taylor series on a reduced argument (Hull and Abrham, *Variable Precision Exponential Function*, 1986), logarithms
//! by Halley's iteration (Epperson, *On the Use of Iteration Methods for Approximating the Natural Logarithm*, 1989)
//! or, near one, by a power series, cube roots by Newton's iteration (Turkowski, *Computing the Cube Root*, 1998).
//!
//! Not here: the four operators (those are [`Number`]'s).

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::Signed;

use crate::number::{Number, NumberError, digits};

type Computed = Result<Number, NumberError>;

/// ln(10), 128 digits.
const LN_10: &str = "\
    2.3025850929940456840179914546843642076011014886287729760333279009\
    675726096773524802359972050895982983419677840422862486334095255";
/// 1/ln(10), 128 digits.
const INVERSE_LN_10: &str = "\
    0.4342944819032518276511289189166050822943970058036665661144537831\
    6586464920887077472922494933843174831870610674476630373364167929";

/// The most iterations of anything here; they converge long before.
const MAX_ITERATIONS: u32 = 1000;

/// How results are rounded.
#[derive(Clone, Copy)]
pub(super) struct Decimals {
    /// Significant digits.
    digits: u32,
    /// Whether halves go to the even neighbour, instead of away from zero.
    even: bool,
}

fn float(coefficient: impl Into<BigInt>, exponent: i32) -> Computed {
    Number::float(coefficient, exponent).ok_or(NumberError::OutOfBounds)
}

fn whole(value: impl Into<BigInt>) -> Number {
    Number::int(value).into_float()
}

fn count_digits(value: &BigInt) -> i64 {
    digits::count_digits(value).into()
}

/// The place after the first digit: 1 for `5`, 0 for `0.5`.
fn magnitude_of(x: &Number) -> i64 {
    i64::from(x.exponent()) + count_digits(x.coefficient())
}

fn power_of_ten(places: i64) -> BigInt {
    digits::power_of_ten(u32::try_from(places).unwrap_or(0))
}

impl Decimals {
    /// The rounding of CUE's floats: 34 digits, halves away from zero.
    pub(super) const RESULT: Self = Self { digits: 34, even: false };

    fn with_digits(self, digits: u32) -> Self {
        Self { digits, ..self }
    }

    fn to_even(self) -> Self {
        Self { even: true, ..self }
    }

    /// The quotient, and one more if what is left over is half of the divisor or more.
    fn divided(self, dividend: &BigInt, divisor: &BigInt) -> BigInt {
        let (quotient, rest) = dividend.abs().div_rem(&divisor.abs());
        let up = match (rest * 2u8).cmp(&divisor.abs()) {
            Ordering::Greater => true,
            Ordering::Equal => !self.even || quotient.is_odd(),
            Ordering::Less => false,
        };
        let rounded = if up { quotient + 1 } else { quotient };
        if dividend.is_negative() == divisor.is_negative() { rounded } else { -rounded }
    }

    fn rounded(self, coefficient: BigInt, exponent: i64) -> Computed {
        let excess = count_digits(&coefficient) - i64::from(self.digits);
        let exponent_of = |exponent: i64| i32::try_from(exponent).map_err(|_| NumberError::OutOfBounds);
        if excess <= 0 {
            return float(coefficient, exponent_of(exponent)?);
        }
        let rounded = self.divided(&coefficient, &power_of_ten(excess));
        if count_digits(&rounded) > i64::from(self.digits) {
            return float(rounded / 10, exponent_of(exponent + excess + 1)?);
        }
        float(rounded, exponent_of(exponent + excess)?)
    }

    fn round(self, x: &Number) -> Computed {
        self.rounded(x.coefficient().clone(), x.exponent().into())
    }

    fn add(self, x: &Number, y: &Number) -> Computed {
        let lowest = x.exponent().min(y.exponent());
        let raised = |n: &Number| n.coefficient() * power_of_ten(i64::from(n.exponent()) - i64::from(lowest));
        self.rounded(raised(x) + raised(y), lowest.into())
    }

    fn sub(self, x: &Number, y: &Number) -> Computed {
        self.add(x, &y.neg())
    }

    fn mul(self, x: &Number, y: &Number) -> Computed {
        self.rounded(x.coefficient() * y.coefficient(), i64::from(x.exponent()) + i64::from(y.exponent()))
    }

    /// The quotient, always with all its digits: zeros at the end stay.
    fn quo(self, x: &Number, y: &Number) -> Computed {
        let exponent = i64::from(x.exponent()) - i64::from(y.exponent());
        if y.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        if x.is_zero() {
            return float(0, i32::try_from(exponent).map_err(|_| NumberError::OutOfBounds)?);
        }
        let (mut dividend, mut divisor) = (x.coefficient().clone(), y.coefficient().clone());
        let mut shift = count_digits(&divisor) - count_digits(&dividend);
        dividend *= power_of_ten(shift.max(0));
        divisor *= power_of_ten((-shift).max(0));
        if dividend.magnitude() < divisor.magnitude() {
            dividend *= 10;
            shift += 1;
        }
        let places = i64::from(self.digits) - 1;
        let quotient = self.divided(&(dividend * power_of_ten(places)), &divisor);
        float(quotient, i32::try_from(exponent - shift - places).map_err(|_| NumberError::OutOfBounds)?)
    }

    /// `x` to an integer power, by squaring; what isn't one or minus one leaves the bounds long before the bits end.
    fn integer_power(self, x: &Number, power: &BigInt) -> Computed {
        if x.abs() == whole(1) {
            return Ok(whole(if x.is_negative() && power.is_odd() { -1 } else { 1 }));
        }
        let mut square = x.clone().into_float();
        let mut result = whole(1);
        let bits = power.bits();
        for bit in 0..bits {
            if power.magnitude().bit(bit) {
                result = self.mul(&result, &square)?;
            }
            if bit + 1 < bits {
                square = self.mul(&square, &square)?;
            }
        }
        if power.is_negative() { self.quo(&whole(1), &result) } else { Ok(result) }
    }

    /// `x` to the power of `y`.
    pub(super) fn pow(self, x: &Number, y: &Number) -> Computed {
        let (integer, fraction) = split(y);
        if x.is_zero() {
            return if !y.is_zero() && !y.is_negative() { Ok(whole(0)) } else { Err(NumberError::Undefined) };
        }
        if y.is_zero() {
            return Ok(whole(1));
        }
        if x.is_negative() && !fraction.is_zero() {
            return Err(NumberError::Undefined);
        }
        let digits = self.digits.max(count_digits(x.coefficient()) as u32) + 10;
        let fine = Self { digits, even: false };
        let power = fine.integer_power(x, &integer)?;
        if fraction.is_zero() {
            return self.round(&power);
        }
        let logarithm = fine.ln(&fine.round(&x.abs())?)?;
        let rest = fine.exp(&fine.mul(&logarithm, &fraction)?)?;
        self.round(&fine.mul(&power, &rest)?)
    }

    /// e to the power of `x`.
    pub(super) fn exp(self, x: &Number) -> Computed {
        if x.is_zero() {
            return Ok(whole(1));
        }
        let size = x.abs();
        let mut digits = self.digits;
        let wanted = size.to_f64() / 23.0;
        if wanted > f64::from(digits) && wanted < 1000.0 {
            digits = wanted.ceil() as u32;
        }
        if size > whole(i64::from(digits) * 23) {
            return Err(NumberError::OutOfBounds);
        }
        if size <= float(9, -(digits as i32) - 1)? {
            return Ok(whole(1));
        }
        let reduction = magnitude_of(x).max(0);
        let even = self.to_even();
        let reduced = even.with_digits(digits).quo(x, &float(1, reduction as i32)?)?;
        let fine = even.with_digits(digits + reduction as u32 + 2);
        let sum = fine.exp_series(&reduced)?;
        even.round(&fine.integer_power(&sum, &power_of_ten(reduction))?)
    }

    /// The Taylor series of the exponential, from its end.
    fn exp_series(self, x: &Number) -> Computed {
        let digits = f64::from(self.digits);
        let terms = ((1.435 * digits - 1.182) / (digits / x.abs().to_f64()).log10()).ceil();
        if terms.is_nan() || terms > f64::from(MAX_ITERATIONS) {
            return Err(NumberError::OutOfBounds);
        }
        let mut sum = whole(1);
        for term in (1..terms as i64).rev() {
            sum = self.mul(&self.quo(x, &whole(term))?, &sum)?;
            sum = self.add(&sum, &whole(1))?;
        }
        Ok(sum)
    }

    /// The natural logarithm.
    pub(super) fn ln(self, x: &Number) -> Computed {
        if x.is_zero() || x.is_negative() {
            return Err(NumberError::Undefined);
        }
        if *x == whole(1) {
            return Ok(whole(0));
        }
        let fine = self.with_digits(self.digits + 2).to_even();
        let tenth = float(1, -1)?;
        let from_one = fine.sub(x, &whole(1))?;
        if from_one.abs() <= tenth {
            return self.round(&fine.ln_series(&from_one)?);
        }
        // x = z × 10^places, with z in [0.1, 1).
        let places = magnitude_of(x);
        let z = float(x.coefficient().clone(), (i64::from(x.exponent()) - places) as i32)?;
        let of_places = fine.mul(&whole(places), &constant(LN_10, fine.digits)?)?;
        let from_one = fine.sub(&z, &whole(1))?;
        let of_z = if from_one.abs() <= tenth { fine.ln_series(&from_one)? } else { fine.ln_halley(&z, self.digits)? };
        self.round(&fine.add(&of_z, &of_places)?)
    }

    /// ln(1 + x) for a small x: twice the sum of the odd powers of `x / (x + 2)`, each by its exponent.
    fn ln_series(self, x: &Number) -> Computed {
        let ratio = self.quo(x, &self.add(x, &whole(2))?)?;
        let mut power = self.add(&ratio, &ratio)?;
        let mut sum = power.clone();
        let least = float(1, -(self.digits as i32))?;
        for n in 1..MAX_ITERATIONS {
            power = self.mul(&self.mul(&power, &ratio)?, &ratio)?;
            let term = self.quo(&power, &whole(2 * n + 1))?;
            sum = self.add(&sum, &term)?;
            if term.abs() <= least {
                return Ok(sum);
            }
        }
        Err(NumberError::OutOfBounds)
    }

    /// ln(z) by Halley's iteration, from the binary float's logarithm, until it is stable in `digits + 1` digits.
    fn ln_halley(self, z: &Number, digits: u32) -> Computed {
        let mut guess = Number::from_f64(z.to_f64().ln()).ok_or(NumberError::Undefined)?;
        let mut before = whole(0);
        for _ in 0..MAX_ITERATIONS {
            let exponential = self.exp(&guess)?;
            let difference = self.sub(&exponential, z)?;
            let twice = self.add(&difference, &difference)?;
            let step = self.quo(&twice, &self.add(&exponential, z)?)?;
            guess = self.sub(&guess, &step)?;
            if self.is_stable(&before, &guess, digits + 1)? {
                return Ok(guess);
            }
            before = guess.clone();
        }
        Err(NumberError::OutOfBounds)
    }

    /// Whether two results differ by no more than one in the last of so many digits.
    fn is_stable(self, before: &Number, now: &Number, digits: u32) -> Result<bool, NumberError> {
        let change = self.sub(before, now)?.abs();
        let place = magnitude_of(now) - i64::from(digits);
        Ok(change.is_zero() || change <= float(1, i32::try_from(place).map_err(|_| NumberError::OutOfBounds)?)?)
    }

    /// The decimal logarithm.
    pub(super) fn log10(self, x: &Number) -> Computed {
        if *x == whole(1) {
            return Ok(whole(0));
        }
        let fine = self.with_digits(self.digits + 2).to_even();
        let natural = fine.ln(x)?;
        self.to_even().mul(&natural, &constant(INVERSE_LN_10, fine.digits)?)
    }

    /// The cube root.
    pub(super) fn cbrt(self, x: &Number) -> Computed {
        if x.is_zero() {
            return float(0, x.exponent() / 3);
        }
        let fine = Self { digits: self.digits * 2 + 2, even: false };
        let size = x.abs().into_float();
        let mut root = fine.cbrt_estimate(&size)?;
        let mut before = whole(0);
        for _ in 0..MAX_ITERATIONS {
            let quotient = fine.quo(&size, &fine.mul(&root, &root)?)?;
            root = fine.quo(&fine.add(&fine.add(&quotient, &root)?, &root)?, &whole(3))?;
            if fine.is_stable(&before, &root, self.digits + 1)? {
                let rounded = self.round(&root)?;
                return Ok(if x.is_negative() { rounded.neg() } else { rounded });
            }
            before = root.clone();
        }
        Err(NumberError::OutOfBounds)
    }

    /// A first cube root: `x` is brought between 1/8 and 1 by powers of 8, where a polynomial is near enough.
    fn cbrt_estimate(self, x: &Number) -> Computed {
        let (eighth, half) = (float(125, -3)?, float(5, -1)?);
        let mut scaled = x.clone();
        let mut eights = 0i32;
        while scaled < eighth {
            scaled = self.mul(&scaled, &whole(8))?;
            eights -= 1;
        }
        while scaled > whole(1) {
            scaled = self.mul(&scaled, &eighth)?;
            eights += 1;
        }
        let slope = self.add(&self.mul(&scaled, &float(-46_946_116, -8)?)?, &float(1_072_302, -6)?)?;
        let mut estimate = self.add(&self.mul(&slope, &scaled)?, &float(3_812_513, -7)?)?;
        let back = if eights < 0 { half } else { whole(2) };
        for _ in 0..eights.abs() {
            estimate = self.mul(&estimate, &back)?;
        }
        Ok(estimate)
    }
}

/// The integer part, towards zero, and the rest.
fn split(x: &Number) -> (BigInt, Number) {
    let zero = whole(0);
    if let Some(integer) = x.to_integer() {
        return (integer, zero);
    }
    let unit = power_of_ten(-i64::from(x.exponent()));
    let (integer, rest) = x.coefficient().div_rem(&unit);
    (integer, Number::float(rest, x.exponent()).unwrap_or(zero))
}

/// A constant, rounded to the power of two of digits that is enough for so many.
fn constant(text: &str, digits: u32) -> Computed {
    let exact = Number::parse(text).ok_or(NumberError::Undefined)?;
    Decimals { digits: digits.next_power_of_two(), even: false }.round(&exact)
}
