//! The extent of strings and byte strings: quotes, raw quotes, several lines, interpolations.
//!
//! Source: the specification, "String and byte sequence literals". Not here: what escapes mean and whether the
//! indentation is right (that is [`crate::syntax::literal`]).

use super::{Lexer, OpenInterpolation};
use crate::syntax::token::TokenKind;

/// How a string is quoted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotes {
    /// `"` or `'`
    mark: u8,
    /// `"""` or `'''`
    triple: bool,
    /// How many `#` stand around it.
    hashes: usize,
}

impl Quotes {
    fn closes(self, rest: &[u8]) -> bool {
        let marks = self.marks();
        rest.len() >= self.len()
            && rest[..marks].iter().all(|b| *b == self.mark)
            && rest[marks..self.len()].iter().all(|b| *b == b'#')
    }

    fn marks(self) -> usize {
        if self.triple { 3 } else { 1 }
    }

    /// Bytes of the closing quotes.
    fn len(self) -> usize {
        self.marks() + self.hashes
    }
}

impl Lexer<'_> {
    /// A string that begins with so many `#`.
    pub(super) fn string(&mut self, hashes: usize) -> TokenKind {
        let start = self.at;
        self.at += hashes;
        let mark = self.byte(0).unwrap_or(b'"');
        let single = Quotes { mark, triple: false, hashes };
        self.at += 1;
        // `""` is the empty string, but within hashes a quote may be part of the text: #"""# is the string `"`.
        let two = self.byte(0) == Some(mark) && self.byte(1) == Some(mark);
        let after_three = self.text.as_bytes().get(self.at + 2..).unwrap_or(&[]);
        let is_raw_quote = hashes > 0 && after_three.iter().take(hashes).filter(|b| **b == b'#').count() == hashes;
        if !two || is_raw_quote {
            return self.string_body(start, single, TokenKind::String);
        }
        self.at += 2;
        if !self.skip_line_end() {
            self.error(start, self.at, "a string with three quotes begins on the line after them");
            return self.push(TokenKind::String, start);
        }
        self.string_body(start, Quotes { triple: true, ..single }, TokenKind::String)
    }

    fn skip_line_end(&mut self) -> bool {
        let bytes = match (self.byte(0), self.byte(1)) {
            (Some(b'\n'), _) => 1,
            (Some(b'\r'), Some(b'\n')) => 2,
            _ => return false,
        };
        self.at += bytes;
        true
    }

    /// After `)` of an interpolation.
    pub(super) fn resume_string(&mut self) -> TokenKind {
        let start = self.at;
        self.at += 1;
        match self.interpolations.pop() {
            Some(open) => self.string_body(start, open.quotes, TokenKind::InterpolationEnd),
            None => self.push(TokenKind::RightParen, start),
        }
    }

    /// Text up to the closing quotes or the next interpolation; `whole` is the token's kind if the quotes come.
    fn string_body(&mut self, start: usize, quotes: Quotes, whole: TokenKind) -> TokenKind {
        // Three quotes close a string only at the beginning of a line.
        let mut line_is_blank = quotes.triple && whole == TokenKind::String;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            if (!quotes.triple || line_is_blank) && quotes.closes(rest) {
                self.at += quotes.len();
                return self.push(whole, start);
            }
            match rest.first() {
                None => return self.unterminated(start, quotes, whole),
                Some(b'\n') if !quotes.triple => return self.unterminated(start, quotes, whole),
                Some(b'\\') if self.escape(quotes) => return self.interpolation(start, quotes, whole),
                Some(b'\\') => line_is_blank = false,
                Some(byte) => {
                    line_is_blank = *byte == b'\n' || (line_is_blank && matches!(byte, b' ' | b'\t' | b'\r'));
                    self.bump();
                }
            }
        }
    }

    /// Steps over a backslash and what it escapes; true if that is the `(` of an interpolation.
    fn escape(&mut self, quotes: Quotes) -> bool {
        self.at += 1;
        let hashes = self.rest().bytes().take(quotes.hashes).filter(|b| *b == b'#').count();
        if hashes < quotes.hashes {
            return false;
        }
        self.at += hashes;
        match self.byte(0) {
            Some(b'(') => {
                self.at += 1;
                true
            }
            Some(byte) if byte == b'\\' || byte == quotes.mark => {
                self.at += 1;
                false
            }
            _ => false,
        }
    }

    fn interpolation(&mut self, start: usize, quotes: Quotes, whole: TokenKind) -> TokenKind {
        self.interpolations.push(OpenInterpolation { quotes, start, parens: 0 });
        if whole == TokenKind::String {
            self.push(TokenKind::InterpolationStart, start)
        } else {
            self.push(TokenKind::InterpolationMiddle, start)
        }
    }

    fn unterminated(&mut self, start: usize, quotes: Quotes, whole: TokenKind) -> TokenKind {
        let message = if quotes.triple {
            "the string has no closing quotes (three, alone at the beginning of a line)"
        } else {
            "the string has no closing quote on its line"
        };
        self.error(start, self.at, message);
        self.push(whole, start)
    }
}
