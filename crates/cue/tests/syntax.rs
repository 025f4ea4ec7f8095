//! Text to tree: what is read, what is refused and where, and that nothing makes the parser panic or hang.

#[path = "syntax/bounds.rs"]
mod bounds;
#[path = "syntax/comments.rs"]
mod comments;
#[path = "syntax/expressions.rs"]
mod expressions;
#[path = "syntax/fields.rs"]
mod fields;
#[path = "syntax/files.rs"]
mod files;
#[path = "syntax/fuzz.rs"]
mod fuzz;
#[path = "syntax/literals.rs"]
mod literals;
#[path = "syntax/refused.rs"]
mod refused;
#[path = "syntax/tree.rs"]
mod tree;
