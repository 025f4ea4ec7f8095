//! Decimal digits of big integers: how many there are, powers of ten, trailing zeros, rounding.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Zero};

/// `10^places`.
pub(crate) fn power_of_ten(places: u32) -> BigInt {
    BigInt::from(10).pow(places)
}

/// How many decimal digits it has; zero has one.
pub(crate) fn count_digits(value: &BigInt) -> u32 {
    let magnitude = value.magnitude();
    if magnitude.is_zero() {
        return 1;
    }
    // 1233 / 4096 is a little less than log10(2): never too many, and at most a few too few.
    let mut digits = ((magnitude.bits() - 1) * 1233 / 4096) as u32;
    let mut bound = BigUint::from(10u8).pow(digits);
    while bound <= *magnitude {
        bound *= 10u8;
        digits += 1;
    }
    digits
}

/// The same value with the shortest coefficient; zero becomes `0 × 10^0`.
pub(super) fn without_trailing_zeros(coefficient: &BigInt, exponent: i32) -> (BigInt, i32) {
    if coefficient.is_zero() {
        return (BigInt::zero(), 0);
    }
    let (mut coefficient, mut exponent) = (coefficient.clone(), exponent);
    // Many zeros first, so that a thousand of them don't cost a thousand divisions.
    for step in [1024u32, 64, 8, 1] {
        let unit = power_of_ten(step);
        loop {
            let (rest, remainder) = coefficient.div_rem(&unit);
            if !remainder.is_zero() {
                break;
            }
            coefficient = rest;
            exponent = exponent.saturating_add(step as i32);
        }
    }
    (coefficient, exponent)
}

/// The coefficient with its last `places` digits rounded off, halves away from zero.
pub(super) fn round_off(coefficient: &BigInt, places: u32) -> BigInt {
    let unit = power_of_ten(places);
    let (quotient, remainder) = coefficient.magnitude().div_rem(unit.magnitude());
    let up = remainder * 2u8 >= *unit.magnitude();
    let rounded = if up { quotient + BigUint::one() } else { quotient };
    BigInt::from_biguint(coefficient.sign(), rounded)
}
