//! Changes of data: `expand` before anything new starts, `contract` when everything old has stopped. Not here:
//! putting data back (`gap`), and whether a deployment may still go back (the engine asks `is_past_contract`).

use super::{PlannedStep, Policy, Step, builder::Builder, moves::Move, proving::Turns};
use crate::spec::MigrateKind;

/// Whether a `contract` ran or may have run: then nothing may go back unless a person accepts it.
pub fn is_past_contract(ran: &[&PlannedStep]) -> bool {
    ran.iter().any(|planned| matches!(planned.step, Step::Migrate { kind: MigrateKind::Contract, .. }))
}

/// Widens the data of every member, each in its turn, so that old and new releases can work with it.
pub(super) fn expand(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let mut turns = Turns::default();
    for one in moves {
        let needs = turns.needs(one);
        let mut ends = Vec::new();
        if one.migrates(MigrateKind::Expand).is_some() {
            let copied: Vec<_> = copy(builder, one, policy, &needs).into_iter().collect();
            ends.extend(migrate(builder, one, if copied.is_empty() { &needs } else { &copied }));
        }
        turns.had(one, needs, ends);
    }
    builder.wall();
}

/// Takes from the data of every member what only old releases need. All copies are taken before the first of them,
/// and then they go one by one: what fails before leaves a way back, and what fails between leaves little changed.
pub(super) fn contract(builder: &mut Builder, moves: &[Move<'_>], policy: &Policy) {
    let contracting: Vec<_> = moves.iter().filter(|one| one.migrates(MigrateKind::Contract).is_some()).collect();
    for one in &contracting {
        copy(builder, one, policy, &[]);
    }
    builder.wall();
    for one in contracting {
        migrate(builder, one, &[]);
        builder.wall();
    }
}

fn copy(builder: &mut Builder, one: &Move<'_>, policy: &Policy, needs: &[usize]) -> Option<usize> {
    let migrate = one.migrate.filter(|migrate| migrate.snapshot)?;
    let name = copy_name(policy, one);
    let snapshot = Step::Snapshot { release: one.new?.id.clone(), name, mb_max: migrate.snapshot_mb_max };
    Some(builder.after(one.service(), needs, snapshot))
}

/// What a deployment calls its copy of a service's data.
pub(super) fn copy_name(policy: &Policy, one: &Move<'_>) -> String {
    format!("{}-{}", policy.deployment, one.service())
}

fn migrate(builder: &mut Builder, one: &Move<'_>, needs: &[usize]) -> Option<usize> {
    let step = Step::Migrate { release: one.new?.id.clone(), kind: one.migrate?.kind };
    Some(builder.after(one.service(), needs, step))
}

/// What can't be taken back, for a person to know before it starts.
pub(super) fn notes(one: &Move<'_>) -> Option<String> {
    let (service, migrate) = (one.service(), one.migrate?);
    let command = &migrate.command;
    Some(match migrate.kind {
        MigrateKind::Expand => {
            format!(
                "{service}: what the migration `{command}` does can't be taken back; old releases still work after it"
            )
        }
        MigrateKind::Contract => format!(
            "{service}: what the migration `{command}` does can't be taken back; it runs when the old has stopped, and \
             after it runs nothing goes back by itself"
        ),
    })
}
