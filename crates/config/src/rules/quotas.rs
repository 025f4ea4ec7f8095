//! Quotas of money, which count by prices.

use serde_json::Value;

use super::report::Report;
use crate::{field::Field, read::Source};

pub(super) fn check(source: &Source, report: &mut Report<'_>) {
    if source.tree.get("prices").is_some() {
        return;
    }
    let environments = source.tree.get("environments").and_then(Value::as_object);
    let names = environments.into_iter().flatten().map(|(name, _)| vec!["environments", name.as_str()]);
    for place in std::iter::once(vec!["project"]).chain(names) {
        let path: Vec<_> = place.into_iter().chain(["quota", "cost_per_month"]).collect();
        if source.tree.pointer(&format!("/{}", path.join("/"))).is_some() {
            report.critical(
                &Field::of(&path),
                "a quota of money counts nothing without prices",
                "say what things cost, in a table `[prices]`",
            );
        }
    }
}
