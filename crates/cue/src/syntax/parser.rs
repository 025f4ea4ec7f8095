//! Tokens to the tree of a file, or of one expression.
//!
//! Source: the grammar of the CUE language specification (v0.17), and the syntax of its experiments where a file asks
//! for them. A parser of recursive descent that looks ahead in the list of all tokens. After an error it goes on with
//! the next declaration, so that several errors are told at once; what could not be read is [`ExprKind::Bad`].
//!
//! Not here: what names mean, or whether they mean anything (that is `compile`).

mod clause;
mod decl;
mod expr;
mod file;
mod list;
mod operand;

use std::ops::Range;
use std::sync::Arc;

use super::ast::{Expr, ExprKind, File, Ident};
use super::lexer;
use super::token::{Token, TokenKind};
use crate::error::{Code, Error};
use crate::source::{FileId, Span};

/// How deep brackets, labels and prefix operators may nest, in levels.
pub const MAX_NESTING_LEVELS: u32 = 500;

/// How high a tree of expressions may grow, in nodes from its root to a leaf; a chain of operators adds one for each.
pub const MAX_TREE_NODES: u32 = 2000;

/// Reads a file. The tree is whole even if there are errors, but then only good for showing.
#[must_use]
pub fn parse_file(id: FileId, text: &str) -> (File, Vec<Error>) {
    let lexed = lexer::lex(id, text);
    let mut parser = Parser::new(id, text, &lexed.tokens);
    let file = parser.file(lexed.comments);
    (file, in_order(text, lexed.errors, parser.errors))
}

/// Reads one expression that is the whole text.
#[must_use]
pub fn parse_expr(id: FileId, text: &str) -> (Expr, Vec<Error>) {
    let lexed = lexer::lex(id, text);
    let mut parser = Parser::new(id, text, &lexed.tokens);
    // An expression stands alone here: whoever evaluates it decides about experiments.
    parser.experiments = file::Experiments::ALL;
    let expr = parser.expr();
    parser.eat(TokenKind::AutoComma);
    if parser.kind() != TokenKind::End {
        parser.expected("the end of the expression");
    }
    (expr, in_order(text, lexed.errors, parser.errors))
}

/// The errors of lexer and parser by place; where the lexer has complained of a line, the parser's word is noise.
fn in_order(text: &str, lexical: Vec<Error>, syntactic: Vec<Error>) -> Vec<Error> {
    let lines: Vec<Range<usize>> = lexical.iter().map(|error| line_at(text, place(error))).collect();
    let mut errors = syntactic;
    errors.retain(|error| !lines.iter().any(|line| line.contains(&place(error))));
    errors.extend(lexical);
    errors.sort_by_key(place);
    errors
}

/// Where an error is, in bytes.
fn place(error: &Error) -> usize {
    error.labels.first().map_or(0, |label| label.span.start as usize)
}

/// The line that a byte stands on, with its newline, in bytes.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    start..after.find('\n').map_or(text.len(), |newline| at + newline) + 1
}

struct Parser<'a> {
    id: FileId,
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    errors: Vec<Error>,
    /// The line of the last error, in bytes.
    told: Range<usize>,
    experiments: file::Experiments,
    /// How deep the parser is, in levels.
    depth: u32,
    /// How high the tree of the expression is that was read last, in nodes.
    height: u32,
}

impl<'a> Parser<'a> {
    fn new(id: FileId, text: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            id,
            text,
            tokens,
            at: 0,
            errors: Vec::new(),
            told: 0..0,
            experiments: file::Experiments::default(),
            depth: 0,
            height: 0,
        }
    }

    /// The token so far ahead; behind the end comes the end.
    fn token(&self, ahead: usize) -> Token {
        let end = Token { kind: TokenKind::End, start: self.text.len() as u32, end: self.text.len() as u32 };
        self.tokens.get(self.at + ahead).copied().unwrap_or(end)
    }

    fn kind(&self) -> TokenKind {
        self.token(0).kind
    }

    fn kind_ahead(&self, ahead: usize) -> TokenKind {
        self.token(ahead).kind
    }

    fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    fn span_of(&self, token: Token) -> Span {
        Span::new(self.id, token.start, token.end)
    }

    /// Where the next token stands.
    fn here(&self) -> Span {
        self.span_of(self.token(0))
    }

    /// From `start` to the end of the token before this one.
    fn since(&self, start: Span) -> Span {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        Span::new(self.id, start.start, before.map_or(start.end, |token| token.end.max(start.start)))
    }

    fn bump(&mut self) -> Token {
        let token = self.token(0);
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    fn at_comma(&self) -> bool {
        matches!(self.kind(), TokenKind::Comma | TokenKind::AutoComma)
    }

    fn eat_comma(&mut self) -> bool {
        self.eat(TokenKind::Comma) || self.eat(TokenKind::AutoComma)
    }

    fn at_word(&self, word: &str) -> bool {
        self.kind() == TokenKind::Ident && self.text_of(self.token(0)) == word
    }

    /// Takes the token if it is of the kind, else says what was expected and stays.
    fn expect(&mut self, kind: TokenKind, what: &str) -> bool {
        let found = self.eat(kind);
        if !found {
            self.expected(what);
        }
        found
    }

    /// As [`Self::expect`], for a closing bracket: an error also shows where it was opened. A bracket on the next line is
    /// taken, too.
    fn expect_closing(&mut self, kind: TokenKind, what: &str, open: Token) {
        if self.eat(kind) {
            return;
        }
        let error = self.expectation(what).at(self.span_of(open), "opened here");
        if self.kind() == TokenKind::AutoComma && self.kind_ahead(1) == kind {
            self.note(
                error.help("a line that ends with a value ends what it is part of: put the bracket on that line"),
            );
            self.bump();
            self.bump();
        } else {
            self.note(error);
        }
    }

    fn ident(&mut self, what: &str) -> Ident {
        let token = self.token(0);
        if !self.expect(TokenKind::Ident, what) {
            return Ident { name: Arc::from("_"), span: self.here() };
        }
        Ident { name: Arc::from(self.text_of(token)), span: self.span_of(token) }
    }

    /// A name that is declared here: names with two underscores belong to the language.
    fn declared_ident(&mut self, what: &str) -> Ident {
        let ident = self.ident(what);
        self.check_declared(&ident);
        ident
    }

    fn check_declared(&mut self, ident: &Ident) {
        if ident.name.starts_with("__") {
            let message = format!("the name {} is reserved, as all that begin with two underscores", ident.name);
            self.error(ident.span, message);
        }
    }

    fn expected(&mut self, what: &str) {
        let error = self.expectation(what);
        self.note(error);
    }

    fn expectation(&self, what: &str) -> Error {
        let found = self.token(0);
        let found_text = match found.kind {
            TokenKind::AutoComma => "the line ends".to_owned(),
            TokenKind::End => "the file ends".to_owned(),
            _ => format!("there is {}", shortened(self.text_of(found))),
        };
        Error::new(Code::Syntax, format!("expected {what}, but {found_text} here"), Some(self.span_of(found)))
    }

    /// Notes an error, unless the line has one already: what follows an error is seldom news.
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.note(Error::new(Code::Syntax, message, Some(span)));
    }

    fn note(&mut self, error: Error) {
        let place = place(&error);
        if self.told.contains(&place) {
            return;
        }
        self.told = line_at(self.text, place);
        self.errors.push(error);
        if self.errors.len() == lexer::MAX_ERRORS {
            self.at = self.tokens.len();
        }
    }

    /// Steps to the end of the declaration: the next comma or closing brace that belongs to it, or the end.
    fn skip_declaration(&mut self) {
        let mut open = 0_u32;
        loop {
            match self.kind() {
                TokenKind::End => return,
                TokenKind::Comma | TokenKind::AutoComma | TokenKind::RightBrace if open == 0 => return,
                TokenKind::LeftBrace | TokenKind::LeftBracket | TokenKind::LeftParen => open += 1,
                TokenKind::RightBrace | TokenKind::RightBracket | TokenKind::RightParen => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
            self.bump();
        }
    }

    /// Goes one level deeper to read something; `None` and the end of the file if that is too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_NESTING_LEVELS {
            self.give_up(format!("the nesting is deeper than {MAX_NESTING_LEVELS} levels"));
            return None;
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        Some(result)
    }

    /// Says that one more node stands over trees of the given height; gives up if that is too high.
    fn grow(&mut self, below: u32) {
        self.height = below + 1;
        if self.height > MAX_TREE_NODES {
            self.give_up(format!("the expression is a tree of more than {MAX_TREE_NODES} levels"));
        }
    }

    fn give_up(&mut self, message: String) {
        if self.kind() != TokenKind::End {
            let error = Error::new(Code::Limit, message, Some(self.here())).help("split it into several fields");
            self.note(error);
        }
        self.at = self.tokens.len();
    }

    fn bad(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Bad, span }
    }
}

/// A token as an error shows it: its first line, and not too much of it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 20;
    let line = text.lines().next().unwrap_or("");
    let shown: String = line.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown}{more}")
}
