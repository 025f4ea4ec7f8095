//! Numbers of any size: integers and decimals as CUE computes them.
//!
//! Source of the arithmetic: General Decimal Arithmetic with 34 digits (IEEE 754 decimal128's precision) for decimals,
//! exact integers, as CUE v0.17 uses them.
//!
//! Not here: the standard package `math` (that is `builtin::math`).

use num_bigint::BigInt;

/// `coefficient × 10^exponent`, and whether it is an integer or a float in CUE's sense (`1.0` is a float).
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

    /// Whether it is of kind `int`.
    #[must_use]
    pub fn is_int(&self) -> bool {
        self.int
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.coefficient == other.coefficient && self.exponent == other.exponent
    }
}
