//! Trees as short text: every operator and label in brackets, so that a test shows what binds what.

use shipway_cue::source::FileId;
use shipway_cue::syntax::ast::{
    Clause, Comprehension, Decl, Element, Expr, ExprKind, Field, Label, Piece, Presence, Struct,
};
use shipway_cue::syntax::{parse_expr, parse_file};

/// The tree of an expression that has no errors.
pub fn expr(text: &str) -> String {
    let (expr, errors) = parse_expr(FileId(0), text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    show(&expr)
}

/// The trees of a file's declarations, one after the other; the file has no errors.
pub fn file(text: &str) -> String {
    let (file, errors) = parse_file(FileId(0), text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    decls(&file.decls)
}

fn decls(list: &[Decl]) -> String {
    list.iter().map(decl).collect::<Vec<_>>().join("; ")
}

fn decl(decl: &Decl) -> String {
    match decl {
        Decl::Field(field) => self::field(field),
        Decl::Let(clause) => format!("let {} = {}", clause.name.name, show(&clause.value)),
        Decl::Embed(expr) => show(expr),
        Decl::Comprehension(comprehension) => self::comprehension(comprehension),
        Decl::Ellipsis(_) => "...".to_owned(),
        Decl::Attribute(attribute) => format!("@{}<{}>", attribute.name, attribute.body),
    }
}

fn field(field: &Field) -> String {
    let mut text = match &field.label {
        Label::Ident(name) => name.name.to_string(),
        Label::String(name, _) => format!("{name:?}"),
        Label::Interpolation(interpolation) => format!("\"{}\"", pieces(&interpolation.pieces)),
        Label::Dynamic(expr, _) => format!("({})", show(expr)),
        Label::Pattern { alias: Some(alias), expr, .. } => format!("[{}={}]", alias.name, show(expr)),
        Label::Pattern { alias: None, expr, .. } => format!("[{}]", show(expr)),
    };
    if let Some(alias) = &field.alias {
        let name = |name: &Option<_>| {
            name.as_ref().map_or(String::new(), |name: &shipway_cue::syntax::ast::Ident| name.name.to_string())
        };
        let form = if alias.postfix { "after" } else { "before" };
        text = format!("{text}<{form} {}{}>", name(&alias.label), name(&alias.value));
    }
    text.push_str(match field.presence {
        Presence::Regular => ":",
        Presence::Optional => "?:",
        Presence::Required => "!:",
    });
    text.push_str(&show(&field.value));
    for attribute in &field.attributes {
        text.push_str(&format!(" @{}<{}>", attribute.name, attribute.body));
    }
    text
}

fn comprehension(comprehension: &Comprehension) -> String {
    let clauses: Vec<String> = comprehension.clauses.iter().map(clause).collect();
    let body = structure(&comprehension.body);
    let fallback = comprehension.fallback.as_ref();
    let fallback = fallback.map_or(String::new(), |fallback| format!(" else {}", structure(&fallback.body)));
    format!("{} {body}{fallback}", clauses.join(" "))
}

fn clause(clause: &Clause) -> String {
    match clause {
        Clause::For { key: Some(key), value, source, .. } => {
            format!("for {} {} in {}", key.name, value.name, show(source))
        }
        Clause::For { key: None, value, source, .. } => format!("for {} in {}", value.name, show(source)),
        Clause::If(condition, _) => format!("if {}", show(condition)),
        Clause::Let(clause) => format!("let {} = {}", clause.name.name, show(&clause.value)),
        Clause::Try { binding: Some((name, value)), .. } => format!("try {} = {}", name.name, show(value)),
        Clause::Try { binding: None, .. } => "try".to_owned(),
    }
}

fn structure(literal: &Struct) -> String {
    if literal.braces { format!("{{{}}}", decls(&literal.decls)) } else { decls(&literal.decls) }
}

fn pieces(pieces: &[Piece]) -> String {
    let show_piece = |piece: &Piece| match piece {
        Piece::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Piece::Expr(expr) => format!("\\({})", show(expr)),
    };
    pieces.iter().map(show_piece).collect()
}

fn element(element: &Element) -> String {
    match element {
        Element::Expr(expr) => show(expr),
        Element::Comprehension(comprehension) => self::comprehension(comprehension),
        Element::Ellipsis(ellipsis) => format!("...{}", ellipsis.value.as_ref().map_or(String::new(), show)),
    }
}

/// The tree of an expression.
pub fn show(expr: &Expr) -> String {
    let optional = |expr: &Option<Box<Expr>>| expr.as_ref().map_or(String::new(), |expr| show(expr));
    match &expr.kind {
        ExprKind::Bottom => "_|_".to_owned(),
        ExprKind::Top => "_".to_owned(),
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Number(number) => number.literal(),
        ExprKind::String(text) => format!("{text:?}"),
        ExprKind::Bytes(bytes) => format!("bytes{bytes:?}"),
        ExprKind::Interpolation(interpolation) => {
            let mark = if interpolation.bytes { '\'' } else { '"' };
            format!("{mark}{}{mark}", pieces(&interpolation.pieces))
        }
        ExprKind::Ident(name) => name.name.to_string(),
        ExprKind::Struct(literal) => structure(literal),
        ExprKind::List(elements) => format!("[{}]", elements.iter().map(element).collect::<Vec<_>>().join(", ")),
        ExprKind::Selector { of, label, quoted: true } => format!("{}.{:?}", show(of), label.name),
        ExprKind::Selector { of, label, quoted: false } => format!("{}.{}", show(of), label.name),
        ExprKind::Index { of, index } => format!("{}[{}]", show(of), show(index)),
        ExprKind::Slice { of, low, high } => format!("{}[{}:{}]", show(of), optional(low), optional(high)),
        ExprKind::Call { of, args } => {
            format!("{}({})", show(of), args.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Unary { op, of } => format!("{op:?}<{}>", show(of)),
        ExprKind::Binary { op, left, right, .. } => format!("<{} {op:?} {}>", show(left), show(right)),
        ExprKind::Paren(of) => format!("({})", show(of)),
        ExprKind::Alias { name, of } => format!("{}={}", name.name, show(of)),
        ExprKind::Open(of) => format!("{}...", show(of)),
        ExprKind::Maybe(of) => format!("{}?", show(of)),
        ExprKind::Bad => "BAD".to_owned(),
    }
}
