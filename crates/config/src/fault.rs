//! One thing that is wrong with the shape of a tree. Not here: file and line (`place`), looking for it (`walk`).

use shipway_core::finding::{Category, Finding};

use crate::field::Field;

pub(crate) const VALIDATOR: &str = "spec-shape";

/// Something wrong at a field.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) field: Field,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
    pub(crate) recommendation: String,
    /// The field that was probably meant: nobody should be told that it is missing, too.
    pub(crate) meant: Option<Field>,
}

impl Fault {
    pub(crate) fn new(field: &Field, message: String, recommendation: String) -> Self {
        Self { field: field.clone(), message, details: None, recommendation, meant: None }
    }

    pub(crate) fn finding(&self) -> Finding {
        let finding =
            Finding::critical(VALIDATOR, Category::Configuration, &*self.message).recommendation(&*self.recommendation);
        match &self.details {
            Some(details) => finding.details(&**details),
            None => finding,
        }
    }
}
