//! The indentation of strings with several lines. Those with interpolations keep the one they have, as `cue fmt` does.
//!
//! Not here: the text with another indentation (that is `respell`).

use super::{Layout, MAX_STRING_INDENT};
use crate::format::respell;
use crate::syntax::token::{Token, TokenKind};

/// For each token that is such a string: the white space before the closing quotes.
#[derive(Debug)]
pub(super) struct Indents<'a> {
    of: Vec<Option<&'a str>>,
}

impl<'a> Indents<'a> {
    pub(super) fn of(text: &'a str, tokens: &[Token]) -> Self {
        let indent = |token: &Token| match token.kind {
            TokenKind::String => text.get(token.start as usize..token.end as usize).and_then(respell::closing_indent),
            _ => None,
        };
        Self { of: tokens.iter().map(indent).collect() }
    }
}

impl Layout<'_> {
    pub(super) fn string_spelling(&self, index: usize, text: &str) -> String {
        match self.strings.of.get(index).copied().flatten() {
            Some(indent) if self.line.indent < MAX_STRING_INDENT => {
                respell::reindent(text, indent, self.line.indent + 1)
            }
            _ => text.to_owned(),
        }
    }
}
