//! YAML as the text of CUE files, with its comments.
//!
//! A comment on its own line goes before the field or element that follows it, one behind something stays behind it.
//!
//! Not here: empty lines between fields.

use std::collections::VecDeque;

use granit_parser::{Event, Parser};

use super::{place, yaml};
use crate::error::Error;
use crate::format;
use crate::source::{FileId, SourceFile};
use crate::syntax::ast::{Decl, Element, Expr, ExprKind, Ident, Label};
use crate::syntax::parse_file;

/// The documents of a YAML text, each as the declarations of a file of CUE.
///
/// # Errors
/// As [`yaml`].
pub fn yaml_as_cue(file: FileId, text: &str) -> Result<Vec<String>, Error> {
    let documents = yaml(file, text)?;
    let mut writer = Writer { source: SourceFile::new("", text), comments: comments(file, text), out: String::new() };
    let mut written = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        writer.document(document);
        if index + 1 == documents.len() {
            writer.before(u32::MAX);
        }
        let text = std::mem::take(&mut writer.out);
        let (tree, errors) = parse_file(file, &text);
        written.push(if errors.is_empty() { format::format_file(&tree, &text) } else { plain(document) });
    }
    Ok(written)
}

/// A document without comments.
fn plain(document: &Expr) -> String {
    match &document.kind {
        ExprKind::Struct(of) => format::format_decls(&of.decls),
        _ => format!("{}\n", format::format_expr(document)),
    }
}

struct Comment {
    text: String,
    start: u32,
    line: u32,
    own_line: bool,
}

fn comments(file: FileId, text: &str) -> VecDeque<Comment> {
    let source = SourceFile::new("", text);
    let mut found = VecDeque::new();
    for event in Parser::new_from_str(text) {
        let Ok((Event::Comment(comment, _), span)) = event else { continue };
        let start = place(file, span).start;
        let (line, column) = source.position(start);
        let before = source.line(line).get(..column as usize - 1).unwrap_or_default();
        let text = format!("//{}", comment.trim_end());
        found.push_back(Comment { text, start, line, own_line: before.trim().is_empty() });
    }
    found
}

struct Writer {
    source: SourceFile,
    comments: VecDeque<Comment>,
    out: String,
}

impl Writer {
    fn document(&mut self, document: &Expr) {
        match &document.kind {
            ExprKind::Struct(of) if !of.decls.is_empty() => self.decls(&of.decls),
            _ => {
                self.before(document.span.start);
                self.value(document, 0, "");
            }
        }
    }

    /// Writes the comments that stand before a byte.
    fn before(&mut self, start: u32) {
        while let Some(comment) = self.comments.pop_front_if(|comment| comment.start < start) {
            self.out.push_str(&comment.text);
            self.out.push('\n');
        }
    }

    /// Writes the comment behind an opening bracket, which stands in YAML behind the key, and ends the line.
    fn behind_key(&mut self, key_end: u32, value: &Expr) {
        match self.comments.front() {
            Some(comment) if comment.start < value.span.start => self.behind(&[key_end]),
            _ => self.out.push('\n'),
        }
    }

    /// Writes the comment behind something that ends at a byte, if there is one, and ends the line.
    fn behind(&mut self, ends: &[u32]) {
        let lines: Vec<u32> = ends.iter().map(|end| self.source.position(end.saturating_sub(1)).0).collect();
        let behind = |comment: &mut Comment| !comment.own_line && lines.contains(&comment.line);
        if let Some(comment) = self.comments.pop_front_if(behind) {
            self.out.push(' ');
            self.out.push_str(&comment.text);
        }
        self.out.push('\n');
    }

    fn decls(&mut self, decls: &[Decl]) {
        for decl in decls {
            let Decl::Field(field) = decl else { continue };
            let (name, span) = match &field.label {
                Label::Ident(Ident { name, span }) | Label::String(name, span) => (name, *span),
                _ => continue,
            };
            self.before(span.start);
            self.out.push_str(&format::quote_label(name));
            self.out.push_str(": ");
            self.value(&field.value, span.end, "");
        }
    }

    /// Writes a value, a comma or nothing, what stands behind it, and the line's end. `key_end` is where its key ends;
    /// a comment may stand behind that as well.
    fn value(&mut self, value: &Expr, key_end: u32, comma: &str) {
        // What an alias brings stands elsewhere, and so do its comments.
        let ends = if value.span.start < key_end { vec![key_end] } else { vec![key_end, value.span.end] };
        match &value.kind {
            ExprKind::Struct(of) if !of.decls.is_empty() => {
                self.out.push('{');
                self.behind_key(key_end, value);
                self.decls(&of.decls);
                self.out.push_str(&format!("}}{comma}"));
                self.behind(&ends);
            }
            ExprKind::List(elements) if self.goes_over_lines(elements, value) => {
                self.out.push('[');
                self.behind_key(key_end, value);
                for element in elements {
                    let Element::Expr(element) = element else { continue };
                    self.before(element.span.start);
                    self.value(element, element.span.start, ",");
                }
                self.out.push_str(&format!("]{comma}"));
                self.behind(&ends);
            }
            _ => {
                self.out.push_str(&format::format_expr(value));
                self.out.push_str(comma);
                self.behind(&ends);
            }
        }
    }

    /// Whether a list holds comments, or structs and lists that do better on lines of their own.
    fn goes_over_lines(&self, elements: &[Element], list: &Expr) -> bool {
        let is_nested = |element: &Element| match element {
            Element::Expr(Expr { kind: ExprKind::Struct(of), .. }) => !of.decls.is_empty(),
            Element::Expr(Expr { kind: ExprKind::List(of), .. }) => !of.is_empty(),
            _ => false,
        };
        let within = |comment: &Comment| list.span.start < comment.start && comment.start < list.span.end;
        !elements.is_empty() && (elements.iter().any(is_nested) || self.comments.iter().any(within))
    }
}
