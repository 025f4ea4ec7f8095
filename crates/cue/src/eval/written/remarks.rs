//! What stands beside declarations: the comments directly above them, and their attributes.
//!
//! Source of the rules: what `cue def` and `cue eval -A` print (v0.17). The comment above `a: b: 1` is one of `b`.
//!
//! Not here: comments behind declarations, and those apart from them; nobody can say what they belong to once
//! declarations are put together.

use std::collections::HashMap;
use std::sync::Arc;

use super::Writer;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Attribute, Clause, Comment, Comprehension, Decl, Element, Expr, ExprKind, Field, File};

/// The file of places that only tell declarations from each other.
const NO_FILE: FileId = FileId(u32::MAX);

/// Attributes that were obeyed when the files were loaded: what they ask for stands in the files already.
const OBEYED: [&str; 1] = ["embed"];

/// What stands beside one declaration.
#[derive(Clone, Debug, Default)]
struct Remark {
    docs: Vec<Arc<str>>,
    attributes: Vec<Attribute>,
}

/// What stands beside the declarations of files, by the place of their values.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    by_value: HashMap<Span, Remark>,
}

impl Remarks {
    pub(super) fn of<'f>(files: impl IntoIterator<Item = &'f File>) -> Self {
        let mut remarks = Self::default();
        for file in files {
            let mut reader = Reader { comments: &file.comments, remarks: &mut remarks };
            let preamble =
                file.imports.last().map(|import| import.span).or(file.package.as_ref().map(|name| name.span));
            reader.decls(&file.decls, preamble.map_or(0, |span| span.end));
        }
        remarks
    }
}

/// The comment above the package clause.
pub(super) fn package_docs(file: &File) -> Vec<Arc<str>> {
    let after = file.attributes.iter().map(|attribute| attribute.span.end);
    let clause = file.package.as_ref().map(|name| name.span.start);
    let after = after.filter(|end| clause.is_some_and(|clause| *end < clause)).max().unwrap_or(0);
    clause.map(|clause| docs_above(&file.comments, after, clause)).unwrap_or_default()
}

/// The comments between two places that nothing stands between but each other, and the second place.
fn docs_above(comments: &[Comment], after: u32, before: u32) -> Vec<Arc<str>> {
    let end = comments.partition_point(|comment| comment.span.start < before);
    let is_doc = |comment: &&Comment| !comment.trailing && comment.above && comment.span.start >= after;
    let mut docs: Vec<Arc<str>> =
        comments[..end].iter().rev().take_while(is_doc).map(|comment| comment.text.clone()).collect();
    docs.reverse();
    docs
}

/// Reads what stands beside declarations.
struct Reader<'f> {
    comments: &'f [Comment],
    remarks: &'f mut Remarks,
}

impl Reader<'_> {
    fn decls(&mut self, decls: &[Decl], after: u32) {
        let mut after = after;
        for decl in decls {
            let docs = docs_above(self.comments, after, decl.span().start);
            after = decl.span().end;
            match decl {
                Decl::Field(field) => self.field(field, docs),
                Decl::Let(clause) => self.value(&clause.value, docs, &[]),
                Decl::Embed(expr) => self.value(expr, docs, &[]),
                Decl::Comprehension(comprehension) => {
                    self.note(comprehension.span, docs, &[]);
                    self.comprehension(comprehension);
                }
                Decl::Ellipsis(_) | Decl::Attribute(_) => {}
            }
        }
    }

    fn field(&mut self, field: &Field, docs: Vec<Arc<str>>) {
        match &field.value.kind {
            ExprKind::Struct(inner) if !inner.braces => {
                self.note(field.value.span, Vec::new(), &field.attributes);
                for decl in &inner.decls {
                    match decl {
                        Decl::Field(inner) => self.field(inner, docs.clone()),
                        _ => self.decls(std::slice::from_ref(decl), decl.span().start),
                    }
                }
            }
            _ => self.value(&field.value, docs, &field.attributes),
        }
    }

    fn value(&mut self, value: &Expr, docs: Vec<Arc<str>>, attributes: &[Attribute]) {
        self.note(bare(value).span, docs, attributes);
        self.expr(value);
    }

    fn note(&mut self, place: Span, docs: Vec<Arc<str>>, attributes: &[Attribute]) {
        let attributes: Vec<Attribute> =
            attributes.iter().filter(|attribute| !OBEYED.contains(&&*attribute.name)).cloned().collect();
        if !docs.is_empty() || !attributes.is_empty() {
            self.remarks.by_value.insert(place, Remark { docs, attributes });
        }
    }

    fn comprehension(&mut self, comprehension: &Comprehension) {
        for clause in &comprehension.clauses {
            match clause {
                Clause::For { source: expr, .. } | Clause::If(expr, _) => self.expr(expr),
                Clause::Let(clause) => self.expr(&clause.value),
                Clause::Try { .. } => {}
            }
        }
        self.decls(&comprehension.body.decls, comprehension.body.span.start);
        if let Some(fallback) = &comprehension.fallback {
            self.decls(&fallback.body.decls, fallback.body.span.start);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Struct(inner) => self.decls(&inner.decls, inner.span.start),
            ExprKind::List(elements) => elements.iter().for_each(|element| match element {
                Element::Expr(expr) => self.expr(expr),
                Element::Comprehension(comprehension) => self.comprehension(comprehension),
                Element::Ellipsis(ellipsis) => ellipsis.value.iter().for_each(|expr| self.expr(expr)),
            }),
            ExprKind::Paren(of) | ExprKind::Alias { of, .. } | ExprKind::Open(of) | ExprKind::Unary { of, .. } => {
                self.expr(of);
            }
            ExprKind::Selector { of, .. } | ExprKind::Index { of, .. } | ExprKind::Slice { of, .. } => self.expr(of),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.expr(arg)),
            _ => {}
        }
    }
}

/// An expression without the parentheses around it, as it is bound.
fn bare(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(of) => bare(of),
        _ => expr,
    }
}

impl Writer<'_> {
    /// A declaration with what stands beside those that it is made of, by the places of their values.
    pub(super) fn remarked(&mut self, mut decl: Decl, values: &[Span]) -> Decl {
        let remarks: Vec<Remark> =
            values.iter().filter_map(|place| self.remarks.by_value.get(place)).cloned().collect();
        if let Decl::Field(field) = &mut decl {
            field.attributes = self.unique(remarks.iter().flat_map(|remark| remark.attributes.clone()));
        }
        let groups = if self.style.docs { remarks.into_iter().map(|remark| remark.docs).collect() } else { Vec::new() };
        let docs = joined(groups);
        if !docs.is_empty() {
            let place = Span::new(NO_FILE, self.docs.len() as u32 + 1, 0);
            self.docs.insert(place, docs);
            set_place(&mut decl, place);
        }
        decl
    }

    /// Attributes as they are shown: each once.
    pub(super) fn unique(&self, attributes: impl IntoIterator<Item = Attribute>) -> Vec<Attribute> {
        let mut shown: Vec<Attribute> = Vec::new();
        for attribute in attributes.into_iter().filter(|_| self.style.attributes) {
            let same = |known: &Attribute| known.name == attribute.name && known.body == attribute.body;
            if !shown.iter().any(same) {
                shown.push(attribute);
            }
        }
        shown
    }
}

/// Comments of several declarations, one after another; a group that says the same is left out.
pub(super) fn joined(groups: Vec<Vec<Arc<str>>>) -> Vec<Arc<str>> {
    let mut told: Vec<Vec<Arc<str>>> = Vec::new();
    for group in groups {
        if !group.is_empty() && !told.contains(&group) {
            told.push(group);
        }
    }
    told.join(&Arc::from("//"))
}

fn set_place(decl: &mut Decl, place: Span) {
    match decl {
        Decl::Field(field) => field.span = place,
        Decl::Let(clause) => clause.span = place,
        Decl::Embed(expr) => expr.span = place,
        Decl::Comprehension(comprehension) => comprehension.span = place,
        Decl::Ellipsis(_) | Decl::Attribute(_) => {}
    }
}
