//! What stands between two tokens on one line: nothing, a space, or the edge of a column.
//!
//! Not here: where lines end (that is `layout`).

use super::layout::{Bracket, Layout, Written};
use crate::syntax::token::{Token, TokenKind};

/// What stands before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// One space.
    Space,
    /// A column begins.
    Column,
}

/// Whether what was written is an operator between its operands.
pub(super) fn is_binary(layout: &Layout<'_>, last: Written) -> bool {
    last.kind.is_some_and(is_operator) && !layout.marks.prefixes.contains(&last.start)
}

fn is_operator(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Plus | T::Minus | T::Star | T::Slash | T::Less | T::LessEqual | T::Greater | T::GreaterEqual | T::Equal
    ) || matches!(kind, T::Match | T::NotEqual | T::NotMatch | T::And | T::BoolAnd | T::Or | T::BoolOr)
}

/// Whether the token stands on the line of the one before it, whatever the source says.
pub(super) fn is_joined(layout: &Layout<'_>, token: Token) -> bool {
    use TokenKind as T;
    let Some(last) = layout.last else { return true };
    let is_label_mark = matches!(token.kind, T::Question | T::Tilde)
        || (token.kind == T::Not && !layout.marks.prefixes.contains(&token.start));
    let is_colon = token.kind == T::Colon && !matches!(layout.innermost(), Some(Bracket::Index(_)));
    let word = |written: Written| layout.text.get(written.start as usize..written.end as usize).unwrap_or("");
    let after_word = last.kind == Some(T::Ident) && matches!(word(last), "package" | "import");
    is_colon
        || is_label_mark
        || after_word
        || token.kind == T::Bind
        || last.kind == Some(T::Tilde)
        || layout.marks.prefixes.contains(&last.start)
        || layout.marks.bodies.contains(&token.start)
}

/// What stands between what was written last and the token; `closed` is the bracket that the token closes.
pub(super) fn between(layout: &Layout<'_>, token: Token, closed: Option<Bracket>) -> Gap {
    match wanted(layout, token, closed) {
        Gap::None if layout.last.is_some_and(|last| would_merge(layout, last, token)) => Gap::Space,
        gap => gap,
    }
}

/// Whether the two would be read as another token without a space: `< -1`, `X= =~"a"`, `1 .a`.
fn would_merge(layout: &Layout<'_>, last: Written, token: Token) -> bool {
    let text = |start: u32, end: u32| layout.text.get(start as usize..end as usize).unwrap_or("");
    let next = text(token.start, token.end);
    match text(last.start, last.end) {
        "<" => next.starts_with(['=', '-']),
        ">" => next.starts_with('='),
        "!" | "=" => next.starts_with(['=', '~']),
        _ => last.kind == Some(TokenKind::Number) && next == ".",
    }
}

fn wanted(layout: &Layout<'_>, token: Token, closed: Option<Bracket>) -> Gap {
    use TokenKind as T;
    let Some(last) = layout.last else { return Gap::None };
    let Some(before) = last.kind else { return Gap::None };
    if layout.comma_written {
        return if layout.innermost() == Some(Bracket::Alias) { Gap::None } else { Gap::Space };
    }
    if closed.is_some() || layout.marks.prefixes.contains(&last.start) {
        return Gap::None;
    }
    if layout.marks.columns.contains(&token.start) {
        return layout.column_or_space();
    }
    match (before, token.kind) {
        (T::LeftBrace | T::LeftBracket | T::LeftParen | T::InterpolationStart | T::InterpolationMiddle, _) => Gap::None,
        (T::Dot | T::Tilde, _) | (_, T::Dot | T::Tilde) => Gap::None,
        (_, T::LeftParen | T::LeftBracket | T::Question | T::Ellipsis) if layout.operand_before(token).is_some() => {
            Gap::None
        }
        (T::Ellipsis, _) => Gap::None,
        (_, T::Attribute) => attribute(layout, last),
        (_, T::Colon) | (T::Colon, _) => colon(layout, token),
        (_, T::Question) => Gap::None,
        (_, T::Not) if !layout.marks.prefixes.contains(&token.start) => Gap::None,
        (_, T::Bind) => wide(layout.marks.wide_binds.contains(&last.end)),
        (T::Bind, _) => wide(layout.bind_was_wide),
        (_, kind) if is_operator(kind) && !layout.marks.prefixes.contains(&token.start) => {
            wide(!layout.marks.tight_operators.contains(&token.start))
        }
        _ if is_binary(layout, last) => wide(!layout.marks.tight_operators.contains(&last.start)),
        _ => Gap::Space,
    }
}

fn wide(wide: bool) -> Gap {
    if wide { Gap::Space } else { Gap::None }
}

/// The first attribute of a field stands in a column, like its value.
fn attribute(layout: &Layout<'_>, last: Written) -> Gap {
    if last.kind == Some(TokenKind::Attribute) || !layout.value_in_column {
        Gap::Space
    } else {
        layout.column_or_space()
    }
}

fn colon(layout: &Layout<'_>, token: Token) -> Gap {
    match layout.innermost() {
        Some(Bracket::Index(wide)) => self::wide(wide),
        _ => wide(token.kind != TokenKind::Colon),
    }
}
