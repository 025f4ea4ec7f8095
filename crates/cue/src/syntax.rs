//! The text of CUE: tokens, the tree, and how text becomes one.
//!
//! Not here: what names mean (that is `compile`).

pub mod ast;
pub mod lexer;
pub mod literal;
pub mod parser;
pub mod token;

pub use parser::{parse_expr, parse_file};
