//! Checks of how services work together: which are asked, and when. Not here: the checks of one release (`proving`
//! before promotion, `forward` after it).

use std::collections::BTreeMap;

use super::{Policy, Step, builder::Builder, moves::Move, observed::View};
use crate::{
    id::{ServiceName, SlotKey},
    release::Release,
    spec::{CheckPhase, InteractionSpec},
};

/// The checks that a deployment asks.
#[derive(Default)]
pub(super) struct Interactions<'a> {
    /// Before users see the new.
    pub(super) test: Vec<Asked<'a>>,
    /// After promotion.
    pub(super) verify: Vec<Asked<'a>>,
    /// Those of `verify` that were meant for before.
    pub(super) put_off: Vec<&'a str>,
}

/// A check with the release that calls.
pub(super) struct Asked<'a> {
    release: &'a Release,
    interaction: &'a InteractionSpec,
}

/// Chooses the checks of which a side changes, and of which both sides will be there.
pub(super) fn choose<'a>(view: &View<'a>, moves: &'a [Move<'a>], policy: &'a Policy) -> Interactions<'a> {
    let mut chosen = Interactions::default();
    if policy.proven {
        return chosen;
    }
    let by_service: BTreeMap<_, _> = moves.iter().map(|one| (one.service(), one)).collect();
    for interaction in &policy.interactions {
        let (from, to) = (&interaction.from, interaction.to.as_ref().unwrap_or(&interaction.from));
        let sides = [by_service.get(from).copied(), by_service.get(to).copied()];
        if !sides.iter().flatten().any(|one| one.changes_release()) {
            continue;
        }
        let Some(release) = caller(view, moves, sides[0], from) else { continue };
        if to != from && !release.serve.depends_on.contains(to) {
            continue;
        }
        let asked = Asked { release, interaction };
        match (interaction.phase, can_ask_unseen(sides, policy)) {
            (CheckPhase::Test, true) => chosen.test.push(asked),
            (CheckPhase::Test, false) => {
                chosen.put_off.push(&interaction.name);
                chosen.verify.push(asked);
            }
            (CheckPhase::Verify, _) => chosen.verify.push(asked),
        }
    }
    chosen
}

/// The release that calls when the deployment is done; none when nothing will be live there.
fn caller<'a>(
    view: &View<'a>,
    moves: &'a [Move<'a>],
    from_move: Option<&Move<'a>>,
    from: &ServiceName,
) -> Option<&'a Release> {
    if let Some(one) = from_move {
        return one.new;
    }
    let key = SlotKey { service: from.clone(), ..moves.first()?.key.clone() };
    view.releases.get(&view.slots.get(&key)?.live.as_ref()?.release)
}

/// Whether the new can be asked before users see it: it is proven by then, and the caller is in its lane. A caller
/// that stays as it is meets the old until the swap.
fn can_ask_unseen(sides: [Option<&Move<'_>>; 2], policy: &Policy) -> bool {
    let in_lane = sides[0].is_some_and(Move::changes_release);
    in_lane && sides.iter().flatten().all(|one| one.is_proven_unseen(policy.strategy.kind()))
}

/// Adds the checks; they need the barrier.
pub(super) fn ask(builder: &mut Builder, asked: &[Asked<'_>]) {
    for Asked { release, interaction } in asked {
        let (release, interaction) = (release.id.clone(), (*interaction).clone());
        builder.add(&interaction.from.clone(), Step::Interact { release, interaction });
    }
    builder.wall();
}
