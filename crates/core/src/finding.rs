//! What a validation has to say. Not here: the validators (`config`, `engine::validation`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a validation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// What is wrong.
    pub message: String,
    /// More on it: values, evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<String>,
    /// The field, as a dotted path: `services.web.health`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The file that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Who found it.
    pub validator: String,
}

/// How much a finding matters. A critical one blocks a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is deployed until it is mended.
    Critical,
    /// It will probably hurt.
    Warning,
    /// Good to know.
    Info,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Memory, processors, disks.
    Hardware,
    /// Programs and their versions.
    Software,
    /// Ports, hosts, reachability.
    Network,
    /// Users, rights, secrets.
    Security,
    /// The spec.
    Configuration,
}

impl Finding {
    /// A finding with nothing but its message.
    pub fn new(severity: Severity, validator: &str, category: Category, message: impl Into<String>) -> Self {
        Self {
            severity,
            category,
            message: message.into(),
            details: None,
            recommendation: None,
            field: None,
            file: None,
            line: None,
            validator: validator.into(),
        }
    }

    /// One that blocks.
    pub fn critical(validator: &str, category: Category, message: impl Into<String>) -> Self {
        Self::new(Severity::Critical, validator, category, message)
    }

    /// One that warns.
    pub fn warning(validator: &str, category: Category, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, validator, category, message)
    }

    /// One that informs.
    pub fn info(validator: &str, category: Category, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, validator, category, message)
    }

    /// The same, about a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, at a line of a file.
    #[must_use]
    pub fn file_line(mut self, file: impl Into<String>, line: u32) -> Self {
        self.file = Some(file.into());
        self.line = Some(line);
        self
    }

    /// The same with more on it.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn recommendation(mut self, recommendation: impl Into<String>) -> Self {
        self.recommendation = Some(recommendation.into());
        self
    }
}

/// Whether any of them blocks.
pub fn blocks(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Critical)
}
