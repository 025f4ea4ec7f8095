//! The kinds of values, as a set: what a value may still be.
//!
//! Not here: values.

use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of kinds. [`Kind::BOTTOM`] is the empty one, [`Kind::TOP`] holds all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(u16);

impl Kind {
    /// No kind: a contradiction.
    pub const BOTTOM: Self = Self(0);
    /// `null`
    pub const NULL: Self = Self(1);
    /// `bool`
    pub const BOOL: Self = Self(2);
    /// `int`
    pub const INT: Self = Self(4);
    /// `float`
    pub const FLOAT: Self = Self(8);
    /// `string`
    pub const STRING: Self = Self(16);
    /// `bytes`
    pub const BYTES: Self = Self(32);
    /// Functions and validators.
    pub const FUNC: Self = Self(64);
    /// Lists.
    pub const LIST: Self = Self(128);
    /// Structs.
    pub const STRUCT: Self = Self(256);
    /// `number`
    pub const NUMBER: Self = Self(4 | 8);
    /// Everything.
    pub const TOP: Self = Self(511);

    /// The kinds of both; `|` for constants.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all kinds of `other` are in this one.
    #[must_use]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the two share a kind.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether no kind is left.
    #[must_use]
    pub const fn is_bottom(self) -> bool {
        self.0 == 0
    }
}

impl BitAnd for Kind {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Kind {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Kind {
    /// As CUE writes it: `int`, `(int|string)`, `_`, `_|_`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::TOP {
            return f.write_str("_");
        }
        let names = [
            (Self::NULL, "null"),
            (Self::BOOL, "bool"),
            (Self::INT, "int"),
            (Self::FLOAT, "float"),
            (Self::STRING, "string"),
            (Self::BYTES, "bytes"),
            (Self::FUNC, "func"),
            (Self::LIST, "list"),
            (Self::STRUCT, "struct"),
        ];
        let mut words: Vec<&str> = Vec::new();
        if self.holds(Self::NUMBER) {
            words.push("number");
        }
        let single = |kind: Self| !(self.holds(Self::NUMBER) && Self::NUMBER.holds(kind));
        words.extend(names.iter().filter(|(kind, _)| self.holds(*kind) && single(*kind)).map(|(_, name)| *name));
        match words.as_slice() {
            [] => f.write_str("_|_"),
            [one] => f.write_str(one),
            many => write!(f, "({})", many.join("|")),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
