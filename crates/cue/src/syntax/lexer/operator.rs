//! Operators and punctuation.
//!
//! Source: the specification, "Operators and punctuation": the longest sequence that is a token.
//!
//! Not here: how tightly they bind (that is the parser).

use super::Lexer;
use crate::syntax::token::TokenKind;

/// Longer ones first, so that the first match is the longest.
const OPERATORS: [(&str, TokenKind); 28] = [
    ("...", TokenKind::Ellipsis),
    ("<=", TokenKind::LessEqual),
    (">=", TokenKind::GreaterEqual),
    ("==", TokenKind::Equal),
    ("=~", TokenKind::Match),
    ("!=", TokenKind::NotEqual),
    ("!~", TokenKind::NotMatch),
    ("&&", TokenKind::BoolAnd),
    ("||", TokenKind::BoolOr),
    ("<", TokenKind::Less),
    (">", TokenKind::Greater),
    ("=", TokenKind::Bind),
    ("!", TokenKind::Not),
    ("&", TokenKind::And),
    ("|", TokenKind::Or),
    (",", TokenKind::Comma),
    (":", TokenKind::Colon),
    ("?", TokenKind::Question),
    ("~", TokenKind::Tilde),
    (".", TokenKind::Dot),
    ("[", TokenKind::LeftBracket),
    ("]", TokenKind::RightBracket),
    ("{", TokenKind::LeftBrace),
    ("}", TokenKind::RightBrace),
    ("+", TokenKind::Plus),
    ("-", TokenKind::Minus),
    ("*", TokenKind::Star),
    ("/", TokenKind::Slash),
];

impl Lexer<'_> {
    pub(super) fn operator(&mut self) -> TokenKind {
        let rest = self.rest();
        if rest.starts_with('(') {
            return self.left_paren();
        }
        if rest.starts_with("<-") {
            return self.illegal(2, "'<-' is no operator; put a space between '<' and '-'");
        }
        if rest.starts_with("..") && !rest.starts_with("...") {
            return self.illegal(2, "'..' is no operator; a selector has one dot, an ellipsis three");
        }
        if rest.starts_with("/*") && !self.in_attribute {
            return self.illegal(2, "comments are written // to the end of the line");
        }
        match OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) {
            Some((text, kind)) => self.take(text.len(), *kind),
            None => self.unknown(),
        }
    }

    fn unknown(&mut self) -> TokenKind {
        let bytes = self.peek().map_or(0, char::len_utf8);
        let message = match self.peek() {
            // It was told already: none may stand anywhere in the text.
            Some('\0') | None => return self.take(bytes, TokenKind::Illegal),
            Some(';') => "';' is no part of the language; declarations are separated by commas or new lines".to_owned(),
            Some('\u{feff}') => "a byte order mark inside the file".to_owned(),
            Some(c) => format!("{c:?} is no part of the language outside of strings and comments"),
        };
        self.illegal(bytes, message)
    }
}
