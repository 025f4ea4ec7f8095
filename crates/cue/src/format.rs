//! The canonical layout of CUE files, as `cue fmt` gives it (v0.17).
//!
//! The lines are the author's: where a line ends in the source, it ends in the result, and at most one blank line
//! stays between two. What is laid out anew is everything else: indentation by tabs, spaces around tokens, commas, the
//! columns of values, attributes and trailing comments, the indentation of strings with several lines, and the
//! spelling of numbers. So the layout works on tokens; the tree says what each of them is (`marks`).
//!
//! Files with syntax errors stay as they are.
//!
//! Not here: reading and writing files.

mod align;
mod decls;
mod expr;
mod layout;
mod marks;
mod quote;
mod respell;
mod simplify;
mod space;

pub(crate) use expr::{Docs, format_documented_decls};
pub use expr::{format_decls, format_expr, format_expr_on_one_line};
pub use quote::{is_plain_label, quote_bytes, quote_label, quote_string};
pub use simplify::format_simplified;

use crate::syntax::ast::File;
use crate::syntax::lexer;

/// The text of a file in the canonical layout; `file` is what [`crate::syntax::parse_file`] made of `text`.
///
/// A text with syntax errors comes back unchanged: nothing is known about its tokens.
#[must_use]
pub fn format_file(file: &File, text: &str) -> String {
    let lexed = lexer::lex(file.id, text);
    if !lexed.errors.is_empty() {
        return text.to_owned();
    }
    let marks = marks::of(file, text);
    let lines = layout::lines(text, &lexed.tokens, &lexed.comments, &marks);
    align::to_text(&lines)
}
