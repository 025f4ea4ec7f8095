//! What ended deployments sum up to. Sums of two sets are added, and one deployment can be taken out again, so they are
//! kept for each day and never counted anew.
//!
//! Deployments count on the day (UTC) on which they ended; open ones don't count.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::{
    deployment::{Cause, Kind},
    phase::Phase,
    time::Timestamp,
};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// Days of a block: long ranges are summed by blocks, not day by day.
pub const BLOCK_DAYS: i64 = 32;

/// The day of an instant, counted from 1970-01-01 UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Days or blocks in a row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// Single days.
    Days(i64, i64),
    /// Blocks of `BLOCK_DAYS` days, by their number.
    Blocks(i64, i64),
}

/// The fewest stretches that cover these days: blocks in the middle, days at both ends.
pub fn stretches(first: i64, last: i64) -> Vec<Stretch> {
    if first > last {
        return Vec::new();
    }
    let (from, to) = ((first + BLOCK_DAYS - 1).div_euclid(BLOCK_DAYS), (last + 1).div_euclid(BLOCK_DAYS) - 1);
    if from > to {
        return vec![Stretch::Days(first, last)];
    }
    let before = Stretch::Days(first, from * BLOCK_DAYS - 1);
    let after = Stretch::Days((to + 1) * BLOCK_DAYS, last);
    let some = |stretch: &Stretch| !matches!(stretch, Stretch::Days(first, last) if first > last);
    [before, Stretch::Blocks(from, to), after].into_iter().filter(some).collect()
}

/// How long something took, many times: their sum, and how many fell into each class of length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Durations {
    /// How many.
    pub count: u64,
    /// All together, in milliseconds.
    pub sum_ms: u64,
    /// How many fell into each class; a class is an eighth wide, so a quantile is right within 13 %.
    pub classes: BTreeMap<u32, u64>,
}

impl Durations {
    fn add(&mut self, ms: u64) {
        self.count += 1;
        self.sum_ms += ms;
        *self.classes.entry(class(ms)).or_default() += 1;
    }

    fn take(&mut self, ms: u64) {
        self.count = self.count.saturating_sub(1);
        self.sum_ms = self.sum_ms.saturating_sub(ms);
        less(&mut self.classes, &class(ms));
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms += other.sum_ms;
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
    }

    /// The mean in milliseconds; none without any.
    pub fn mean_ms(&self) -> Option<u64> {
        self.sum_ms.checked_div(self.count)
    }

    /// The upper end of the class in which the `percent` quantile falls, in milliseconds; none without any.
    pub fn quantile_ms(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        self.classes.iter().find_map(|(class, count)| {
            seen += count;
            (seen >= rank).then(|| end_of(*class))
        })
    }
}

/// Eight classes for each doubling; the first eight hold one millisecond each.
fn class(ms: u64) -> u32 {
    if ms < 8 {
        return u32::try_from(ms).unwrap_or(0);
    }
    let doublings = ms.ilog2();
    let eighth = (ms >> (doublings - 3)) & 7;
    (doublings - 2) * 8 + u32::try_from(eighth).unwrap_or(0)
}

/// The longest that falls into a class, in milliseconds.
fn end_of(class: u32) -> u64 {
    if class < 8 {
        return u64::from(class);
    }
    let (shift, eighth) = (class / 8 - 1, u64::from(class % 8));
    ((8 + eighth + 1) << shift) - 1
}

fn less<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// What ended deployments of an environment sum up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    /// How many ended, by coarse status.
    pub by_status: BTreeMap<String, u64>,
    /// Those that failed or went back by themselves, by cause.
    pub by_cause: BTreeMap<String, u64>,
    /// Changes: deployments of kind `deploy` that came as far as moving traffic, or completed.
    pub changes: u64,
    /// Of these: went back, stuck, or were taken back later; those that a person ended don't count.
    pub changes_failed: u64,
    /// From asking for a change to its completion.
    pub lead: Durations,
    /// From the first failure, or from asking for a rollback, until the environment was as before.
    pub restore: Durations,
}

impl Sums {
    /// Whether nothing is summed up.
    pub fn is_empty(&self) -> bool {
        self.by_status.is_empty()
    }

    /// How many ended.
    pub fn ended(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// Adds what other deployments sum up to.
    pub fn merge(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.by_status, &other.by_status), (&mut self.by_cause, &other.by_cause)] {
            for (key, count) in others {
                *mine.entry(key.clone()).or_default() += count;
            }
        }
        self.changes += other.changes;
        self.changes_failed += other.changes_failed;
        self.lead.merge(&other.lead);
        self.restore.merge(&other.restore);
    }

    /// Adds a deployment that ended.
    pub fn add(&mut self, entry: &Entry) {
        *self.by_status.entry(entry.status.clone()).or_default() += 1;
        if let Some(cause) = entry.cause.filter(|_| entry.phase != Phase::Completed) {
            *self.by_cause.entry(cause.name().into()).or_default() += 1;
        }
        self.changes += u64::from(is_change(entry));
        self.changes_failed += u64::from(is_failed_change(entry));
        if let Some(ms) = lead_ms(entry) {
            self.lead.add(ms);
        }
        if let Some(ms) = restore_ms(entry) {
            self.restore.add(ms);
        }
    }

    /// Takes out a deployment that was added as it is given.
    pub fn take(&mut self, entry: &Entry) {
        less(&mut self.by_status, &entry.status);
        if let Some(cause) = entry.cause.filter(|_| entry.phase != Phase::Completed) {
            less(&mut self.by_cause, &cause.name().to_owned());
        }
        self.changes = self.changes.saturating_sub(u64::from(is_change(entry)));
        self.changes_failed = self.changes_failed.saturating_sub(u64::from(is_failed_change(entry)));
        if let Some(ms) = lead_ms(entry) {
            self.lead.take(ms);
        }
        if let Some(ms) = restore_ms(entry) {
            self.restore.take(ms);
        }
    }
}

fn is_change(entry: &Entry) -> bool {
    entry.kind == Kind::Deploy.name() && (entry.moved || entry.phase == Phase::Completed)
}

fn is_failed_change(entry: &Entry) -> bool {
    let went_well = entry.status == "success" || entry.cause == Some(Cause::Person);
    is_change(entry) && !went_well && entry.phase != Phase::Cancelled
}

fn lead_ms(entry: &Entry) -> Option<u64> {
    let live = is_change(entry) && entry.phase == Phase::Completed;
    entry.completed_at.filter(|_| live).map(|end| end.since_ms(entry.created_at))
}

fn restore_ms(entry: &Entry) -> Option<u64> {
    let end = entry.completed_at?;
    if entry.kind == "rollback" && entry.phase == Phase::Completed {
        return Some(end.since_ms(entry.created_at));
    }
    let since = entry.failed_at.filter(|_| is_failed_change(entry) && entry.phase == Phase::RolledBack)?;
    Some(end.since_ms(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_falls_into_it() {
        for ms in (0..5000).chain([123_456, 86_400_000, u64::from(u32::MAX)]) {
            let class = class(ms);
            assert!(end_of(class) >= ms, "{ms}");
            assert!(class == 0 || end_of(class - 1) < ms, "{ms}");
            assert!(end_of(class) - ms <= ms / 8, "{ms}: {}", end_of(class));
        }
    }

    #[test]
    fn stretches_cover_every_day_once() {
        for first in 0..70 {
            for last in first - 1..140 {
                let mut days = Vec::new();
                for stretch in stretches(first, last) {
                    match stretch {
                        Stretch::Days(from, to) => days.extend(from..=to),
                        Stretch::Blocks(from, to) => days.extend(from * BLOCK_DAYS..(to + 1) * BLOCK_DAYS),
                    }
                }
                assert_eq!(days, (first..=last).collect::<Vec<_>>(), "{first} to {last}");
            }
        }
    }

    #[test]
    fn what_is_taken_out_again_leaves_nothing() {
        let mut durations = Durations::default();
        [5, 900, 900, 70_000].into_iter().for_each(|ms| durations.add(ms));
        assert_eq!(durations.quantile_ms(50), Some(959));
        assert_eq!(durations.mean_ms(), Some(17_951));
        [900, 70_000, 5, 900].into_iter().for_each(|ms| durations.take(ms));
        assert_eq!(durations, Durations::default());
    }
}
