//! The text of CUE: tokens, the tree, and how text becomes one.
//!
//! Not here: what names mean (that is `compile`).

pub mod ast;
