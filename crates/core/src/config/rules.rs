//! Rules that a project sets for its own values: `[[rules]]`. Every violation is told at once.
//!
//! Not here: what Shipway itself asks of a spec (crate `config`), and where a value was written.

use std::collections::BTreeMap;

use regex_automata::meta::Regex;
use serde_json::Value;

use crate::{
    id::{EnvironmentName, ServiceName},
    spec::{EnvironmentType, RuleSpec, ValueType},
};

/// How large a pattern may become in memory, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// The longest text that a pattern is held against, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The rule's place in the list, from 0.
    pub rule: usize,
    /// The service.
    pub service: ServiceName,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Whether nothing is wrong but that the value is not there.
    pub is_missing: bool,
}

/// Rules that can't be kept: one is wrong in itself, or two contradict each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Contradiction {
    /// The rule's place in the list, from 0.
    pub rule: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: String,
}

/// One environment as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its name.
    pub environment: &'a EnvironmentName,
    /// Its type.
    pub kind: EnvironmentType,
    /// Each service as it is there, as JSON.
    pub services: &'a BTreeMap<ServiceName, Value>,
}

/// What is wrong with the rules themselves, whatever the values.
pub fn contradictions(rules: &[RuleSpec]) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        if let Some((message, advice)) = wrong(rule) {
            found.push(Contradiction { rule: at, message, advice });
        }
        for (other_at, other) in rules[..at].iter().enumerate().filter(|(_, other)| meet(rule, other)) {
            if let Some(what) = against(rule, other) {
                let message = format!("rules {} and {} contradict each other: {what}", other_at + 1, at + 1);
                let advice = "change one of them, or narrow it with `environments`, `environment_types` or `services`";
                found.push(Contradiction { rule: at, message, advice: advice.into() });
            }
        }
    }
    found
}

/// Every value that breaks a rule.
pub fn violations(rules: &[RuleSpec], asked: Asked<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| holds_in(rule, asked)) {
        let services: Vec<_> = asked.services.iter().filter(|(name, _)| is_of(rule, name)).collect();
        let pattern = rule.pattern.as_deref().and_then(|pattern| compiled(pattern).ok());
        for (service, tree) in &services {
            let value = at_key(tree, &rule.key);
            if let Some((message, advice)) = fault(rule, value, pattern.as_ref()) {
                let message = rule.message.clone().map_or(message.clone(), |own| format!("{own}: {message}"));
                found.push(Violation {
                    rule: at,
                    service: (*service).clone(),
                    message,
                    advice,
                    is_missing: value.is_none(),
                });
            }
        }
        if rule.same_across {
            found.extend(unlike(rule, at, &services));
        }
    }
    found
}

fn holds_in(rule: &RuleSpec, asked: Asked<'_>) -> bool {
    let by_name = rule.environments.is_empty() || rule.environments.contains(asked.environment);
    let by_type = rule.environment_types.is_empty() || rule.environment_types.contains(&asked.kind);
    by_name && by_type
}

fn is_of(rule: &RuleSpec, service: &ServiceName) -> bool {
    rule.services.is_empty() || rule.services.contains(service)
}

fn at_key<'a>(tree: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(tree, |tree, part| tree.get(part)).filter(|value| !value.is_null())
}

type Fault = Option<(String, String)>;

/// What is wrong with a value.
fn fault(rule: &RuleSpec, value: Option<&Value>, pattern: Option<&Regex>) -> Fault {
    let key = &rule.key;
    let Some(value) = value else {
        return rule.required.then(|| (format!("`{key}` is required"), format!("set `{key}`")));
    };
    if let Some(kind) = rule.kind.filter(|kind| !is_a(*kind, value)) {
        let message = format!("`{key}` is {value}: it must be {}", kind.words());
        return Some((message, format!("set it to {}", kind.words())));
    }
    if !rule.one_of.is_empty() && !rule.one_of.contains(value) {
        let words: Vec<String> = rule.one_of.iter().map(Value::to_string).collect();
        let words = words.join(", ");
        return Some((format!("`{key}` is {value}: it must be one of {words}"), format!("set it to one of {words}")));
    }
    out_of_range(rule, value).or_else(|| mismatch(rule, value, pattern))
}

fn out_of_range(rule: &RuleSpec, value: &Value) -> Fault {
    if rule.min.is_none() && rule.max.is_none() {
        return None;
    }
    let key = &rule.key;
    let Some(number) = number_of(value) else {
        return Some((format!("`{key}` is {value}: it must be a number"), "set it to a number".into()));
    };
    if let Some(min) = rule.min.filter(|min| number < *min) {
        return Some((format!("`{key}` is {value}: it must be {min} or more"), format!("set it to {min} or more")));
    }
    let max = rule.max.filter(|max| number > *max)?;
    Some((format!("`{key}` is {value}: it must be {max} or less"), format!("set it to {max} or less")))
}

fn mismatch(rule: &RuleSpec, value: &Value, pattern: Option<&Regex>) -> Fault {
    let (pattern, key) = (pattern?, &rule.key);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.len() <= TEXT_BYTES_MAX && pattern.is_match(text.as_bytes()) {
        return None;
    }
    let wanted = rule.pattern.as_deref().unwrap_or_default();
    Some((format!("`{key}` is {value}: it must match {wanted}"), format!("set it to a text that matches {wanted}")))
}

/// All services that have the value must have the same; those that differ from the first are told.
fn unlike(rule: &RuleSpec, at: usize, services: &[(&ServiceName, &Value)]) -> Vec<Violation> {
    let mut seen = services.iter().filter_map(|(name, tree)| Some((*name, at_key(tree, &rule.key)?)));
    let Some((first, value)) = seen.next() else { return Vec::new() };
    let differs = |(service, other): (&ServiceName, &Value)| {
        let message = format!("`{}` is {other}, and {value} in {first}: all must see the same", rule.key);
        let message = rule.message.clone().map_or(message.clone(), |own| format!("{own}: {message}"));
        let advice = "set it once for all: at the top of the file, or in the environment".into();
        Violation { rule: at, service: service.clone(), message, advice, is_missing: false }
    };
    seen.filter(|(_, other)| *other != value).map(differs).collect()
}

fn is_a(kind: ValueType, value: &Value) -> bool {
    match kind {
        ValueType::Text => value.is_string(),
        ValueType::Number => number_of(value).is_some(),
        ValueType::Integer => number_of(value).is_some_and(|number| number.fract() == 0.0),
        ValueType::Boolean => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        ValueType::List => value.is_array(),
        ValueType::Table => value.is_object(),
    }
}

/// A number, or a text that reads as one: variables are texts.
fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let bounded = Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)).onepass_size_limit(Some(PATTERN_BYTES_MAX));
    Regex::builder().configure(bounded).build(pattern).map_err(|error| match error.syntax_error() {
        Some(syntax) => syntax.to_string().lines().last().unwrap_or("it is no pattern").trim().to_owned(),
        None => error.to_string(),
    })
}

/// A rule that is wrong in itself.
fn wrong(rule: &RuleSpec) -> Fault {
    if let (Some(min), Some(max)) = (rule.min, rule.max)
        && min > max
    {
        return Some((format!("nothing is both {min} or more and {max} or less"), "swap `min` and `max`".into()));
    }
    if let Some(Err(error)) = rule.pattern.as_deref().map(compiled) {
        return Some((format!("the pattern can't be read: {error}"), "write a regular expression".into()));
    }
    let pattern = rule.pattern.as_deref().and_then(|pattern| compiled(pattern).ok());
    let only = RuleSpec { one_of: Vec::new(), ..rule.clone() };
    let fits = |value: &Value| fault(&only, Some(value), pattern.as_ref()).is_none();
    if !rule.one_of.is_empty() && !rule.one_of.iter().any(fits) {
        let message = "none of `one_of` fits the rest of the rule".to_owned();
        return Some((message, "change `one_of`, or what stands beside it".into()));
    }
    let asks = rule.required
        || rule.same_across
        || rule.kind.is_some()
        || rule.min.is_some()
        || rule.max.is_some()
        || rule.pattern.is_some()
        || !rule.one_of.is_empty();
    (!asks).then(|| ("the rule asks for nothing".into(), "add `required`, `type`, `min`, `pattern` or another".into()))
}

/// Whether there may be a value to which both apply.
fn meet(one: &RuleSpec, other: &RuleSpec) -> bool {
    let share = |a: &[EnvironmentName], b: &[EnvironmentName]| {
        a.is_empty() || b.is_empty() || a.iter().any(|name| b.contains(name))
    };
    let types = |a: &[EnvironmentType], b: &[EnvironmentType]| {
        a.is_empty() || b.is_empty() || a.iter().any(|kind| b.contains(kind))
    };
    let services =
        one.services.is_empty() || other.services.is_empty() || one.services.iter().any(|s| other.services.contains(s));
    one.key == other.key
        && share(&one.environments, &other.environments)
        && types(&one.environment_types, &other.environment_types)
        && services
}

/// Why no value can keep both.
fn against(one: &RuleSpec, other: &RuleSpec) -> Option<String> {
    let key = &one.key;
    let min = [one.min, other.min].into_iter().flatten().reduce(f64::max);
    let max = [one.max, other.max].into_iter().flatten().reduce(f64::min);
    let each_fits = |rule: &RuleSpec| !matches!((rule.min, rule.max), (Some(min), Some(max)) if min > max);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
        && each_fits(one)
        && each_fits(other)
    {
        return Some(format!("`{key}` would have to be {min} or more and {max} or less"));
    }
    if let (Some(a), Some(b)) = (one.kind, other.kind)
        && a != b
        && !a.is_within(b)
        && !b.is_within(a)
    {
        return Some(format!("`{key}` would have to be {} and {}", a.words(), b.words()));
    }
    let fits = |rule: &RuleSpec, value: &Value| {
        let pattern = rule.pattern.as_deref().and_then(|pattern| compiled(pattern).ok());
        fault(rule, Some(value), pattern.as_ref()).is_none()
    };
    let clash = |words: &RuleSpec, rule: &RuleSpec| {
        !words.one_of.is_empty() && !words.one_of.iter().any(|value| fits(rule, value))
    };
    (clash(one, other) || clash(other, one)).then(|| format!("no value of `one_of` for `{key}` fits both"))
}
