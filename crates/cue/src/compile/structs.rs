//! Binding structs, fields, comprehensions and lists.
//!
//! Not here: the expressions in them.

use std::sync::Arc;

use super::Unit;
use super::ir::{Clause, Comprehension, Decl, Ex, Expr, Item, Kinds, List, Struct};
use super::scope::{Binding, Meaning, Scope, identifiers, known_labels};
use crate::error::Code;
use crate::label::Label;
use crate::source::Span;
use crate::syntax::ast;

const ALIAS: &str = "alias";
const LET: &str = "let clause";

impl Unit<'_> {
    /// A struct in a frame of its own.
    pub(super) fn structure(&mut self, node: &ast::Struct) -> Struct {
        let names = identifiers(&node.decls);
        self.check_fields(&node.decls);
        let scope = Scope::fields(&mut self.binder.labels, &self.package.path, names.iter());
        self.scopes.push(scope);
        let bound = self.declarations(&node.decls, false);
        self.close_scope();
        bound
    }

    /// Declarations in the frame that is open; those of a whole file, or of a struct.
    pub(super) fn declarations(&mut self, decls: &[ast::Decl], file: bool) -> Struct {
        let lets = self.bind_names(decls);
        let mut lets = lets.into_iter();
        let mut bound = Vec::with_capacity(decls.len());
        let (mut open, mut attributes) = (false, Vec::new());
        for decl in decls {
            match decl {
                ast::Decl::Field(field) => self.field(field, &mut bound),
                ast::Decl::Let(clause) => {
                    let value = self.let_value(clause);
                    let number = lets.next().unwrap_or_default();
                    bound.push(Decl::Let { number, value });
                }
                ast::Decl::Embed(expr) => bound.push(Decl::Embed(self.expr(expr))),
                ast::Decl::Comprehension(comprehension) => {
                    bound.push(Decl::Comprehension(Arc::new(self.comprehension(comprehension))));
                }
                ast::Decl::Ellipsis(ellipsis) => {
                    open = true;
                    if let Some(value) = &ellipsis.value {
                        self.fail(Code::Syntax, "`...` in a struct takes no value", value.span);
                    }
                }
                ast::Decl::Attribute(attribute) => attributes.push(attribute.clone()),
            }
        }
        let embeds = bound.iter().any(|decl| matches!(decl, Decl::Embed(_) | Decl::Comprehension(_)));
        let labels = known_labels(&bound);
        Struct { decls: bound, embeds, open, file, yielded: false, clauses: None, labels, attributes }
    }

    /// A name that is an alias further out can't be a field's.
    fn check_fields(&mut self, decls: &[ast::Decl]) {
        for decl in decls {
            if let ast::Decl::Field(field) = decl
                && let ast::Label::Ident(ident) = &field.label
                && self.scopes.clashes(&ident.name, false)
            {
                self.clash(ident);
            }
        }
    }

    fn clash(&mut self, ident: &ast::Ident) {
        let text = format!("{} can't be the name of both a field and an alias or `let` in sight of it", ident.name);
        self.fail(Code::Reference, text, ident.span);
    }

    /// The value of a `let`, which may name what its own name means further out.
    fn let_value(&mut self, clause: &ast::Let) -> Ex {
        let own = self.scopes.hide(&clause.name.name);
        let value = self.expr(&clause.value);
        if let Some(own) = own {
            self.add(&clause.name, own);
        }
        value
    }

    /// Makes `let`s and aliases of fields known in the open frame; gives the numbers of the `let`s in their order.
    fn bind_names(&mut self, decls: &[ast::Decl]) -> Vec<u32> {
        let mut numbers = Vec::new();
        for decl in decls {
            match decl {
                ast::Decl::Let(clause) => {
                    let number = self.binder.next_let(&clause.name.name);
                    numbers.push(number);
                    self.bind(&clause.name, Meaning::Let(number), LET);
                }
                ast::Decl::Field(field) => self.bind_alias(field),
                _ => {}
            }
        }
        for decl in decls {
            if let ast::Decl::Field(field) = decl {
                self.bind_computed(field);
            }
        }
        numbers
    }

    /// So is one of a field with a computed label.
    fn bind_computed(&mut self, field: &ast::Field) {
        let Some(ident) = field.alias.as_ref().and_then(|alias| alias.value.as_ref()) else { return };
        let label = match &field.label {
            ast::Label::Dynamic(expr, _) => self.expr(expr),
            ast::Label::Interpolation(pieces) => self.interpolation(pieces),
            _ => return,
        };
        self.bind(ident, Meaning::Computed(label), ALIAS);
    }

    /// An alias of a field with a fixed label is seen in the whole struct.
    fn bind_alias(&mut self, field: &ast::Field) {
        let (Some(alias), Some((label, name))) = (&field.alias, self.fixed_label(&field.label)) else { return };
        if let Some(ident) = &alias.value {
            self.bind(ident, Meaning::Field(label), ALIAS);
        }
        if let Some(ident) = &alias.label {
            self.bind(ident, Meaning::Text(name), ALIAS);
        }
    }

    fn bind(&mut self, ident: &ast::Ident, meaning: Meaning, what: &'static str) {
        if &*ident.name == "_" {
            return;
        }
        if self.scopes.has_alias(&ident.name) {
            self.fail(Code::Reference, format!("{} is declared twice in one scope", ident.name), ident.span);
        } else if self.scopes.clashes(&ident.name, true) {
            self.clash(ident);
        }
        let names_label = matches!(meaning, Meaning::LabelOf | Meaning::Text(_));
        let must_be_used = (!names_label).then_some((ident.span, what));
        self.add(ident, Binding::alias(meaning, must_be_used));
    }

    fn add(&mut self, ident: &ast::Ident, binding: Binding) {
        if let Some(scope) = self.scopes.innermost() {
            scope.bind(ident.name.clone(), binding);
        }
    }

    fn fixed_label(&mut self, label: &ast::Label) -> Option<(Label, Arc<str>)> {
        match label {
            ast::Label::Ident(ident) => {
                Some((self.binder.labels.identifier(&ident.name, &self.package.path), ident.name.clone()))
            }
            ast::Label::String(text, _) => Some((self.binder.labels.regular(text), text.clone())),
            _ => None,
        }
    }

    fn field(&mut self, field: &ast::Field, bound: &mut Vec<Decl>) {
        if let Some((label, _)) = self.fixed_label(&field.label) {
            let value = self.value(&field.value);
            let place = label_span(&field.label);
            bound.push(Decl::Field { label, place, presence: field.presence, value });
            return;
        }
        match &field.label {
            ast::Label::Pattern { alias, expr, .. } => self.pattern(field, alias.as_ref(), expr, bound),
            ast::Label::Dynamic(expr, _) => {
                let label = self.expr(expr);
                self.dynamic(field, label, bound);
            }
            ast::Label::Interpolation(pieces) => {
                let label = self.interpolation(pieces);
                self.dynamic(field, label, bound);
            }
            ast::Label::Ident(_) | ast::Label::String(..) => {}
        }
    }

    fn pattern(&mut self, field: &ast::Field, alias: Option<&ast::Ident>, expr: &ast::Expr, bound: &mut Vec<Decl>) {
        let pattern = self.expr(expr);
        self.scopes.push(Scope::default());
        if let Some(alias) = alias {
            self.bind(alias, Meaning::LabelOf, ALIAS);
        }
        if let Some(alias) = &field.alias {
            alias.value.iter().for_each(|ident| self.bind(ident, Meaning::Labelled, ALIAS));
            alias.label.iter().for_each(|ident| self.bind(ident, Meaning::LabelOf, ALIAS));
        }
        let value = self.value(&field.value);
        self.close_scope();
        if field.presence != ast::Presence::Regular {
            self.fail(Code::Syntax, "a pattern takes no `?` and no `!`", label_span(&field.label));
        }
        bound.push(Decl::Pattern { pattern, value });
    }

    fn dynamic(&mut self, field: &ast::Field, label: Ex, bound: &mut Vec<Decl>) {
        self.scopes.push(Scope::default());
        if let Some(alias) = &field.alias {
            // The struct around the field has its alias, too: whether it is used is seen there.
            alias.value.iter().for_each(|ident| self.add(ident, Binding::alias(Meaning::Labelled, None)));
            alias.label.iter().for_each(|ident| self.bind(ident, Meaning::LabelOf, ALIAS));
        }
        let value = self.value(&field.value);
        self.close_scope();
        bound.push(Decl::Dynamic { label, presence: field.presence, value });
    }

    /// A field's value, which may carry an alias of itself.
    fn value(&mut self, expr: &ast::Expr) -> Ex {
        let ast::ExprKind::Alias { name, of } = &expr.kind else { return self.expr(expr) };
        self.scopes.push(Scope::default());
        self.bind(name, Meaning::Frame, ALIAS);
        let inner = self.expr(of);
        self.close_scope();
        Arc::new(Expr { kind: Kinds::Alias(inner), span: expr.span })
    }

    pub(super) fn comprehension(&mut self, node: &ast::Comprehension) -> Comprehension {
        let outside = self.scopes.depth();
        let before = Span { end: node.body.span.start, ..node.span };
        let (mut clauses, mut body) = (Vec::with_capacity(node.clauses.len()), None);
        for (at, clause) in node.clauses.iter().enumerate() {
            match clause {
                ast::Clause::Try { binding: None, span } => {
                    if at + 1 < node.clauses.len() {
                        self.fail(Code::Syntax, "`try` without a name must be the last clause", *span);
                    }
                    let (clause, yielded) = self.try_body(&node.body, before);
                    clauses.push(clause);
                    body = Some(yielded);
                }
                clause => clauses.push(self.clause(clause)),
            }
        }
        let body = body.unwrap_or_else(|| self.yielded(&node.body, before));
        while self.scopes.depth() > outside {
            self.close_scope();
        }
        let fallback = node
            .fallback
            .as_ref()
            .map(|fallback| self.yielded(&fallback.body, Span { end: fallback.body.span.start, ..node.span }));
        let labels = labels_of(&body).and_then(|mut labels| {
            let more = fallback.as_ref().map_or(Some(Vec::new()), labels_of)?;
            labels.extend(more);
            Some(labels)
        });
        Comprehension { clauses, body, fallback, labels, span: node.span }
    }

    pub(super) fn yielded(&mut self, node: &ast::Struct, clauses: Span) -> Ex {
        let mut inner = self.structure(node);
        inner.yielded = true;
        inner.clauses = Some(clauses);
        Arc::new(Expr { kind: Kinds::Struct(Arc::new(inner)), span: node.span })
    }

    fn clause(&mut self, clause: &ast::Clause) -> Clause {
        match clause {
            ast::Clause::For { key, value, source, .. } => {
                let source = self.expr(source);
                self.scopes.push(Scope::default());
                // The name of the value is the value, even if it is that of the key, too.
                let key = key.as_ref().filter(|key| &*key.name != "_" && key.name != value.name);
                let key = key.map(|key| self.variable(key));
                let value = self.variable(value);
                Clause::For { key, value, source }
            }
            ast::Clause::If(expr, _) => Clause::If(self.expr(expr)),
            ast::Clause::Let(clause) => {
                let value = self.expr(&clause.value);
                self.scopes.push(Scope::default());
                Clause::Let { name: self.variable(&clause.name), value }
            }
            ast::Clause::Try { binding: Some((name, value)), .. } => self.try_binding(name, value),
            ast::Clause::Try { binding: None, .. } => Clause::Try { exists: Vec::new(), bound: None },
        }
    }

    pub(super) fn variable(&mut self, ident: &ast::Ident) -> Label {
        let label = self.binder.labels.regular(&ident.name);
        if self.scopes.clashes(&ident.name, false) {
            self.clash(ident);
        }
        self.add(ident, Binding::plain(Meaning::Field(label)));
        label
    }

    pub(super) fn list(&mut self, elements: &[ast::Element]) -> List {
        self.scopes.push(Scope::default());
        let mut bound = List { elements: Vec::with_capacity(elements.len()), tail: None };
        for (at, element) in elements.iter().enumerate() {
            match element {
                ast::Element::Expr(expr) => bound.elements.push(Item::Value(self.expr(expr))),
                ast::Element::Comprehension(comprehension) => {
                    bound.elements.push(Item::Comprehension(Arc::new(self.comprehension(comprehension))));
                }
                ast::Element::Ellipsis(ellipsis) => {
                    if at + 1 < elements.len() {
                        self.fail(Code::Syntax, "`...` must be the last element of a list", ellipsis.span);
                    }
                    bound.tail = Some(ellipsis.value.as_ref().map(|value| self.expr(value)));
                }
            }
        }
        self.close_scope();
        bound
    }
}

fn labels_of(body: &Ex) -> Option<Vec<Label>> {
    match &body.kind {
        Kinds::Struct(inner) => inner.labels.clone(),
        _ => None,
    }
}

pub(super) fn label_span(label: &ast::Label) -> Span {
    match label {
        ast::Label::Ident(ident) => ident.span,
        ast::Label::String(_, span) | ast::Label::Dynamic(_, span) | ast::Label::Pattern { span, .. } => *span,
        ast::Label::Interpolation(pieces) => pieces.span,
    }
}
