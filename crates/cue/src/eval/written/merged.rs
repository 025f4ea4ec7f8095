//! Structs that were written, put together: each field stands once, with all that is said of it.
//!
//! Source of the rules: what `cue def` prints (v0.17). Structs with embeddings stay apart: what they embed may close
//! them.
//!
//! Not here: values; nothing is evaluated.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::remarks::{joined, package_docs};
use super::scope::Scope;
use super::tree;
use super::{Done, Writer, Written};
use crate::compile::ir::{self, BinaryOp, Ex, Kinds, Presence};
use crate::label::Label;
use crate::source::Span;
use crate::syntax::ast::{self, Decl, Ellipsis, Expr, File};

impl Writer<'_> {
    /// The files of a package as one.
    pub(super) fn files(mut self, files: &[Ex]) -> Done<Written> {
        let head = self.head()?;
        let structs: Vec<&ir::Struct> = files.iter().filter_map(|file| literal(file)).collect();
        let decls = self.merged(&structs)?;
        Ok(Written { head, imports: self.outside.into_imports(), decls, docs: self.docs })
    }

    /// What stands above the imports of a package's files. An experiment counts for all that stands in a file, so
    /// files with different ones can't be one.
    fn head(&self) -> Done<String> {
        let Some(package) = self.home.packages.get(self.home.own) else { return Ok(String::new()) };
        let experiments = |file: &File| {
            let named = file.attributes.iter().filter(|attribute| &*attribute.name == "experiment");
            named.map(|attribute| format!("@experiment({})\n", attribute.body)).collect::<Vec<String>>()
        };
        let mut head = package.files.first().map(|file| experiments(file)).unwrap_or_default();
        if let Some(other) = package.files.iter().find(|file| experiments(file) != head) {
            return Err(self.refused("a file with other experiments than the package's first one", other.span));
        }
        if !head.is_empty() {
            head.push("\n".to_owned());
        }
        let docs: Vec<Vec<Arc<str>>> = package.files.iter().map(|file| package_docs(file)).collect();
        head.extend(joined(docs).iter().map(|line| format!("{line}\n")));
        if !package.name.is_empty() {
            head.push(format!("package {}\n\n", package.name));
        }
        Ok(head.concat())
    }

    /// One struct of what several say.
    pub(super) fn merged(&mut self, structs: &[&ir::Struct]) -> Done<Vec<Decl>> {
        let scope = self.scope_of_literals(structs);
        self.open_literal(scope);
        let written = self.merged_decls(structs);
        let scope = self.close_literal();
        let attributes = self.unique(structs.iter().flat_map(|inner| inner.attributes.clone()));
        let mut decls: Vec<Decl> = attributes.into_iter().map(Decl::Attribute).collect();
        decls.extend(written?);
        if structs.iter().any(|inner| inner.open) {
            decls.push(Decl::Ellipsis(Box::new(Ellipsis { value: None, span: tree::NOWHERE })));
        }
        self.give_aliases(&mut decls, &scope);
        Ok(decls)
    }

    /// Gives fields the names by which others refer to them.
    pub(super) fn give_aliases(&self, decls: &mut [Decl], scope: &Scope) {
        for (label, alias) in &scope.aliases {
            let label = self.label(*label);
            let field = decls.iter_mut().find_map(|decl| match decl {
                Decl::Field(field) if same_label(&field.label, &label) => Some(field),
                _ => None,
            });
            if let Some(field) = field {
                let value = Some(tree::ident(alias));
                field.alias = Some(ast::Alias { value, label: None, postfix: false });
            }
        }
    }

    /// What structs declare together. A `let` keeps its name unless something else has it.
    fn scope_of_literals(&self, structs: &[&ir::Struct]) -> Scope {
        let decls = || structs.iter().flat_map(|inner| &inner.decls);
        let label = |decl: &ir::Decl| match decl {
            ir::Decl::Field { label, .. } => Some(*label),
            _ => None,
        };
        let labels: HashSet<Label> = decls().filter_map(label).collect();
        let mut names: HashSet<Arc<str>> = labels.iter().filter_map(|label| self.identifier(*label)).collect();
        let mut lets = HashMap::new();
        for decl in decls() {
            let ir::Decl::Let { number, .. } = decl else { continue };
            let name = self.let_name(*number);
            let is_taken = |name: &str| names.contains(name) || self.outside.has(name) || !self.is_free(name);
            let numbered = (1_u64..).map(|number| Arc::from(format!("{name}_{number}")));
            let unused = |name: &Arc<str>| !is_taken(name) && !self.evaluator.binder.labels.knows(name);
            let name = if is_taken(&name) { numbered.into_iter().find(unused).unwrap_or(name) } else { name };
            names.insert(name.clone());
            lets.insert(*number, name);
        }
        Scope { names, labels, lets, ..Scope::default() }
    }

    fn merged_decls(&mut self, structs: &[&ir::Struct]) -> Done<Vec<Decl>> {
        let mut done: HashSet<Label> = HashSet::new();
        let mut written = Vec::new();
        for decl in structs.iter().flat_map(|inner| &inner.decls) {
            match decl {
                ir::Decl::Field { label, .. } if !done.insert(*label) => {}
                ir::Decl::Field { label, .. } => written.push(self.merged_field(*label, structs)?),
                other => written.push(self.declaration(other)?),
            }
        }
        Ok(written)
    }

    /// A field with all that structs say of it.
    fn merged_field(&mut self, label: Label, structs: &[&ir::Struct]) -> Done<Decl> {
        let mut values: Vec<&Ex> = Vec::new();
        let mut presence = Presence::Optional;
        for decl in structs.iter().flat_map(|inner| &inner.decls) {
            if let ir::Decl::Field { label: known, presence: here, value, .. } = decl
                && *known == label
            {
                presence = stronger(presence, *here);
                values.push(value);
            }
        }
        let value = match values.as_slice() {
            [one] => self.field_value(one)?,
            _ => self.merged_values(&values)?,
        };
        let places: Vec<Span> = values.iter().map(|value| value.span).collect();
        let field = tree::field(self.label(label), presence, value);
        Ok(self.remarked(field, &places))
    }

    fn merged_values(&mut self, values: &[&Ex]) -> Done<Expr> {
        if let Some(alias) = values.iter().find(|value| matches!(value.kind, Kinds::Alias(_))) {
            return Err(self.refused("a value with an alias, in a field that is declared twice,", alias.span));
        }
        let mut parts = Vec::new();
        values.iter().for_each(|value| flatten(value, &mut parts));
        let structs: Vec<&ir::Struct> = parts.iter().filter_map(|part| plain_literal(part)).collect();
        // A name may mean something else where structs are put together: then they stay apart.
        let together = if structs.len() > 1 { self.merged(&structs).ok() } else { None };
        if together.is_some() {
            parts.retain(|part| plain_literal(part).is_none());
        }
        let mut written: Vec<Expr> = together.map(tree::structure).into_iter().collect();
        for part in parts {
            written.push(self.expression(part)?);
        }
        Ok(tree::joined(BinaryOp::And, written))
    }
}

fn literal(expr: &Ex) -> Option<&ir::Struct> {
    match &expr.kind {
        Kinds::Struct(inner) => Some(inner),
        _ => None,
    }
}

/// A struct that nothing in it can close.
fn plain_literal(expr: &Ex) -> Option<&ir::Struct> {
    literal(expr).filter(|inner| !inner.embeds)
}

fn flatten<'e>(expr: &'e Ex, parts: &mut Vec<&'e Ex>) {
    match &expr.kind {
        Kinds::And(left, right) => {
            flatten(left, parts);
            flatten(right, parts);
        }
        _ => parts.push(expr),
    }
}

fn stronger(one: Presence, other: Presence) -> Presence {
    match (one, other) {
        (Presence::Regular, _) | (_, Presence::Regular) => Presence::Regular,
        (Presence::Required, _) | (_, Presence::Required) => Presence::Required,
        (Presence::Optional, Presence::Optional) => Presence::Optional,
    }
}

fn same_label(one: &ast::Label, other: &ast::Label) -> bool {
    match (one, other) {
        (ast::Label::Ident(one), ast::Label::Ident(other)) => one.name == other.name,
        (ast::Label::String(one, _), ast::Label::String(other, _)) => one == other,
        _ => false,
    }
}
