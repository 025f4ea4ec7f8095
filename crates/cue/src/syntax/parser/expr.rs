//! Expressions: operators and their precedence, and what stands after an operand.
//!
//! Not here: operands (that is `operand`).

use std::sync::Arc;

use super::Parser;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};
use crate::syntax::token::TokenKind;

/// Below all operators.
const LOWEST: u8 = 1;

impl Parser<'_> {
    /// An expression.
    pub(super) fn expr(&mut self) -> Expr {
        let start = self.here();
        self.deeper(|parser| parser.binary(LOWEST)).unwrap_or_else(|| self.bad(start))
    }

    /// A chain of operators that bind at least so tightly.
    fn binary(&mut self, lowest: u8) -> Expr {
        let start = self.here();
        let mut left = self.unary();
        let mut highest = self.height;
        while let Some((op, precedence)) = self.binary_op().filter(|(_, precedence)| *precedence >= lowest) {
            let op_span = self.here();
            self.bump();
            // The right side binds more tightly: operators of one precedence group to the left.
            let right = self.binary(precedence + 1);
            self.grow(highest.max(self.height));
            highest = self.height;
            let kind = ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, span: self.since(start) };
        }
        self.refuse_word_operator();
        left
    }

    /// Operators and how tightly they bind (specification, "Operators").
    fn binary_op(&self) -> Option<(BinaryOp, u8)> {
        Some(match self.kind() {
            TokenKind::Or => (BinaryOp::Or, 1),
            TokenKind::And => (BinaryOp::And, 2),
            TokenKind::BoolOr => (BinaryOp::BoolOr, 3),
            TokenKind::BoolAnd => (BinaryOp::BoolAnd, 4),
            TokenKind::Equal => (BinaryOp::Equal, 5),
            TokenKind::NotEqual => (BinaryOp::NotEqual, 5),
            TokenKind::Less => (BinaryOp::Less, 5),
            TokenKind::LessEqual => (BinaryOp::LessEqual, 5),
            TokenKind::Greater => (BinaryOp::Greater, 5),
            TokenKind::GreaterEqual => (BinaryOp::GreaterEqual, 5),
            TokenKind::Match => (BinaryOp::Match, 5),
            TokenKind::NotMatch => (BinaryOp::NotMatch, 5),
            TokenKind::Plus => (BinaryOp::Add, 6),
            TokenKind::Minus => (BinaryOp::Subtract, 6),
            TokenKind::Star => (BinaryOp::Multiply, 7),
            TokenKind::Slash => (BinaryOp::Divide, 7),
            _ => return None,
        })
    }

    /// `a div b` was an operator once; it is a function now.
    fn refuse_word_operator(&mut self) {
        let Some(word) = ["div", "mod", "quo", "rem"].into_iter().find(|word| self.at_word(word)) else {
            return;
        };
        let message = format!("'{word}' between its operands is not supported");
        self.note(Error::new(Code::Unsupported, message, Some(self.here())).help(format!("write {word}(a, b)")));
    }

    fn unary(&mut self) -> Expr {
        let start = self.here();
        let Some(op) = self.unary_op() else {
            return self.primary();
        };
        self.bump();
        let of = self.deeper(Self::unary).unwrap_or_else(|| self.bad(start));
        self.grow(self.height);
        Expr { kind: ExprKind::Unary { op, of: Box::new(of) }, span: self.since(start) }
    }

    fn unary_op(&self) -> Option<UnaryOp> {
        Some(match self.kind() {
            TokenKind::Plus => UnaryOp::Plus,
            TokenKind::Minus => UnaryOp::Minus,
            TokenKind::Not => UnaryOp::Not,
            TokenKind::Star => UnaryOp::Default,
            TokenKind::Less => UnaryOp::Less,
            TokenKind::LessEqual => UnaryOp::LessEqual,
            TokenKind::Greater => UnaryOp::Greater,
            TokenKind::GreaterEqual => UnaryOp::GreaterEqual,
            TokenKind::NotEqual => UnaryOp::NotEqual,
            TokenKind::Equal => UnaryOp::Equal,
            TokenKind::Match => UnaryOp::Match,
            TokenKind::NotMatch => UnaryOp::NotMatch,
            _ => return None,
        })
    }

    /// An operand and the selectors, indices, calls and marks after it.
    fn primary(&mut self) -> Expr {
        let start = self.here();
        let mut expr = self.operand();
        let mut highest = self.height;
        loop {
            self.height = 0;
            let of = Box::new(expr);
            let kind = match self.kind() {
                TokenKind::Dot => self.selector(of),
                TokenKind::LeftBracket => self.index_or_slice(of),
                TokenKind::LeftParen => self.call(of),
                TokenKind::Ellipsis => self.open(of),
                TokenKind::Question if self.kind_ahead(1) != TokenKind::Colon => self.maybe(of),
                _ => {
                    self.height = highest;
                    return *of;
                }
            };
            self.grow(highest.max(self.height));
            highest = self.height;
            expr = Expr { kind, span: self.since(start) };
        }
    }

    fn selector(&mut self, of: Box<Expr>) -> ExprKind {
        self.bump();
        let token = self.token(0);
        let span = self.span_of(token);
        let simple = token.kind == TokenKind::String && self.text_of(token).starts_with('"');
        let lines = self.text_of(token).starts_with("\"\"\"");
        if token.kind == TokenKind::Ident {
            let label = self.ident("a name");
            return ExprKind::Selector { of, label, quoted: false };
        }
        if !simple || lines {
            self.expected("the name of a field after '.'");
            let label = Ident { name: Arc::from("_"), span };
            return ExprKind::Selector { of, label, quoted: false };
        }
        self.bump();
        let label = Ident { name: self.text_value(token), span };
        ExprKind::Selector { of, label, quoted: true }
    }

    fn index_or_slice(&mut self, of: Box<Expr>) -> ExprKind {
        let open = self.bump();
        let low = (self.kind() != TokenKind::Colon).then(|| Box::new(self.expr()));
        let below = if low.is_some() { self.height } else { 0 };
        if !self.eat(TokenKind::Colon) {
            self.eat_comma();
            self.expect_closing(TokenKind::RightBracket, "']' after the index", open);
            self.height = below;
            let index = low.unwrap_or_else(|| Box::new(self.bad(of.span)));
            return ExprKind::Index { of, index };
        }
        let high = (self.kind() != TokenKind::RightBracket).then(|| Box::new(self.expr()));
        self.expect_closing(TokenKind::RightBracket, "']' after the slice", open);
        self.height = self.height.max(below);
        ExprKind::Slice { of, low, high }
    }

    fn call(&mut self, of: Box<Expr>) -> ExprKind {
        let open = self.bump();
        let mut args = Vec::new();
        let mut highest = 0;
        while !matches!(self.kind(), TokenKind::RightParen | TokenKind::End) {
            args.push(self.expr());
            highest = highest.max(self.height);
            if !self.eat_comma() {
                break;
            }
        }
        self.expect_closing(TokenKind::RightParen, "',' or ')' after the argument", open);
        self.height = highest;
        ExprKind::Call { of, args }
    }

    fn open(&mut self, of: Box<Expr>) -> ExprKind {
        self.needs(self.experiments.explicit_open, "'...' after a value", "explicitopen");
        self.bump();
        ExprKind::Open(of)
    }

    fn maybe(&mut self, of: Box<Expr>) -> ExprKind {
        self.needs(self.experiments.try_clause, "'?' after a reference", "try");
        self.bump();
        ExprKind::Maybe(of)
    }

    fn needs(&mut self, enabled: bool, what: &str, experiment: &str) {
        let span: Span = self.here();
        if !enabled {
            self.error(span, format!("{what} needs @experiment({experiment}) at the top of the file"));
        }
    }
}
