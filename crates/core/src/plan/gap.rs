//! A gap: the old stops before the new starts, and the proxy holds requests meanwhile. Data folders are put back in
//! one, too.

use super::{
    Policy, Step,
    builder::Builder,
    leaving::{Leaving, leave},
    migrating::copy_name,
    moves::Move,
    observed::View,
    proving::{Turns, candidate, prove},
};
use crate::{
    id::SlotKey,
    slot::{Share, Slot},
    spec::SNAPSHOT_MB_MAX,
    strategy::{Recreate, StrategySpec},
};

/// Takes every gap: hold, stop the old, start and prove the new. The swap that follows lets the requests go.
pub(super) fn close_gaps(builder: &mut Builder, moves: &[Move<'_>], view: &View<'_>, policy: &Policy) {
    let gaps: Vec<_> = moves.iter().filter(|one| one.has_gap(policy.strategy.kind())).collect();
    if gaps.is_empty() {
        return;
    }
    hold(builder, &gaps, policy);
    let leaving = gaps.iter().map(|one| Leaving::new(one.service(), one.others.clone(), view)).collect();
    let mut stopped = leave(builder, leaving);
    let mut turns = Turns::default();
    for one in gaps {
        let stopped = stopped.remove(one.service()).unwrap_or_default();
        let needs = turns.needs(one);
        let empty = restore(builder, one, policy, stopped);
        let ends = prove(builder, one, &one.kept, &one.fresh, policy, &[empty, needs.clone()].concat());
        turns.had(one, needs, ends);
    }
    builder.wall();
}

/// Puts data folders back, where that is asked for; what they hold is copied first. Gives the steps after which the new
/// may start.
fn restore(builder: &mut Builder, one: &Move<'_>, policy: &Policy, stopped: Vec<usize>) -> Vec<usize> {
    let (Some(snapshot), Some(release)) = (&one.restore, one.new) else { return stopped };
    let mb_max = release.serve.migrate.as_ref().map_or(SNAPSHOT_MB_MAX, |migrate| migrate.snapshot_mb_max);
    let (id, name) = (release.id.clone(), copy_name(policy, one));
    let copied = builder.after(one.service(), &stopped, Step::Snapshot { release: id.clone(), name, mb_max });
    vec![builder.after(one.service(), &[copied], Step::RestoreData { release: id, snapshot: snapshot.clone() })]
}

fn hold(builder: &mut Builder, gaps: &[&Move<'_>], policy: &Policy) {
    let mut changes = Vec::new();
    for one in gaps {
        let Some(to) = &one.to else { continue };
        let coming = candidate(policy, to, to.instances, Share::Lane);
        let hold = Some(hold_settings(one, policy));
        // What stands by would run beside the new too.
        let (warm, replaced) = (Vec::new(), one.from.as_ref().map(|old| old.release.clone()));
        let slot = Slot { live: None, candidate: Some(coming), warm, hold, replaced, ..builder.slot(&one.key) };
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

/// What putting data back means, for a person to know before it starts.
pub(super) fn restore_notes(moves: &[Move<'_>], policy: &Policy) -> Vec<String> {
    let note = |(key, snapshot): (&SlotKey, &String)| {
        let restored = moves.iter().any(|one| one.key == *key && one.restore.is_some());
        let service = &key.service;
        if restored {
            format!(
                "{service}: data written since `{snapshot}` is gone, but for a copy that is taken first; the data stays \
                 put back, also if the rest fails"
            )
        } else {
            format!("{service}: no instance runs on its data, so nothing is put back from `{snapshot}`")
        }
    };
    policy.restore.iter().map(note).collect()
}
