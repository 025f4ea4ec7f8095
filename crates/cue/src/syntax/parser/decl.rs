//! Declarations: fields and their labels, `let`, embeddings, ellipses.
//!
//! Not here: comprehensions (that is `clause`), what a file begins with (`file`).

use super::Parser;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{
    Alias, Attribute, Decl, Element, Ellipsis, Expr, ExprKind, Field, Ident, Label, Let, Presence, Struct,
};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// Declarations up to `}` or the end of the file; [`Self::height`] is that of the highest.
    pub(super) fn declarations(&mut self) -> Vec<Decl> {
        let mut decls = Vec::new();
        let mut highest = 0;
        while !matches!(self.kind(), TokenKind::RightBrace | TokenKind::End) {
            let before = self.at;
            self.height = 0;
            decls.extend(self.declaration());
            highest = highest.max(self.height);
            self.end_of_declaration();
            if self.at == before {
                self.bump();
            }
        }
        self.height = highest;
        decls
    }

    fn end_of_declaration(&mut self) {
        if self.eat_comma() || matches!(self.kind(), TokenKind::RightBrace | TokenKind::End) {
            return;
        }
        self.expected("',' or a new line after the declaration");
        self.skip_declaration();
        self.eat_comma();
    }

    fn declaration(&mut self) -> Option<Decl> {
        match self.kind() {
            TokenKind::Attribute => Some(Decl::Attribute(self.attribute())),
            TokenKind::Ellipsis => {
                let span = self.here();
                self.bump();
                Some(Decl::Ellipsis(Box::new(Ellipsis { value: None, span })))
            }
            TokenKind::Ident if self.at_clause() => {
                self.comprehension().map(|comprehension| Decl::Comprehension(Box::new(comprehension)))
            }
            TokenKind::Ident if self.at_word("let") && self.kind_ahead(1) == TokenKind::Ident => {
                Some(Decl::Let(Box::new(self.let_clause())))
            }
            _ => self.field_or_embedding(),
        }
    }

    /// `let x = expr`, of a struct or a comprehension.
    pub(super) fn let_clause(&mut self) -> Let {
        let start = self.here();
        self.bump();
        let name = self.declared_ident("a name after 'let'");
        self.refuse_blank(&name);
        self.expect(TokenKind::Bind, "'=' after the name");
        let value = self.expr();
        Let { name, value, span: self.since(start) }
    }

    fn field_or_embedding(&mut self) -> Option<Decl> {
        let start = self.here();
        let expr = self.expr_with_alias();
        if !self.at_label_end() {
            return Some(self.embedding(expr));
        }
        self.field(start, expr).map(|field| Decl::Field(Box::new(field)))
    }

    fn embedding(&mut self, expr: Expr) -> Decl {
        if let ExprKind::Alias { name, .. } = &expr.kind {
            let message = "an alias names a field or its value, not an embedded expression";
            let help = format!("write: let {} = …", name.name);
            self.note(Error::new(Code::Syntax, message, Some(expr.span)).help(help));
        }
        Decl::Embed(Box::new(expr))
    }

    /// An expression, or `X=expr`: an alias of the field whose label the expression is, or of a field's value.
    pub(super) fn expr_with_alias(&mut self) -> Expr {
        let start = self.here();
        let expr = self.expr();
        if self.kind() != TokenKind::Bind {
            return expr;
        }
        let name = self.name_of(&expr);
        if self.experiments.no_prefix_alias {
            self.error(start, "with @experiment(aliasv2) an alias stands after its label, as in a~X: …");
        }
        self.bump();
        let of = self.expr();
        self.grow(self.height);
        match name {
            Some(name) => {
                self.check_declared(&name);
                self.refuse_blank(&name);
                let kind = ExprKind::Alias { name, of: Box::new(of) };
                Expr { kind, span: self.since(start) }
            }
            None => {
                self.error(expr.span, "only a name can stand before '='");
                of
            }
        }
    }

    fn refuse_blank(&mut self, name: &Ident) {
        if &*name.name == "_" {
            self.error(name.span, "_ stands for any value and can't be given another");
        }
    }

    /// The name that an expression is, keywords included.
    fn name_of(&self, expr: &Expr) -> Option<Ident> {
        let keyword = |text: &str| Ident { name: text.into(), span: expr.span };
        match &expr.kind {
            ExprKind::Ident(name) => Some(name.clone()),
            ExprKind::Null => Some(keyword("null")),
            ExprKind::Bool(value) => Some(keyword(if *value { "true" } else { "false" })),
            ExprKind::Top => Some(keyword("_")),
            _ => None,
        }
    }

    /// Whether what was read last is a label: `:`, or something that stands between a label and its colon, comes now.
    fn at_label_end(&self) -> bool {
        match self.kind() {
            TokenKind::Colon | TokenKind::Tilde => true,
            TokenKind::Question | TokenKind::Not => self.kind_ahead(1) == TokenKind::Colon,
            _ => false,
        }
    }

    /// A field from what stands after its label on; `label` is the label as the expression it was read as.
    fn field(&mut self, start: Span, label: Expr) -> Option<Field> {
        let (alias, label) = self.label(label)?;
        let alias = self.postfix_alias().or(alias);
        let presence = match self.kind() {
            TokenKind::Question => Presence::Optional,
            TokenKind::Not => Presence::Required,
            _ => Presence::Regular,
        };
        if presence != Presence::Regular {
            self.bump();
        }
        if !self.expect(TokenKind::Colon, "':' after the label") {
            return None;
        }
        let value_start = self.here();
        let value = self.deeper(Self::field_value).unwrap_or_else(|| self.bad(value_start));
        self.grow(self.height);
        let attributes = self.field_attributes();
        Some(Field { label, alias, presence, value, attributes, span: self.since(start) })
    }

    fn field_attributes(&mut self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        while self.kind() == TokenKind::Attribute {
            attributes.push(self.attribute());
        }
        attributes
    }

    /// The value of a field; in `a: b: c` that of `a` is a struct without braces.
    fn field_value(&mut self) -> Expr {
        let start = self.here();
        let expr = self.expr_with_alias();
        if !self.at_label_end() {
            return expr;
        }
        let decls = self.field(start, expr).map(|field| Decl::Field(Box::new(field))).into_iter().collect();
        let span = self.since(start);
        Expr { kind: ExprKind::Struct(Struct { decls, braces: false, span }), span }
    }

    /// `~X` or `~(K,V)`.
    fn postfix_alias(&mut self) -> Option<Alias> {
        let start = self.here();
        if !self.eat(TokenKind::Tilde) {
            return None;
        }
        if !self.experiments.alias_v2 {
            let message = "an alias after its label needs @experiment(aliasv2) at the top of the file";
            self.error(start, message);
        }
        if !self.eat(TokenKind::LeftParen) {
            let value = Some(self.declared_ident("a name after '~'"));
            return Some(Alias { value, label: None, postfix: true });
        }
        let label = Some(self.declared_ident("a name for the label"));
        self.expect(TokenKind::Comma, "',' between the names");
        let value = Some(self.declared_ident("a name for the field"));
        self.expect(TokenKind::RightParen, "')' after the names");
        Some(Alias { value, label, postfix: true })
    }

    /// The label that an expression is; an error if it can't be one.
    fn label(&mut self, expr: Expr) -> Option<(Option<Alias>, Label)> {
        let span = expr.span;
        if let ExprKind::Alias { name, of } = expr.kind {
            let (_, label) = self.label(*of)?;
            return Some((Some(Alias { value: Some(name), label: None, postfix: false }), label));
        }
        let name = self.name_of(&expr);
        let label = match expr.kind {
            ExprKind::String(text) => Label::String(text, span),
            ExprKind::Interpolation(pieces) if !pieces.bytes => Label::Interpolation(pieces),
            ExprKind::Paren(of) => Label::Dynamic(of, span),
            ExprKind::List(elements) => self.pattern(elements, span)?,
            ExprKind::Bad => return self.no_label(None),
            _ => match name {
                Some(name) if &*name.name != "_" => {
                    self.check_declared(&name);
                    Label::Ident(name)
                }
                _ => return self.no_label(Some(span)),
            },
        };
        Some((None, label))
    }

    fn no_label<T>(&mut self, span: Option<Span>) -> Option<T> {
        if let Some(span) = span {
            let message = "this can't be the label of a field";
            let help = "a label is a name, a string, (an expression) or [a pattern]";
            self.note(Error::new(Code::Syntax, message, Some(span)).help(help));
        }
        self.skip_declaration();
        None
    }

    /// `[expr]` or `[X=expr]` before a colon.
    fn pattern(&mut self, elements: Vec<Element>, span: Span) -> Option<Label> {
        let mut elements = elements.into_iter();
        let (Some(Element::Expr(expr)), None) = (elements.next(), elements.next()) else {
            self.error(span, "the brackets of a pattern hold exactly one expression");
            self.skip_declaration();
            return None;
        };
        Some(match expr.kind {
            ExprKind::Alias { name, of } => Label::Pattern { alias: Some(name), expr: of, span },
            _ => Label::Pattern { alias: None, expr: Box::new(expr), span },
        })
    }
}
