//! Canary: a growing share of the clients meets all new releases together.

use super::{Policy, Step, builder::Builder, moves::Move, proving::candidate};
use crate::{
    slot::{Share, Slot},
    strategy::{Canary, StrategyKind},
};

/// Raises the candidates' share of the clients, all members together.
pub(super) fn grow(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy, canary: &Canary) {
    let growing: Vec<_> = moves
        .iter()
        .filter(|one| {
            one.changes_release() && one.from.is_some() && !one.reloads() && !one.has_gap(StrategyKind::Canary)
        })
        .collect();
    if growing.is_empty() {
        return;
    }
    for step in canary.steps.steps().iter().filter(|step| step.percent < 100) {
        let mut changes = Vec::new();
        for one in &growing {
            let Some(to) = &one.to else { continue };
            let coming = candidate(policy, to, to.instances, Share::Percent(step.percent));
            changes.push((Slot { candidate: Some(coming), ..builder.slot(&one.key) }, None));
        }
        builder.commit(changes, Vec::new());
        let slots = growing.iter().map(|one| one.key.clone()).collect();
        builder.add_for_all(Step::Watch { pause: step.pause, percent: step.percent, slots });
        builder.wall();
    }
}
