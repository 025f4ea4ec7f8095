//! Recreate: the old stops before the new starts, and the proxy holds requests meanwhile.

use super::{
    Policy,
    builder::Builder,
    moves::Move,
    proving::{candidate, prove},
};
use crate::{
    slot::{Share, Slot},
    strategy::{Recreate, StrategySpec},
};

/// Takes every gap: hold, stop the old, start and prove the new. The swap that follows lets the requests go.
pub(super) fn close_gaps(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let gaps: Vec<_> = moves.iter().filter(|one| one.has_gap(policy.strategy.kind())).collect();
    if gaps.is_empty() {
        return;
    }
    hold(builder, &gaps, policy);
    for one in &gaps {
        for (release, instance) in &one.others {
            builder.stop(one.service(), release, instance);
        }
    }
    builder.wall();
    for one in &gaps {
        prove(builder, one, &one.kept, &one.fresh, policy, &[]);
        // Dependencies come first in `moves`, so a wall between members keeps their order.
        builder.wall();
    }
}

fn hold(builder: &mut Builder, gaps: &[&Move<'_>], policy: &Policy) {
    let mut changes = Vec::new();
    for one in gaps {
        let Some(to) = &one.to else { continue };
        let coming = candidate(policy, to, to.instances, Share::Lane);
        let hold = Some(hold_settings(one, policy));
        // What stands by would run beside the new too.
        let slot = Slot { live: None, candidate: Some(coming), warm: Vec::new(), hold, ..builder.slot(&one.key) };
        changes.push((slot, None));
    }
    let draining = gaps.iter().flat_map(|one| one.others.iter().map(|(_, instance)| instance.clone())).collect();
    builder.commit(changes, draining);
}

fn hold_settings(one: &Move<'_>, policy: &Policy) -> Recreate {
    let own = one.new.map(|release| &release.serve.strategy);
    match (&policy.strategy, own) {
        (StrategySpec::Recreate(settings), _) | (_, Some(StrategySpec::Recreate(settings))) => settings.clone(),
        _ => Recreate::default(),
    }
}
