//! Numbers from text: the literals of the language specification, which hold those of JSON.

use num_bigint::BigInt;
use num_traits::Num;

use super::Number;

/// The longest text that is read as a number (bytes): enough for the largest one without an exponent, twice.
const MAX_LITERAL_BYTES: usize = 200_000;

impl Number {
    /// The number of a CUE literal: `1_000`, `0x1F`, `0o17`, `0b11`, `1.50`, `.5`, `1e3`, `1.5Ki`, with a minus sign
    /// if there is one (as in JSON).
    ///
    /// None for what isn't a number literal, for a multiplied one that isn't whole (`1.1Ki`), and for one out of
    /// bounds ([`super::MAX_EXPONENT`]).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LITERAL_BYTES {
            return None;
        }
        match text.strip_prefix('-') {
            Some(rest) => unsigned(rest).map(|number| number.neg()),
            None => unsigned(text),
        }
    }
}

fn unsigned(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let digits = digits_without_underscores(rest, radix)?;
            return Number::int(BigInt::from_str_radix(&digits, radix).ok()?).within_bounds();
        }
    }
    let (text, multiplier) = split_multiplier(text);
    let decimal = Decimal::split(text)?;
    match multiplier {
        Some(_) if decimal.exponent.is_some() => None,
        Some(factor) => multiplied(&decimal, &factor),
        None => decimal.number(),
    }
}

/// The text before a suffix such as `Ki`, and what the suffix stands for.
fn split_multiplier(text: &str) -> (&str, Option<BigInt>) {
    let (text, base) = match text.strip_suffix('i') {
        Some(rest) => (rest, 1024),
        None => (text, 1000),
    };
    let power = text.chars().last().and_then(|letter| "KMGTP".find(letter));
    match power {
        Some(power) => (&text[..text.len() - 1], Some(BigInt::from(base).pow(power as u32 + 1))),
        // An `i` alone was no suffix: the text with it is no number either.
        None if base == 1024 => ("", None),
        None => (text, None),
    }
}

/// The integer that a multiplied literal is; none if a fraction is left.
fn multiplied(decimal: &Decimal, factor: &BigInt) -> Option<Number> {
    let number = decimal.number()?;
    let product = Number { coefficient: &number.coefficient * factor, exponent: number.exponent, int: false };
    Number::int(product.to_integer()?).within_bounds()
}

/// The parts of a decimal literal; underscores are out of them.
struct Decimal {
    whole: String,
    fraction: Option<String>,
    exponent: Option<i32>,
}

impl Decimal {
    fn split(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(parse_exponent(exponent)?)),
            None => (text, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let part = |digits: &str| match digits {
            "" => Some(String::new()),
            _ => digits_without_underscores(digits, 10),
        };
        let fraction = match fraction {
            Some(fraction) => Some(part(fraction)?),
            None => None,
        };
        let decimal = Self { whole: part(whole)?, fraction, exponent };
        decimal.is_complete().then_some(decimal)
    }

    /// There must be a digit, and an integer doesn't start with 0.
    fn is_complete(&self) -> bool {
        let fraction_is_empty = self.fraction.as_deref().unwrap_or_default().is_empty();
        let plain = self.fraction.is_none() && self.exponent.is_none();
        let padded = plain && self.whole.len() > 1 && self.whole.starts_with('0');
        let empty = self.whole.is_empty() && fraction_is_empty;
        !empty && !padded
    }

    fn number(&self) -> Option<Number> {
        let fraction = self.fraction.as_deref().unwrap_or_default();
        let coefficient = BigInt::from_str_radix(&format!("{}{fraction}", self.whole), 10).ok()?;
        if self.fraction.is_none() && self.exponent.is_none() {
            return Number::int(coefficient).within_bounds();
        }
        let exponent = self.exponent.unwrap_or(0).checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Number::float(coefficient, exponent)
    }
}

fn parse_exponent(text: &str) -> Option<i32> {
    let (digits, sign) = match text.strip_prefix('-') {
        Some(digits) => (digits, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    let exponent: i32 = digits_without_underscores(digits, 10)?.parse().ok()?;
    Some(sign * exponent)
}

/// The digits of a radix, which single underscores may part.
fn digits_without_underscores(text: &str, radix: u32) -> Option<String> {
    let mut digits = String::with_capacity(text.len());
    for part in text.split('_') {
        if part.is_empty() || !part.chars().all(|digit| digit.is_digit(radix)) {
            return None;
        }
        digits.push_str(part);
    }
    Some(digits)
}
