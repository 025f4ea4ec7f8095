//! The values of string and byte-string literals: quotes taken off, indentation removed, escapes read.
//!
//! Source: the specification, "String and byte sequence literals".
//!
//! Not here: where a literal ends (that is [`super::lexer`]); numbers ([`crate::number`]).

/// How a literal is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoting {
    /// Single quotes: bytes, not text.
    pub bytes: bool,
    /// Three quotes: several lines.
    pub lines: bool,
    /// How many `#` stand around it.
    pub hashes: usize,
}

/// What is wrong with a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralError {
    /// Which of the pieces.
    pub piece: usize,
    /// Where in that piece, in bytes.
    pub at: usize,
    /// What.
    pub message: String,
}

impl Quoting {
    /// How a literal, or the first piece of an interpolation, is quoted.
    #[must_use]
    pub fn of(literal: &str) -> Self {
        let hashes = literal.bytes().take_while(|b| *b == b'#').count();
        let rest = literal.get(hashes..).unwrap_or("");
        let marks = if rest.starts_with('\'') { "'''" } else { "\"\"\"" };
        let after = rest.get(3..).unwrap_or("");
        let lines = rest.starts_with(marks) && (after.starts_with('\n') || after.starts_with("\r\n"));
        Self { bytes: marks == "'''", lines, hashes }
    }

    /// Bytes of the closing quotes.
    #[must_use]
    pub fn closing_len(self) -> usize {
        self.hashes + if self.lines { 3 } else { 1 }
    }

    /// Bytes of the opening quotes, with the line's end after three of them.
    fn opening_len(self, literal: &str) -> usize {
        let line_end = match literal.as_bytes().get(self.closing_len()) {
            _ if !self.lines => 0,
            Some(b'\r') => 2,
            _ => 1,
        };
        self.closing_len() + line_end
    }
}

/// The value of a literal without interpolations, its quotes included in `literal`.
///
/// # Errors
/// A bad escape, or bad indentation; the place counts from the literal's first byte.
pub fn unquote(literal: &str) -> Result<Vec<u8>, LiteralError> {
    let mut values = unquote_pieces(&[literal])?;
    Ok(values.pop().unwrap_or_default())
}

/// The values of the texts around a string's interpolations; each piece as written, with the quotes or the `\(` and
/// `)` at its ends.
///
/// # Errors
/// A bad escape, or bad indentation; the place counts from the first byte of the piece.
pub fn unquote_pieces(pieces: &[&str]) -> Result<Vec<Vec<u8>>, LiteralError> {
    let quoting = pieces.first().map_or(Quoting { bytes: false, lines: false, hashes: 0 }, |first| Quoting::of(first));
    let bodies: Vec<(usize, &str)> = (0..pieces.len()).map(|index| body(pieces, index, quoting)).collect();
    let indent = match bodies.last() {
        Some((_, last)) if quoting.lines => last.rsplit('\n').next().unwrap_or("").trim_end_matches('\r'),
        _ => "",
    };
    let mut values = Vec::with_capacity(bodies.len());
    for (index, (skipped, text)) in bodies.iter().enumerate() {
        let last = index + 1 == bodies.len();
        let text = if quoting.lines && last { without_last_line(text) } else { text };
        let at_line_start = quoting.lines && index == 0 && !(last && text.is_empty());
        let mut reader = Reader { text, at: 0, quoting, indent, value: Vec::with_capacity(text.len()) };
        reader.read(at_line_start, last).map_err(|(at, message)| LiteralError {
            piece: index,
            at: at + skipped,
            message,
        })?;
        values.push(reader.value);
    }
    Ok(values)
}

/// What stands between the quotes and interpolation marks of a piece, and how many bytes before it.
fn body<'a>(pieces: &[&'a str], index: usize, quoting: Quoting) -> (usize, &'a str) {
    let piece = pieces[index];
    let start = if index == 0 { quoting.opening_len(piece) } else { 1 };
    let end_len = if index + 1 == pieces.len() { quoting.closing_len() } else { quoting.hashes + 2 };
    let end = piece.len().saturating_sub(end_len);
    (start, piece.get(start..end).unwrap_or(""))
}

/// The line before the closing quotes is not part of the text, nor is the line's end before it.
fn without_last_line(text: &str) -> &str {
    let text = text.rfind('\n').map_or("", |at| &text[..at]);
    text.strip_suffix('\r').unwrap_or(text)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    quoting: Quoting,
    indent: &'a str,
    value: Vec<u8>,
}

type Fault = (usize, String);

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn read(&mut self, at_line_start: bool, last: bool) -> Result<(), Fault> {
        if at_line_start {
            self.skip_indent(last)?;
        }
        while let Some(next) = self.rest().chars().next() {
            match next {
                '\\' if self.is_escape() => self.escape()?,
                '\r' if self.quoting.lines => self.at += 1,
                '\n' => {
                    self.value.push(b'\n');
                    self.at += 1;
                    self.skip_indent(last)?;
                }
                _ => {
                    self.value.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += next.len_utf8();
                }
            }
        }
        Ok(())
    }

    fn skip_indent(&mut self, last: bool) -> Result<(), Fault> {
        let rest = self.rest();
        let line = rest.trim_start_matches('\r');
        if line.starts_with('\n') || (line.is_empty() && last) {
            return Ok(());
        }
        if !rest.starts_with(self.indent) {
            let message = "a line of the string is indented less than its closing quotes, or with other white space";
            return Err((self.at, message.to_owned()));
        }
        self.at += self.indent.len();
        Ok(())
    }

    fn is_escape(&self) -> bool {
        let after = self.rest().as_bytes().get(1..=self.quoting.hashes).unwrap_or(&[]);
        after.len() == self.quoting.hashes && after.iter().all(|b| *b == b'#')
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1 + self.quoting.hashes;
        let Some(kind) = self.rest().chars().next() else {
            return Err((start, "a backslash at the end; write \\\\ for a backslash".to_owned()));
        };
        self.at += kind.len_utf8();
        let byte = match kind {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '/' => b'/',
            '\\' => b'\\',
            '"' if !self.quoting.bytes => b'"',
            '\'' if self.quoting.bytes => b'\'',
            'x' if self.quoting.bytes => self.digits(start, 2, 16)? as u8,
            '0'..='7' if self.quoting.bytes => self.octal(start)?,
            'u' => return self.unicode(start, 4),
            'U' => return self.unicode(start, 8),
            _ => return Err((start, unknown_escape(kind, self.quoting))),
        };
        self.value.push(byte);
        Ok(())
    }

    fn digits(&mut self, start: usize, count: usize, radix: u32) -> Result<u32, Fault> {
        let digits = self.rest().get(..count).filter(|digits| digits.bytes().all(|b| (b as char).is_digit(radix)));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok());
        self.at += count;
        value.ok_or_else(|| (start, format!("the escape needs {count} digits of base {radix}")))
    }

    fn octal(&mut self, start: usize) -> Result<u8, Fault> {
        self.at -= 1;
        let value = self.digits(start, 3, 8)?;
        u8::try_from(value).map_err(|_| (start, "an octal escape ends at \\377".to_owned()))
    }

    /// `\u` and `\U`; the two halves of a surrogate pair, as JSON writes them, are one character.
    fn unicode(&mut self, start: usize, count: usize) -> Result<(), Fault> {
        let mut code = self.digits(start, count, 16)?;
        if (0xd800..0xdc00).contains(&code) {
            code = self.low_surrogate(code).ok_or_else(|| (start, "half of a surrogate pair".to_owned()))?;
        }
        let Some(character) = char::from_u32(code) else {
            return Err((start, format!("there is no character {code:X}")));
        };
        self.value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn low_surrogate(&mut self, high: u32) -> Option<u32> {
        let mark = format!("\\{}u", "#".repeat(self.quoting.hashes));
        let digits = self.rest().strip_prefix(&mark)?.get(..4)?;
        let digits = digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(digits)?;
        let low = u32::from_str_radix(digits, 16).ok().filter(|low| (0xdc00..0xe000).contains(low))?;
        self.at += mark.len() + 4;
        Some(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
    }
}

fn unknown_escape(kind: char, quoting: Quoting) -> String {
    match kind {
        'x' | '0'..='7' if !quoting.bytes => {
            format!("\\{kind} stands for a byte and is allowed in byte strings ('…') only; write \\u00XX")
        }
        '\n' | '\r' => "a backslash can't join lines, as in CUE itself; write \\\\ for a backslash".to_owned(),
        _ => format!("there is no escape \\{kind}; write \\\\ for a backslash"),
    }
}
