//! Numbers as text.

use std::fmt;

use super::Number;

/// Below this exponent in scientific notation, text has one.
const LOWEST_PLAIN_EXPONENT: i64 = -6;

impl fmt::Display for Number {
    /// General Decimal Arithmetic's scientific string, which is what CUE exports as JSON: `1.50`, `1E+3`, `1E-7`. No
    /// digit is lost or added, so a float may look like an integer (`1.`, `0/2`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.coefficient.magnitude().to_string();
        let text = if self.exponent <= 0 && self.leading_place() >= LOWEST_PLAIN_EXPONENT {
            plain(&digits, self.exponent.unsigned_abs() as usize)
        } else {
            scientific(&digits, self.leading_place())
        };
        f.pad_integral(!self.is_negative(), "", &text)
    }
}

impl Number {
    /// The number as a CUE literal of its kind: like its text, but a float always shows that it is one.
    #[must_use]
    pub fn literal(&self) -> String {
        let text = self.to_string();
        if self.int || text.contains(['.', 'E']) { text } else { text + ".0" }
    }

    /// The number with all its digits and without an exponent.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let digits = self.coefficient.magnitude().to_string();
        let sign = if self.is_negative() { "-" } else { "" };
        match u32::try_from(self.exponent) {
            Ok(_) if self.is_zero() => digits,
            Ok(zeros) => format!("{sign}{digits}{}", "0".repeat(zeros as usize)),
            Err(_) => format!("{sign}{}", plain(&digits, self.exponent.unsigned_abs() as usize)),
        }
    }
}

/// The digits with a point before the last `places` of them.
fn plain(digits: &str, places: usize) -> String {
    if places == 0 {
        return digits.to_owned();
    }
    match digits.len().checked_sub(places) {
        None | Some(0) => format!("0.{digits:0>places$}"),
        Some(point) => format!("{}.{}", &digits[..point], &digits[point..]),
    }
}

/// The digits with a point after the first, and an exponent.
fn scientific(digits: &str, exponent: i64) -> String {
    match digits.split_at(1) {
        (digit, "") => format!("{digit}E{exponent:+}"),
        (digit, rest) => format!("{digit}.{rest}E{exponent:+}"),
    }
}
