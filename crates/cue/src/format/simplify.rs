//! Simplifications (`cue fmt -s`): fewer braces and quotes, the same tree otherwise.
//!
//! What is done: `a: {b: 1}` becomes `a: b: 1`, where no comment would lose its place; `"a": 1` becomes `a: 1`, where
//! no reference would come to mean the field. What is not: `[string]: _`, which `cue` makes `...`.
//!
//! Not here: the layout.

use std::collections::HashSet;

use crate::syntax::ast::{Decl, ExprKind, Field, File, Label, Struct};
use crate::syntax::token::TokenKind;
use crate::syntax::{lexer, parse_file};

use super::quote::is_plain_label;

/// The text of a file, simplified and in the canonical layout; a text with syntax errors comes back unchanged.
#[must_use]
pub fn format_simplified(file: &File, text: &str) -> String {
    let lexed = lexer::lex(file.id, text);
    if !lexed.errors.is_empty() {
        return text.to_owned();
    }
    let words = lexed.tokens.iter().filter(|token| token.kind == TokenKind::Ident);
    let names = words.filter_map(|token| text.get(token.start as usize..token.end as usize)).collect();
    let mut simplifier = Simplifier { file, names, cuts: Vec::new() };
    simplifier.decls(&file.decls);
    let changed = simplifier.applied(text);
    let (again, errors) = parse_file(file.id, &changed);
    if errors.is_empty() { super::format_file(&again, &changed) } else { super::format_file(file, text) }
}

struct Simplifier<'a> {
    file: &'a File,
    /// All names that the file writes without quotes: a label among them might catch a reference.
    names: HashSet<&'a str>,
    /// What is left out, in bytes.
    cuts: Vec<(u32, u32)>,
}

impl Simplifier<'_> {
    fn applied(mut self, text: &str) -> String {
        self.cuts.sort_unstable();
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in self.cuts {
            changed.push_str(text.get(at as usize..start as usize).unwrap_or(""));
            at = end.max(at);
        }
        changed.push_str(text.get(at as usize..).unwrap_or(""));
        changed
    }

    fn decls(&mut self, decls: &[Decl]) {
        for decl in decls {
            match decl {
                Decl::Field(field) => self.field(field),
                Decl::Comprehension(comprehension) => self.decls(&comprehension.body.decls),
                Decl::Embed(expr) => {
                    if let ExprKind::Struct(literal) = &expr.kind {
                        self.decls(&literal.decls);
                    }
                }
                _ => {}
            }
        }
    }

    fn field(&mut self, field: &Field) {
        if let Label::String(name, span) = &field.label
            && is_plain_label(name)
            && !self.names.contains(&**name)
            && span.end - span.start == name.len() as u32 + 2
        {
            self.cuts.push((span.start, span.start + 1));
            self.cuts.push((span.end - 1, span.end));
        }
        let ExprKind::Struct(literal) = &field.value.kind else { return };
        if let [Decl::Field(inner)] = literal.decls.as_slice()
            && literal.braces
            && self.may_lose_braces(field, literal, inner)
        {
            self.cuts.push((literal.span.start, inner.span.start));
            self.cuts.push((inner.span.end, literal.span.end));
        }
        self.decls(&literal.decls);
    }

    /// No attribute would come to belong to another field, and no comment is near the braces.
    fn may_lose_braces(&self, field: &Field, literal: &Struct, inner: &Field) -> bool {
        let near = |start: u32, end: u32| {
            let inside = |at: u32| start <= at && at < end;
            self.file.comments.iter().any(|comment| inside(comment.span.start))
        };
        field.attributes.is_empty()
            && inner.attributes.is_empty()
            && !near(literal.span.start, inner.span.start)
            && !near(inner.span.end, literal.span.end)
    }
}
