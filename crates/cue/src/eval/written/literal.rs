//! Structs, lists and comprehensions as CUE, as they were written.
//!
//! Not here: those that were evaluated (`fields`).

use std::sync::Arc;

use super::scope::Scope;
use super::tree;
use super::{Done, Writer};
use crate::compile::ir::{self, Clause, Ex, Item, Kinds, Presence};
use crate::label::Label;
use crate::syntax::ast::{self, Decl, Element, Ellipsis, Expr, ExprKind, Struct};

impl Writer<'_> {
    pub(super) fn literal_struct(&mut self, inner: &ir::Struct) -> Done<Expr> {
        self.merged(&[inner]).map(tree::structure)
    }

    pub(super) fn declaration(&mut self, decl: &ir::Decl) -> Done<Decl> {
        let written = self.bare_declaration(decl)?;
        let place = match decl {
            ir::Decl::Field { value, .. }
            | ir::Decl::Let { value, .. }
            | ir::Decl::Dynamic { value, .. }
            | ir::Decl::Pattern { value, .. }
            | ir::Decl::Embed(value) => value.span,
            ir::Decl::Comprehension(comprehension) => comprehension.span,
        };
        Ok(self.remarked(written, &[place]))
    }

    fn bare_declaration(&mut self, decl: &ir::Decl) -> Done<Decl> {
        match decl {
            ir::Decl::Field { label, presence, value, .. } => {
                let value = self.field_value(value)?;
                Ok(tree::field(self.label(*label), *presence, value))
            }
            ir::Decl::Let { number, value } => {
                let name = self.scopes.last().and_then(|scope| scope.lets.get(number)).cloned();
                let value = self.expression(value)?;
                let name = tree::ident(&name.unwrap_or_default());
                Ok(Decl::Let(Box::new(ast::Let { name, value, span: tree::NOWHERE })))
            }
            ir::Decl::Dynamic { label, presence, value } => self.dynamic(label, *presence, value),
            ir::Decl::Pattern { pattern, value } => self.pattern(pattern, value),
            ir::Decl::Embed(value) => Ok(Decl::Embed(Box::new(self.expression(value)?))),
            ir::Decl::Comprehension(comprehension) => self.comprehension(comprehension).map(as_decl),
        }
    }

    /// A field's value, which may have an alias of itself.
    pub(super) fn field_value(&mut self, value: &Ex) -> Done<Expr> {
        let Kinds::Alias(inner) = &value.kind else { return self.expression(value) };
        let name = self.fresh("X");
        self.open_literal(Scope { names: [name.clone()].into(), alias: Some((name, false)), ..Scope::default() });
        let written = self.expression(inner);
        let scope = self.close_literal();
        let of = written?;
        Ok(match scope.alias {
            Some((name, true)) => tree::expr(ExprKind::Alias { name: tree::ident(&name), of: Box::new(of) }),
            _ => of,
        })
    }

    /// `(x): y` and `"\(x)": y`
    pub(super) fn dynamic(&mut self, label: &Ex, presence: Presence, value: &Ex) -> Done<Decl> {
        let written = self.expression(label)?;
        let label = match written.kind {
            ExprKind::Interpolation(pieces) => ast::Label::Interpolation(pieces),
            _ => ast::Label::Dynamic(Box::new(written), tree::NOWHERE),
        };
        let (value, scope) = self.below_label(value, false)?;
        Ok(labelled(label, presence, value, scope))
    }

    /// `[x]: y`
    pub(super) fn pattern(&mut self, pattern: &Ex, value: &Ex) -> Done<Decl> {
        let expr = Box::new(self.expression(pattern)?);
        let (value, mut scope) = self.below_label(value, true)?;
        let alias = scope.label.take().filter(|(_, used)| *used).map(|(name, _)| tree::ident(&name));
        let label = ast::Label::Pattern { alias, expr, span: tree::NOWHERE };
        Ok(labelled(label, Presence::Regular, value, scope))
    }

    /// A value in a scope that has the label above it; one of a pattern can be named.
    fn below_label(&mut self, value: &Ex, named: bool) -> Done<(Expr, Scope)> {
        let (field, label) = (self.fresh("F"), self.fresh("L"));
        let names = [field.clone(), label.clone()].into();
        let label = named.then_some((label, false));
        self.open_literal(Scope { names, alias: Some((field, false)), label, ..Scope::default() });
        let written = self.field_value(value);
        let scope = self.close_literal();
        Ok((written?, scope))
    }

    pub(super) fn comprehension(&mut self, comprehension: &ir::Comprehension) -> Done<ast::Comprehension> {
        let depth = self.literal.len();
        let written = self.clauses_and_body(comprehension);
        while self.literal.len() > depth {
            self.close_literal();
        }
        let (clauses, body) = written?;
        let fallback = match &comprehension.fallback {
            Some(fallback) => {
                let word = tree::ident(&Arc::from("else"));
                Some(ast::Fallback { word, body: self.yielded(fallback)? })
            }
            None => None,
        };
        Ok(ast::Comprehension { clauses, body, fallback, span: tree::NOWHERE })
    }

    fn clauses_and_body(&mut self, comprehension: &ir::Comprehension) -> Done<(Vec<ast::Clause>, Struct)> {
        let clauses = comprehension.clauses.iter().map(|clause| self.clause(clause)).collect::<Done<Vec<_>>>()?;
        Ok((clauses, self.yielded(&comprehension.body)?))
    }

    fn yielded(&mut self, body: &Ex) -> Done<Struct> {
        let decls = match &body.kind {
            Kinds::Struct(inner) => self.merged(&[inner])?,
            _ => vec![Decl::Embed(Box::new(self.expression(body)?))],
        };
        Ok(Struct { decls, braces: true, span: tree::NOWHERE })
    }

    /// A clause; one that binds names opens a scope.
    fn clause(&mut self, clause: &Clause) -> Done<ast::Clause> {
        let name = |writer: &Self, label: Label| writer.evaluator.binder.labels.name(label);
        match clause {
            Clause::Try { .. } => Err(self.refused("a `try` clause", tree::NOWHERE)),
            Clause::If(condition) => Ok(ast::Clause::If(self.expression(condition)?, tree::NOWHERE)),
            Clause::For { key, value, source } => {
                let source = self.expression(source)?;
                let (key, value) = (key.map(|key| name(self, key)), name(self, *value));
                let names = key.iter().chain([&value]).cloned().collect();
                self.open_literal(Scope { names, ..Scope::default() });
                let (key, value) = (key.as_ref().map(tree::ident), tree::ident(&value));
                Ok(ast::Clause::For { key, value, source, span: tree::NOWHERE })
            }
            Clause::Let { name: label, value } => {
                let value = self.expression(value)?;
                let name = name(self, *label);
                self.open_literal(Scope { names: [name.clone()].into(), ..Scope::default() });
                Ok(ast::Clause::Let(ast::Let { name: tree::ident(&name), value, span: tree::NOWHERE }))
            }
        }
    }

    pub(super) fn literal_list(&mut self, inner: &ir::List) -> Done<Expr> {
        self.open_literal(Scope::default());
        let written = self.elements_as_written(inner);
        self.close_literal();
        written
    }

    /// The elements of a list whose scope is open.
    pub(super) fn elements_as_written(&mut self, inner: &ir::List) -> Done<Expr> {
        let mut elements = Vec::new();
        for item in &inner.elements {
            elements.push(match item {
                Item::Value(value) => Element::Expr(self.expression(value)?),
                Item::Comprehension(inner) => Element::Comprehension(Box::new(self.comprehension(inner)?)),
            });
        }
        if let Some(tail) = &inner.tail {
            let value = tail.as_ref().map(|value| self.expression(value)).transpose()?;
            elements.push(Element::Ellipsis(Box::new(Ellipsis { value, span: tree::NOWHERE })));
        }
        Ok(tree::list(elements))
    }
}

pub(super) fn as_decl(comprehension: ast::Comprehension) -> Decl {
    Decl::Comprehension(Box::new(comprehension))
}

/// A field with the alias that its value uses, if it does.
fn labelled(label: ast::Label, presence: Presence, value: Expr, scope: Scope) -> Decl {
    let alias = scope.alias.filter(|(_, used)| *used).map(|(name, _)| ast::Alias {
        value: Some(tree::ident(&name)),
        label: None,
        postfix: false,
    });
    let (attributes, span) = (Vec::new(), tree::NOWHERE);
    Decl::Field(Box::new(ast::Field { label, alias, presence, value, attributes, span }))
}
