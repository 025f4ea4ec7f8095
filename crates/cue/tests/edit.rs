//! Edits: the text before and after, side by side; what is refused; and that every other byte stays.

#[path = "edit/fuzz.rs"]
mod fuzz;
#[path = "edit/lists.rs"]
mod lists;
#[path = "edit/refused.rs"]
mod refused;
#[path = "edit/remove.rs"]
mod remove;
#[path = "edit/set.rs"]
mod set;
