//! Lists that few vertices have.
//!
//! Not here: what is in them.

use std::ops::Deref;

/// A list that is mostly empty: then it takes the room of one pointer.
#[derive(Clone, Debug)]
#[allow(clippy::box_collection, reason = "a vector of its own takes three times the room in every vertex")]
pub(crate) struct Rare<T>(Option<Box<Vec<T>>>);

impl<T> Rare<T> {
    pub(crate) fn push(&mut self, item: T) {
        self.list().push(item);
    }

    /// The list, to be changed.
    pub(crate) fn list(&mut self) -> &mut Vec<T> {
        self.0.get_or_insert_default()
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Rare<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |list| list)
    }
}
