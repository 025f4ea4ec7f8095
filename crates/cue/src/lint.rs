//! What a configuration may say without meaning it: findings that are no errors of the language.
//!
//! Most rules look at the text of a package only: at what is written at each path, file by file (a file is a
//! layer). What a reference brings is not followed, so they are careful: a finding names what is written, where.
//!
//! Rules that need values look at what was explained of them ([`lint_values`]): what references bring, and what layers
//! that come by an import say.
//!
//! Not here: errors of the language.

mod fallback;
mod layers;
mod selectors;
mod values;
mod written;

use crate::error::{Code, Error, Label};
use crate::provenance::Provenance;
use crate::source::Span;
use crate::syntax::ast::File;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `X | *D` where X is a reference: it yields D even if X has a value.
    FallbackNeverUsed,
    /// A concrete value that another layer gives another one.
    NotOverridable,
    /// Two different defaults for one field.
    TwoDefaults,
    /// Two different lists for one field: lists are not joined.
    ListInTwoLayers,
    /// A selector made from labels that may change.
    SelectorFromLabels,
}

impl Rule {
    /// The name by which a finding can be looked up.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FallbackNeverUsed => "fallback-never-used",
            Self::NotOverridable => "not-overridable",
            Self::TwoDefaults => "two-defaults",
            Self::ListInTwoLayers => "list-in-two-layers",
            Self::SelectorFromLabels => "selector-from-labels",
        }
    }
}

/// Something that may not be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule says so.
    pub rule: Rule,
    /// What, where and what to do, to be shown as errors are.
    pub error: Error,
}

impl Finding {
    fn new(rule: Rule, message: impl Into<String>, span: Span) -> Self {
        Self { rule, error: Error::new(Code::User, message, Some(span)) }
    }

    fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.error.path);
        self
    }

    fn at(mut self, span: Span, text: &str) -> Self {
        self.error = self.error.at(span, text);
        self
    }

    /// Whether another one says the same of the same places.
    fn is_same(&self, other: &Self) -> bool {
        let touch = |one: Span, other: Span| one.holds(other) || other.holds(one);
        let is_known = |label: &Label| self.error.labels.iter().any(|known| touch(known.span, label.span));
        self.rule == other.rule && other.error.labels.first().is_some_and(is_known)
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.error = self.error.help(help);
        self
    }
}

/// The findings in the files of one package, in the order of their places.
#[must_use]
pub fn lint<'f>(files: impl IntoIterator<Item = &'f File>) -> Vec<Finding> {
    in_text(&written::text(files))
}

/// The findings in the files of one package and in its values, which were explained ([`crate::Instance::why`]);
/// `imported` are the files of all packages that it imports. What the values show to be none is left out.
#[must_use]
pub fn lint_values<'f>(
    files: impl IntoIterator<Item = &'f File>,
    imported: impl IntoIterator<Item = &'f File>,
    explained: &[Provenance],
) -> Vec<Finding> {
    let own = written::text(files);
    let mut findings = in_text(&own);
    findings.retain(|finding| !values::disproves(explained, finding));
    for finding in values::check(explained, &own, &written::text(imported)) {
        if !findings.iter().any(|known| known.is_same(&finding)) {
            findings.push(finding);
        }
    }
    findings
}

fn in_text(text: &written::Text<'_>) -> Vec<Finding> {
    let mut findings = fallback::check(text);
    findings.extend(layers::check(text));
    findings.extend(selectors::check(text));
    findings.sort_by_key(|finding| (finding.error.labels.first().map(|label| label.span), finding.rule));
    findings
}
