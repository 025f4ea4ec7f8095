//! Which commas are written.
//!
//! In structs only those between declarations on one line; in lists and calls also those at the ends of lines, unless
//! a list leaves one of them out: then it has none there.
//!
//! Not here: whether a line ends (that is the layout).

use std::collections::HashMap;

use super::{Bracket, Layout};
use crate::format::marks::Marks;
use crate::syntax::token::{Token, TokenKind};

/// Whether the lines of a list end with commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum ListStyle {
    /// They do.
    Commas,
    /// They don't.
    Bare,
}

/// The styles of all lists, by the start of their bracket.
#[derive(Debug, Default)]
pub(super) struct Lists {
    styles: HashMap<u32, ListStyle>,
}

/// A bracket while its commas are counted.
struct Counted {
    start: u32,
    commas: bool,
    /// A line between two elements ends without a comma.
    bare: bool,
}

impl Lists {
    pub(super) fn of(tokens: &[Token], marks: &Marks) -> Self {
        let mut lists = Self::default();
        let mut open: Vec<Counted> = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let next = tokens.get(index + 1).map(|token| token.kind);
            let after_clause = index.checked_sub(1).is_some_and(|at| marks.clause_ends.contains(&tokens[at].end));
            match (token.kind, open.last_mut()) {
                (TokenKind::LeftBrace | TokenKind::LeftBracket | TokenKind::LeftParen, _) => {
                    open.push(Counted { start: token.start, commas: false, bare: false });
                }
                (TokenKind::RightBrace | TokenKind::RightBracket | TokenKind::RightParen, _) => lists.close(open.pop()),
                (TokenKind::Comma, Some(list)) if !after_clause => list.commas = true,
                (TokenKind::AutoComma, Some(list)) if !after_clause => {
                    list.bare |= next != Some(TokenKind::RightBracket);
                }
                _ => {}
            }
        }
        lists
    }

    fn close(&mut self, list: Option<Counted>) {
        if let Some(list) = list {
            let style = if list.commas && !list.bare { ListStyle::Commas } else { ListStyle::Bare };
            self.styles.insert(list.start, style);
        }
    }

    pub(super) fn style(&self, bracket: Token) -> ListStyle {
        self.styles.get(&bracket.start).copied().unwrap_or(ListStyle::Commas)
    }
}

impl Layout<'_> {
    /// Writes the comma that is due, or not: `line_ends` after it, or the bracket closes.
    pub(super) fn decide_comma(&mut self, line_ends: bool, closing: bool) {
        let Some(comma) = self.comma.take() else { return };
        let Some(last) = self.last.filter(|last| last.kind.is_some()) else { return };
        let at_line_end = match self.innermost_before(closing) {
            _ if self.marks.clause_ends.contains(&last.end) => false,
            Some(Bracket::List(style)) => style == ListStyle::Commas,
            Some(Bracket::Call) => true,
            _ => false,
        };
        let written = if line_ends { at_line_end } else { !closing && comma == TokenKind::Comma };
        if written && let Some(cell) = self.line.cells.last_mut() {
            cell.push(',');
            self.comma_written = true;
        }
    }

    /// The bracket that the comma stands in, which a closing token has left already.
    fn innermost_before(&self, closing: bool) -> Option<Bracket> {
        if closing { self.closed_bracket } else { self.innermost() }
    }
}
