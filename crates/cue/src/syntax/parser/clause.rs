//! Comprehensions: `for`, `if`, `let` and `try` clauses, and what they yield.
//!
//! Not here: `let` of a struct (that is `decl`).

use super::Parser;
use crate::syntax::ast::{Clause, Comprehension, Fallback, Struct};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// Whether a comprehension begins here: a keyword that is not a label or a name.
    pub(super) fn at_clause(&self) -> bool {
        use TokenKind as T;
        let opens = self.at_word("for") || self.at_word("if") || (self.experiments.try_clause && self.at_word("try"));
        let follows = self.kind_ahead(1);
        let is_name = match follows {
            T::Not => self.kind_ahead(2) == T::Colon,
            T::Colon | T::Bind | T::Question | T::Tilde | T::Comma | T::AutoComma | T::End => true,
            T::RightBrace | T::RightBracket | T::RightParen | T::Dot | T::And | T::Or => true,
            _ => false,
        };
        opens && !is_name
    }

    /// Clauses and their struct; `None` after an error.
    pub(super) fn comprehension(&mut self) -> Option<Comprehension> {
        let start = self.here();
        let mut highest = 0;
        let mut clauses = Vec::new();
        while let Some(clause) = self.clause(clauses.is_empty()) {
            highest = highest.max(self.height);
            clauses.push(clause);
            self.eat_comma();
        }
        let body = self.clause_body("'{' after the clauses")?;
        highest = highest.max(self.height);
        let fallback = self.fallback();
        if let Some(fallback) = fallback.as_ref().filter(|fallback| &*fallback.word.name == "else") {
            let fits = matches!(clauses.as_slice(), [Clause::If(..) | Clause::Try { .. }]);
            let message = "'else' follows a single 'if' or 'try'; after other clauses it is 'fallback'";
            if !fits {
                self.error(fallback.word.span, message);
            }
        }
        self.grow(highest.max(self.height));
        Some(Comprehension { clauses, body, fallback, span: self.since(start) })
    }

    fn clause(&mut self, first: bool) -> Option<Clause> {
        let start = self.here();
        if self.at_word("for") {
            self.bump();
            return Some(self.for_clause(start));
        }
        if self.at_word("if") {
            self.bump();
            let condition = self.expr();
            return Some(Clause::If(condition, self.since(start)));
        }
        if self.experiments.try_clause && self.at_word("try") {
            self.bump();
            return Some(self.try_clause(start));
        }
        (!first && self.at_word("let")).then(|| Clause::Let(self.let_clause()))
    }

    fn for_clause(&mut self, start: crate::source::Span) -> Clause {
        let mut value = self.declared_ident("a name after 'for'");
        let mut key = None;
        if self.eat(TokenKind::Comma) {
            key = Some(value);
            value = self.declared_ident("a second name after ','");
        }
        if self.at_word("in") {
            self.bump();
        } else {
            self.expected("'in' after the names");
        }
        let source = self.expr();
        Clause::For { key, value, source, span: self.since(start) }
    }

    fn try_clause(&mut self, start: crate::source::Span) -> Clause {
        let binding = (self.kind() == TokenKind::Ident && self.kind_ahead(1) == TokenKind::Bind).then(|| {
            let name = self.declared_ident("a name after 'try'");
            self.bump();
            (name, self.expr())
        });
        if binding.is_none() {
            self.height = 1;
        }
        Clause::Try { binding, span: self.since(start) }
    }

    fn clause_body(&mut self, what: &str) -> Option<Struct> {
        if self.kind() != TokenKind::LeftBrace {
            self.expected(what);
            self.skip_declaration();
            return None;
        }
        self.deeper(Self::struct_literal)
    }

    fn fallback(&mut self) -> Option<Fallback> {
        if !(self.at_word("else") || self.at_word("fallback")) {
            return None;
        }
        let word = self.ident("'else'");
        if !self.experiments.try_clause {
            self.error(word.span, format!("'{}' needs @experiment(try) at the top of the file", word.name));
        }
        let body = self.clause_body("'{' after it")?;
        Some(Fallback { word, body })
    }
}
