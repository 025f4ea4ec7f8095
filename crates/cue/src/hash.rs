//! Hashing of what this crate numbers itself: labels, and places in memory.
//!
//! Not here: hashing of texts, which others choose: that is the standard library's, which can't be led into collisions.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// An odd number whose bits are spread evenly: the golden ratio as a fraction of 2^64.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes numbers by multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl NumberHasher {
    fn add(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(29) ^ number).wrapping_mul(SPREAD);
    }
}

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        // The high bits are the best ones, and tables look at the low ones too.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.add(number as u64);
    }
}

/// Builds [`NumberHasher`]s.
pub(crate) type ByNumber = BuildHasherDefault<NumberHasher>;
/// A map from numbers.
pub(crate) type NumberMap<K, V> = HashMap<K, V, ByNumber>;
/// A set of numbers.
pub(crate) type NumberSet<K> = HashSet<K, ByNumber>;
