//! Entries of lists.
//!
//! Not here: where a list is (that is `find`).

use super::place;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{Element, Expr};

/// The elements without the ellipsis at the end.
pub(super) fn fixed(elements: &[Element]) -> &[Element] {
    match elements.split_last() {
        Some((Element::Ellipsis(_), before)) => before,
        _ => elements,
    }
}

pub(super) fn span(element: &Element) -> Span {
    match element {
        Element::Expr(expr) => expr.span,
        Element::Comprehension(comprehension) => comprehension.span,
        Element::Ellipsis(ellipsis) => ellipsis.span,
    }
}

/// The element at an index.
///
/// # Errors
/// The list has no such element, or one that isn't written there.
pub(super) fn element(list: Span, elements: &[Element], index: usize) -> Result<&Expr, Error> {
    let mut fixed = elements.iter().take(index + 1);
    match fixed.find(|element| !matches!(element, Element::Expr(_))).or_else(|| elements.get(index)) {
        Some(Element::Expr(expr)) => Ok(expr),
        Some(Element::Comprehension(comprehension)) => {
            let message = "a comprehension stands before the element, so that its index is known only by evaluating";
            Err(Error::new(Code::Unsupported, message, Some(comprehension.span)))
        }
        _ => Err(Error::new(Code::Reference, format!("the list has no element {index}"), Some(list))),
    }
}

/// The text with an entry at the end of the list.
pub(super) fn append(text: &str, list: Span, elements: &[Element], value: &str) -> String {
    let close = list.end as usize - 1;
    let Some(last) = fixed(elements).last().map(span) else {
        return in_empty(text, list, elements, value);
    };
    let (start, end) = (last.start as usize, last.end as usize);
    let comma = place::after_comma(text, end);
    let own_line = place::is_blank(text, place::line_start(text, start), start);
    let rest_has_line = text.get(end..close).is_some_and(|rest| rest.contains('\n'));
    if !own_line || !rest_has_line {
        return place::spliced(text, end, end, &format!(", {}", place::indented(value, place::indent_at(text, start))));
    }
    let indent = place::indent_at(text, start);
    let commas = comma.is_some() || elements.len() == 1 || has_commas(text, elements);
    let line_end = place::before_line_end(text, end);
    let new = format!("{}{indent}{}{}", place::newline(text), place::indented(value, indent), comma_if(commas));
    let changed = place::spliced(text, line_end, line_end, &new);
    if comma.is_none() && commas { place::spliced(&changed, end, end, ",") } else { changed }
}

fn comma_if(wanted: bool) -> &'static str {
    if wanted { "," } else { "" }
}

/// Whether the elements are separated by commas, and not by lines only.
fn has_commas(text: &str, elements: &[Element]) -> bool {
    elements.iter().rev().skip(1).any(|element| place::after_comma(text, span(element).end as usize).is_some())
}

/// A list without elements, but perhaps with an ellipsis.
fn in_empty(text: &str, list: Span, elements: &[Element], value: &str) -> String {
    let (open, close) = (list.start as usize + 1, list.end as usize - 1);
    match elements.first() {
        Some(ellipsis) => insert_before(text, list, elements, span(ellipsis), value),
        None if text.get(open..close).is_some_and(|inside| inside.contains('\n')) => {
            place::as_first_line(text, open, close, &format!("{value},"))
        }
        None => place::spliced(text, open, open, &place::indented(value, place::indent_at(text, open))),
    }
}

/// The text with an entry before an element.
pub(super) fn insert_before(text: &str, list: Span, elements: &[Element], element: Span, value: &str) -> String {
    let start = element.start as usize;
    let line = place::line_start(text, start);
    let indent = place::indent_at(text, start);
    let value = place::indented(value, indent);
    if line <= list.start as usize || !place::is_blank(text, line, start) {
        return place::spliced(text, start, start, &format!("{value}, "));
    }
    let commas = elements.len() == 1 || has_commas(text, elements);
    let new = format!("{indent}{value}{}{}", comma_if(commas), place::newline(text));
    place::spliced(text, line, line, &new)
}
