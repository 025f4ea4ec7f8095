//! Rules that need values: what defaults do where references lead to other values and other defaults, and what layers
//! contradict each other in where one comes by an import.
//!
//! Not here: what can be seen in the text (`fallback`, `layers`).

use super::layers::{fixed_twice, gives_values, two_lists};
use super::written::{Text, is_scalar};
use super::{Finding, Rule};
use crate::data::Data;
use crate::encode;
use crate::error::{Code, Error};
use crate::format::format_expr_on_one_line;
use crate::provenance::{Alternative, Fate, Provenance, Role, Said};
use crate::source::Span;
use crate::syntax::ast::Expr;

/// The findings in values that were explained; `own` is what the package says, `imported` what those say that it
/// imports.
pub(super) fn check(found: &[Provenance], own: &Text<'_>, imported: &Text<'_>) -> Vec<Finding> {
    let layers = Layers { own, imported };
    let mut findings: Vec<Finding> = Vec::new();
    for provenance in found {
        let of_fallbacks = provenance.said.iter().filter_map(unused);
        let of_defaults = two_defaults(&provenance.said).filter(|_| provenance.value.is_err());
        let of_layers = provenance.value.as_ref().err().and_then(|error| layers.contradiction(error));
        let all = of_fallbacks.chain(of_defaults).map(|finding| finding.path(&provenance.path)).chain(of_layers);
        for finding in all {
            let same = |known: &Finding| known.rule == finding.rule && known.error.labels == finding.error.labels;
            if !findings.iter().any(same) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// Whether a value shows that a finding in the text is none: the layers that it speaks of agree, or others decide.
pub(super) fn disproves(found: &[Provenance], finding: &Finding) -> bool {
    if !matches!(finding.rule, Rule::NotOverridable | Rule::TwoDefaults | Rule::ListInTwoLayers) {
        return false;
    }
    let is_part = |path: &str| {
        path.strip_prefix(&finding.error.path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let mut parts = found.iter().filter(|provenance| is_part(&provenance.path)).peekable();
    parts.peek().is_some() && parts.all(|provenance| provenance.value.is_ok())
}

/// A default that is taken although a reference beside it has a value.
fn unused(said: &Said) -> Option<Finding> {
    let default = said.alternatives.iter().find(|alternative| alternative.fate == Fate::Taken)?;
    let is_unused = |other: &&Alternative| !other.is_default && other.fate == Fate::Left && other.value.is_some();
    let other = said.alternatives.iter().find(is_unused)?;
    let value = other.value.as_ref()?;
    if said.role != Role::Default || default.value.as_ref() == Some(value) {
        return None;
    }
    let message = format!("the reference has the value {}, but the marked alternative is taken", shown(value));
    let finding = Finding::new(Rule::FallbackNeverUsed, message, said.span).at(other.span, "this has a value");
    Some(finding.help("mark the reference instead, to use the other alternative only where it has no value"))
}

/// Two disjunctions whose defaults differ: there is none then.
fn two_defaults(said: &[Said]) -> Option<Finding> {
    let mut defaults = said.iter().flat_map(|said| said.alternatives.iter().filter(|one| one.is_default));
    let one = defaults.find(|alternative| alternative.value.is_some())?;
    let other = defaults.find(|other| other.value.is_some() && other.value != one.value)?;
    let (a, b) = (shown(one.value.as_ref()?), shown(other.value.as_ref()?));
    let message = format!("two defaults for one field, {a} and {b}: then it has none");
    let finding = Finding::new(Rule::TwoDefaults, message, one.span).at(other.span, "the other default");
    Some(finding.help("let one layer give the default, and others a value"))
}

fn shown(value: &Data) -> String {
    encode::json_compact(value, false)
}

/// The layers of a configuration as they are written.
struct Layers<'l> {
    own: &'l Text<'l>,
    imported: &'l Text<'l>,
}

impl Layers<'_> {
    /// Two layers that fix one field, or an element of a list, each otherwise.
    fn contradiction(&self, error: &Error) -> Option<Finding> {
        let [one, other, ..] = error.labels.as_slice() else { return None };
        if error.code != Code::Conflict {
            return None;
        }
        let (one, other) = self.lower_first(one.span, other.span);
        let lists = self.replaced(one, other).map(|(a, b)| two_lists(a.span, b.span).path(list_path(&error.path)));
        lists.or_else(|| self.fixed(one, other).map(|finding| finding.path(&error.path)))
    }

    /// Two places, that of the layer below first: what is imported is below.
    fn lower_first(&self, one: Span, other: Span) -> (Span, Span) {
        let is_own = |span: Span| self.own.files.contains(&span.file);
        match (is_own(one), is_own(other)) {
            (true, false) => (other, one),
            (false, true) => (one, other),
            _ => (one.min(other), one.max(other)),
        }
    }

    /// The two lists that the places are, or that their elements stand in.
    fn replaced(&self, one: Span, other: Span) -> Option<(&Expr, &Expr)> {
        let (a, b) = (self.list_around(one)?, self.list_around(other)?);
        let are_lists = (a.span == one) == (b.span == other);
        let apart = !a.span.holds(b.span) && !b.span.holds(a.span);
        (are_lists && apart && gives_values(a) && gives_values(b)).then_some((a, b))
    }

    fn list_around(&self, span: Span) -> Option<&Expr> {
        let lists = self.own.lists.iter().chain(&self.imported.lists);
        lists.copied().filter(|list| list.span.holds(span)).min_by_key(|list| list.span.end - list.span.start)
    }

    /// Two literals that are fields of layers, not of definitions.
    fn fixed(&self, one: Span, other: Span) -> Option<Finding> {
        let (a, b) = (self.literal_at(one)?, self.literal_at(other)?);
        Some(fixed_twice((&format_expr_on_one_line(a), one), (&format_expr_on_one_line(b), other)))
    }

    fn literal_at(&self, span: Span) -> Option<&Expr> {
        let mut fields = self.own.fields.iter().chain(&self.imported.fields);
        let field = fields.find(|field| field.value.span == span && is_scalar(field.value))?;
        let in_definition = field.path.split('.').any(|name| name.trim_start_matches('_').starts_with('#'));
        (!in_definition).then_some(field.value)
    }
}

/// The path of the list that a path leads into.
fn list_path(path: &str) -> &str {
    let is_index = |rest: &str| rest.split(']').next().is_some_and(|number| number.bytes().all(|c| c.is_ascii_digit()));
    let mut brackets = path.rmatch_indices('[').filter(|(at, _)| is_index(&path[at + 1..]));
    brackets.next().map_or(path, |(at, _)| &path[..at])
}
