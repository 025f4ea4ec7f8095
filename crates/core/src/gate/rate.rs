//! How many deployments may begin to move in a time.

use super::declared::RateSpec;
use crate::time::Timestamp;

/// When another one may begin; none when it may at once. `begun` says when others did, in any order.
pub fn opens(spec: &RateSpec, begun: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let mut recent: Vec<_> = begun.iter().filter(|at| now < at.plus_ms(spec.per.ms)).collect();
    recent.sort_unstable();
    let over = recent.len().checked_sub(spec.max.max(1) as usize)?;
    Some(recent[over].plus_ms(spec.per.ms))
}
