//! Risk: a short assessment of a plan, for the people who approve it. It decides nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

/// How much may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Nothing out of the ordinary.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a second person.
    High,
}

impl RiskLevel {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// An assessment, with its reasons; the weightiest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// How much may go wrong.
    pub level: RiskLevel,
    /// Why.
    pub reasons: Vec<String>,
}

/// What is assessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskFacts {
    /// The time.
    pub now: Timestamp,
    /// Services that change.
    pub changed: usize,
    /// Services of the environment.
    pub services: usize,
    /// Instances of those that change.
    pub instances: u32,
    /// Migrations after which the old still works.
    pub expand: usize,
    /// Migrations after which it doesn't.
    pub contract: usize,
    /// When the environment changed last.
    pub last_change: Option<Timestamp>,
    /// Of the newest deployments to the environment that ended, those that didn't end well.
    pub failed: usize,
    /// How many these are.
    pub looked_at: usize,
    /// When the change window closes, or a freeze begins.
    pub closes_at: Option<Timestamp>,
    /// Memory that the new may use beside the old, in mebibytes.
    pub memory_asked_mb: u64,
    /// Memory that is free, in mebibytes.
    pub memory_free_mb: u64,
}

/// A month without a change: nobody remembers the last one.
const LONG_AGO_MS: u64 = 30 * 24 * 3600 * 1000;
/// A window that closes that soon may close before somebody could mend what went wrong.
const SOON_MS: u64 = 30 * 60 * 1000;
/// Instances that are many to replace at once.
const MANY_INSTANCES: u32 = 10;
/// From which sum of weights on.
const MEDIUM: u32 = 2;
const HIGH: u32 = 4;

/// Assesses what a plan may do.
pub fn assess(facts: &RiskFacts) -> Risk {
    if facts.changed == 0 {
        return Risk { level: RiskLevel::Low, reasons: vec!["nothing changes".into()] };
    }
    let mut weighed = [extent(facts), migrations(facts), history(facts), failures(facts), closing(facts), room(facts)];
    weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let sum: u32 = weighed.iter().map(|(weight, _)| weight).sum();
    let level = match sum {
        HIGH.. => RiskLevel::High,
        MEDIUM.. => RiskLevel::Medium,
        _ => RiskLevel::Low,
    };
    Risk { level, reasons: weighed.into_iter().filter_map(|(_, reason)| reason).collect() }
}

type Weighed = (u32, Option<String>);

fn extent(facts: &RiskFacts) -> Weighed {
    let many = facts.changed > 1 && facts.changed * 2 > facts.services;
    let weight = u32::from(many) + u32::from(facts.instances > MANY_INSTANCES);
    (
        weight,
        Some(format!("{} of {} services change, with {} instances", facts.changed, facts.services, facts.instances)),
    )
}

fn migrations(facts: &RiskFacts) -> Weighed {
    match (facts.contract, facts.expand) {
        (0, 0) => (0, None),
        (0, expand) => (1, Some(format!("{expand} migrations of data, which the old still works with"))),
        (contract, _) => (4, Some(format!("{contract} migrations of data that nothing goes back past by itself"))),
    }
}

fn history(facts: &RiskFacts) -> Weighed {
    let Some(last) = facts.last_change else { return (1, Some("nothing was deployed here before".into())) };
    let since_ms = facts.now.since_ms(last);
    let days = since_ms / (24 * 3600 * 1000);
    let words = if days == 0 { "less than a day".to_owned() } else { format!("{days} days") };
    (u32::from(since_ms > LONG_AGO_MS), Some(format!("the last change is {words} ago")))
}

fn failures(facts: &RiskFacts) -> Weighed {
    if facts.failed == 0 {
        return (0, None);
    }
    let weight = if facts.failed * 2 >= facts.looked_at { 2 } else { 1 };
    (weight, Some(format!("{} of the last {} deployments here failed", facts.failed, facts.looked_at)))
}

fn closing(facts: &RiskFacts) -> Weighed {
    let left_ms = facts.closes_at.map(|at| at.since_ms(facts.now)).filter(|left_ms| *left_ms <= SOON_MS);
    let Some(left_ms) = left_ms else { return (0, None) };
    let left = Span::seconds(left_ms / 1000);
    (1, Some(format!("the change window closes in {left}: there is little time to mend")))
}

fn room(facts: &RiskFacts) -> Weighed {
    if facts.memory_asked_mb <= facts.memory_free_mb {
        return (0, None);
    }
    let (asked, free) = (facts.memory_asked_mb, facts.memory_free_mb);
    (2, Some(format!("the new may use {asked} MiB beside the old, and {free} MiB are free")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 3600 * 1000;

    fn calm() -> RiskFacts {
        let now = Timestamp(1_800_000_000_000);
        let last_change = Some(Timestamp(now.0 - 3 * DAY_MS as i64));
        RiskFacts { now, changed: 1, services: 4, instances: 2, last_change, looked_at: 10, ..RiskFacts::default() }
    }

    #[test]
    fn each_reason_weighs_and_is_told() {
        let now = calm().now;
        let cases = [
            (calm(), RiskLevel::Low, "3 days ago"),
            (RiskFacts { changed: 0, ..calm() }, RiskLevel::Low, "nothing changes"),
            (RiskFacts { contract: 1, ..calm() }, RiskLevel::High, "nothing goes back"),
            (RiskFacts { expand: 2, last_change: None, ..calm() }, RiskLevel::Medium, "2 migrations"),
            (RiskFacts { failed: 5, ..calm() }, RiskLevel::Medium, "5 of the last 10"),
            (RiskFacts { failed: 1, ..calm() }, RiskLevel::Low, "1 of the last 10"),
            (RiskFacts { changed: 4, instances: 40, ..calm() }, RiskLevel::Medium, "4 of 4 services"),
            (RiskFacts { closes_at: Some(now.plus_ms(600_000)), ..calm() }, RiskLevel::Low, "closes in 10m"),
            (RiskFacts { memory_asked_mb: 200, memory_free_mb: 100, ..calm() }, RiskLevel::Medium, "200 MiB"),
            (RiskFacts { failed: 9, memory_asked_mb: 1, ..calm() }, RiskLevel::High, "9 of the last 10"),
        ];
        for (facts, level, words) in cases {
            let risk = assess(&facts);
            assert_eq!(risk.level, level, "{facts:?}: {risk:?}");
            assert!(risk.reasons.iter().any(|reason| reason.contains(words)), "{words}: {risk:?}");
        }
    }
}
