//! Lists: elements, comprehensions, the open end.
//!
//! Not here: patterns. They are read as lists, and become labels where a colon follows (`decl`).

use super::Parser;
use crate::source::Span;
use crate::syntax::ast::{Element, Ellipsis, Expr, ExprKind};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// `[ … ]`, or a pattern that is read as a list first.
    pub(super) fn list(&mut self) -> Expr {
        let start = self.here();
        let open = self.bump();
        let mut elements = Vec::new();
        let mut highest = 0;
        let mut alias: Option<Span> = None;
        while !matches!(self.kind(), TokenKind::RightBracket | TokenKind::End) {
            self.height = 0;
            let Some(element) = self.element(&mut alias) else { break };
            highest = highest.max(self.height);
            let last = matches!(element, Element::Ellipsis(_));
            elements.push(element);
            if !self.eat_comma() || last {
                break;
            }
        }
        self.expect_closing(TokenKind::RightBracket, "',' or ']' after the element", open);
        self.grow(highest);
        if let Some(alias) = alias.filter(|_| !self.follows_pattern()) {
            self.error(alias, "an alias in brackets names the label of a pattern, as in [X=string]: …");
        }
        Expr { kind: ExprKind::List(elements), span: self.since(start) }
    }

    fn follows_pattern(&self) -> bool {
        matches!(self.kind(), TokenKind::Colon | TokenKind::Question | TokenKind::Not | TokenKind::Tilde)
    }

    fn element(&mut self, alias: &mut Option<Span>) -> Option<Element> {
        if self.kind() == TokenKind::Ellipsis {
            return Some(Element::Ellipsis(Box::new(self.list_ellipsis())));
        }
        if self.at_clause() {
            return self.comprehension().map(|comprehension| Element::Comprehension(Box::new(comprehension)));
        }
        let expr = self.expr_with_alias();
        if matches!(expr.kind, ExprKind::Alias { .. }) {
            *alias = Some(expr.span);
        }
        Some(Element::Expr(expr))
    }

    fn list_ellipsis(&mut self) -> Ellipsis {
        let start = self.here();
        self.bump();
        let ends = self.at_comma() || self.kind() == TokenKind::RightBracket;
        let value = (!ends).then(|| self.expr());
        Ellipsis { value, span: self.since(start) }
    }
}
