//! Random environments, goals and failures.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::json;

use super::{
    golden::render,
    rules::Rules,
    world::{Dice, World, key, policy},
};
use crate::{
    id::{ReleaseId, SlotKey},
    plan::{Goal, Plan, Policy},
    slot::{Serving, Slot},
    spec::ServiceKind,
    strategy::{Canary, Recreate, Rolling, StrategySpec},
};

const SERVICES: [&str; 4] = ["auth", "basket", "catalog", "desk"];

#[derive(Clone, Debug)]
struct ReleaseCase {
    is_static: bool,
    recreate: bool,
    checks: bool,
    hooks: bool,
    warm_for_s: u64,
    depends_on: [bool; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    Nothing,
    Live,
    LiveAndWarm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Untouched,
    Empty,
    Scale,
    New,
    Back,
}

#[derive(Clone, Debug)]
struct ServiceCase {
    history: History,
    wish: Wish,
    releases: [ReleaseCase; 3],
    instances: [u32; 3],
}

#[derive(Clone, Debug)]
struct Case {
    services: Vec<ServiceCase>,
    strategy: StrategySpec,
    proven: bool,
    seed: u64,
    fail_at: usize,
}

fn some_release() -> impl Strategy<Value = ReleaseCase> {
    let odds = (prop::bool::weighted(0.15), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.3));
    (odds, select(vec![0, 3600]), any::<[bool; 4]>()).prop_map(|(odds, warm_for_s, depends_on)| {
        let (is_static, recreate, checks, hooks) = odds;
        ReleaseCase { is_static, recreate, checks, hooks, warm_for_s, depends_on }
    })
}

fn some_service() -> impl Strategy<Value = ServiceCase> {
    let histories = vec![History::Nothing, History::Live, History::LiveAndWarm, History::LiveAndWarm];
    let wishes = vec![Wish::Untouched, Wish::Empty, Wish::Scale, Wish::New, Wish::New, Wish::Back];
    let releases = [some_release(), some_release(), some_release()];
    (select(histories), select(wishes), releases, [1..=4u32, 1..=4u32, 1..=4u32])
        .prop_map(|(history, wish, releases, instances)| ServiceCase { history, wish, releases, instances })
}

fn some_strategy() -> impl Strategy<Value = StrategySpec> {
    let canary = Canary { steps: "5% 30s, 25% manual, 100%".parse().expect("steps") };
    prop_oneof![
        Just(StrategySpec::BlueGreen),
        Just(StrategySpec::Canary(canary)),
        Just(StrategySpec::Recreate(Recreate::default())),
        (0..=3u32, 0..=2u32, 0..=2u32).prop_map(|(batch, max_surge, max_unavailable)| {
            StrategySpec::Rolling(Rolling { batch, max_surge, max_unavailable })
        }),
    ]
}

fn some_case() -> impl Strategy<Value = Case> {
    let services = prop::collection::vec(some_service(), 1..=4);
    (services, some_strategy(), any::<bool>(), any::<u64>(), 0..60usize)
        .prop_map(|(services, strategy, proven, seed, fail_at)| Case { services, strategy, proven, seed, fail_at })
}

impl Case {
    /// The world before, and what is wanted.
    fn begin(&self) -> (World, Goal, Policy) {
        let (mut world, mut goal) = (World::default(), Goal::new());
        for (at, case) in self.services.iter().enumerate() {
            let name = SERVICES[at];
            let ids: Vec<_> = (0..3).map(|number| make_release(&mut world, at, number, case)).collect();
            let serving = |number: usize, count: u32| {
                let is_static = kind_of(case, number) == ServiceKind::Static;
                Serving { release: ids[number].clone(), instances: if is_static { 0 } else { count } }
            };
            let [old_count, warm_count, new_count] = case.instances;
            let (old, warm, new) = (serving(0, old_count), serving(1, warm_count), serving(2, new_count));
            if case.history == History::LiveAndWarm {
                world.warm(name, &warm.release, warm.instances);
            }
            if case.history != History::Nothing {
                world.live(name, &old.release, old.instances);
            }
            let wish = match case.wish {
                Wish::Untouched => continue,
                Wish::Empty => None,
                Wish::Scale => Some(serving(0, new_count)),
                Wish::New => Some(new),
                Wish::Back => Some(serving(1, new_count)),
            };
            goal.insert(key(name), wish);
        }
        let policy = Policy { proven: self.proven, ..policy("d1", self.strategy.clone()) };
        (world, goal, policy)
    }
}

fn kind_of(case: &ServiceCase, number: usize) -> ServiceKind {
    if case.releases[number].is_static { ServiceKind::Static } else { ServiceKind::Process }
}

fn make_release(world: &mut World, at: usize, number: usize, case: &ServiceCase) -> ReleaseId {
    let release = &case.releases[number];
    let depends_on: Vec<_> = (0..at).filter(|other| release.depends_on[*other]).map(|other| SERVICES[other]).collect();
    let check = |phase: &str| json!({ "name": phase, "phase": phase, "http": "/" });
    let checks = json!([check("test"), check("verify")]);
    let hook = |when: &str| json!({ "when": when, "command": ["true"] });
    let hooks = ["before-test", "before-promotion", "after-completion", "on-rollback"].map(hook);
    let serve = json!({
        "kind": if release.is_static { "static" } else { "process" },
        "strategy": if release.recreate { "recreate" } else { "blue-green" },
        "checks": if release.checks { checks } else { json!([]) },
        "hooks": if release.hooks { json!(hooks) } else { json!([]) },
        "depends_on": depends_on,
        "warm_for": format!("{}s", release.warm_for_s),
    });
    world.release(SERVICES[at], u32::try_from(number).expect("few"), serve)
}

fn told(plan: &Plan) -> impl FnOnce(String) -> TestCaseError + '_ {
    move |why| TestCaseError::fail(format!("{why}\n{}", render(plan)))
}

/// `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(1000), failure_persistence: None, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_deployment_keeps_its_promises(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let rules = Rules::new(&world, &goal, &case.strategy);
        let plan = world.plan(&goal, &policy);
        prop_assert!(plan.steps.iter().enumerate().all(|(at, step)| step.needs.iter().all(|need| *need < at)));
        world.run(&plan, &rules, &mut Dice(case.seed), None).map_err(told(&plan))?;
        rules.complete(&world).map_err(told(&plan))?;
        prop_assert!(world.plan(&goal, &policy).steps.is_empty(), "there is more to do");
    }

    #[test]
    fn every_deployment_can_be_taken_back_from_anywhere(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let parents = world.parents(&goal);
        let rules = Rules::new(&world, &goal, &case.strategy);
        let plan = world.plan(&goal, &policy);
        let mut dice = Dice(case.seed);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        let ran = world.run(&plan, &rules, &mut dice, Some(fail_at)).map_err(told(&plan))?;
        let retired = retired(&world, &case.begin().0);
        let ran: Vec<_> = ran.iter().map(|at| &plan.steps[*at]).collect();
        let rules = rules.going_back(&ran);
        let back = world.unwind(&parents, &ran, policy.strategy.kind());
        let both = |why| {
            let (plan, back) = (render(&plan), render(&back));
            TestCaseError::fail(format!("{why}\nfailed at {fail_at} of:\n{plan}way back:\n{back}"))
        };
        prop_assert!(back.steps.iter().enumerate().all(|(at, step)| step.needs.iter().all(|need| *need < at)));
        world.run(&back, &rules, &mut dice, None).map_err(both)?;
        rules.taken_back(&world, &retired).map_err(both)?;
    }

    #[test]
    fn a_new_deployment_ends_what_got_stuck(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let before: Goal = goal.keys().map(|key| (key.clone(), world.slot(key).live)).collect();
        let plan = world.plan(&goal, &policy);
        let rules = Rules::new(&world, &goal, &case.strategy);
        let mut dice = Dice(case.seed);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        world.run(&plan, &rules, &mut dice, Some(fail_at)).map_err(told(&plan))?;
        world.forget_the_dead();
        let rules = Rules::new(&world, &before, &case.strategy).after_stuck();
        let again = world.plan(&before, &Policy { deployment: "d2".into(), ..policy });
        world.run(&again, &rules, &mut dice, None).map_err(told(&again))?;
        if !again.steps.is_empty() {
            rules.complete(&world).map_err(told(&again))?;
        }
    }
}

/// How many instances that stood by are gone, for each slot.
fn retired(world: &World, before: &World) -> BTreeMap<SlotKey, usize> {
    let missing = |slot: &Slot| {
        let gone = slot
            .warm
            .iter()
            .map(|warm| (warm.instances as usize).saturating_sub(world.ready(&slot.key, &warm.release)));
        (slot.key.clone(), gone.sum())
    };
    before.slots.values().map(missing).collect()
}
