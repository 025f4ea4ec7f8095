//! The arithmetic of quotas.

use super::*;

fn slot(service: &str) -> SlotKey {
    SlotKey { project: "shop".into(), environment: "live".into(), service: service.into() }
}

fn demand(instances: u32, cpu: f64, memory_mb: u64, disk_mb: u64) -> Demand {
    Demand { instances, cpu: Some(cpu), memory_mb: Some(memory_mb), disk_mb: Some(disk_mb) }
}

fn told(quota: &QuotaSpec, runs: &[(&str, Demand)], comes: &[(&str, Demand)]) -> Vec<Finding> {
    let prices = PricesSpec { currency: "EUR".into(), instance: 1.0, cpu: 10.0, memory_gb: 4.0, disk_gb: 0.5 };
    let map = |demands: &[(&str, Demand)]| demands.iter().map(|(name, demand)| (slot(name), *demand)).collect();
    let (runs, comes) = (map(runs), map(comes));
    let quota = Quota { of: QuotaOf::Environment("live".into()), quota, prices: Some(&prices) };
    quota.findings(&Change { runs: &runs, comes: &comes })
}

#[test]
fn what_is_not_limited_is_not_counted() {
    let much = demand(64, 8.0, 100_000, 100_000);
    assert_eq!(told(&QuotaSpec::default(), &[("web", much)], &[("web", much)]), vec![]);
}

#[test]
fn everything_that_goes_over_is_told_at_once_with_its_arithmetic() {
    let quota = QuotaSpec {
        instances: Some(5),
        cpu: Some(2.0),
        memory_mb: Some(1024),
        disk_mb: Some(1000),
        cost_per_month: Some(20.0),
    };
    let runs = [("web", demand(2, 0.5, 256, 500)), ("api", demand(3, 0.25, 128, 0))];
    let findings = told(&quota, &runs, &[("web", demand(4, 0.5, 256, 1200))]);
    let fields: Vec<_> = findings.iter().map(|finding| finding.field.as_deref().expect("a field")).collect();
    let of = |key: &str| format!("environments.live.quota.{key}");
    assert_eq!(fields, ["instances", "cpu", "memory_mb", "disk_mb", "cost_per_month"].map(of));
    assert_eq!(findings[0].message, "live would take 7 instances, and its quota is 5 instances");
    assert_eq!(
        findings[0].details.as_deref(),
        Some(
            "5 instances now, less 2 instances that this replaces, and 4 instances that comes: 7 instances; the quota \
             is 5 instances, which is 2 instances less"
        )
    );
    // 7 instances, 2.75 cores, 1408 MiB and 1200 MiB: 7 + 27.5 + 5.5 + 0.5859375.
    assert_eq!(findings[4].message, "live would take 40.59 EUR a month, and its quota is 20.00 EUR a month");
}

#[test]
fn what_fits_exactly_is_let_through_and_what_is_over_may_be_made_less() {
    let quota = QuotaSpec { instances: Some(4), cpu: Some(0.3), ..QuotaSpec::default() };
    let tenth = |count| demand(count, 0.1, 0, 0);
    assert_eq!(told(&quota, &[], &[("a", tenth(1)), ("b", tenth(2))]), vec![]);
    let quota = QuotaSpec { instances: Some(4), ..QuotaSpec::default() };
    assert_eq!(told(&quota, &[("a", tenth(9))], &[("a", tenth(8))]), vec![]);
    assert_eq!(told(&quota, &[("a", tenth(9))], &[("a", tenth(9))]), vec![]);
    assert_eq!(told(&quota, &[("a", tenth(9))], &[("a", tenth(10))]).len(), 1);
}

#[test]
fn what_comes_must_say_what_it_takes_where_that_is_counted() {
    let silent = Demand { instances: 1, ..Demand::default() };
    let quota = QuotaSpec { cpu: Some(1.0), memory_mb: Some(1), instances: Some(9), ..QuotaSpec::default() };
    let findings = told(&quota, &[("old", silent)], &[("web", silent)]);
    let fields: Vec<_> = findings.iter().map(|finding| finding.field.as_deref().expect("a field")).collect();
    assert_eq!(fields, ["services.web.limits.cpu", "services.web.limits.memory_mb"]);
    let site = Demand { instances: 0, ..silent };
    assert_eq!(told(&quota, &[], &[("site", site)]), vec![]);
}
