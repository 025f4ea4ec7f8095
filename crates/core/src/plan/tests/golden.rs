//! Plans as text, compared with what they should be.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::json;

use super::world::{World, key, policy};
use crate::{
    id::ReleaseId,
    plan::{Goal, Plan, Policy, Step},
    slot::Serving,
    strategy::{Canary, Recreate, Rolling, StrategySpec},
};

/// One line for each step: number, phase, service, words, needs.
pub(super) fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for (at, planned) in plan.steps.iter().enumerate() {
        let service = planned.service.as_ref().map_or("*", |service| service.as_str());
        let needs: Vec<_> = planned.needs.iter().map(ToString::to_string).collect();
        let after = if needs.is_empty() { String::new() } else { format!(" <- {}", needs.join(",")) };
        let drains = match &planned.step {
            Step::Commit { draining, .. } if !draining.is_empty() => {
                let names: Vec<_> = draining.iter().map(ToString::to_string).collect();
                format!("; no more to {}", names.join(", "))
            }
            _ => String::new(),
        };
        let (phase, step) = (planned.phase, &planned.step);
        writeln!(text, "{at} {phase} {service}: {step}{drains}{after}").expect("a string takes all");
    }
    text
}

pub(super) fn expect(plan: &Plan, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = render(plan);
    let found: Vec<_> = found.lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

pub(super) fn to(release: &ReleaseId, instances: u32) -> Option<Serving> {
    Some(Serving { release: release.clone(), instances })
}

pub(super) fn goal<const N: usize>(entries: [(&str, Option<Serving>); N]) -> Goal {
    entries.into_iter().map(|(service, serving)| (key(service), serving)).collect()
}

pub(super) fn process() -> serde_json::Value {
    json!({ "kind": "process" })
}

/// A world where `web` runs its first release and knows a second.
fn web(instances: u32) -> (World, ReleaseId, ReleaseId) {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.live("web", &old, instances);
    (world, old, new)
}

pub(super) fn rolling(batch: u32, max_surge: u32, max_unavailable: u32) -> StrategySpec {
    StrategySpec::Rolling(Rolling { batch, max_surge, max_unavailable })
}

pub(super) fn canary() -> StrategySpec {
    StrategySpec::Canary(Canary { steps: "5% 30s, 25% manual, 100%".parse().expect("steps") })
}

pub(super) fn recreate() -> StrategySpec {
    StrategySpec::Recreate(Recreate::default())
}

/// The way back when the first `done` steps of a plan have ended.
pub(super) fn way_back(mut world: World, goal: &Goal, policy: &Policy, done: usize) -> Plan {
    let parents = world.parents(goal);
    let plan = world.plan(goal, policy);
    let rules = super::rules::Rules::new(&world, goal, policy);
    for planned in &plan.steps[..done] {
        world.apply(&planned.step, super::world::Effect::All, &rules).expect("the plan is sound");
    }
    let ran: Vec<_> = plan.steps[..done].iter().collect();
    world.unwind(&parents, &ran, policy.strategy.kind(), &BTreeSet::new())
}

#[test]
fn first_deployment_of_three_services() {
    let mut world = World::default();
    let check = |phase: &str| json!({ "name": phase, "phase": phase, "http": "/" });
    let checks = json!([check("test"), check("verify")]);
    let web = world.release("web", 1, json!({ "kind": "static", "checks": checks }));
    let catalog = world.release("catalog", 1, json!({ "kind": "process", "checks": checks }));
    let hook = json!([{ "when": "before-test", "command": "./migrate" }]);
    let checkout = json!({ "kind": "process", "depends_on": ["catalog"], "bake": "1m", "hooks": hook });
    let checkout = world.release("checkout", 1, checkout);
    let goal = goal([("web", to(&web, 0)), ("catalog", to(&catalog, 2)), ("checkout", to(&checkout, 1))]);
    let plan = world.plan(&goal, &policy("d1", StrategySpec::BlueGreen));
    expect(
        &plan,
        "
        0 staging catalog: stage r1-catalog
        1 staging checkout: stage r1-checkou
        2 staging web: stage r1-web
        3 testing checkout: run hooks before testing <- 0,1,2
        4 testing *: switch catalog: r1-catalog comes, checkout: r1-checkou comes, web: r1-web comes <- 3
        5 testing catalog: start prod-catalog-r1-cat-1-1 <- 4
        6 testing catalog: wait until prod-catalog-r1-cat-1-1 is healthy <- 5
        7 testing catalog: test prod-catalog-r1-cat-1-1 <- 6
        8 testing catalog: start prod-catalog-r1-cat-1-2 <- 4
        9 testing catalog: wait until prod-catalog-r1-cat-1-2 is healthy <- 8
        10 testing catalog: test prod-catalog-r1-cat-1-2 <- 9
        11 testing checkout: start prod-checkout-r1-che-1-1 <- 7,10
        12 testing checkout: wait until prod-checkout-r1-che-1-1 is healthy <- 11
        13 testing web: test r1-web <- 4
        14 promoting *: switch catalog: all to r1-catalog, checkout: all to r1-checkou, web: all to r1-web <- 12,13
        15 verifying catalog: verify through the route <- 14
        16 verifying web: verify through the route <- 14
        17 monitoring *: watch at 100% for 1m <- 15,16
    ",
    );
    assert_eq!(plan.notes, ["checkout: what `./migrate` does can't be taken back"]);
}

#[test]
fn blue_green_over_a_live_release() {
    let (world, _, new) = web(2);
    expect(
        &world.plan(&goal([("web", to(&new, 2))]), &policy("d1", StrategySpec::BlueGreen)),
        "
        0 staging web: stage r2-web
        1 testing *: switch web: r2-web comes <- 0
        2 testing web: start prod-web-r2-web-2-1 <- 1
        3 testing web: wait until prod-web-r2-web-2-1 is healthy <- 2
        4 testing web: start prod-web-r2-web-2-2 <- 1
        5 testing web: wait until prod-web-r2-web-2-2 is healthy <- 4
        6 promoting *: switch web: all to r2-web <- 3,5
    ",
    );
}

#[test]
fn a_rollback_to_a_warm_release_starts_nothing() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.warm("web", &old, 2);
    world.live("web", &new, 2);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(
        &world.plan(&goal([("web", to(&old, 2))]), &policy),
        "
        0 staging web: stage r1-web
        1 testing web: wait until prod-web-r1-web-1-1 is healthy <- 0
        2 testing web: wait until prod-web-r1-web-1-2 is healthy <- 0
        3 promoting *: switch web: all to r1-web <- 1,2
    ",
    );
}

#[test]
fn a_rollback_to_a_warm_release_with_fewer_instances_drains_the_others() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.warm("web", &old, 3);
    world.live("web", &new, 1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(
        &world.plan(&goal([("web", to(&old, 1))]), &policy),
        "
        0 staging web: stage r1-web
        1 testing web: wait until prod-web-r1-web-1-1 is healthy <- 0
        2 promoting *: switch web: all to r1-web; no more to prod-web-r1-web-1-2, prod-web-r1-web-1-3 <- 1
        3 cleaning web: drain prod-web-r1-web-1-2 <- 2
        4 cleaning web: stop prod-web-r1-web-1-2 <- 3
        5 cleaning web: drain prod-web-r1-web-1-3 <- 2
        6 cleaning web: stop prod-web-r1-web-1-3 <- 5
    ",
    );
}

#[test]
fn a_rollback_to_a_release_that_is_not_warm_starts_it() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.live("web", &new, 1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(
        &world.plan(&goal([("web", to(&old, 1))]), &policy),
        "
        0 staging web: stage r1-web
        1 testing *: switch web: r1-web comes <- 0
        2 testing web: start prod-web-r1-web-2-1 <- 1
        3 testing web: wait until prod-web-r1-web-2-1 is healthy <- 2
        4 promoting *: switch web: all to r1-web <- 3
    ",
    );
}

#[test]
fn canary_of_two_members() {
    let (mut world, _, new) = web(1);
    let old_api = world.release("api", 1, process());
    let new_api = world.release("api", 2, process());
    world.live("api", &old_api, 1);
    expect(
        &world.plan(&goal([("web", to(&new, 1)), ("api", to(&new_api, 1))]), &policy("d1", canary())),
        "
        0 staging api: stage r2-api
        1 staging web: stage r2-web
        2 testing *: switch api: r2-api comes, web: r2-web comes <- 0,1
        3 testing api: start prod-api-r2-api-2-1 <- 2
        4 testing api: wait until prod-api-r2-api-2-1 is healthy <- 3
        5 testing web: start prod-web-r2-web-2-1 <- 2
        6 testing web: wait until prod-web-r2-web-2-1 is healthy <- 5
        7 promoting *: switch api: 5% to r2-api, web: 5% to r2-web <- 4,6
        8 promoting *: watch at 5% for 30s <- 7
        9 promoting *: switch api: 25% to r2-api, web: 25% to r2-web <- 8
        10 promoting *: wait at 25% for a person <- 9
        11 promoting *: switch api: all to r2-api, web: all to r2-web <- 10
    ",
    );
}

#[test]
fn rolling_with_one_more() {
    let (world, _, new) = web(3);
    expect(
        &world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(1, 1, 0))),
        "
        0 staging web: stage r2-web
        1 testing *: switch web: r2-web comes <- 0
        2 promoting web: start prod-web-r2-web-2-1 <- 1
        3 promoting web: wait until prod-web-r2-web-2-1 is healthy <- 2
        4 promoting *: switch web: 1 new, 2 old; no more to prod-web-r1-web-1-1 <- 3
        5 promoting web: drain prod-web-r1-web-1-1 <- 4
        6 promoting web: stop prod-web-r1-web-1-1 <- 5
        7 promoting web: start prod-web-r2-web-2-2 <- 6
        8 promoting web: wait until prod-web-r2-web-2-2 is healthy <- 7
        9 promoting *: switch web: 2 new, 1 old; no more to prod-web-r1-web-1-2 <- 8
        10 promoting web: drain prod-web-r1-web-1-2 <- 9
        11 promoting web: stop prod-web-r1-web-1-2 <- 10
        12 promoting web: start prod-web-r2-web-2-3 <- 11
        13 promoting web: wait until prod-web-r2-web-2-3 is healthy <- 12
        14 promoting *: switch web: 3 new, 0 old; no more to prod-web-r1-web-1-3 <- 13
        15 promoting web: drain prod-web-r1-web-1-3 <- 14
        16 promoting web: stop prod-web-r1-web-1-3 <- 15
        17 promoting *: switch web: all to r2-web <- 16
    ",
    );
}

#[test]
fn rolling_with_one_fewer() {
    let (world, _, new) = web(3);
    expect(
        &world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(2, 0, 1))),
        "
        0 staging web: stage r2-web
        1 testing *: switch web: r2-web comes <- 0
        2 promoting *: switch web: 0 new, 2 old; no more to prod-web-r1-web-1-1 <- 1
        3 promoting web: drain prod-web-r1-web-1-1 <- 2
        4 promoting web: stop prod-web-r1-web-1-1 <- 3
        5 promoting web: start prod-web-r2-web-2-1 <- 4
        6 promoting web: wait until prod-web-r2-web-2-1 is healthy <- 5
        7 promoting *: switch web: 1 new, 1 old; no more to prod-web-r1-web-1-2 <- 6
        8 promoting web: drain prod-web-r1-web-1-2 <- 7
        9 promoting web: stop prod-web-r1-web-1-2 <- 8
        10 promoting web: start prod-web-r2-web-2-2 <- 9
        11 promoting web: wait until prod-web-r2-web-2-2 is healthy <- 10
        12 promoting *: switch web: 2 new, 0 old; no more to prod-web-r1-web-1-3 <- 11
        13 promoting web: drain prod-web-r1-web-1-3 <- 12
        14 promoting web: stop prod-web-r1-web-1-3 <- 13
        15 promoting web: start prod-web-r2-web-2-3 <- 14
        16 promoting web: wait until prod-web-r2-web-2-3 is healthy <- 15
        17 promoting *: switch web: 3 new, 0 old <- 16
        18 promoting *: switch web: all to r2-web <- 17
    ",
    );
}

#[test]
fn rolling_that_may_not_move_ends_all_the_same() {
    let (world, _, new) = web(3);
    for batch in [0, 1] {
        let plan = world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(batch, 0, 0)));
        expect(
            &plan,
            "
        0 staging web: stage r2-web
        1 testing *: switch web: r2-web comes <- 0
        2 promoting *: switch web: 0 new, 2 old; no more to prod-web-r1-web-1-1 <- 1
        3 promoting web: drain prod-web-r1-web-1-1 <- 2
        4 promoting web: stop prod-web-r1-web-1-1 <- 3
        5 promoting web: start prod-web-r2-web-2-1 <- 4
        6 promoting web: wait until prod-web-r2-web-2-1 is healthy <- 5
        7 promoting *: switch web: 1 new, 2 old <- 6
        8 promoting *: switch web: 1 new, 1 old; no more to prod-web-r1-web-1-2 <- 7
        9 promoting web: drain prod-web-r1-web-1-2 <- 8
        10 promoting web: stop prod-web-r1-web-1-2 <- 9
        11 promoting web: start prod-web-r2-web-2-2 <- 10
        12 promoting web: wait until prod-web-r2-web-2-2 is healthy <- 11
        13 promoting *: switch web: 2 new, 1 old <- 12
        14 promoting *: switch web: 2 new, 0 old; no more to prod-web-r1-web-1-3 <- 13
        15 promoting web: drain prod-web-r1-web-1-3 <- 14
        16 promoting web: stop prod-web-r1-web-1-3 <- 15
        17 promoting web: start prod-web-r2-web-2-3 <- 16
        18 promoting web: wait until prod-web-r2-web-2-3 is healthy <- 17
        19 promoting *: switch web: 3 new, 0 old <- 18
        20 promoting *: switch web: all to r2-web <- 19
    ",
        );
    }
}

#[test]
fn rolling_of_the_only_instance_holds_requests() {
    let (world, _, new) = web(1);
    expect(
        &world.plan(&goal([("web", to(&new, 1))]), &policy("d1", rolling(1, 0, 1))),
        "
        0 staging web: stage r2-web
        1 testing *: switch web: r2-web comes <- 0
        2 promoting *: switch web: hold requests; no more to prod-web-r1-web-1-1 <- 1
        3 promoting web: drain prod-web-r1-web-1-1 <- 2
        4 promoting web: stop prod-web-r1-web-1-1 <- 3
        5 promoting web: start prod-web-r2-web-2-1 <- 4
        6 promoting web: wait until prod-web-r2-web-2-1 is healthy <- 5
        7 promoting *: switch web: 1 new, 0 old <- 6
        8 promoting *: switch web: all to r2-web <- 7
    ",
    );
}

#[test]
fn recreate_has_a_gap() {
    let (world, _, new) = web(2);
    let plan = world.plan(&goal([("web", to(&new, 1))]), &policy("d1", recreate()));
    expect(
        &plan,
        "
        0 staging web: stage r2-web
        1 promoting *: switch web: hold requests; no more to prod-web-r1-web-1-1, prod-web-r1-web-1-2 <- 0
        2 promoting web: drain prod-web-r1-web-1-1 <- 1
        3 promoting web: stop prod-web-r1-web-1-1 <- 2
        4 promoting web: drain prod-web-r1-web-1-2 <- 1
        5 promoting web: stop prod-web-r1-web-1-2 <- 4
        6 promoting web: start prod-web-r2-web-2-1 <- 3,5
        7 promoting web: wait until prod-web-r2-web-2-1 is healthy <- 6
        8 promoting *: switch web: all to r2-web <- 7
    ",
    );
    assert_eq!(plan.notes, ["web: the old stops before the new starts; requests are held meanwhile"]);
}

#[test]
fn a_group_takes_its_gap_last_and_swaps_once() {
    let (mut world, _, new) = web(1);
    let alone = json!({ "kind": "process", "strategy": "recreate" });
    let (old_db, new_db) = (world.release("db", 1, alone.clone()), world.release("db", 2, alone));
    world.live("db", &old_db, 1);
    let goal = goal([("web", to(&new, 1)), ("db", to(&new_db, 1))]);
    expect(
        &world.plan(&goal, &policy("d1", StrategySpec::BlueGreen)),
        "
        0 staging db: stage r2-db
        1 staging web: stage r2-web
        2 testing *: switch web: r2-web comes <- 0,1
        3 testing web: start prod-web-r2-web-2-1 <- 2
        4 testing web: wait until prod-web-r2-web-2-1 is healthy <- 3
        5 promoting *: switch db: hold requests; no more to prod-db-r1-db-1-1 <- 4
        6 promoting db: drain prod-db-r1-db-1-1 <- 5
        7 promoting db: stop prod-db-r1-db-1-1 <- 6
        8 promoting db: start prod-db-r2-db-2-1 <- 7
        9 promoting db: wait until prod-db-r2-db-2-1 is healthy <- 8
        10 promoting *: switch db: all to r2-db, web: all to r2-web <- 9
    ",
    );
}

#[test]
fn scale_up_and_down() {
    let (world, old, _) = web(2);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(
        &world.plan(&goal([("web", to(&old, 3))]), &policy),
        "
        0 testing web: start prod-web-r1-web-2-1
        1 testing web: wait until prod-web-r1-web-2-1 is healthy <- 0
        2 promoting *: switch web: all to r1-web <- 1
    ",
    );
    expect(
        &world.plan(&goal([("web", to(&old, 1))]), &policy),
        "
        0 promoting *: switch web: all to r1-web; no more to prod-web-r1-web-1-2
        1 cleaning web: drain prod-web-r1-web-1-2 <- 0
        2 cleaning web: stop prod-web-r1-web-1-2 <- 1
    ",
    );
}

#[test]
fn decommission_empties_the_slot() {
    let (mut world, old, new) = web(1);
    world.warm("web", &new, 1);
    assert_eq!(world.slot(&key("web")).live, to(&old, 1));
    expect(
        &world.plan(&goal([("web", None)]), &policy("d1", StrategySpec::BlueGreen)),
        "
        0 promoting *: switch web: nothing
        1 cleaning web: drain prod-web-r1-web-1-1 <- 0
        2 cleaning web: stop prod-web-r1-web-1-1 <- 1
        3 cleaning web: drain prod-web-r2-web-2-1 <- 0
        4 cleaning web: stop prod-web-r2-web-2-1 <- 3
    ",
    );
}

#[test]
fn nothing_to_do() {
    let (world, old, _) = web(2);
    let plan = world.plan(&goal([("web", to(&old, 2))]), &policy("d1", StrategySpec::BlueGreen));
    assert!(plan.steps.is_empty() && plan.notes.is_empty(), "{}", render(&plan));
}

#[test]
fn unwinding_before_anything_was_written_does_nothing() {
    let (world, _, new) = web(1);
    let plan = way_back(world, &goal([("web", to(&new, 1))]), &policy("d1", StrategySpec::BlueGreen), 1);
    assert!(plan.steps.is_empty(), "{}", render(&plan));
}

#[test]
fn unwinding_blue_green_from_testing_and_after_the_swap() {
    let (world, _, new) = web(1);
    let (goal, policy) = (goal([("web", to(&new, 1))]), policy("d1", StrategySpec::BlueGreen));
    expect(
        &way_back(world.clone(), &goal, &policy, 3),
        "
        0 rolling_back *: switch web: all to r1-web
        1 rolling_back web: drain prod-web-r2-web-2-1 <- 0
        2 rolling_back web: stop prod-web-r2-web-2-1 <- 1
    ",
    );
    expect(
        &way_back(world, &goal, &policy, 5),
        "
        0 rolling_back web: wait until prod-web-r1-web-1-1 is healthy
        1 rolling_back *: switch web: all to r1-web <- 0
        2 rolling_back web: drain prod-web-r2-web-2-1 <- 1
        3 rolling_back web: stop prod-web-r2-web-2-1 <- 2
    ",
    );
}

#[test]
fn unwinding_a_canary_at_five_percent() {
    let (world, _, new) = web(1);
    expect(
        &way_back(world, &goal([("web", to(&new, 1))]), &policy("d1", canary()), 5),
        "
        0 rolling_back *: switch web: all to r1-web
        1 rolling_back web: drain prod-web-r2-web-2-1 <- 0
        2 rolling_back web: stop prod-web-r2-web-2-1 <- 1
    ",
    );
}

#[test]
fn unwinding_rolling_in_the_middle_and_at_the_end() {
    let (world, _, new) = web(2);
    let (goal, policy) = (goal([("web", to(&new, 2))]), policy("d1", rolling(1, 1, 0)));
    expect(
        &way_back(world.clone(), &goal, &policy, 6),
        "
        0 rolling_back web: wait until prod-web-r1-web-1-1 is healthy
        1 rolling_back *: switch web: all to r1-web <- 0
        2 rolling_back web: drain prod-web-r2-web-2-1 <- 1
        3 rolling_back web: stop prod-web-r2-web-2-1 <- 2
    ",
    );
    let all = world.plan(&goal, &policy).steps.len();
    expect(
        &way_back(world, &goal, &policy, all),
        "
        0 rolling_back web: start prod-web-r1-web-6-1
        1 rolling_back web: wait until prod-web-r1-web-6-1 is healthy <- 0
        2 rolling_back web: start prod-web-r1-web-6-2
        3 rolling_back web: wait until prod-web-r1-web-6-2 is healthy <- 2
        4 rolling_back *: switch web: all to r1-web <- 1,3
        5 rolling_back web: drain prod-web-r2-web-2-1 <- 4
        6 rolling_back web: stop prod-web-r2-web-2-1 <- 5
        7 rolling_back web: drain prod-web-r2-web-2-2 <- 4
        8 rolling_back web: stop prod-web-r2-web-2-2 <- 7
    ",
    );
}

#[test]
fn unwinding_recreate_from_the_gap_and_after_it() {
    let (world, _, new) = web(1);
    let (goal, policy) = (goal([("web", to(&new, 1))]), policy("d1", recreate()));
    expect(
        &way_back(world.clone(), &goal, &policy, 2),
        "
        0 rolling_back web: wait until prod-web-r1-web-1-1 is healthy
        1 rolling_back *: switch web: all to r1-web <- 0
    ",
    );
    expect(
        &way_back(world.clone(), &goal, &policy, 5),
        "
        0 rolling_back *: switch web: hold requests; no more to prod-web-r2-web-2-1
        1 rolling_back web: drain prod-web-r2-web-2-1 <- 0
        2 rolling_back web: stop prod-web-r2-web-2-1 <- 1
        3 rolling_back web: start prod-web-r1-web-3-1 <- 2
        4 rolling_back web: wait until prod-web-r1-web-3-1 is healthy <- 3
        5 rolling_back *: switch web: all to r1-web <- 4
    ",
    );
    let all = world.plan(&goal, &policy).steps.len();
    expect(
        &way_back(world, &goal, &policy, all),
        "
        0 rolling_back *: switch web: hold requests; no more to prod-web-r2-web-2-1
        1 rolling_back web: drain prod-web-r2-web-2-1 <- 0
        2 rolling_back web: stop prod-web-r2-web-2-1 <- 1
        3 rolling_back web: start prod-web-r1-web-4-1 <- 2
        4 rolling_back web: wait until prod-web-r1-web-4-1 is healthy <- 3
        5 rolling_back *: switch web: all to r1-web <- 4
    ",
    );
}

#[test]
fn unwinding_a_scale_up_drains_what_came() {
    let (world, old, _) = web(1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(
        &way_back(world, &goal([("web", to(&old, 2))]), &policy, 2),
        "
        0 rolling_back *: switch web: all to r1-web; no more to prod-web-r1-web-2-1
        1 rolling_back web: drain prod-web-r1-web-2-1 <- 0
        2 rolling_back web: stop prod-web-r1-web-2-1 <- 1
    ",
    );
}

#[test]
fn unwinding_starts_dependencies_first() {
    let mut world = World::default();
    let catalog = world.release("catalog", 1, process());
    let basket = json!({ "kind": "process", "depends_on": ["catalog"] });
    let basket = world.release("basket", 1, basket);
    world.live("basket", &basket, 1);
    world.live("catalog", &catalog, 1);
    let goal = goal([("basket", None), ("catalog", None)]);
    let policy = policy("d1", StrategySpec::BlueGreen);
    let all = world.plan(&goal, &policy).steps.len();
    expect(
        &way_back(world, &goal, &policy, all),
        "
        0 rolling_back catalog: start prod-catalog-r1-cat-3-1
        1 rolling_back catalog: wait until prod-catalog-r1-cat-3-1 is healthy <- 0
        2 rolling_back basket: start prod-basket-r1-bas-3-1 <- 1
        3 rolling_back basket: wait until prod-basket-r1-bas-3-1 is healthy <- 2
        4 rolling_back *: switch catalog: all to r1-catalog, basket: all to r1-basket <- 3
    ",
    );
}
