//! How often an environment may go back by itself.

use shipway_core::spec::EnvironmentPlan;

use super::report::Report;
use crate::field::Field;

pub(super) fn check(plan: &EnvironmentPlan, report: &mut Report<'_>) {
    if plan.rollback_limit.per.ms == 0 {
        report.critical(
            &Field::of(&["environments", plan.name.as_str(), "rollback_limit", "per"]),
            "`per` is no time at all: nothing would ever be counted",
            "write the time in which rollbacks are counted, for instance `per = \"10m\"`",
        );
    }
}
