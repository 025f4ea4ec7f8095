//! What groups add, as text: the order of members, changes of data, checks of how services work together, data put
//! back, and the way back of some.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    golden::{expect, goal, process, recreate, rolling, to, way_back},
    rules::Rules,
    world::{Effect, World, key, policy},
};
use crate::{
    id::{ReleaseId, ServiceName},
    instance::InstanceState,
    plan::{Goal, Plan, PlanFault, Policy, Step, is_past_contract},
    route::link_address,
    slot::{Candidate, Serving, Share, Slot},
    spec::{InteractionSpec, Order, OrderName},
    strategy::{Recreate, StrategySpec},
};

/// A world in which services run their first release and know a second, with these settings.
fn world<const N: usize>(services: [(&str, Value); N]) -> (World, Goal) {
    let (mut world, mut goal) = (World::default(), Goal::new());
    for (service, settings) in services {
        let (old, new) = (world.release(service, 1, settings.clone()), world.release(service, 2, settings));
        world.live(service, &old, 1);
        goal.insert(key(service), to(&new, 1));
    }
    (world, goal)
}

fn depending(on: &[&str]) -> Value {
    json!({ "kind": "process", "depends_on": on })
}

fn migrating(kind: &str, snapshot: bool) -> Value {
    let migrate = json!({ "command": "./migrate", "kind": kind, "snapshot": snapshot, "snapshot_mb_max": 64 });
    json!({ "kind": "process", "migrate": migrate })
}

fn blue_green() -> Policy {
    policy("d1", StrategySpec::BlueGreen)
}

fn waves(waves: &[&[&str]]) -> Order {
    Order::Waves(waves.iter().map(|wave| wave.iter().map(|name| ServiceName::from(*name)).collect()).collect())
}

fn interaction(name: &str, phase: &str, from: &str, to: Option<&str>) -> InteractionSpec {
    let asked = json!({ "name": name, "phase": phase, "from": from, "http": "/" });
    let asked: InteractionSpec = serde_json::from_value(asked).expect("an interaction");
    InteractionSpec { to: to.map(ServiceName::from), ..asked }
}

/// The way back when the first `done` steps have ended, without some services.
fn way_back_without(world: &World, goal: &Goal, policy: &Policy, done: usize, given_up: &[&str]) -> Plan {
    let mut world = world.clone();
    let parents = world.parents(goal);
    let plan = world.plan(goal, policy);
    let rules = Rules::new(&world, goal, policy);
    for planned in &plan.steps[..done] {
        world.apply(&planned.step, Effect::All, &rules).expect("the plan is sound");
    }
    let ran: Vec<_> = plan.steps[..done].iter().collect();
    let given_up: BTreeSet<_> = given_up.iter().map(|name| ServiceName::from(*name)).collect();
    world.unwind(&parents, &ran, policy.strategy.kind(), &given_up)
}

#[test]
fn one_member_after_the_other() {
    let (world, goal) = world([("api", depending(&["store"])), ("store", process()), ("web", process())]);
    let policy = Policy { order: Order::Named(OrderName::Sequential), ..blue_green() };
    expect(
        &world.plan(&goal, &policy),
        "
        0 staging store: stage r2-store
        1 staging api: stage r2-api
        2 staging web: stage r2-web
        3 testing *: switch store: r2-store comes, api: r2-api comes, web: r2-web comes <- 0,1,2
        4 testing store: start prod-store-r2-sto-2-1 <- 3
        5 testing store: wait until prod-store-r2-sto-2-1 is healthy <- 4
        6 testing api: start prod-api-r2-api-2-1 <- 5
        7 testing api: wait until prod-api-r2-api-2-1 is healthy <- 6
        8 testing web: start prod-web-r2-web-2-1 <- 7
        9 testing web: wait until prod-web-r2-web-2-1 is healthy <- 8
        10 promoting *: switch store: all to r2-store, api: all to r2-api, web: all to r2-web <- 9
    ",
    );
}

#[test]
fn wave_by_wave() {
    let (world, goal) = world([("api", process()), ("store", process()), ("web", process())]);
    let policy = Policy { order: waves(&[&["web", "store"]]), ..blue_green() };
    expect(
        &world.plan(&goal, &policy),
        "
        0 staging store: stage r2-store
        1 staging web: stage r2-web
        2 staging api: stage r2-api
        3 testing *: switch store: r2-store comes, web: r2-web comes, api: r2-api comes <- 0,1,2
        4 testing store: start prod-store-r2-sto-2-1 <- 3
        5 testing store: wait until prod-store-r2-sto-2-1 is healthy <- 4
        6 testing web: start prod-web-r2-web-2-1 <- 3
        7 testing web: wait until prod-web-r2-web-2-1 is healthy <- 6
        8 testing api: start prod-api-r2-api-2-1 <- 5,7
        9 testing api: wait until prod-api-r2-api-2-1 is healthy <- 8
        10 promoting *: switch store: all to r2-store, web: all to r2-web, api: all to r2-api <- 9
    ",
    );
}

#[test]
fn gaps_are_proven_wave_by_wave() {
    let (world, goal) = world([("ui", process()), ("db", process())]);
    let policy = Policy { order: waves(&[&["db"], &["ui"]]), ..policy("d1", recreate()) };
    expect(
        &world.plan(&goal, &policy),
        "
        0 staging db: stage r2-db
        1 staging ui: stage r2-ui
        2 promoting *: switch db: hold requests, ui: hold requests; no more to prod-db-r1-db-1-1, prod-ui-r1-ui-1-1 <- 0,1
        3 promoting ui: drain prod-ui-r1-ui-1-1 <- 2
        4 promoting ui: stop prod-ui-r1-ui-1-1 <- 3
        5 promoting db: drain prod-db-r1-db-1-1 <- 2
        6 promoting db: stop prod-db-r1-db-1-1 <- 5
        7 promoting db: start prod-db-r2-db-2-1 <- 6
        8 promoting db: wait until prod-db-r2-db-2-1 is healthy <- 7
        9 promoting ui: start prod-ui-r2-ui-2-1 <- 4,8
        10 promoting ui: wait until prod-ui-r2-ui-2-1 is healthy <- 9
        11 promoting *: switch db: all to r2-db, ui: all to r2-ui <- 10
    ",
    );
}

#[test]
fn rolling_goes_member_by_member_in_the_order_of_waves() {
    let (world, goal) = world([("api", process()), ("store", process())]);
    let policy = Policy { order: waves(&[&["store"], &["api"]]), ..policy("d1", rolling(1, 1, 0)) };
    expect(
        &world.plan(&goal, &policy),
        "
        0 staging store: stage r2-store
        1 staging api: stage r2-api
        2 testing *: switch store: r2-store comes, api: r2-api comes <- 0,1
        3 promoting store: start prod-store-r2-sto-2-1 <- 2
        4 promoting store: wait until prod-store-r2-sto-2-1 is healthy <- 3
        5 promoting *: switch store: 1 new, 0 old; no more to prod-store-r1-sto-1-1 <- 4
        6 promoting store: drain prod-store-r1-sto-1-1 <- 5
        7 promoting store: stop prod-store-r1-sto-1-1 <- 6
        8 promoting api: start prod-api-r2-api-2-1 <- 7
        9 promoting api: wait until prod-api-r2-api-2-1 is healthy <- 8
        10 promoting *: switch api: 1 new, 0 old; no more to prod-api-r1-api-1-1 <- 9
        11 promoting api: drain prod-api-r1-api-1-1 <- 10
        12 promoting api: stop prod-api-r1-api-1-1 <- 11
        13 promoting *: switch store: all to r2-store, api: all to r2-api <- 12
    ",
    );
}

#[test]
fn an_order_that_can_not_be_is_refused() {
    let (group, goal) = world([("api", depending(&["store"])), ("store", process())]);
    let policy = Policy { order: waves(&[&["api"], &["store"]]), ..blue_green() };
    let fault = group.try_plan(&goal, &policy).expect_err("store is needed first");
    assert_eq!(fault.to_string(), "api is in wave 1, and depends on store in wave 2: put store first");
    let (circle, goal) =
        world([("api", depending(&["store"])), ("store", depending(&["web"])), ("web", depending(&["api"]))]);
    let fault = circle.try_plan(&goal, &blue_green()).expect_err("nobody can be first");
    assert_eq!(fault.to_string(), "services depend on each other in a circle: api -> store -> web -> api");
    assert_eq!(fault, PlanFault::Cycle(["api", "store", "web", "api"].map(ServiceName::from).to_vec()));
}

#[test]
fn a_member_waits_for_another_behind_what_stays() {
    let (mut world, mut goal) = world([("api", depending(&["cache"])), ("store", process())]);
    let cache = world.release("cache", 1, depending(&["store"]));
    world.live("cache", &cache, 1);
    assert!(goal.remove(&key("cache")).is_none(), "it is no member");
    expect(
        &world.plan(&goal, &blue_green()),
        "
        0 staging store: stage r2-store
        1 staging api: stage r2-api
        2 testing *: switch store: r2-store comes, api: r2-api comes <- 0,1
        3 testing store: start prod-store-r2-sto-2-1 <- 2
        4 testing store: wait until prod-store-r2-sto-2-1 is healthy <- 3
        5 testing api: start prod-api-r2-api-2-1 <- 4
        6 testing api: wait until prod-api-r2-api-2-1 is healthy <- 5
        7 promoting *: switch store: all to r2-store, api: all to r2-api <- 6
    ",
    );
}

#[test]
fn expand_comes_before_anything_new() {
    let (mut world, mut goal) = world([("store", migrating("expand", true)), ("web", process())]);
    let mut api = migrating("expand", false);
    api["depends_on"] = json!(["store"]);
    api["hooks"] = json!([{ "when": "before-test", "command": "./warn" }]);
    let api = world.release("api", 1, api);
    goal.insert(key("api"), to(&api, 1));
    let plan = world.plan(&goal, &blue_green());
    expect(
        &plan,
        "
        0 staging store: stage r2-store
        1 staging api: stage r1-api
        2 staging web: stage r2-web
        3 testing store: copy data folders to d1-store <- 0,1,2
        4 testing store: migrate (expand) <- 3
        5 testing api: migrate (expand) <- 4
        6 testing api: run hooks before testing <- 5
        7 testing *: switch store: r2-store comes, api: r1-api comes, web: r2-web comes <- 6
        8 testing store: start prod-store-r2-sto-2-1 <- 7
        9 testing store: wait until prod-store-r2-sto-2-1 is healthy <- 8
        10 testing api: start prod-api-r1-api-1-1 <- 9
        11 testing api: wait until prod-api-r1-api-1-1 is healthy <- 10
        12 testing web: start prod-web-r2-web-2-1 <- 7
        13 testing web: wait until prod-web-r2-web-2-1 is healthy <- 12
        14 promoting *: switch store: all to r2-store, api: all to r1-api, web: all to r2-web <- 11,13
    ",
    );
    assert_eq!(
        plan.notes,
        [
            "store: what the migration `./migrate` does can't be taken back; old releases still work after it",
            "api: what the migration `./migrate` does can't be taken back; old releases still work after it",
            "api: what `./warn` does can't be taken back"
        ]
    );
    assert!(!is_past_contract(&plan.steps.iter().collect::<Vec<_>>()), "old releases still work");
    let back = way_back(world, &goal, &blue_green(), 7);
    assert!(back.steps.is_empty(), "no slot was written");
    assert_eq!(
        back.notes,
        [
            "api: its migration (expand) stays, and the old works with it",
            "store: its migration (expand) stays, and the old works with it"
        ]
    );
}

#[test]
fn contract_comes_when_all_that_is_old_has_stopped() {
    let mut store = migrating("contract", true);
    store["hooks"] = json!([{ "when": "after-completion", "command": "./tell" }]);
    let (mut world, goal) = world([("api", migrating("contract", true)), ("store", store), ("web", process())]);
    let older = world.release("store", 0, process());
    world.warm("store", &older, 1);
    let plan = world.plan(&goal, &blue_green());
    expect(
        &plan,
        "
        0 staging api: stage r2-api
        1 staging store: stage r2-store
        2 staging web: stage r2-web
        3 testing *: switch api: r2-api comes, store: r2-store comes, web: r2-web comes <- 0,1,2
        4 testing api: start prod-api-r2-api-2-1 <- 3
        5 testing api: wait until prod-api-r2-api-2-1 is healthy <- 4
        6 testing store: start prod-store-r2-sto-3-1 <- 3
        7 testing store: wait until prod-store-r2-sto-3-1 is healthy <- 6
        8 testing web: start prod-web-r2-web-2-1 <- 3
        9 testing web: wait until prod-web-r2-web-2-1 is healthy <- 8
        10 promoting *: switch api: all to r2-api, store: all to r2-store, web: all to r2-web <- 5,7,9
        11 cleaning store: drain prod-store-r0-sto-2-1 <- 10
        12 cleaning store: stop prod-store-r0-sto-2-1 <- 11
        13 cleaning store: drain prod-store-r1-sto-1-1 <- 10
        14 cleaning store: stop prod-store-r1-sto-1-1 <- 13
        15 cleaning api: drain prod-api-r1-api-1-1 <- 10
        16 cleaning api: stop prod-api-r1-api-1-1 <- 15
        17 cleaning api: copy data folders to d1-api <- 12,14,16
        18 cleaning store: copy data folders to d1-store <- 12,14,16
        19 cleaning api: migrate (contract) <- 17,18
        20 cleaning store: migrate (contract) <- 19
        21 cleaning store: run hooks after completion <- 20
    ",
    );
    let named = |service: &str| {
        let taken_back = format!("{service}: what the migration `./migrate` does can't be taken back; ");
        taken_back + "it runs when the old has stopped, and after it runs nothing goes back by itself"
    };
    assert_eq!(plan.notes, [named("api"), named("store"), "store: what `./tell` does can't be taken back".into()]);
    let ran: Vec<_> = plan.steps.iter().collect();
    let first = plan.steps.iter().position(|planned| is_past_contract(&[planned])).expect("a contract");
    assert!(!is_past_contract(&ran[..first]), "until then everything goes back");
    assert!(is_past_contract(&ran[..=first]), "it may have run");
    let back = way_back(world, &goal, &blue_green(), ran.len());
    expect(
        &back,
        "
        0 rolling_back api: start prod-api-r1-api-4-1
        1 rolling_back api: wait until prod-api-r1-api-4-1 is healthy <- 0
        2 rolling_back store: start prod-store-r1-sto-5-1
        3 rolling_back store: wait until prod-store-r1-sto-5-1 is healthy <- 2
        4 rolling_back web: wait until prod-web-r1-web-1-1 is healthy
        5 rolling_back *: switch api: all to r1-api, store: all to r1-store, web: all to r1-web <- 1,3,4
        6 rolling_back web: drain prod-web-r2-web-2-1 <- 5
        7 rolling_back web: stop prod-web-r2-web-2-1 <- 6
        8 rolling_back store: drain prod-store-r2-sto-3-1 <- 5
        9 rolling_back store: stop prod-store-r2-sto-3-1 <- 8
        10 rolling_back api: drain prod-api-r2-api-2-1 <- 5
        11 rolling_back api: stop prod-api-r2-api-2-1 <- 10
    ",
    );
    assert_eq!(
        back.notes,
        [
            "api: its migration (contract) stays, and the old may not work with it",
            "store: its migration (contract) stays, and the old may not work with it"
        ]
    );
}

#[test]
fn what_was_proven_is_not_migrated_again() {
    let (world, goal) = world([("api", migrating("contract", true))]);
    let plan = world.plan(&goal, &Policy { proven: true, ..blue_green() });
    expect(
        &plan,
        "
        0 staging api: stage r2-api
        1 testing *: switch api: r2-api comes <- 0
        2 testing api: start prod-api-r2-api-2-1 <- 1
        3 testing api: wait until prod-api-r2-api-2-1 is healthy <- 2
        4 promoting *: switch api: all to r2-api <- 3
    ",
    );
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn interactions_are_asked_of_what_changes() {
    let (mut world, goal) = world([("api", depending(&["store"])), ("store", process())]);
    let web = world.release("web", 1, depending(&["api"]));
    world.live("web", &web, 1);
    let interactions = vec![
        interaction("buys", "test", "api", Some("store")),
        interaction("answers", "verify", "api", None),
        interaction("shows", "test", "web", Some("api")),
        interaction("unrelated", "test", "web", None),
        interaction("unreachable", "test", "web", Some("store")),
    ];
    let plan = world.plan(&goal, &Policy { interactions, ..blue_green() });
    expect(
        &plan,
        "
        0 staging store: stage r2-store
        1 staging api: stage r2-api
        2 testing *: switch store: r2-store comes, api: r2-api comes <- 0,1
        3 testing store: start prod-store-r2-sto-2-1 <- 2
        4 testing store: wait until prod-store-r2-sto-2-1 is healthy <- 3
        5 testing api: start prod-api-r2-api-2-1 <- 4
        6 testing api: wait until prod-api-r2-api-2-1 is healthy <- 5
        7 testing api: ask `buys` <- 6
        8 promoting *: switch store: all to r2-store, api: all to r2-api <- 7
        9 verifying api: ask `answers` <- 8
        10 verifying web: ask `shows` <- 8
    ",
    );
    assert_eq!(
        plan.notes,
        ["`shows` is asked after promotion: not all that it asks can be reached before users see it"]
    );
}

#[test]
fn what_a_gap_hides_is_asked_after_promotion() {
    let alone = json!({ "kind": "process", "strategy": "recreate" });
    let (world, goal) = world([("api", depending(&["store"])), ("store", alone)]);
    let interactions = vec![interaction("buys", "test", "api", Some("store"))];
    let plan = world.plan(&goal, &Policy { interactions, ..blue_green() });
    expect(
        &plan,
        "
        0 staging store: stage r2-store
        1 staging api: stage r2-api
        2 testing *: switch api: r2-api comes <- 0,1
        3 testing api: start prod-api-r2-api-2-1 <- 2
        4 testing api: wait until prod-api-r2-api-2-1 is healthy <- 3
        5 promoting *: switch store: hold requests; no more to prod-store-r1-sto-1-1 <- 4
        6 promoting store: drain prod-store-r1-sto-1-1 <- 5
        7 promoting store: stop prod-store-r1-sto-1-1 <- 6
        8 promoting store: start prod-store-r2-sto-2-1 <- 7
        9 promoting store: wait until prod-store-r2-sto-2-1 is healthy <- 8
        10 promoting *: switch store: all to r2-store, api: all to r2-api <- 9
        11 verifying api: ask `buys` <- 10
    ",
    );
    assert_eq!(
        plan.notes,
        [
            "store: the old stops before the new starts; requests are held meanwhile",
            "`buys` is asked after promotion: not all that it asks can be reached before users see it"
        ]
    );
}

/// Data of `store` is put back, and nothing else changes.
fn restoring() -> (World, Goal, Policy) {
    let (mut world, _) = world([("store", process())]);
    let older = ReleaseId::new("r2-store");
    world.warm("store", &older, 1);
    let goal = goal([("store", to(&ReleaseId::new("r1-store"), 1))]);
    let restore = BTreeMap::from([(key("store"), "d0-store".to_owned())]);
    (world, goal, Policy { proven: true, restore, ..blue_green() })
}

#[test]
fn data_is_put_back_while_nobody_works_with_it() {
    let (world, goal, policy) = restoring();
    let plan = world.plan(&goal, &policy);
    expect(
        &plan,
        "
        0 promoting *: switch store: hold requests; no more to prod-store-r1-sto-1-1, prod-store-r2-sto-2-1
        1 promoting store: drain prod-store-r1-sto-1-1 <- 0
        2 promoting store: stop prod-store-r1-sto-1-1 <- 1
        3 promoting store: drain prod-store-r2-sto-2-1 <- 0
        4 promoting store: stop prod-store-r2-sto-2-1 <- 3
        5 promoting store: copy data folders to d1-store <- 2,4
        6 promoting store: put data folders back from d0-store <- 5
        7 promoting store: start prod-store-r1-sto-3-1 <- 6
        8 promoting store: wait until prod-store-r1-sto-3-1 is healthy <- 7
        9 promoting *: switch store: all to r1-store <- 8
    ",
    );
    assert_eq!(
        plan.notes,
        [
            "store: the old stops before the new starts; requests are held meanwhile",
            "store: data written since `d0-store` is gone, but for a copy that is taken first; the data stays put back, \
             also if the rest fails"
        ]
    );
    assert_eq!(world.plan(&Goal::new(), &policy), plan, "the goal need not name what stays");
}

#[test]
fn unwinding_what_was_put_back_starts_what_ran() {
    let (world, goal, policy) = restoring();
    let back = way_back(world.clone(), &goal, &policy, 3);
    expect(
        &back,
        "
        0 rolling_back store: start prod-store-r1-sto-4-1
        1 rolling_back store: wait until prod-store-r1-sto-4-1 is healthy <- 0
        2 rolling_back *: switch store: all to r1-store <- 1
    ",
    );
    assert!(back.notes.is_empty(), "nothing was put back yet: {:?}", back.notes);
    let back = way_back(world.clone(), &goal, &policy, 7);
    expect(
        &back,
        "
        0 rolling_back store: start prod-store-r1-sto-4-1
        1 rolling_back store: wait until prod-store-r1-sto-4-1 is healthy <- 0
        2 rolling_back *: switch store: all to r1-store <- 1
    ",
    );
    assert_eq!(back.notes, ["store: its data stays as it was put back from `d0-store`"]);
    expect(
        &way_back(world, &goal, &policy, 9),
        "
        0 rolling_back store: wait until prod-store-r1-sto-3-1 is healthy
        1 rolling_back *: switch store: all to r1-store <- 0
    ",
    );
}

#[test]
fn a_site_has_no_data_to_put_back() {
    let (world, _) = world([("web", json!({ "kind": "static" }))]);
    let restore = BTreeMap::from([(key("web"), "d0-web".to_owned()), (key("gone"), "d0-gone".to_owned())]);
    let plan = world.plan(&Goal::new(), &Policy { restore, ..blue_green() });
    assert!(plan.steps.is_empty());
    assert_eq!(
        plan.notes,
        [
            "gone: no instance runs on its data, so nothing is put back from `d0-gone`",
            "web: no instance runs on its data, so nothing is put back from `d0-web`"
        ]
    );
}

#[test]
fn on_the_way_back_each_member_is_by_itself() {
    let service = json!({
        "kind": "process",
        "hooks": [{ "when": "on-rollback", "command": "./undo" }],
        "checks": [{ "name": "answers", "phase": "verify", "http": "/" }],
    });
    let (world, goal) = world([("api", service.clone()), ("store", service)]);
    let all = world.plan(&goal, &blue_green()).steps.len();
    expect(
        &way_back_without(&world, &goal, &blue_green(), all, &[]),
        "
        0 rolling_back api: wait until prod-api-r1-api-1-1 is healthy
        1 rolling_back store: wait until prod-store-r1-sto-1-1 is healthy
        2 rolling_back *: switch api: all to r1-api, store: all to r1-store <- 0,1
        3 rolling_back store: drain prod-store-r2-sto-2-1 <- 2
        4 rolling_back store: stop prod-store-r2-sto-2-1 <- 3
        5 rolling_back api: drain prod-api-r2-api-2-1 <- 2
        6 rolling_back api: stop prod-api-r2-api-2-1 <- 5
        7 rolling_back store: run hooks on rollback <- 4
        8 rolling_back api: run hooks on rollback <- 6
        9 rolling_back api: verify through the route <- 8
        10 rolling_back store: verify through the route <- 7
    ",
    );
    let back = way_back_without(&world, &goal, &blue_green(), all, &["api"]);
    expect(
        &back,
        "
        0 rolling_back store: wait until prod-store-r1-sto-1-1 is healthy
        1 rolling_back *: switch store: all to r1-store <- 0
        2 rolling_back store: drain prod-store-r2-sto-2-1 <- 1
        3 rolling_back store: stop prod-store-r2-sto-2-1 <- 2
        4 rolling_back store: run hooks on rollback <- 3
        5 rolling_back store: verify through the route <- 4
    ",
    );
    assert_eq!(back.notes, ["api: left as it is, it does not go back"]);
}

/// The hooks of the way back of `web`, which calls `api`, which calls `store`, each with those that it needs.
fn hooks_on_the_way_back(api_has_one: bool, given_up: &[&str]) -> Vec<(String, Vec<String>)> {
    let hooks = |has: bool| if has { json!([{ "when": "on-rollback", "command": "./undo" }]) } else { json!([]) };
    let settings = |on: &[&str], has: bool| json!({ "kind": "process", "depends_on": on, "hooks": hooks(has) });
    let services =
        [("api", settings(&["store"], api_has_one)), ("store", settings(&[], true)), ("web", settings(&["api"], true))];
    let (world, goal) = world(services);
    let plan = world.plan(&goal, &blue_green());
    let back = way_back_without(&world, &goal, &blue_green(), plan.steps.len(), given_up);
    let is_hook = |at: &usize| matches!(back.steps[*at].step, Step::Hooks { .. });
    let name = |at: usize| back.steps[at].service.as_ref().expect("a hook is of a service").to_string();
    let mut found = Vec::new();
    for at in (0..back.steps.len()).filter(is_hook) {
        let needed = back.steps[at].needs.iter().copied().filter(is_hook).map(name).collect();
        found.push((name(at), needed));
    }
    found
}

#[test]
fn on_the_way_back_hooks_run_callers_first() {
    let row = |service: &str, needs: &[&str]| (service.to_owned(), needs.iter().map(|one| (*one).to_owned()).collect());
    let all = hooks_on_the_way_back(true, &[]);
    assert_eq!(all, [row("web", &[]), row("api", &["web"]), row("store", &["api"])]);
    let without = hooks_on_the_way_back(false, &[]);
    assert_eq!(without, [row("web", &[]), row("store", &["web"])], "also through who has none");
    let lost = hooks_on_the_way_back(true, &["web"]);
    assert_eq!(lost, [row("api", &[]), row("store", &["api"])], "nobody waits for who was given up");
}

#[test]
fn on_the_way_back_gaps_wait_for_their_own() {
    let (world, goal) = world([("api", depending(&["db"])), ("db", process())]);
    let policy = policy("d1", recreate());
    let all = world.plan(&goal, &policy).steps.len();
    expect(
        &way_back_without(&world, &goal, &policy, all, &[]),
        "
        0 rolling_back *: switch db: hold requests, api: hold requests; no more to prod-db-r2-db-2-1, prod-api-r2-api-2-1
        1 rolling_back api: drain prod-api-r2-api-2-1 <- 0
        2 rolling_back api: stop prod-api-r2-api-2-1 <- 1
        3 rolling_back db: drain prod-db-r2-db-2-1 <- 1
        4 rolling_back db: stop prod-db-r2-db-2-1 <- 3
        5 rolling_back db: start prod-db-r1-db-4-1 <- 4
        6 rolling_back db: wait until prod-db-r1-db-4-1 is healthy <- 5
        7 rolling_back api: start prod-api-r1-api-4-1 <- 2,6
        8 rolling_back api: wait until prod-api-r1-api-4-1 is healthy <- 7
        9 rolling_back *: switch db: all to r1-db, api: all to r1-api <- 8
    ",
    );
}

#[test]
fn what_stays_live_runs_no_hook_for_going_back() {
    let hooks = json!([{ "when": "on-rollback", "command": "./undo" }]);
    let hooked = |on: &[&str]| json!({ "kind": "process", "depends_on": on, "hooks": hooks });
    let (mut world, goal) = world([("api", hooked(&[]))]);
    let web = world.release("web", 1, hooked(&["api"]));
    world.live("web", &web, 1);
    let scaled: Goal = goal.into_iter().chain([(key("web"), to(&web, 2))]).collect();
    let interactions = vec![interaction("shows", "verify", "web", Some("api"))];
    let policy = Policy { interactions, ..blue_green() };
    let all = world.plan(&scaled, &policy).steps.len();
    expect(
        &way_back_without(&world, &scaled, &policy, all, &[]),
        "
        0 rolling_back api: wait until prod-api-r1-api-1-1 is healthy
        1 rolling_back *: switch api: all to r1-api, web: all to r1-web; no more to prod-web-r1-web-2-1 <- 0
        2 rolling_back web: drain prod-web-r1-web-2-1 <- 1
        3 rolling_back web: stop prod-web-r1-web-2-1 <- 2
        4 rolling_back api: drain prod-api-r2-api-2-1 <- 2
        5 rolling_back api: stop prod-api-r2-api-2-1 <- 4
        6 rolling_back api: run hooks on rollback <- 5
    ",
    );
}

#[test]
fn who_takes_requests_is_kept_rather_than_who_starts() {
    let (mut world, _) = world([("web", process())]);
    let live = ReleaseId::new("r1-web");
    world.live("web", &live, 2);
    let first = world.instances.keys().next().expect("it runs").clone();
    world.instances.get_mut(&first).expect("it is recorded").state = InstanceState::Starting;
    let goal = goal([("web", to(&live, 1))]);
    expect(
        &world.plan(&goal, &Policy { proven: true, ..blue_green() }),
        "
        0 promoting *: switch web: all to r1-web; no more to prod-web-r1-web-2-2, prod-web-r1-web-1-1
        1 cleaning web: drain prod-web-r1-web-2-2 <- 0
        2 cleaning web: stop prod-web-r1-web-2-2 <- 1
        3 cleaning web: drain prod-web-r1-web-1-1 <- 0
        4 cleaning web: stop prod-web-r1-web-1-1 <- 3
    ",
    );
}

#[test]
fn on_the_way_back_only_what_one_swap_replaced_goes_on_together() {
    let (mut world, _) = world([("web", depending(&["api"])), ("api", depending(&[]))]);
    let [web1, web2, api1, api2] = ["r1-web", "r2-web", "r1-api", "r2-api"].map(ReleaseId::from);
    let link = |world: &World, from: &ReleaseId| {
        let table = world.table();
        table.links.get(&link_address(from, &ServiceName::from("api"))).and_then(|link| link.release.clone())
    };
    // Both are swapped; users meet the new, and requests of before are under way in the old web.
    world.live("web", &web2, 1);
    world.live("api", &api2, 1);
    let by = Some("d1".into());
    let web = Slot { written_by: by.clone(), replaced: Some(web1.clone()), ..world.slot(&key("web")) };
    let api = Slot { written_by: by, replaced: Some(api1.clone()), ..world.slot(&key("api")) };
    world.slots.extend([(web.key.clone(), web.clone()), (api.key.clone(), api.clone())]);
    assert_eq!(link(&world, &web1), Some(api1.clone()), "the old goes on with the old");
    // The way back begins with api's gap: what leaves there is the new, and the old web must not call it.
    let coming = Candidate { release: api1.clone(), instances: 1, share: Share::Lane, deployment: "d1".into() };
    let gap = Slot {
        live: None,
        candidate: Some(coming),
        hold: Some(Recreate::default()),
        replaced: Some(api2.clone()),
        ..api.clone()
    };
    world.slots.insert(api.key.clone(), gap);
    assert_eq!(link(&world, &web1), None, "it is held with everybody else");
    // Swapped back: what was begun on the new goes on with the new.
    let serving = |release: &ReleaseId| Some(Serving { release: release.clone(), instances: 1 });
    let back = |slot: Slot, old: &ReleaseId, new: ReleaseId| Slot { live: serving(old), replaced: Some(new), ..slot };
    world.slots.insert(web.key.clone(), back(web, &web1, web2.clone()));
    world.slots.insert(api.key.clone(), back(api, &api1, api2.clone()));
    assert_eq!(link(&world, &web2), Some(api2));
}
