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

/// A name of a scope.
#[derive(Debug)]
pub(super) struct Binding {
    meaning: Meaning,
    /// It is a `let` of a struct or an alias: no field in sight may have its name, nor the other way round.
    is_alias: bool,
    /// It is a field of another file of the package: its name may be that of an alias.
    elsewhere: bool,
    /// Where it was bound, if somebody must use it; what it is.
    must_be_used: Option<(Span, &'static str)>,
}

impl Binding {
    /// A field, a variable of a clause, or an import.
    pub(super) fn plain(meaning: Meaning) -> Self {
        Self { meaning, is_alias: false, elsewhere: false, must_be_used: None }
    }

    /// A `let` or an alias.
    pub(super) fn alias(meaning: Meaning, must_be_used: Option<(Span, &'static str)>) -> Self {
        Self { meaning, is_alias: true, elsewhere: false, must_be_used }
    }
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
            (name.clone(), Binding::plain(meaning))
        };
        Self { names: names.map(bind).collect(), is_struct: true }
    }

    /// The same with fields of other files of the package.
    pub(super) fn with_elsewhere<'n>(
        mut self,
        labels: &mut Labels,
        package: &str,
        names: impl Iterator<Item = &'n Arc<str>>,
    ) -> Self {
        for name in names {
            let field =
                || Binding { elsewhere: true, ..Binding::plain(Meaning::Field(labels.identifier(name, package))) };
            self.names.entry(name.clone()).or_insert_with(field);
        }
        self
    }

    /// The same with one more name.
    pub(super) fn bind(&mut self, name: Arc<str>, binding: Binding) {
        self.names.insert(name, binding);
    }

    /// The same with one more name, unless it has one like it.
    pub(super) fn bind_if_free(&mut self, name: Arc<str>, meaning: Meaning) {
        self.names.entry(name).or_insert(Binding::plain(meaning));
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
            scope.bind(name, Binding { must_be_used: used, ..Binding::plain(Meaning::Import(target)) });
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

    /// Whether a name can't be given here to a field, or to an alias, as the nearest that is in sight is the other.
    pub(super) fn clashes(&self, name: &str, is_alias: bool) -> bool {
        let in_sight =
            |scope: &'_ Scope| scope.names.get(name).filter(|known| !known.elsewhere).map(|known| known.is_alias);
        self.stack.iter().rev().find_map(in_sight).is_some_and(|known| known != is_alias)
    }

    /// Whether the innermost scope has an alias of this name.
    pub(super) fn has_alias(&self, name: &str) -> bool {
        self.stack.last().and_then(|scope| scope.names.get(name)).is_some_and(|known| known.is_alias)
    }

    /// Takes a name out of the innermost scope: a `let` doesn't see itself.
    pub(super) fn hide(&mut self, name: &str) -> Option<Binding> {
        self.stack.last_mut().and_then(|scope| scope.names.remove(name))
    }

    /// What a name means here, and how many frames up.
    pub(super) fn find(&mut self, name: &str) -> Option<(u32, Meaning)> {
        let mut found: Option<(u32, Meaning)> = None;
        for (up, scope) in self.stack.iter_mut().rev().enumerate() {
            let Some(binding) = scope.names.get_mut(name) else { continue };
            binding.must_be_used = None;
            let (_, meaning) = found.get_or_insert_with(|| (up as u32, binding.meaning.clone()));
            // A field with a computed label has its alias twice: once for its own value, once for its struct.
            if !matches!(meaning, Meaning::Labelled) {
                break;
            }
        }
        found
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
