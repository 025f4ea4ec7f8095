//! The extent of a number's literal, and what is wrong with it.
//!
//! Source: the specification, "Numeric literals". Not here: its value (that is [`crate::number`]).

use super::Lexer;
use crate::syntax::token::TokenKind;

impl Lexer<'_> {
    pub(super) fn number(&mut self) -> TokenKind {
        let start = self.at;
        let radix = match (self.byte(0), self.byte(1)) {
            (Some(b'0'), Some(b'x' | b'X')) => Some(16),
            (Some(b'0'), Some(b'o')) => Some(8),
            (Some(b'0'), Some(b'b')) => Some(2),
            _ => None,
        };
        match radix {
            Some(radix) => {
                self.at += 2;
                if self.digits(radix) == 0 {
                    self.error(start, self.at, "a number needs digits after its prefix");
                }
            }
            None => self.decimal(start),
        }
        self.push(TokenKind::Number, start)
    }

    /// Digits and underscores; how many bytes they are.
    fn digits(&mut self, radix: u32) -> usize {
        let start = self.at;
        while self.byte(0).is_some_and(|b| b == b'_' || (b as char).is_digit(radix)) {
            self.at += 1;
        }
        let digits = &self.text[start..self.at];
        if digits.contains("__") || digits.ends_with('_') {
            self.error(start, self.at, "an underscore in a number stands between two digits");
        }
        digits.len()
    }

    fn decimal(&mut self, start: usize) {
        let whole = self.digits(10);
        let padded = whole > 1 && self.text[start..].starts_with('0');
        let fraction = self.byte(0) == Some(b'.') && self.byte(1) != Some(b'.');
        if fraction {
            self.at += 1;
            self.digits(10);
        }
        if matches!(self.byte(0), Some(b'K' | b'M' | b'G' | b'T' | b'P')) {
            self.at += if self.byte(1) == Some(b'i') { 2 } else { 1 };
        } else if matches!(self.byte(0), Some(b'e' | b'E')) {
            self.exponent();
        } else if padded && !fraction {
            self.error(start, self.at, "a whole number can't begin with 0; octal numbers are written 0o17");
        }
    }

    fn exponent(&mut self) {
        let start = self.at;
        self.at += 1;
        if matches!(self.byte(0), Some(b'+' | b'-')) {
            self.at += 1;
        }
        if self.digits(10) == 0 {
            self.error(start, self.at, "an exponent needs digits");
        }
    }
}
