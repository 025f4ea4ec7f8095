//! How much memory a deployment needs beside what runs, at its worst moment.
//!
//! Not here: what is free (measured by `ports::Driver::capacity`), quotas (`quota`).

use crate::{quota::Demand, strategy::StrategySpec};

/// Mebibytes that replacing a service may need beside what runs now, by what its instances may use. What has no limit
/// counts for nothing.
pub fn memory_beside_mb(strategy: &StrategySpec, old: &Demand, new: &Demand) -> u64 {
    let one = new.memory_mb.unwrap_or(0);
    let (before, after) = (total_mb(old), total_mb(new));
    match strategy {
        // Both stand side by side until the old one is retired.
        StrategySpec::BlueGreen | StrategySpec::Canary(_) => after,
        // The old goes as the new comes, but for those that may be above the count.
        StrategySpec::Rolling(rolling) => {
            let surge = one.saturating_mul(u64::from(rolling.max_surge));
            after.min(after.saturating_sub(before).saturating_add(surge))
        }
        StrategySpec::Recreate(_) => after.saturating_sub(before),
    }
}

fn total_mb(demand: &Demand) -> u64 {
    demand.memory_mb.unwrap_or(0).saturating_mul(u64::from(demand.instances))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Rolling, StrategyKind};

    #[test]
    fn each_strategy_needs_its_own_room() {
        let of = |instances, memory_mb| Demand { instances, memory_mb: Some(memory_mb), ..Demand::default() };
        let kind = StrategySpec::of_kind;
        let rolling = |max_surge| StrategySpec::Rolling(Rolling { max_surge, ..Rolling::default() });
        let cases = [
            (kind(StrategyKind::BlueGreen), of(3, 100), of(3, 100), 300),
            (kind(StrategyKind::Canary), of(3, 100), of(4, 50), 200),
            (rolling(1), of(3, 100), of(3, 100), 100),
            (rolling(0), of(3, 100), of(3, 100), 0),
            (rolling(2), of(3, 100), of(4, 100), 300),
            (rolling(9), of(1, 100), of(2, 100), 200),
            (kind(StrategyKind::Recreate), of(3, 100), of(3, 120), 60),
            (kind(StrategyKind::Recreate), of(3, 100), of(1, 100), 0),
            (kind(StrategyKind::BlueGreen), of(3, 100), Demand { instances: 3, ..Demand::default() }, 0),
        ];
        for (strategy, old, new, needed) in cases {
            assert_eq!(memory_beside_mb(&strategy, &old, &new), needed, "{strategy:?} {old:?} {new:?}");
        }
    }
}
