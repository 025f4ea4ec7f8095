//! The scopes around the place that is being written, and how something is named from there.
//!
//! A name that is written has to mean what the reference meant. So every scope knows which names it declares; what
//! can't be named, as another scope in between has the name or as it isn't part of what is written, is put beside
//! the value (`outside`).
//!
//! Not here: what stands in the scopes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::tree;
use super::{Done, Writer};
use crate::compile::ir::Presence;
use crate::compile::is_predeclared;
use crate::eval::graph::{Frame, Vid};
use crate::format::is_plain_label;
use crate::label::{Label, Sort};
use crate::number::Number;
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind};

/// What one pair of braces, a clause or a pattern declares.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The vertices that it is written for: the one that stands, and those that it stands for.
    pub vids: Vec<Vid>,
    /// The names that can be used in it.
    pub names: HashSet<Arc<str>>,
    /// The fields that stand in it, if they are written as they stand, and the aliases that those need.
    pub labels: HashSet<Label>,
    pub aliases: HashMap<Label, Arc<str>>,
    /// Its `let`s, by number.
    pub lets: HashMap<u32, Arc<str>>,
    /// The name of the value that the scope is in, and whether it is used.
    pub alias: Option<(Arc<str>, bool)>,
    /// The name of the label that the scope is below, and whether it is used.
    pub label: Option<(Arc<str>, bool)>,
}

/// What a reference goes up to.
pub(super) enum Around {
    /// A scope that is being written, by its place among them.
    Scope(usize),
    /// A frame of the evaluation.
    Frame(Frame),
}

impl Writer<'_> {
    /// What is so many frames up.
    pub(super) fn around(&self, up: u32) -> Around {
        let up = up as usize;
        match self.literal.len().checked_sub(up + 1) {
            Some(at) => Around::Scope(self.literal[at]),
            None => Around::Frame(self.evaluator.up(self.frame, (up - self.literal.len()) as u32)),
        }
    }

    /// Opens a scope of an expression that is written as it stands in the file.
    pub(super) fn open_literal(&mut self, scope: Scope) {
        self.literal.push(self.scopes.len());
        self.scopes.push(scope);
    }

    pub(super) fn close_literal(&mut self) -> Scope {
        self.literal.pop();
        self.scopes.pop().unwrap_or_default()
    }

    /// The vertices that one stands for.
    pub(super) fn stands_for(&self, vid: Vid) -> Vec<Vid> {
        let mut vids = vec![vid];
        let mut at = vid;
        while let Some(from) = self.evaluator.get(at).copied_from {
            vids.push(from);
            at = from;
        }
        vids
    }

    fn scope_of(&self, vid: Vid) -> Option<usize> {
        let stands = self.evaluator.deref(vid);
        self.scopes.iter().rposition(|scope| scope.vids.contains(&vid) || scope.vids.contains(&stands))
    }

    /// Whether a name means what a scope declares by it.
    pub(super) fn is_visible(&self, name: &str, at: usize) -> bool {
        self.scopes.get(at).is_some_and(|scope| scope.names.contains(name))
            && self.scopes.iter().skip(at + 1).all(|scope| !scope.names.contains(name))
    }

    /// Whether a name means nothing in any scope.
    pub(super) fn is_free(&self, name: &str) -> bool {
        self.scopes.iter().all(|scope| !scope.names.contains(name))
    }

    /// The name that a field can be used by inside its struct.
    pub(super) fn identifier(&self, label: Label) -> Option<Arc<str>> {
        let name = self.evaluator.binder.labels.name(label);
        match label.sort() {
            Sort::Regular => (is_plain_label(&name) && !is_predeclared(&name)).then_some(name),
            Sort::Definition | Sort::Hidden | Sort::HiddenDefinition => Some(name),
            Sort::Index => None,
        }
    }

    /// A label as it is written.
    pub(super) fn label(&self, label: Label) -> ast::Label {
        match self.identifier(label) {
            Some(name) => ast::Label::Ident(tree::ident(&name)),
            None => ast::Label::String(self.evaluator.binder.labels.name(label), tree::NOWHERE),
        }
    }

    /// Names a field of a scope that is being written; one that another hides gets an alias.
    pub(super) fn name_in_scope(&mut self, at: usize, label: Label, span: Span) -> Done<Expr> {
        match self.identifier(label) {
            Some(name) if self.is_visible(&name, at) => return Ok(tree::name(name)),
            _ => {}
        }
        let known = self.scopes.get(at).and_then(|scope| scope.aliases.get(&label)).cloned();
        let fresh = self.fresh("X");
        let Some(scope) = self.scopes.get_mut(at).filter(|scope| scope.labels.contains(&label)) else {
            return Err(self.unnamed(label, span));
        };
        let alias = known.unwrap_or(fresh);
        scope.names.insert(alias.clone());
        scope.aliases.insert(label, alias.clone());
        Ok(tree::name(alias))
    }

    /// Names a field of a vertex.
    pub(super) fn name_field(&mut self, vid: Vid, label: Label, span: Span) -> Done<Expr> {
        if let (Some(at), Some(name)) = (self.scope_of(vid), self.identifier(label))
            && self.is_visible(&name, at)
        {
            return Ok(tree::name(name));
        }
        let holder = self.evaluator.deref(vid);
        let arc = self.evaluator.get(holder).arcs.get(&label).copied();
        if let Some(arc) = arc.filter(|arc| self.evaluator.get(*arc).presence == Presence::Required) {
            return self.path_by_alias(arc, label, span);
        }
        match arc {
            Some(arc) if self.evaluator.get(arc).presence == Presence::Regular => self.name_vertex(arc, span),
            _ => Err(self.unnamed(label, span)),
        }
    }

    /// Names a vertex: by its path where that can be seen from here, else by a `let` beside the value.
    pub(super) fn name_vertex(&mut self, vid: Vid, span: Span) -> Done<Expr> {
        match self.path_from_here(vid) {
            Some(path) => Ok(path),
            None => self.name_outside(vid, None, span),
        }
    }

    /// Names the vertex of a `let`.
    pub(super) fn name_let(&mut self, vid: Vid, number: u32, span: Span) -> Done<Expr> {
        let name = self.let_name(number);
        match self.path_from_here(vid) {
            Some(path) => Ok(path),
            None => self.name_outside(vid, Some(&name), span),
        }
    }

    /// The name that a `let` was written with.
    pub(super) fn let_name(&self, number: u32) -> Arc<str> {
        let names = self.evaluator.binder.let_names();
        names.get((number as usize).wrapping_sub(1)).cloned().unwrap_or_else(|| Arc::from("X"))
    }

    pub(super) fn path_from_here(&self, vid: Vid) -> Option<Expr> {
        let mut labels: Vec<Label> = Vec::new();
        let mut at = vid;
        loop {
            let vertex = self.evaluator.get(at);
            let (parent, label) = (vertex.parent?, vertex.label?);
            let listed = label.as_index().is_some() || self.is_shown(label, self.main_style);
            if vertex.presence != Presence::Regular || !listed {
                return None;
            }
            if let (Some(scope), Some(name)) = (self.scope_of(parent), self.identifier(label))
                && self.is_visible(&name, scope)
            {
                let from = tree::name(name);
                return Some(labels.into_iter().rev().fold(from, |of, label| self.select(of, label)));
            }
            labels.push(label);
            at = parent;
        }
    }

    /// The path of a field that has to be there: from the first scope around it that is being written. What hides the
    /// field of that scope gives it an alias.
    fn path_by_alias(&mut self, vid: Vid, label: Label, span: Span) -> Done<Expr> {
        let mut labels: Vec<Label> = Vec::new();
        let mut at = vid;
        loop {
            let vertex = self.evaluator.get(at);
            let (Some(parent), Some(name)) = (vertex.parent, vertex.label) else {
                return Err(self.unnamed(label, span));
            };
            if vertex.presence == Presence::Optional {
                return Err(self.unnamed(label, span));
            }
            if let Some(scope) = self.scope_of(parent) {
                let from = self.name_in_scope(scope, name, span)?;
                return Ok(labels.into_iter().rev().fold(from, |of, label| self.select(of, label)));
            }
            labels.push(name);
            at = parent;
        }
    }

    /// `of.label` or `of[index]`.
    pub(super) fn select(&self, of: Expr, label: Label) -> Expr {
        match label.as_index() {
            Some(index) => tree::index(of, tree::expr(ExprKind::Number(Number::int(index)))),
            None => tree::selector(of, &self.evaluator.binder.labels.name(label), label.is_regular()),
        }
    }

    /// A predeclared name, which fields may be called like.
    pub(super) fn predeclared(&self, name: &str) -> Expr {
        if self.is_free(name) { tree::name(name) } else { tree::name(format!("__{name}")) }
    }

    fn unnamed(&self, label: Label, span: Span) -> Arc<crate::error::Error> {
        let name = self.evaluator.label_text(label);
        let text = format!("a reference to `{name}`, which is not part of what is written,");
        self.refused(&text, span)
    }
}
