//! What the tests of findings share: what is said about a text. Not here: texts.
#![allow(dead_code, reason = "each test binary uses its own part")]

use shipway_config::{Target, findings, read};
use shipway_core::finding::{Finding, Severity};

/// Everything that is said about a spec in all its environments.
pub fn found(text: &str) -> Vec<Finding> {
    let source = match read::parse("shipway.toml", text) {
        Ok(source) => source,
        Err(findings) => return findings,
    };
    findings(&source, &Target::all(&source))
}

/// Exactly one thing is said, at that line and field, with advice.
pub fn expect_one(severity: Severity, text: &str, line: u32, field: &str, message: &str) {
    let found = found(text);
    let [finding] = found.as_slice() else { panic!("one finding is expected of\n{text}\n{found:#?}") };
    assert_eq!(finding.message, message, "\n{text}");
    assert_eq!(finding.severity, severity, "\n{text}");
    assert_eq!(finding.line, Some(line), "{message}\n{text}");
    assert_eq!(finding.file.as_deref(), Some("shipway.toml"));
    assert_eq!(finding.field.as_deref(), Some(field), "{message}");
    assert!(finding.recommendation.as_deref().is_some_and(|advice| !advice.is_empty()), "{message}");
}
