//! Scopes: which names can be seen from where, and what each means.
//!
//! Not here: fields of embedded structs. CUE's scopes are lexical: what was not written in a struct can't be named
//! from inside it.

use std::collections::HashMap;
use std::sync::Arc;

use super::Target;
use super::ir::{Decl, Ex, Kinds};
use crate::label::{Label, Labels};
use crate::source::Span;
use crate::syntax::ast;

/// What a name means in the scope that has it.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// A field of the frame's vertex.
    Field(Label),
    /// A `let` of the frame.
    Let(u32),
    /// The frame's vertex.
    Frame,
    /// The frame's label.
    LabelOf,
    /// The label of a field with a fixed label, as text.
    Text(Arc<str>),
    /// The field that the frame's label names.
    Labelled,
    /// The field whose label is computed by this, in the frame.
    Computed(Ex),
    /// An imported package.
    Import(Target),
}

#[derive(Debug)]
struct Binding {
    meaning: Meaning,
    /// Where it was bound, if somebody must use it; what it is.
    must_be_used: Option<(Span, &'static str)>,
}

/// One frame's names.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: HashMap<Arc<str>, Binding>,
    is_struct: bool,
}

impl Scope {
    /// A scope of fields.
    pub(super) fn fields<'n>(labels: &mut Labels, package: &str, names: impl Iterator<Item = &'n Arc<str>>) -> Self {
        let bind = |name: &Arc<str>| {
            let meaning = Meaning::Field(labels.identifier(name, package));
            (name.clone(), Binding { meaning, must_be_used: None })
        };
        Self { names: names.map(bind).collect(), is_struct: true }
    }

    /// The same with one more name. Tells whether the name was free.
    pub(super) fn bind(
        &mut self,
        name: Arc<str>,
        meaning: Meaning,
        must_be_used: Option<(Span, &'static str)>,
    ) -> bool {
        self.names.insert(name, Binding { meaning, must_be_used }).is_none()
    }
}

impl Scope {
    /// The same with one more name, unless it has one like it.
    pub(super) fn bind_if_free(&mut self, name: Arc<str>, meaning: Meaning) {
        self.names.entry(name).or_insert(Binding { meaning, must_be_used: None });
    }
}

/// The scopes around a place, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    stack: Vec<Scope>,
}

impl Scopes {
    pub(super) fn push(&mut self, scope: Scope) {
        self.stack.push(scope);
    }

    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Leaves the innermost scope; gives what should have been used and was not.
    pub(super) fn pop(&mut self) -> Vec<(String, Span)> {
        let unused = |(name, binding): (Arc<str>, Binding)| {
            binding.must_be_used.map(|(span, what)| (format!("unreferenced {what} {name}"), span))
        };
        let mut found: Vec<(String, Span)> =
            self.stack.pop().into_iter().flat_map(|s| s.names).filter_map(unused).collect();
        found.sort_by_key(|(_, span)| *span);
        found
    }

    pub(super) fn import(&mut self, name: Arc<str>, target: Target, span: Span, must_be_used: bool) {
        let used = must_be_used.then_some((span, "import"));
        if let Some(scope) = self.stack.last_mut() {
            scope.bind(name, Meaning::Import(target), used);
        }
    }

    /// How many frames up the innermost struct is.
    pub(super) fn enclosing_struct(&self) -> u32 {
        self.stack.iter().rev().position(|scope| scope.is_struct).unwrap_or(0) as u32
    }

    pub(super) fn innermost(&mut self) -> Option<&mut Scope> {
        self.stack.last_mut()
    }

    /// All names that mean something here.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.stack.iter().flat_map(|scope| scope.names.keys()).map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// What a name means here, and how many frames up.
    pub(super) fn find(&mut self, name: &str) -> Option<(u32, Meaning)> {
        for (up, scope) in self.stack.iter_mut().rev().enumerate() {
            if let Some(binding) = scope.names.get_mut(name) {
                binding.must_be_used = None;
                return Some((up as u32, binding.meaning.clone()));
            }
        }
        None
    }
}

/// The identifiers that declarations bind as fields.
pub(super) fn identifiers(decls: &[ast::Decl]) -> Vec<Arc<str>> {
    let name = |decl: &ast::Decl| match decl {
        ast::Decl::Field(field) => match &field.label {
            ast::Label::Ident(ident) => Some(ident.name.clone()),
            _ => None,
        },
        _ => None,
    };
    decls.iter().filter_map(name).collect()
}

/// The names that declarations give to fields as strings.
pub(super) fn quoted(decls: &[ast::Decl]) -> Vec<Arc<str>> {
    let name = |decl: &ast::Decl| match decl {
        ast::Decl::Field(field) => match &field.label {
            ast::Label::String(name, _) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    decls.iter().filter_map(name).collect()
}

/// The labels that declarations may add, if all are known beforehand.
pub(super) fn known_labels(decls: &[Decl]) -> Option<Vec<Label>> {
    let mut labels = Vec::new();
    for decl in decls {
        match decl {
            Decl::Field { label, .. } => labels.push(*label),
            Decl::Let { .. } | Decl::Pattern { .. } => {}
            Decl::Comprehension(comprehension) => labels.extend(comprehension.labels.as_ref()?),
            Decl::Embed(expr) => match &expr.kind {
                Kinds::Struct(inner) => labels.extend(inner.labels.as_ref()?),
                _ => return None,
            },
            Decl::Dynamic { .. } => return None,
        }
    }
    Some(labels)
}
