//! The canonical layout: examples side by side, and laws that hold for every file.

#[path = "format/examples.rs"]
mod examples;
#[path = "format/laws.rs"]
mod laws;
#[path = "format/trees.rs"]
mod trees;
