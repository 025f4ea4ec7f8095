//! Text to tokens: names, literals, operators, attributes, comments, and the commas that lines' ends stand for.
//!
//! Source: the CUE language specification, "Lexical elements". The whole text is read at once, so that the parser may
//! look ahead; an interpolation's expression is part of the one sequence of tokens.
//!
//! Not here: what a literal means (that is [`super::literal`]).

mod letter;
mod number;
mod operator;
mod string;

use std::sync::Arc;

use super::ast::Comment;
use super::token::{Token, TokenKind};
use crate::error::{Code, Error};
use crate::source::{FileId, Span};

/// The tokens of a text, the comments between them, and what was wrong with it.
#[derive(Debug)]
pub struct Lexed {
    /// All tokens; the last is [`TokenKind::End`].
    pub tokens: Vec<Token>,
    /// All comments, by place.
    pub comments: Vec<Comment>,
    /// What could not be read.
    pub errors: Vec<Error>,
}

/// How many errors are told of one file before the rest is left alone.
pub const MAX_ERRORS: usize = 50;

/// Reads a text; it must be shorter than 4 GiB, as spans count in 32 bits.
#[must_use]
pub fn lex(file: FileId, text: &str) -> Lexed {
    let mut lexer = Lexer::new(file, text);
    if u32::try_from(text.len()).is_err() {
        lexer.error(0, 0, "the file is larger than 4 GiB");
        lexer.at = text.len();
    }
    if let Some(at) = text.find('\0') {
        lexer.error(at, at + 1, "a NUL character; CUE files are text");
    }
    lexer.skip_byte_order_mark();
    while lexer.step() != TokenKind::End {}
    if let Some(open) = lexer.interpolations.pop() {
        lexer.error(open.start, open.start, "this interpolation has no ')'");
    }
    Lexed { tokens: lexer.tokens, comments: lexer.comments, errors: lexer.errors }
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    /// A line's end here stands for a comma.
    comma_due: bool,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    errors: Vec<Error>,
    interpolations: Vec<OpenInterpolation>,
    /// Attributes don't nest: an `@` in one is text.
    in_attribute: bool,
}

/// A string whose expression is being read.
struct OpenInterpolation {
    quotes: string::Quotes,
    /// Of the string, in bytes.
    start: usize,
    /// How many parentheses of the expression are open.
    parens: u32,
}

impl<'a> Lexer<'a> {
    fn new(file: FileId, text: &'a str) -> Self {
        Self {
            file,
            text,
            at: 0,
            comma_due: false,
            tokens: Vec::new(),
            comments: Vec::new(),
            errors: Vec::new(),
            interpolations: Vec::new(),
            in_attribute: false,
        }
    }

    fn skip_byte_order_mark(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The byte so far ahead; characters beyond ASCII give bytes that no operator has.
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn error(&mut self, start: usize, end: usize, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            let span = Span::new(self.file, start as u32, end as u32);
            self.errors.push(Error::new(Code::Syntax, message, Some(span)));
        }
    }

    fn push(&mut self, kind: TokenKind, start: usize) -> TokenKind {
        self.comma_due = kind.ends_line();
        self.tokens.push(Token { kind, start: start as u32, end: self.at as u32 });
        kind
    }

    /// Reads one token, with the space and comments before it.
    fn step(&mut self) -> TokenKind {
        loop {
            self.skip_space();
            let ends = matches!(self.peek(), None | Some('\n')) || self.rest().starts_with("//");
            if ends && self.comma_due {
                return self.auto_comma();
            }
            if !self.rest().starts_with("//") {
                return self.token();
            }
            self.comment();
        }
    }

    fn skip_space(&mut self) {
        while let Some(next) = self.byte(0) {
            match next {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' if !self.comma_due => self.at += 1,
                _ => return,
            }
        }
    }

    /// A line ends after something that may end a declaration. JSON may put its commas and colons on the next line.
    fn auto_comma(&mut self) -> TokenKind {
        let start = self.at;
        self.comma_due = false;
        if self.peek() == Some('\n') {
            self.skip_space();
            if matches!(self.byte(0), Some(b',' | b':')) {
                return self.token();
            }
        }
        self.tokens.push(Token { kind: TokenKind::AutoComma, start: start as u32, end: start as u32 });
        TokenKind::AutoComma
    }

    fn comment(&mut self) {
        let start = self.at;
        let line = self.rest().split('\n').next().unwrap_or("");
        self.at += line.len();
        let before = self.text[..start].rsplit('\n').next().unwrap_or("");
        let text = line.trim_end_matches('\r');
        let span = Span::new(self.file, start as u32, (start + text.len()) as u32);
        let trailing = !before.trim_start_matches('\u{feff}').trim().is_empty();
        let next = self.rest().strip_prefix('\n').and_then(|rest| rest.split('\n').next());
        let above = next.is_some_and(|line| !line.trim().is_empty());
        self.comments.push(Comment { text: Arc::from(text), span, trailing, above });
    }

    /// The token that starts here.
    fn token(&mut self) -> TokenKind {
        let start = self.at;
        let Some(next) = self.peek() else {
            return self.push(TokenKind::End, start);
        };
        match next {
            '0'..='9' => self.number(),
            '.' if self.byte(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            '"' | '\'' => self.string(0),
            '#' => self.hash(),
            '_' if self.rest().starts_with("_|_") => self.take(3, TokenKind::Bottom),
            '@' if self.in_attribute => self.take(1, TokenKind::Illegal),
            '@' => self.attribute(),
            ')' => self.right_paren(),
            _ if next == '_' || letter::is_letter(next) => self.name(),
            _ => self.operator(),
        }
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        let start = self.at;
        self.at += bytes;
        self.push(kind, start)
    }

    /// `#` begins a definition's name or a raw string.
    fn hash(&mut self) -> TokenKind {
        let hashes = self.rest().bytes().take_while(|b| *b == b'#').count();
        match self.byte(hashes) {
            Some(b'"' | b'\'') => self.string(hashes),
            _ if hashes == 1 => self.name(),
            _ => self.illegal(hashes, "'##' begins a raw string, but no quote follows"),
        }
    }

    fn illegal(&mut self, bytes: usize, message: impl Into<String>) -> TokenKind {
        self.error(self.at, self.at + bytes, message);
        self.take(bytes, TokenKind::Illegal)
    }

    /// A name: letters and digits after `#`, `_#` or nothing.
    fn name(&mut self) -> TokenKind {
        let start = self.at;
        if self.rest().starts_with("__#") {
            self.error(start, start + 3, "a name can't begin with '__#': names with two underscores are reserved");
            self.at += 3;
        } else if self.rest().starts_with("_#") {
            self.at += 2;
        } else if self.peek() == Some('#') {
            self.at += 1;
        }
        let marked = self.at > start;
        let first_is_digit = self.peek().is_some_and(letter::is_digit);
        if !(marked && first_is_digit) {
            while self.peek().is_some_and(letter::continues_name) {
                self.bump();
            }
        }
        self.push(TokenKind::Ident, start)
    }

    fn right_paren(&mut self) -> TokenKind {
        match self.interpolations.last_mut() {
            Some(open) if open.parens == 0 => self.resume_string(),
            Some(open) => {
                open.parens -= 1;
                self.take(1, TokenKind::RightParen)
            }
            None => self.take(1, TokenKind::RightParen),
        }
    }

    fn left_paren(&mut self) -> TokenKind {
        if let Some(open) = self.interpolations.last_mut() {
            open.parens += 1;
        }
        self.take(1, TokenKind::LeftParen)
    }

    /// `@name(…)`: brackets nest in it, strings and comments hide them; its tokens are not told one by one.
    fn attribute(&mut self) -> TokenKind {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(letter::continues_name) {
            self.bump();
        }
        let (tokens, comments, interpolations) = (self.tokens.len(), self.comments.len(), self.interpolations.len());
        self.comma_due = false;
        self.in_attribute = true;
        self.attribute_body(start);
        self.in_attribute = false;
        self.tokens.truncate(tokens);
        self.comments.truncate(comments);
        self.interpolations.truncate(interpolations);
        self.push(TokenKind::Attribute, start)
    }

    fn attribute_body(&mut self, start: usize) {
        if self.step() != TokenKind::LeftParen {
            self.error(start, self.at, "an attribute needs '(' and ')' after its name, as in @name()");
            return;
        }
        let mut open = vec![TokenKind::RightParen];
        while let Some(close) = open.last().copied() {
            let before = self.at;
            match self.step() {
                TokenKind::LeftParen => open.push(TokenKind::RightParen),
                TokenKind::LeftBracket => open.push(TokenKind::RightBracket),
                TokenKind::LeftBrace => open.push(TokenKind::RightBrace),
                kind if kind == close => drop(open.pop()),
                TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace => {
                    self.error(before, self.at, "a bracket in the attribute that was not opened");
                }
                TokenKind::InterpolationStart => {
                    self.error(before, self.at, "an attribute can't hold an interpolation");
                }
                TokenKind::End => return self.error(start, self.at, "the attribute has no closing bracket"),
                _ => {}
            }
        }
    }
}
