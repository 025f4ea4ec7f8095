//! A new field: in the innermost struct that is written on its path, else as a chain beside it.
//!
//! Not here: fields that are there (that is `place`), entries of lists (`lists`).

use super::find;
use super::path::{Step, shown};
use super::place;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, ExprKind, File, Struct};

/// Where a field can be added.
struct Spot<'a> {
    /// How many steps of the path lead here.
    depth: usize,
    /// The declarations among which it goes.
    decls: &'a [Decl],
    /// The braces around them; none for the file, and for a chain, whose declarations are those beside the chain.
    braces: Option<Span>,
    /// The declaration after which it goes; none for the last.
    after: Option<Span>,
    /// The labels of the chain that it continues.
    chain: Vec<String>,
}

/// The text with a field at a path where none is.
pub(super) fn field(text: &str, file: &File, path: &[Step], value: &str) -> Result<String, Error> {
    let mut spots = vec![root(file)];
    collect(&file.decls, None, path, 0, &mut spots);
    let deepest = spots.iter().map(|spot| spot.depth).max().unwrap_or(0);
    // Of several as deep, one with braces; of those, the last.
    let spot = spots.iter().filter(|spot| spot.depth == deepest).max_by_key(|spot| spot.braces.is_some());
    let Some(spot) = spot else { return Err(find::missing(path)) };
    let labels: Option<Vec<String>> = path[spot.depth..].iter().map(Step::label).collect();
    let Some(labels) = labels else { return Err(no_list(path)) };
    if labels.is_empty() {
        return Err(find::missing(path));
    }
    let chain: Vec<&str> = spot.chain.iter().chain(&labels).map(String::as_str).collect();
    let line = format!("{}: {value}", chain.join(": "));
    Ok(match (spot.braces, spot.after.or_else(|| last(spot.decls))) {
        (Some(braces), after) => in_braces(text, braces, after, &line),
        (None, Some(after)) => on_new_line(text, after, &line),
        (None, None) => at_end(text, &line),
    })
}

/// The root of a file: that of a file like those of JSON, which is one struct in braces, is within them.
fn root(file: &File) -> Spot<'_> {
    let literal = match file.decls.as_slice() {
        [Decl::Embed(only)] => match &only.kind {
            ExprKind::Struct(literal) => Some(literal),
            _ => None,
        },
        _ => None,
    };
    let decls = literal.map_or(file.decls.as_slice(), |literal| &literal.decls);
    let braces = literal.map(|literal| literal.span);
    Spot { depth: 0, decls, braces, after: None, chain: Vec::new() }
}

fn no_list(path: &[Step]) -> Error {
    let message = format!("{} leads to an element that isn't written", shown(path));
    Error::new(Code::Reference, message, None).help("set the list as a whole, or append to it")
}

/// Structs on the path, from the outside inwards. `beside` are the chain's first declaration and its neighbours.
fn collect<'a>(
    decls: &'a [Decl],
    beside: Option<(&'a [Decl], Span, Vec<String>)>,
    path: &[Step],
    depth: usize,
    spots: &mut Vec<Spot<'a>>,
) {
    let Some(step) = path.get(depth) else { return };
    for decl in decls {
        match decl {
            Decl::Field(field) if find::matches(field, step) => {
                let (neighbours, first, mut chain) = beside.clone().unwrap_or((decls, field.span, Vec::new()));
                chain.extend(step.label());
                in_value(&field.value, (neighbours, first, chain), path, depth + 1, spots);
            }
            Decl::Embed(expr) => find::structs(expr, &mut |literal| collect(&literal.decls, None, path, depth, spots)),
            _ => {}
        }
    }
}

fn in_value<'a>(
    value: &'a Expr,
    beside: (&'a [Decl], Span, Vec<String>),
    path: &[Step],
    depth: usize,
    spots: &mut Vec<Spot<'a>>,
) {
    if let Some(Step::Index(index)) = path.get(depth) {
        find::element(value, *index, &mut |element| {
            in_value(element, (&[], value.span, Vec::new()), path, depth + 1, spots)
        });
        return;
    }
    find::structs(value, &mut |literal: &'a Struct| {
        let (neighbours, first, chain) = beside.clone();
        if literal.braces {
            let braces = Some(literal.span);
            spots.push(Spot { depth, decls: &literal.decls, braces, after: None, chain: Vec::new() });
            collect(&literal.decls, None, path, depth, spots);
        } else {
            spots.push(Spot { depth, decls: neighbours, braces: None, after: Some(first), chain: chain.clone() });
            collect(&literal.decls, Some((neighbours, first, chain)), path, depth, spots);
        }
    });
}

/// The last declaration, an ellipsis and attributes at the end aside: they stay last.
fn last(decls: &[Decl]) -> Option<Span> {
    decls.iter().rev().find(|decl| !matches!(decl, Decl::Ellipsis(_) | Decl::Attribute(_))).map(Decl::span)
}

/// Adds a line after a declaration and whatever else stands on its last line.
fn on_new_line(text: &str, after: Span, line: &str) -> String {
    let end = place::before_line_end(text, after.end as usize);
    let indent = place::indent_at(text, after.start as usize);
    let rest_is_comment = {
        let from = place::after_comma(text, after.end as usize).unwrap_or(after.end as usize);
        let rest = text.get(from..end).unwrap_or("").trim_start();
        rest.is_empty() || rest.starts_with("//")
    };
    if !rest_is_comment {
        // Something else follows on the line: the new field goes between.
        return place::spliced(text, after.end as usize, after.end as usize, &format!(", {line}"));
    }
    let new = format!("{}{indent}{}", place::newline(text), place::indented(line, indent));
    place::spliced(text, end, end, &new)
}

fn at_end(text: &str, line: &str) -> String {
    let newline = place::newline(text);
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
    let blank = if text.trim().is_empty() { "" } else { newline };
    format!("{text}{gap}{blank}{line}{newline}")
}

fn in_braces(text: &str, braces: Span, after: Option<Span>, line: &str) -> String {
    let (open, close) = (braces.start as usize + 1, braces.end as usize - 1);
    let several_lines = text.get(open..close).is_some_and(|inside| inside.contains('\n'));
    match after {
        Some(after) if several_lines && text.get(after.end as usize..close).is_some_and(|rest| rest.contains('\n')) => {
            on_new_line(text, after, line)
        }
        Some(after) => place::spliced(text, after.end as usize, after.end as usize, &format!(", {line}")),
        None if several_lines => place::as_first_line(text, open, close, line),
        None => place::spliced(text, open, open, line),
    }
}
