//! The text of a template, apart from its actions, and the tokens in those.

use super::super::super::CallError;
use super::super::super::strconv::parse_integer;
use super::wrong;
use crate::number::Number;

/// A stretch of a template.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Space,
    /// `.`
    Dot,
    /// `.name`
    Field(String),
    /// `$name`, or `$` alone with an empty name.
    Variable(String),
    Word(String),
    Number(Number),
    Text(String),
    /// `:=`
    Declare,
    /// `=`
    Assign,
    Pipe,
    Comma,
    Open,
    Close,
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a template into text and actions; spaces that actions trim are gone, comments, too.
pub(super) fn pieces(template: &str) -> Result<Vec<Piece>, CallError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trim_start = false;
    loop {
        let (before, after) = match rest.split_once("{{") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        let trim_end = after.and_then(|after| after.strip_prefix('-')).is_some_and(|after| after.starts_with(SPACES));
        let text = if trim_start { before.trim_start_matches(SPACES) } else { before };
        let text = if trim_end { text.trim_end_matches(SPACES) } else { text };
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let Some(after) = after else { return Ok(pieces) };
        let inner = if trim_end { after[1..].trim_start_matches(SPACES) } else { after };
        (rest, trim_start) = match inner.strip_prefix("/*") {
            Some(comment) => after_comment(comment)?,
            None => {
                let mut lexer = Lexer { rest: inner };
                let trims = lexer.action()?;
                pieces.push(Piece::Action(lexer.tokens_before(inner)?));
                (lexer.rest, trims)
            }
        };
    }
}

/// What follows a comment, and whether its spaces go.
fn after_comment(comment: &str) -> Result<(&str, bool), CallError> {
    let (_, after) = comment.split_once("*/").ok_or_else(|| wrong("a comment doesn't end"))?;
    if let Some(after) = after.strip_prefix("}}") {
        return Ok((after, false));
    }
    let trimmed = after.trim_start_matches(SPACES);
    let after = trimmed.strip_prefix("-}}").filter(|_| trimmed.len() < after.len());
    after.map(|after| (after, true)).ok_or_else(|| wrong("a comment must be all of its action"))
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// Skips an action up to its end; whether it trims the spaces after it.
    fn action(&mut self) -> Result<bool, CallError> {
        while !self.rest.is_empty() {
            if self.takes("}}") {
                return Ok(false);
            }
            let trimmed = self.rest.trim_start_matches(SPACES);
            if let Some(after) = trimmed.strip_prefix("-}}").filter(|_| trimmed.len() < self.rest.len()) {
                self.rest = after;
                return Ok(true);
            }
            self.token()?;
        }
        Err(wrong("an action doesn't end: }} is missing"))
    }

    /// The tokens of the action that was skipped; its text starts `inner`.
    fn tokens_before(&self, inner: &'a str) -> Result<Vec<Token>, CallError> {
        let action = &inner[..inner.len() - self.rest.len()];
        let action = action.strip_suffix("}}").unwrap_or(action);
        // A minus before the end, after a space, is the sign to trim.
        let action = match action.strip_suffix('-') {
            Some(before) if before.ends_with(SPACES) => before,
            _ => action,
        };
        let mut lexer = Lexer { rest: action.trim_matches(SPACES) };
        let mut tokens = Vec::new();
        while !lexer.rest.is_empty() {
            tokens.push(lexer.token()?);
        }
        Ok(tokens)
    }

    fn takes(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !test(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn token(&mut self) -> Result<Token, CallError> {
        for (text, token) in [(":=", Token::Declare), ("=", Token::Assign), ("|", Token::Pipe), (",", Token::Comma)] {
            if self.takes(text) {
                return Ok(token);
            }
        }
        let first = self.rest.chars().next().unwrap_or_default();
        let second = self.rest.chars().nth(1).unwrap_or_default();
        match first {
            ' ' | '\t' | '\r' | '\n' => {
                self.take_while(|letter| SPACES.contains(&letter));
                Ok(Token::Space)
            }
            '(' | ')' => {
                self.rest = &self.rest[1..];
                Ok(if first == '(' { Token::Open } else { Token::Close })
            }
            '"' | '`' | '\'' => self.quoted(first),
            '.' if !second.is_ascii_digit() => {
                self.rest = &self.rest[1..];
                let name = self.word();
                Ok(if name.is_empty() { Token::Dot } else { Token::Field(name.to_owned()) })
            }
            '$' => {
                self.rest = &self.rest[1..];
                Ok(Token::Variable(self.word().to_owned()))
            }
            '+' | '-' | '.' => self.number(),
            _ if first.is_ascii_digit() => self.number(),
            _ if is_word(first) => Ok(Token::Word(self.word().to_owned())),
            _ => Err(wrong(format!("unexpected {first:?} in an action"))),
        }
    }

    fn word(&mut self) -> &'a str {
        self.take_while(is_word)
    }

    fn number(&mut self) -> Result<Token, CallError> {
        let start = self.rest;
        let digits = start.trim_start_matches(['+', '-']);
        let is_hexadecimal = digits.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
        let end = start
            .char_indices()
            .find(|(at, letter)| !is_number(start, *at, *letter, is_hexadecimal))
            .map_or(start.len(), |(at, _)| at);
        let (text, rest) = start.split_at(end);
        self.rest = rest;
        number_value(text).map(Token::Number).ok_or_else(|| wrong(format!("{text:?} is no number")))
    }

    fn quoted(&mut self, quote: char) -> Result<Token, CallError> {
        let mut text = String::new();
        self.rest = &self.rest[1..];
        loop {
            let letter = self.rest.chars().next().ok_or_else(|| wrong("a quoted text doesn't end"))?;
            self.rest = &self.rest[letter.len_utf8()..];
            match letter {
                _ if letter == quote => break,
                '\\' if quote != '`' => text.push(self.escape(quote)?),
                '\n' if quote != '`' => return Err(wrong("a quoted text doesn't end on its line")),
                _ => text.push(letter),
            }
        }
        if quote != '\'' {
            return Ok(Token::Text(text));
        }
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(Token::Number(Number::int(u32::from(letter)))),
            _ => Err(wrong("single quotes hold one character")),
        }
    }

    /// What a backslash and the characters after it stand for.
    fn escape(&mut self, quote: char) -> Result<char, CallError> {
        let letter = self.rest.chars().next().ok_or_else(|| wrong("a quoted text doesn't end"))?;
        self.rest = &self.rest[letter.len_utf8()..];
        let (digits, radix) = match letter {
            'a' => return Ok('\u{7}'),
            'b' => return Ok('\u{8}'),
            'f' => return Ok('\u{c}'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'v' => return Ok('\u{b}'),
            '\\' => return Ok('\\'),
            _ if letter == quote => return Ok(letter),
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            _ => return Err(wrong(format!("there is no escape \\{letter}"))),
        };
        let code = self.rest.get(..digits).and_then(|code| u32::from_str_radix(code, radix).ok());
        self.rest = self.rest.get(digits..).unwrap_or_default();
        match code.and_then(char::from_u32) {
            Some(character) if letter == 'x' && !character.is_ascii() => {
                Err(CallError::unsupported("a byte beyond ASCII in a template's text"))
            }
            Some(character) => Ok(character),
            None => Err(wrong(format!("there is no such character: \\{letter}"))),
        }
    }
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

/// Whether a character goes on with the number that starts `text`.
fn is_number(text: &str, at: usize, letter: char, hexadecimal: bool) -> bool {
    let exponents = if hexadecimal { "pP" } else { "eE" };
    match letter {
        '+' | '-' => at == 0 || text[..at].ends_with(|before| exponents.contains(before)),
        '.' | '_' => true,
        _ => letter.is_ascii_alphanumeric(),
    }
}

fn number_value(text: &str) -> Option<Number> {
    if let Ok(integer) = parse_integer(text, 0) {
        return Some(Number::int(integer));
    }
    let digits = text.trim_start_matches(['+', '-']);
    let is_float = digits.starts_with(|first: char| first == '.' || first.is_ascii_digit()) && !text.contains('_');
    let float: f64 = text.parse().ok().filter(|_| is_float)?;
    Number::from_f64(float)
}
