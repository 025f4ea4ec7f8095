//! Plans as text, compared with what they should be.

use std::fmt::Write;

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
        writeln!(text, "{at} {} {service}: {}{drains}{after}", planned.phase, planned.step).expect("a string takes all");
    }
    text
}

fn expect(plan: &Plan, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = render(plan);
    let found: Vec<_> = found.lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

fn to(release: &ReleaseId, instances: u32) -> Option<Serving> {
    Some(Serving { release: release.clone(), instances })
}

fn goal<const N: usize>(entries: [(&str, Option<Serving>); N]) -> Goal {
    entries.into_iter().map(|(service, serving)| (key(service), serving)).collect()
}

fn process() -> serde_json::Value {
    json!({ "kind": "process" })
}

/// A world where `web` runs its first release and knows a second.
fn web(instances: u32) -> (World, ReleaseId, ReleaseId) {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.live("web", &old, instances);
    (world, old, new)
}

fn rolling(batch: u32, max_surge: u32, max_unavailable: u32) -> StrategySpec {
    StrategySpec::Rolling(Rolling { batch, max_surge, max_unavailable })
}

fn canary() -> StrategySpec {
    StrategySpec::Canary(Canary { steps: "5% 30s, 25% manual, 100%".parse().expect("steps") })
}

fn recreate() -> StrategySpec {
    StrategySpec::Recreate(Recreate::default())
}

/// The way back when the first `done` steps of a plan have ended.
fn way_back(mut world: World, goal: &Goal, policy: &Policy, done: usize) -> Plan {
    let parents = world.parents(goal);
    let plan = world.plan(goal, policy);
    let rules = super::rules::Rules::new(&world, goal, &policy.strategy);
    for planned in &plan.steps[..done] {
        world.apply(&planned.step, super::world::Effect::All, &rules).expect("the plan is sound");
    }
    let ran: Vec<_> = plan.steps[..done].iter().collect();
    world.unwind(&parents, &ran, policy.strategy.kind())
}

#[test]
fn first_deployment_of_three_services() {
    let mut world = World::default();
    let checks = json!([{ "name": "t", "phase": "test", "http": "/" }, { "name": "v", "phase": "verify", "http": "/" }]);
    let web = world.release("web", 1, json!({ "kind": "static", "checks": checks }));
    let catalog = world.release("catalog", 1, json!({ "kind": "process", "checks": checks }));
    let hook = json!([{ "when": "before-test", "command": "./migrate" }]);
    let checkout = json!({ "kind": "process", "depends_on": ["catalog"], "bake": "1m", "hooks": hook });
    let checkout = world.release("checkout", 1, checkout);
    let goal = goal([("web", to(&web, 0)), ("catalog", to(&catalog, 2)), ("checkout", to(&checkout, 1))]);
    let plan = world.plan(&goal, &policy("d1", StrategySpec::BlueGreen));
    expect(&plan, "@@");
    assert_eq!(plan.notes, ["checkout: what `./migrate` does can't be taken back"]);
}

#[test]
fn blue_green_over_a_live_release() {
    let (world, _, new) = web(2);
    expect(&world.plan(&goal([("web", to(&new, 2))]), &policy("d1", StrategySpec::BlueGreen)), "@@");
}

#[test]
fn a_rollback_to_a_warm_release_starts_nothing() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.warm("web", &old, 2);
    world.live("web", &new, 2);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(&world.plan(&goal([("web", to(&old, 2))]), &policy), "@@");
}

#[test]
fn a_rollback_to_a_warm_release_with_fewer_instances_drains_the_others() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.warm("web", &old, 3);
    world.live("web", &new, 1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(&world.plan(&goal([("web", to(&old, 1))]), &policy), "@@");
}

#[test]
fn a_rollback_to_a_release_that_is_not_warm_starts_it() {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, process()), world.release("web", 2, process()));
    world.live("web", &new, 1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(&world.plan(&goal([("web", to(&old, 1))]), &policy), "@@");
}

#[test]
fn canary_of_two_members() {
    let (mut world, _, new) = web(1);
    let old_api = world.release("api", 1, process());
    let new_api = world.release("api", 2, process());
    world.live("api", &old_api, 1);
    expect(&world.plan(&goal([("web", to(&new, 1)), ("api", to(&new_api, 1))]), &policy("d1", canary())), "@@");
}

#[test]
fn rolling_with_one_more() {
    let (world, _, new) = web(3);
    expect(&world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(1, 1, 0))), "@@");
}

#[test]
fn rolling_with_one_fewer() {
    let (world, _, new) = web(3);
    expect(&world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(2, 0, 1))), "@@");
}

#[test]
fn rolling_that_may_not_move_ends_all_the_same() {
    let (world, _, new) = web(3);
    for batch in [0, 1] {
        let plan = world.plan(&goal([("web", to(&new, 3))]), &policy("d1", rolling(batch, 0, 0)));
        expect(&plan, "@@");
    }
}

#[test]
fn rolling_of_the_only_instance_holds_requests() {
    let (world, _, new) = web(1);
    expect(&world.plan(&goal([("web", to(&new, 1))]), &policy("d1", rolling(1, 0, 1))), "@@");
}

#[test]
fn recreate_has_a_gap() {
    let (world, _, new) = web(2);
    let plan = world.plan(&goal([("web", to(&new, 1))]), &policy("d1", recreate()));
    expect(&plan, "@@");
    assert_eq!(plan.notes, ["web: the old stops before the new starts; requests are held meanwhile"]);
}

#[test]
fn a_group_takes_its_gap_last_and_swaps_once() {
    let (mut world, _, new) = web(1);
    let alone = json!({ "kind": "process", "strategy": "recreate" });
    let (old_db, new_db) = (world.release("db", 1, alone.clone()), world.release("db", 2, alone));
    world.live("db", &old_db, 1);
    let goal = goal([("web", to(&new, 1)), ("db", to(&new_db, 1))]);
    expect(&world.plan(&goal, &policy("d1", StrategySpec::BlueGreen)), "@@");
}

#[test]
fn scale_up_and_down() {
    let (world, old, _) = web(2);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(&world.plan(&goal([("web", to(&old, 3))]), &policy), "@@");
    expect(&world.plan(&goal([("web", to(&old, 1))]), &policy), "@@");
}

#[test]
fn decommission_empties_the_slot() {
    let (mut world, old, new) = web(1);
    world.warm("web", &new, 1);
    assert_eq!(world.slot(&key("web")).live, to(&old, 1));
    expect(&world.plan(&goal([("web", None)]), &policy("d1", StrategySpec::BlueGreen)), "@@");
}

#[test]
fn nothing_to_do() {
    let (world, old, _) = web(2);
    let plan = world.plan(&goal([("web", to(&old, 2))]), &policy("d1", StrategySpec::BlueGreen));
    assert!(plan.is_empty() && plan.notes.is_empty(), "{}", render(&plan));
}

#[test]
fn unwinding_before_anything_was_written_does_nothing() {
    let (world, _, new) = web(1);
    let plan = way_back(world, &goal([("web", to(&new, 1))]), &policy("d1", StrategySpec::BlueGreen), 1);
    assert!(plan.is_empty(), "{}", render(&plan));
}

#[test]
fn unwinding_blue_green_from_testing_and_after_the_swap() {
    let (world, _, new) = web(1);
    let (goal, policy) = (goal([("web", to(&new, 1))]), policy("d1", StrategySpec::BlueGreen));
    expect(&way_back(world.clone(), &goal, &policy, 3), "@@");
    expect(&way_back(world, &goal, &policy, 5), "@@");
}

#[test]
fn unwinding_a_canary_at_five_percent() {
    let (world, _, new) = web(1);
    expect(&way_back(world, &goal([("web", to(&new, 1))]), &policy("d1", canary()), 5), "@@");
}

#[test]
fn unwinding_rolling_in_the_middle_and_at_the_end() {
    let (world, _, new) = web(2);
    let (goal, policy) = (goal([("web", to(&new, 2))]), policy("d1", rolling(1, 1, 0)));
    expect(&way_back(world.clone(), &goal, &policy, 6), "@@");
    let all = world.plan(&goal, &policy).steps.len();
    expect(&way_back(world, &goal, &policy, all), "@@");
}

#[test]
fn unwinding_recreate_from_the_gap_and_after_it() {
    let (world, _, new) = web(1);
    let (goal, policy) = (goal([("web", to(&new, 1))]), policy("d1", recreate()));
    expect(&way_back(world.clone(), &goal, &policy, 2), "@@");
    expect(&way_back(world.clone(), &goal, &policy, 5), "@@");
    let all = world.plan(&goal, &policy).steps.len();
    expect(&way_back(world, &goal, &policy, all), "@@");
}

#[test]
fn unwinding_a_scale_up_drains_what_came() {
    let (world, old, _) = web(1);
    let policy = Policy { proven: true, ..policy("d1", StrategySpec::BlueGreen) };
    expect(&way_back(world, &goal([("web", to(&old, 2))]), &policy, 2), "@@");
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
    expect(&way_back(world, &goal, &policy, all), "@@");
}
