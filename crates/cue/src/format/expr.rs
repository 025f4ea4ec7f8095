//! Trees without a source to text: for exports in CUE, and for messages.
//!
//! Source of the layout: what `cue export --out cue` writes: structs have a field on each line, lists stand on one
//! line but for the structs in them.
//!
//! Not here: texts that an author laid out (that is `layout`), comments, which a tree doesn't hold.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::{FileId, Span};
use crate::syntax::ast::{
    Attribute, BinaryOp, Clause, Comprehension, Decl, Element, Ellipsis, Expr, ExprKind, Field, File, Interpolation,
    Label, Piece, Presence, Struct, UnaryOp,
};
use crate::syntax::{lexer, parser};

use super::{align, layout, marks, quote};

/// An expression in the canonical layout, without a line's end after it.
#[must_use]
pub fn format_expr(expr: &Expr) -> String {
    let docs = Docs::new();
    let mut writer = Writer { text: String::new(), lines: true, docs: &docs };
    writer.expr(expr, LOOSEST);
    laid_out(writer.text)
}

/// The same on one line, as messages show it.
#[must_use]
pub fn format_expr_on_one_line(expr: &Expr) -> String {
    let docs = Docs::new();
    let mut writer = Writer { text: String::new(), lines: false, docs: &docs };
    writer.expr(expr, LOOSEST);
    writer.text
}

/// The declarations of a file, each with a line's end after it.
#[must_use]
pub fn format_decls(decls: &[Decl]) -> String {
    format_documented_decls(decls, &Docs::new())
}

/// Comments, line by line with their slashes, by the places of the declarations that they stand above.
pub(crate) type Docs = HashMap<Span, Vec<Arc<str>>>;

/// The same with comments above some of them.
pub(crate) fn format_documented_decls(decls: &[Decl], docs: &Docs) -> String {
    let mut text = String::new();
    for decl in decls {
        let mut writer = Writer { text: String::new(), lines: true, docs };
        writer.decl(decl);
        text.push_str(&writer.text);
        text.push('\n');
    }
    let (file, errors) = parser::parse_file(FileId(0), &text);
    if errors.is_empty() { super::format_file(&file, &text) } else { text }
}

/// The text of an expression with its columns and indentation.
fn laid_out(text: String) -> String {
    let (expr, errors) = parser::parse_expr(FileId(0), &text);
    if !errors.is_empty() {
        return text;
    }
    let lexed = lexer::lex(FileId(0), &text);
    let span = Span::of_file(FileId(0));
    let decls = vec![Decl::Embed(Box::new(expr))];
    let (imports, attributes, comments) = (Vec::new(), Vec::new(), Vec::new());
    let file = File { id: FileId(0), package: None, imports, attributes, decls, comments, compares_all: true, span };
    let lines = layout::lines(&text, &lexed.tokens, &[], &marks::of(&file, &text));
    align::to_text(&lines).trim_end_matches('\n').to_owned()
}

/// How tightly the surroundings of an expression bind; an operator that binds less needs parentheses.
const LOOSEST: u8 = 0;
const PREFIX: u8 = 8;
const TIGHTEST: u8 = 9;

struct Writer<'d> {
    text: String,
    /// Structs take several lines.
    lines: bool,
    docs: &'d Docs,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn expr(&mut self, expr: &Expr, around: u8) {
        match &expr.kind {
            ExprKind::Bottom | ExprKind::Bad => self.push("_|_"),
            ExprKind::Top => self.push("_"),
            ExprKind::Null => self.push("null"),
            ExprKind::Bool(value) => self.push(if *value { "true" } else { "false" }),
            ExprKind::Number(number) => self.push(&number.literal()),
            ExprKind::String(text) => self.string(text),
            ExprKind::Bytes(bytes) => self.push(&quote::quote_bytes(bytes)),
            ExprKind::Interpolation(interpolation) => self.interpolation(interpolation),
            ExprKind::Ident(name) => self.push(&name.name),
            ExprKind::Struct(literal) => self.braces(literal),
            ExprKind::List(elements) => self.list(elements),
            ExprKind::Paren(of) => self.within("(", ")", of),
            ExprKind::Alias { name, of } => {
                self.push(&name.name);
                self.push("=");
                self.expr(of, LOOSEST);
            }
            ExprKind::Unary { op, of } => self.prefix(*op, of, around),
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right, around),
            _ => self.postfix(&expr.kind),
        }
    }

    fn within(&mut self, open: &str, close: &str, expr: &Expr) {
        self.push(open);
        self.expr(expr, LOOSEST);
        self.push(close);
    }

    fn string(&mut self, text: &str) {
        if self.lines && text.contains('\n') {
            self.push(&quote::quote_lines(text));
        } else {
            self.push(&quote::quote_string(text));
        }
    }

    fn interpolation(&mut self, interpolation: &Interpolation) {
        let mark = if interpolation.bytes { "'" } else { "\"" };
        self.push(mark);
        for piece in &interpolation.pieces {
            match piece {
                Piece::Expr(expr) => {
                    let mut inner = Writer { text: String::new(), lines: false, docs: self.docs };
                    inner.within("\\(", ")", expr);
                    self.push(&inner.text);
                }
                Piece::Text(text) if interpolation.bytes => self.push(quote::quote_bytes(text).trim_matches('\'')),
                Piece::Text(text) => {
                    let quoted = quote::quote_string(&String::from_utf8_lossy(text));
                    self.push(quoted.get(1..quoted.len() - 1).unwrap_or(""));
                }
            }
        }
        self.push(mark);
    }

    fn prefix(&mut self, op: UnaryOp, of: &Expr, around: u8) {
        let parens = around > PREFIX;
        self.push(if parens { "(" } else { "" });
        self.push(op.sign());
        // `< -1`: together they would be another operator.
        if matches!(of.kind, ExprKind::Unary { .. }) {
            self.push(" ");
        }
        self.expr(of, PREFIX);
        self.push(if parens { ")" } else { "" });
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, around: u8) {
        let precedence = marks::precedence(op);
        let parens = precedence < around;
        self.push(if parens { "(" } else { "" });
        self.expr(left, precedence);
        self.push(" ");
        self.push(op.sign());
        self.push(" ");
        self.expr(right, precedence + 1);
        self.push(if parens { ")" } else { "" });
    }

    fn postfix(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Selector { of, label, quoted } => {
                self.expr(of, TIGHTEST);
                // `1.a` would be read as a number.
                self.push(if matches!(of.kind, ExprKind::Number(_)) { " ." } else { "." });
                self.push(&if *quoted { quote::quote_string(&label.name) } else { label.name.to_string() });
            }
            ExprKind::Index { of, index } => {
                self.expr(of, TIGHTEST);
                self.within("[", "]", index);
            }
            ExprKind::Slice { of, low, high } => {
                self.expr(of, TIGHTEST);
                self.push("[");
                low.iter().for_each(|low| self.expr(low, LOOSEST));
                self.push(":");
                high.iter().for_each(|high| self.expr(high, LOOSEST));
                self.push("]");
            }
            ExprKind::Call { of, args } => self.call(of, args),
            ExprKind::Open(of) => {
                self.expr(of, TIGHTEST);
                self.push("...");
            }
            ExprKind::Maybe(of) => {
                self.expr(of, TIGHTEST);
                self.push("?");
            }
            _ => {}
        }
    }

    fn call(&mut self, of: &Expr, args: &[Expr]) {
        self.expr(of, TIGHTEST);
        self.push("(");
        for (index, arg) in args.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.expr(arg, LOOSEST);
        }
        self.push(")");
    }

    fn list(&mut self, elements: &[Element]) {
        self.push("[");
        for (index, element) in elements.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            match element {
                Element::Expr(expr) => self.expr(expr, LOOSEST),
                Element::Comprehension(comprehension) => self.comprehension(comprehension),
                Element::Ellipsis(ellipsis) => self.ellipsis(ellipsis),
            }
        }
        self.push("]");
    }

    fn ellipsis(&mut self, ellipsis: &Ellipsis) {
        self.push("...");
        ellipsis.value.iter().for_each(|value| self.expr(value, LOOSEST));
    }

    fn braces(&mut self, literal: &Struct) {
        let (first, between, last) = match (self.lines, literal.decls.is_empty()) {
            (true, false) => ("\n", "\n", "\n"),
            _ => ("", ", ", ""),
        };
        self.push("{");
        for (index, decl) in literal.decls.iter().enumerate() {
            self.push(if index > 0 { between } else { first });
            self.decl(decl);
        }
        self.push(last);
        self.push("}");
    }

    fn decl(&mut self, decl: &Decl) {
        let docs = self.docs.get(&decl.span()).filter(|_| self.lines);
        for line in docs.into_iter().flatten() {
            self.push(line);
            self.push("\n");
        }
        match decl {
            Decl::Field(field) => self.field(field),
            Decl::Let(clause) => {
                self.push(&format!("let {} = ", clause.name.name));
                self.expr(&clause.value, LOOSEST);
            }
            Decl::Embed(expr) => self.expr(expr, LOOSEST),
            Decl::Comprehension(comprehension) => self.comprehension(comprehension),
            Decl::Ellipsis(ellipsis) => self.ellipsis(ellipsis),
            Decl::Attribute(attribute) => self.attribute(attribute),
        }
    }

    fn field(&mut self, field: &Field) {
        let alias = field.alias.as_ref();
        if let Some(name) = alias.filter(|alias| !alias.postfix).and_then(|alias| alias.value.as_ref()) {
            self.push(&format!("{}=", name.name));
        }
        self.label(&field.label);
        if let Some(alias) = alias.filter(|alias| alias.postfix) {
            let value = alias.value.as_ref().map_or("_", |name| &name.name);
            let both = alias.label.as_ref().map(|label| format!("~({},{value})", label.name));
            self.push(&both.unwrap_or_else(|| format!("~{value}")));
        }
        self.push(match field.presence {
            Presence::Regular => ": ",
            Presence::Optional => "?: ",
            Presence::Required => "!: ",
        });
        match &field.value.kind {
            ExprKind::Struct(Struct { decls, braces: false, .. }) if decls.len() == 1 => {
                decls.iter().for_each(|decl| self.decl(decl));
            }
            _ => self.expr(&field.value, LOOSEST),
        }
        for attribute in &field.attributes {
            self.push(" ");
            self.attribute(attribute);
        }
    }

    fn label(&mut self, label: &Label) {
        match label {
            Label::Ident(name) => self.push(&name.name),
            Label::String(name, _) => self.push(&quote::quote_string(name)),
            Label::Interpolation(interpolation) => self.interpolation(interpolation),
            Label::Dynamic(expr, _) => self.within("(", ")", expr),
            Label::Pattern { alias, expr, .. } => {
                let alias = alias.as_ref().map_or(String::new(), |alias| format!("{}=", alias.name));
                // `X==~"a"` would be read as `==`.
                let space = if !alias.is_empty() && matches!(expr.kind, ExprKind::Unary { .. }) { " " } else { "" };
                self.within(&format!("[{alias}{space}"), "]", expr);
            }
        }
    }

    fn attribute(&mut self, attribute: &Attribute) {
        self.push(&format!("@{}({})", attribute.name, attribute.body));
    }

    fn comprehension(&mut self, comprehension: &Comprehension) {
        for clause in &comprehension.clauses {
            self.clause(clause);
            self.push(" ");
        }
        self.braces(&comprehension.body);
        if let Some(fallback) = &comprehension.fallback {
            self.push(&format!(" {} ", fallback.word.name));
            self.braces(&fallback.body);
        }
    }

    fn clause(&mut self, clause: &Clause) {
        let (head, expr) = match clause {
            Clause::For { key: Some(key), value, source, .. } => {
                (format!("for {}, {} in ", key.name, value.name), Some(source))
            }
            Clause::For { key: None, value, source, .. } => (format!("for {} in ", value.name), Some(source)),
            Clause::If(condition, _) => ("if ".to_owned(), Some(condition)),
            Clause::Let(clause) => (format!("let {} = ", clause.name.name), Some(&clause.value)),
            Clause::Try { binding: Some((name, expr)), .. } => (format!("try {} = ", name.name), Some(expr)),
            Clause::Try { binding: None, .. } => ("try".to_owned(), None),
        };
        self.push(&head);
        expr.iter().for_each(|expr| self.expr(expr, LOOSEST));
    }
}
