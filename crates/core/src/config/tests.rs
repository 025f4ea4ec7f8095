//! The layers: properties for whatever is said, tables for what is meant.

mod layers;
mod rules;
mod templates;
mod versions;
