//! Operands: names, literals, structs, interpolations, parentheses.
//!
//! Not here: lists (that is `list`), what stands after an operand (`expr`).

use std::sync::Arc;

use super::Parser;
use crate::number::Number;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Ident, Interpolation, Piece, Struct};
use crate::syntax::literal::{self, LiteralError, Quoting};
use crate::syntax::token::{Token, TokenKind};

impl Parser<'_> {
    pub(super) fn operand(&mut self) -> Expr {
        let start = self.here();
        self.height = 1;
        let kind = match self.kind() {
            TokenKind::Ident => self.name(),
            TokenKind::Number => self.number(),
            TokenKind::String => self.string(),
            TokenKind::InterpolationStart => self.interpolation(),
            TokenKind::Bottom => {
                self.bump();
                ExprKind::Bottom
            }
            TokenKind::LeftBrace => match self.deeper(Self::struct_literal) {
                Some(literal) => ExprKind::Struct(literal),
                None => ExprKind::Bad,
            },
            TokenKind::LeftBracket => return self.deeper(Self::list).unwrap_or_else(|| self.bad(start)),
            TokenKind::LeftParen => self.paren(),
            _ => {
                self.expected("a value");
                return self.bad(start);
            }
        };
        Expr { kind, span: self.since(start) }
    }

    fn name(&mut self) -> ExprKind {
        let name = self.ident("a name");
        match &*name.name {
            "_" => ExprKind::Top,
            "null" => ExprKind::Null,
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            _ => ExprKind::Ident(Ident { name: name.name, span: name.span }),
        }
    }

    fn number(&mut self) -> ExprKind {
        let token = self.bump();
        let text = self.text_of(token);
        match Number::parse(text) {
            Some(number) => ExprKind::Number(number),
            None => {
                self.error(self.span_of(token), format!("{text} is not a number that can be computed with"));
                ExprKind::Bad
            }
        }
    }

    fn string(&mut self) -> ExprKind {
        let token = self.bump();
        if Quoting::of(self.text_of(token)).bytes {
            ExprKind::Bytes(Arc::from(self.unquoted(token)))
        } else {
            ExprKind::String(text(self.unquoted(token)))
        }
    }

    /// The text of a string token.
    pub(super) fn text_value(&mut self, token: Token) -> Arc<str> {
        text(self.unquoted(token))
    }

    fn unquoted(&mut self, token: Token) -> Vec<u8> {
        literal::unquote(self.text_of(token)).unwrap_or_else(|error| {
            self.literal_error(&[token], error);
            Vec::new()
        })
    }

    fn literal_error(&mut self, tokens: &[Token], error: LiteralError) {
        let start = tokens.get(error.piece).map_or(0, |token| token.start as usize) + error.at;
        let len = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        self.error(Span::new(self.id, start as u32, (start + len) as u32), error.message);
    }

    fn interpolation(&mut self) -> ExprKind {
        let start = self.here();
        let mut tokens = vec![self.bump()];
        let mut exprs = Vec::new();
        let mut highest = 0;
        loop {
            exprs.push(self.expr());
            highest = highest.max(self.height);
            self.eat(TokenKind::AutoComma);
            let next = self.kind();
            if !matches!(next, TokenKind::InterpolationMiddle | TokenKind::InterpolationEnd) {
                self.expected("')' after the interpolated expression");
                self.skip_interpolation();
                return ExprKind::Bad;
            }
            tokens.push(self.bump());
            if next == TokenKind::InterpolationEnd {
                break;
            }
        }
        self.grow(highest);
        let texts: Vec<&str> = tokens.iter().map(|token| self.text_of(*token)).collect();
        let bytes = Quoting::of(texts.first().unwrap_or(&"")).bytes;
        let values = literal::unquote_pieces(&texts).unwrap_or_else(|error| {
            self.literal_error(&tokens, error);
            Vec::new()
        });
        let pieces = interleaved(values, exprs);
        ExprKind::Interpolation(Box::new(Interpolation { pieces, bytes, span: self.since(start) }))
    }

    /// To behind the end of the string whose expression could not be read.
    fn skip_interpolation(&mut self) {
        let mut open = 1_u32;
        while open > 0 && self.kind() != TokenKind::End {
            match self.bump().kind {
                TokenKind::InterpolationStart => open += 1,
                TokenKind::InterpolationEnd => open -= 1,
                _ => {}
            }
        }
    }

    /// `{ … }`
    pub(super) fn struct_literal(&mut self) -> Struct {
        let start = self.here();
        let open = self.bump();
        let decls = self.declarations();
        self.grow(self.height);
        self.expect_closing(TokenKind::RightBrace, "'}' at the end of the struct", open);
        Struct { decls, braces: true, span: self.since(start) }
    }

    fn paren(&mut self) -> ExprKind {
        let open = self.bump();
        let inner = self.expr();
        self.grow(self.height);
        self.expect_closing(TokenKind::RightParen, "')' after the expression", open);
        ExprKind::Paren(Box::new(inner))
    }
}

/// A text's bytes are UTF-8: byte escapes are refused in it.
fn text(bytes: Vec<u8>) -> Arc<str> {
    Arc::from(String::from_utf8_lossy(&bytes))
}

/// Texts and expressions in turn, empty texts left out.
fn interleaved(texts: Vec<Vec<u8>>, exprs: Vec<Expr>) -> Vec<Piece> {
    let mut exprs = exprs.into_iter();
    let mut pieces = Vec::new();
    for text in texts {
        if !text.is_empty() {
            pieces.push(Piece::Text(Arc::from(text)));
        }
        pieces.extend(exprs.next().map(Piece::Expr));
    }
    pieces
}
