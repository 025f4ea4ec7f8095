//! Reloads: who may, the plans as text, and what an instance is afterwards.

use serde_json::{Value, json};

use super::{
    golden::{expect, goal, recreate, rolling, to, way_back},
    rules::Rules,
    world::{Dice, World, key, policy},
};
use crate::{
    id::{InstanceId, ReleaseId},
    plan::{PLAN_VERSION, PLAN_VERSION_OLDEST, Policy, Restart, reloadable},
    release::Release,
    route::link_address,
    strategy::StrategySpec,
};

fn serve(number: u32, more: &Value) -> Value {
    let mut serve = json!({
        "kind": "process",
        "reload": { "signal": "HUP" },
        "variables": { "NUMBER": number.to_string() },
        "settings": { "number": number },
    });
    for (name, value) in more.as_object().expect("an object") {
        serve[name] = value.clone();
    }
    serve
}

/// A world where `web` runs two instances of its first release, and knows a second with other variables.
fn web(more: &Value) -> (World, ReleaseId, ReleaseId) {
    let mut world = World::default();
    let (old, new) = (world.release("web", 1, serve(1, more)), world.release("web", 2, serve(2, more)));
    world.live("web", &old, 2);
    (world, old, new)
}

fn one(change: impl FnOnce(&mut Release)) -> Option<Result<(), Restart>> {
    let (world, old, new) = web(&json!({}));
    let (live, mut next) = (world.releases[&old].clone(), world.releases[&new].clone());
    change(&mut next);
    let found = reloadable(&live, &next);
    if next.serve.reload.is_some() && found.is_some() {
        assert_eq!(reloadable(&next, &live).map(|one| one.is_ok()), found.clone().map(|one| one.is_ok()), "either way");
    }
    found
}

#[test]
fn only_variables_and_settings_may_differ() {
    let part = |key: &str| Some(Err(Restart::Part(key.to_owned())));
    assert_eq!(one(|_| ()), Some(Ok(())));
    assert_eq!(one(|next| next.version = "other".into()), Some(Ok(())));
    assert_eq!(one(|next| next.serve.instances = 7), Some(Ok(())), "how many there are is the slot's");
    assert_eq!(one(|next| next.serve.symbolic = vec!["/variables/NUMBER".into()]), Some(Ok(())));
    assert_eq!(one(|next| next.serve.reload = None), None, "it doesn't ask for it");
    assert_eq!(one(|next| next.artifact = "other".into()), Some(Err(Restart::Artifact)));
    let pins = serde_json::from_value(json!({ "KEY": "shop/prod:KEY@2" })).expect("a version");
    assert_eq!(one(|next| next.secrets = pins), Some(Err(Restart::Secrets)));
    let path = |next: &mut Release| drop(next.serve.variables.insert("PATH".into(), "/opt".into()));
    assert_eq!(one(path), Some(Err(Restart::Variable("PATH"))));
    assert_eq!(one(|next| next.serve.run = serde_json::from_value(json!(["other"])).expect("a command")), part("run"));
    assert_eq!(one(|next| next.serve.limits.memory_mb = Some(64)), part("limits"));
    assert_eq!(one(|next| next.serve.data.push("files".into())), part("data"));
    assert_eq!(one(|next| next.serve.depends_on.push("api".into())), part("depends_on"));
    assert_eq!(one(|next| next.serve.routes.clear()), part("routes"));
    let http = serde_json::from_value(json!({ "http": "/reload" })).expect("a reload");
    assert_eq!(one(|next| next.serve.reload = Some(http)), part("reload"));
    let migrate = serde_json::from_value(json!({ "command": ["true"], "kind": "expand" })).expect("a migration");
    assert_eq!(one(|next| next.serve.migrate = Some(migrate)), Some(Err(Restart::Migration)));
}

const CHECKED: &str = r#"{ "checks": [
    { "name": "t", "phase": "test", "http": "/" },
    { "name": "v", "phase": "verify", "http": "/" }
] }"#;

#[test]
fn one_after_the_other_whatever_the_strategy() {
    let checked = serde_json::from_str(CHECKED).expect("checks");
    for strategy in [StrategySpec::BlueGreen, rolling(1, 1, 0), recreate()] {
        let (world, _, new) = web(&checked);
        let plan = world.plan(&goal([("web", to(&new, 2))]), &policy("d1", strategy));
        assert_eq!(plan.version, PLAN_VERSION);
        assert!(
            plan.notes.iter().any(|note| note.contains("2 running instances read the configuration anew (SIGHUP)"))
        );
        expect(
            &plan,
            "
            0 staging web: stage r2-web
            1 promoting web: reload prod-web-r1-web-1-1 <- 0
            2 promoting web: test prod-web-r1-web-1-1 <- 1
            3 promoting web: reload prod-web-r1-web-1-2 <- 2
            4 promoting web: test prod-web-r1-web-1-2 <- 3
            5 promoting *: switch web: all to r2-web <- 4
            6 verifying web: verify through the route <- 5
        ",
        );
    }
}

#[test]
fn a_smaller_count_stops_the_rest_and_a_larger_one_starts_all_anew() {
    let (world, _, new) = web(&json!({}));
    let plan = world.plan(&goal([("web", to(&new, 1))]), &policy("d1", StrategySpec::BlueGreen));
    expect(
        &plan,
        "
        0 staging web: stage r2-web
        1 promoting web: reload prod-web-r1-web-1-1 <- 0
        2 promoting *: switch web: all to r2-web <- 1
        3 cleaning web: drain prod-web-r1-web-1-2 <- 2
        4 cleaning web: stop prod-web-r1-web-1-2 <- 3
    ",
    );
    let plan = world.plan(&goal([("web", to(&new, 3))]), &policy("d1", StrategySpec::BlueGreen));
    assert_eq!(plan.version, PLAN_VERSION_OLDEST, "whoever knows no reloads runs it, too");
    let note = "web: new instances start instead of a reload: not all of its instances run";
    assert!(plan.notes.iter().any(|told| told == note), "{:?}", plan.notes);
}

#[test]
fn the_way_back_has_them_read_the_old_again() {
    let (world, _, new) = web(&json!({}));
    let (goal, policy) = (goal([("web", to(&new, 2))]), policy("d1", StrategySpec::BlueGreen));
    // One has read it.
    expect(
        &way_back(world.clone(), &goal, &policy, 2),
        "
        0 rolling_back web: reload prod-web-r1-web-1-1
        1 rolling_back *: switch web: all to r1-web <- 0
    ",
    );
    // All are of the new release.
    expect(
        &way_back(world, &goal, &policy, 4),
        "
        0 rolling_back web: reload prod-web-r1-web-1-1
        1 rolling_back web: reload prod-web-r1-web-1-2 <- 0
        2 rolling_back *: switch web: all to r1-web <- 1
    ",
    );
}

fn run(world: &mut World, release: &ReleaseId, deployment: &str) {
    let (goal, policy) = (goal([("web", to(release, 2))]), policy(deployment, StrategySpec::BlueGreen));
    let rules = Rules::new(world, &goal, &policy);
    let plan = world.plan(&goal, &policy);
    world.run(&plan, &rules, &mut Dice(1), None).expect("the plan is sound");
    rules.complete(world).expect("it is complete");
}

#[test]
fn what_passed_to_another_release_still_dials_the_links_of_the_first() {
    let mut world = World::default();
    let api = world.release("api", 1, json!({ "kind": "process" }));
    world.live("api", &api, 1);
    let more = json!({ "depends_on": ["api"] });
    let [first, second, third] = [1, 2, 3].map(|number| world.release("web", number, serve(number, &more)));
    world.live("web", &first, 2);
    let dialled = link_address(&first, &"api".into());
    for (release, deployment) in [(&second, "d1"), (&third, "d2")] {
        run(&mut world, release, deployment);
        assert!(world.instances.values().filter(|one| one.slot == key("web")).all(|one| {
            one.release == *release && one.launched.as_ref() == Some(&first) && one.reloading.is_none()
        }));
        let link = world.table().links.get(&dialled).cloned().expect("the link is there");
        assert_eq!(link.pool, key("api").to_string());
    }
    run(&mut world, &first, "d3");
    let ids: Vec<InstanceId> = world.alive.iter().cloned().collect();
    assert_eq!(ids.len(), 3, "nobody came and nobody went: {ids:?}");
    assert!(world.instances.values().all(|one| one.launched.is_none()), "it is what it was started as");
}

#[test]
fn what_was_left_half_way_reads_its_own_again() {
    let (mut world, old, new) = web(&json!({}));
    let (there, policy) = (goal([("web", to(&new, 2))]), policy("d1", StrategySpec::BlueGreen));
    let rules = Rules::new(&world, &there, &policy);
    let plan = world.plan(&there, &policy);
    world.run(&plan, &rules, &mut Dice(1), Some(2)).expect("the plan is sound");
    let again = world.plan(&goal([("web", to(&old, 2))]), &Policy { deployment: "d2".into(), ..policy });
    assert!(again.steps.iter().any(|planned| planned.step.to_string().starts_with("reload")), "{again:?}");
}
