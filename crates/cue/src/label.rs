//! The names of fields, interned: comparing two is comparing two numbers.
//!
//! Not here: labels as written (those are in `syntax::ast`).

use std::collections::HashMap;
use std::sync::Arc;

/// What sort of field a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sort {
    /// A regular field.
    Regular,
    /// `#A`
    Definition,
    /// `_a`, of one package.
    Hidden,
    /// `_#A`, of one package.
    HiddenDefinition,
    /// An element of a list; the number is the index.
    Index,
}

/// The name of a field, or the index of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    sort: Sort,
    number: u32,
}

impl Label {
    /// The label of the element at an index.
    #[must_use]
    pub const fn index(index: u32) -> Self {
        Self { sort: Sort::Index, number: index }
    }

    /// What it names.
    #[must_use]
    pub const fn sort(self) -> Sort {
        self.sort
    }

    /// A field that is part of the exported value.
    #[must_use]
    pub fn is_regular(self) -> bool {
        self.sort == Sort::Regular
    }

    /// `#A` or `_#A`.
    #[must_use]
    pub fn is_definition(self) -> bool {
        matches!(self.sort, Sort::Definition | Sort::HiddenDefinition)
    }

    /// `_a` or `_#A`.
    #[must_use]
    pub fn is_hidden(self) -> bool {
        matches!(self.sort, Sort::Hidden | Sort::HiddenDefinition)
    }

    /// The index of an element.
    #[must_use]
    pub fn as_index(self) -> Option<u32> {
        (self.sort == Sort::Index).then_some(self.number)
    }
}

/// The names behind labels. Hidden names are kept apart by package.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    names: Vec<Arc<str>>,
    numbers: HashMap<(Arc<str>, Arc<str>), u32>,
}

impl Labels {
    fn number(&mut self, name: &str, package: &str) -> u32 {
        let key = (Arc::<str>::from(name), Arc::<str>::from(package));
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(key.0.clone());
        self.numbers.insert(key, number);
        number
    }

    /// The label of a regular field, whatever its name looks like.
    pub fn regular(&mut self, name: &str) -> Label {
        Label { sort: Sort::Regular, number: self.number(name, "") }
    }

    /// The label that an identifier names in a package.
    pub fn identifier(&mut self, name: &str, package: &str) -> Label {
        let sort = if name.starts_with("_#") {
            Sort::HiddenDefinition
        } else if name.starts_with('#') {
            Sort::Definition
        } else if name.starts_with('_') {
            Sort::Hidden
        } else {
            Sort::Regular
        };
        let package = if matches!(sort, Sort::Hidden | Sort::HiddenDefinition) { package } else { "" };
        Label { sort, number: self.number(name, package) }
    }

    /// Whether any label has this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.names.iter().any(|known| &**known == name)
    }

    /// Whether a hidden name is one of this package.
    #[must_use]
    pub fn is_of_package(&self, label: Label, package: &str) -> bool {
        let key = (self.name(label), Arc::<str>::from(package));
        self.numbers.get(&key) == Some(&label.number)
    }

    /// The name as written, without quotes; an index in digits.
    #[must_use]
    pub fn name(&self, label: Label) -> Arc<str> {
        match label.sort {
            Sort::Index => label.number.to_string().into(),
            _ => self.names.get(label.number as usize).cloned().unwrap_or_else(|| "".into()),
        }
    }
}
