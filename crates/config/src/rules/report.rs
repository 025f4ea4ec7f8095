//! Collects findings, each with its place in the file.

use shipway_core::finding::{Category, Finding, Severity};

use crate::{field::Field, place::Place};

const VALIDATOR: &str = "spec-rules";

pub(super) struct Report<'a> {
    place: Place<'a>,
    excused: &'a [Field],
    pub(super) findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    pub(super) fn new(place: Place<'a>, excused: &'a [Field]) -> Self {
        Self { place, excused, findings: Vec::new() }
    }

    /// Something that blocks.
    pub(super) fn critical(&mut self, field: &Field, message: impl Into<String>, advice: impl Into<String>) {
        self.tell(Severity::Critical, Category::Configuration, field, message, advice);
    }

    /// Something that will probably hurt.
    pub(super) fn warning(&mut self, field: &Field, message: impl Into<String>, advice: impl Into<String>) {
        self.tell(Severity::Warning, Category::Configuration, field, message, advice);
    }

    /// Something that is good to know.
    pub(super) fn info(&mut self, field: &Field, message: impl Into<String>, advice: impl Into<String>) {
        self.tell(Severity::Info, Category::Configuration, field, message, advice);
    }

    /// Whether a field is known to be faulty, so that it is not as the file means it.
    pub(super) fn is_excused(&self, field: &Field) -> bool {
        self.excused.iter().any(|excused| field.starts_with(excused) || excused.starts_with(field))
    }

    /// Whether somebody wrote the field, and it isn't what holds by itself.
    pub(super) fn is_written(&self, field: &Field) -> bool {
        self.place.is_written(field)
    }

    pub(super) fn tell(
        &mut self,
        severity: Severity,
        category: Category,
        field: &Field,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        if self.is_excused(field) {
            return;
        }
        let finding = Finding::new(severity, VALIDATOR, category, message).recommendation(advice);
        self.findings.push(self.place.put(finding, field));
    }
}
