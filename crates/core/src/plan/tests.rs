//! Plans as text, plans run against a small world, and the way back from anywhere.

mod golden;
mod groups;
mod random;
mod reloading;
mod rules;
mod world;
