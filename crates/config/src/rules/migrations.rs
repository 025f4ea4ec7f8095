//! Changes of data: whose data there is to change, and what goes with the sort of change.

use shipway_core::spec::{MigrateKind, MigrateSpec, ServiceKind};

use super::{Subject, commands, report::Report};
use crate::field::Field;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let Some(migrate) = &subject.spec.serve.migrate else { return };
    let at = subject.field("migrate");
    if subject.spec.serve.kind == ServiceKind::Static {
        let message = format!("`{}` is a static site: it has no data to change", subject.name);
        return report.critical(&at, message, "let the service that has the data change it, and remove `migrate` here");
    }
    commands::needs_no_shell(&migrate.command, &at.key("command"), report);
    commands::stays_in_artifact(&migrate.command, &at.key("command"), report);
    snapshot(subject, migrate, &at, report);
    if migrate.kind == MigrateKind::Contract {
        nothing_stands_by(subject, report);
    }
}

fn snapshot(subject: &Subject<'_>, migrate: &MigrateSpec, at: &Field, report: &mut Report<'_>) {
    if migrate.snapshot && subject.spec.serve.data.is_empty() {
        report.warning(
            &at.key("snapshot"),
            format!("there is nothing to copy before the migration: `{}` has no data folders", subject.name),
            "name its folders in `data`, or remove `snapshot`: what lies elsewhere needs a copy of your own",
        );
    }
    let bound = at.key("snapshot_mb_max");
    if !migrate.snapshot && report.is_written(&bound) {
        let message = "`snapshot_mb_max` means nothing: no copy is taken";
        report.warning(&bound, message, "write `snapshot = true`, or remove `snapshot_mb_max`");
    }
}

/// Old instances have to be gone before old releases stop working.
fn nothing_stands_by(subject: &Subject<'_>, report: &mut Report<'_>) {
    let at = subject.field("warm_for");
    if subject.spec.serve.warm_for.ms > 0 && report.is_written(&at) {
        report.info(
            &at,
            format!("old instances of `{}` don't stand by: a `contract` runs when they have stopped", subject.name),
            "write `warm_for = \"0s\"` to say the same, or split the change: first a release with an `expand`",
        );
    }
}
