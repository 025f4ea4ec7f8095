//! Random environments, goals and failures.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::json;

use super::{
    golden::render,
    rules::Rules,
    world::{Dice, World, key, policy},
};
use crate::{
    id::{ReleaseId, ServiceName, SlotKey},
    plan::{Goal, Plan, Policy, Step},
    slot::{Serving, Slot},
    spec::{InteractionSpec, MigrateKind, Order, OrderName, ServiceKind},
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
    /// The kind of its change of data, and whether that is copied before.
    migrate: Option<(&'static str, bool)>,
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
    restored: bool,
    /// Its releases are the first one's, with other variables, and ask for reloads.
    reloads: bool,
}

/// A check from one service to another, before or after promotion.
#[derive(Clone, Debug)]
struct InteractionCase {
    from: usize,
    to: Option<usize>,
    phase: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum OrderCase {
    Parallel,
    Sequential,
    /// Services of a number below each of these come in a wave of their own; the others are named in none.
    Waves([usize; 2]),
}

#[derive(Clone, Debug)]
struct Case {
    services: Vec<ServiceCase>,
    strategy: StrategySpec,
    order: OrderCase,
    interactions: Vec<InteractionCase>,
    proven: bool,
    seed: u64,
    fail_at: usize,
    /// By number, the services that are given up when it goes back.
    given_up: [bool; 4],
}

fn some_release() -> impl Strategy<Value = ReleaseCase> {
    let odds = (prop::bool::weighted(0.15), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.3));
    let migrate = prop::option::weighted(0.4, (select(vec!["expand", "contract"]), any::<bool>()));
    (odds, select(vec![0, 3600]), any::<[bool; 4]>(), migrate).prop_map(|(odds, warm_for_s, depends_on, migrate)| {
        let (is_static, recreate, checks, hooks) = odds;
        ReleaseCase { is_static, recreate, checks, hooks, warm_for_s, depends_on, migrate }
    })
}

fn some_service() -> impl Strategy<Value = ServiceCase> {
    let histories = vec![History::Nothing, History::Live, History::LiveAndWarm, History::LiveAndWarm];
    let wishes = vec![Wish::Untouched, Wish::Empty, Wish::Scale, Wish::New, Wish::New, Wish::Back];
    let releases = [some_release(), some_release(), some_release()];
    let odds = (prop::bool::weighted(0.15), prop::bool::weighted(0.3));
    (select(histories), select(wishes), releases, [1..=4u32, 1..=4u32, 1..=4u32], odds).prop_map(
        |(history, wish, releases, instances, (restored, reloads))| ServiceCase {
            history,
            wish,
            releases,
            instances,
            restored,
            reloads,
        },
    )
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

fn some_order() -> impl Strategy<Value = OrderCase> {
    let waves = [0..=3usize, 0..=3usize].prop_map(|[one, two]| OrderCase::Waves([one.min(two), one.max(two)]));
    prop_oneof![Just(OrderCase::Parallel), Just(OrderCase::Sequential), waves]
}

fn some_interactions() -> impl Strategy<Value = Vec<InteractionCase>> {
    let one = (0..4usize, prop::option::of(0..4usize), select(vec!["test", "verify"]));
    prop::collection::vec(one.prop_map(|(from, to, phase)| InteractionCase { from, to, phase }), 0..=3)
}

fn some_case() -> impl Strategy<Value = Case> {
    let services = prop::collection::vec(some_service(), 1..=4);
    let policy = (some_strategy(), some_order(), some_interactions(), any::<bool>());
    let failure = (any::<u64>(), 0..60usize, any::<[bool; 4]>());
    (services, policy, failure).prop_map(|(services, policy, failure)| {
        let (strategy, order, interactions, proven) = policy;
        let (seed, fail_at, given_up) = failure;
        Case { services, strategy, order, interactions, proven, seed, fail_at, given_up }
    })
}

impl ServiceCase {
    fn of(&self, number: usize) -> &ReleaseCase {
        &self.releases[if self.reloads { 0 } else { number }]
    }
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
                Wish::Untouched if case.restored => world.slot(&key(name)).live,
                Wish::Untouched => continue,
                Wish::Empty => None,
                Wish::Scale => Some(serving(0, new_count)),
                Wish::New => Some(new),
                Wish::Back => Some(serving(1, new_count)),
            };
            goal.insert(key(name), wish);
        }
        (world, goal, self.policy())
    }

    fn given_up(&self) -> BTreeSet<ServiceName> {
        SERVICES.iter().zip(self.given_up).filter(|(_, left)| *left).map(|(name, _)| ServiceName::from(*name)).collect()
    }

    fn policy(&self) -> Policy {
        let restored = self.services.iter().zip(SERVICES).filter(|(case, _)| case.restored);
        Policy {
            proven: self.proven,
            order: self.order(),
            interactions: self.interactions.iter().enumerate().map(|(at, case)| interaction(at, case)).collect(),
            restore: restored.map(|(_, name)| (key(name), "before".to_owned())).collect(),
            ..policy("d1", self.strategy.clone())
        }
    }

    /// Services depend on those of lower numbers only, so these waves contradict no dependency.
    fn order(&self) -> Order {
        let names = |services: &[&str]| services.iter().map(|name| ServiceName::from(*name)).collect();
        match self.order {
            OrderCase::Parallel => Order::Named(OrderName::Parallel),
            OrderCase::Sequential => Order::Named(OrderName::Sequential),
            OrderCase::Waves([one, two]) => Order::Waves(vec![names(&SERVICES[..one]), names(&SERVICES[one..two])]),
        }
    }
}

fn interaction(at: usize, case: &InteractionCase) -> InteractionSpec {
    let spec = json!({ "name": format!("ask-{at}"), "phase": case.phase, "from": SERVICES[case.from], "http": "/" });
    let spec: InteractionSpec = serde_json::from_value(spec).expect("an interaction");
    InteractionSpec { to: case.to.map(|to| SERVICES[to].into()), ..spec }
}

fn kind_of(case: &ServiceCase, number: usize) -> ServiceKind {
    if case.of(number).is_static { ServiceKind::Static } else { ServiceKind::Process }
}

fn make_release(world: &mut World, at: usize, number: usize, case: &ServiceCase) -> ReleaseId {
    let release = case.of(number);
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
    let mut serve = serve;
    if let Some((kind, snapshot)) = release.migrate {
        serve["migrate"] = json!({ "command": ["true"], "kind": kind, "snapshot": snapshot });
    }
    if case.reloads {
        serve["reload"] = json!({ "signal": "HUP" });
        serve["variables"] = json!({ "NUMBER": number.to_string() });
    }
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
        let rules = Rules::new(&world, &goal, &policy);
        let plan = world.plan(&goal, &policy);
        prop_assert!(plan.steps.iter().enumerate().all(|(at, step)| step.needs.iter().all(|need| *need < at)));
        world.run(&plan, &rules, &mut Dice(case.seed), None).map_err(told(&plan))?;
        rules.complete(&world).map_err(told(&plan))?;
        let policy = Policy { restore: BTreeMap::new(), ..policy };
        prop_assert!(world.plan(&goal, &policy).steps.is_empty(), "there is more to do");
    }

    #[test]
    fn every_deployment_can_be_taken_back_from_anywhere(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let parents = world.parents(&goal);
        let rules = Rules::new(&world, &goal, &policy);
        let plan = world.plan(&goal, &policy);
        let mut dice = Dice(case.seed);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        let ran = world.run(&plan, &rules, &mut dice, Some(fail_at)).map_err(told(&plan))?;
        let retired = retired(&world, &case.begin().0);
        let ran: Vec<_> = ran.iter().map(|at| &plan.steps[*at]).collect();
        let rules = rules.going_back(&ran);
        let back = world.unwind(&parents, &ran, policy.strategy.kind(), &BTreeSet::new());
        let both = |why| {
            let (plan, back) = (render(&plan), render(&back));
            TestCaseError::fail(format!("{why}\nfailed at {fail_at} of:\n{plan}way back:\n{back}"))
        };
        prop_assert!(back.steps.iter().enumerate().all(|(at, step)| step.needs.iter().all(|need| *need < at)));
        world.run(&back, &rules, &mut dice, None).map_err(both)?;
        rules.taken_back(&world, &retired).map_err(both)?;
    }

    #[test]
    fn what_is_given_up_holds_up_nobody_else(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let parents = world.parents(&goal);
        let given_up = case.given_up();
        let rules = Rules::new(&world, &goal, &policy);
        let plan = world.plan(&goal, &policy);
        let mut dice = Dice(case.seed);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        let ran = world.run(&plan, &rules, &mut dice, Some(fail_at)).map_err(told(&plan))?;
        let retired = retired(&world, &case.begin().0);
        let ran: Vec<_> = ran.iter().map(|at| &plan.steps[*at]).collect();
        let rules = rules.going_back(&ran).without(&given_up);
        let left: Vec<_> = given_up.iter().map(|service| world.slot(&key(service.as_str()))).collect();
        // The way back is begun, fails somewhere, and is planned again without those that are given up.
        let first = world.unwind(&parents, &ran, policy.strategy.kind(), &given_up);
        let back_at = dice.below(first.steps.len() + 1);
        world.run(&first, &rules, &mut dice, Some(back_at)).map_err(told(&first))?;
        if dice.below(2) == 0 {
            world.forget_the_dead();
        }
        let back = world.unwind(&parents, &ran, policy.strategy.kind(), &given_up);
        let both = |why| {
            let texts = [&plan, &first, &back].map(render);
            let words = format!("failed at {fail_at}, then at {back_at}, given up {given_up:?} of:");
            TestCaseError::fail(format!("{why}\n{words}\n{}", texts.join("\n")))
        };
        world.run(&back, &rules, &mut dice, None).map_err(both)?;
        rules.taken_back(&world, &retired).map_err(both)?;
        for slot in left {
            prop_assert_eq!(world.slot(&slot.key), slot, "what is given up is left alone");
        }
    }

    #[test]
    fn on_the_way_back_members_need_each_other_for_the_swap_only(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let parents = world.parents(&goal);
        let rules = Rules::new(&world, &goal, &policy);
        let plan = world.plan(&goal, &policy);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        let ran = world.run(&plan, &rules, &mut Dice(case.seed), Some(fail_at)).map_err(told(&plan))?;
        let ran: Vec<_> = ran.iter().map(|at| &plan.steps[*at]).collect();
        let back = world.unwind(&parents, &ran, policy.strategy.kind(), &BTreeSet::new());
        for planned in &back.steps {
            let service = planned.service.as_ref();
            let is_own = |at: &usize| back.steps[*at].service.is_none() || back.steps[*at].service.as_ref() == service;
            let starts = matches!(planned.step, Step::Start { .. });
            // Whoever calls drains before whom it calls, which ends by itself, and so do the hooks: who fails there is
            // given up, and nobody waits for it any more.
            let in_turn = |at: &usize| match (&planned.step, &back.steps[*at].step) {
                (Step::Drain { .. }, before) => matches!(before, Step::Drain { .. }),
                (Step::Hooks { .. }, before) => matches!(before, Step::Hooks { .. }),
                _ => false,
            };
            let own = planned.needs.iter().all(|at| is_own(at) || in_turn(at));
            let free = service.is_none() || starts || own;
            prop_assert!(free, "{} waits for another member:\n{}", planned.step, render(&back));
        }
    }

    #[test]
    fn what_changes_is_asked_and_migrated_once(case in some_case()) {
        let (world, goal, policy) = case.begin();
        let plan = world.plan(&goal, &policy);
        let changed = |name: &ServiceName| {
            let to = goal.get(&key(name.as_str()))?.as_ref()?;
            let from = world.slot(&key(name.as_str())).live;
            from.is_none_or(|from| from.release != to.release).then_some(&to.release)
        };
        for asked in &policy.interactions {
            let to = asked.to.as_ref().unwrap_or(&asked.from);
            let after = match goal.get(&key(asked.from.as_str())) {
                Some(to) => to.clone(),
                None => world.slot(&key(asked.from.as_str())).live,
            };
            let caller = after.map(|serving| &world.releases[&serving.release]);
            let reaches = |one: &&crate::release::Release| *to == asked.from || one.serve.depends_on.contains(to);
            let changes = changed(&asked.from).is_some() || changed(to).is_some();
            let wanted = usize::from(!policy.proven && changes && caller.filter(reaches).is_some());
            let is_it = |step: &&crate::plan::PlannedStep| {
                matches!(&step.step, Step::Interact { interaction, .. } if interaction == asked)
            };
            prop_assert_eq!(plan.steps.iter().filter(is_it).count(), wanted, "`{}`:\n{}", asked.name, render(&plan));
        }
        for name in SERVICES.map(ServiceName::from) {
            let migrate = changed(&name).and_then(|release| world.releases[release].serve.migrate.as_ref());
            let migrate = migrate.filter(|_| !policy.proven);
            let of = |wanted: fn(&Step) -> bool| {
                let mine = plan.steps.iter().filter(|step| step.service.as_ref() == Some(&name));
                mine.filter(|step| wanted(&step.step)).count()
            };
            let ran = of(|step| matches!(step, Step::Migrate { .. }));
            let copied = of(|step| matches!(step, Step::Snapshot { .. }));
            prop_assert_eq!(ran, usize::from(migrate.is_some()), "\n{}", render(&plan));
            let copies = usize::from(migrate.is_some_and(|migrate| migrate.snapshot));
            let restored = of(|step| matches!(step, Step::RestoreData { .. }));
            prop_assert_eq!(copied, copies + restored, "\n{}", render(&plan));
            let begin = format!("{name}: what the migration");
            let named = plan.notes.iter().filter(|note| note.starts_with(&begin)).count();
            prop_assert_eq!(named, ran, "a migration is named before it starts: {:?}", plan.notes);
            let ran: Vec<_> = plan.steps.iter().collect();
            let contracts = of(|step| matches!(step, Step::Migrate { kind: MigrateKind::Contract, .. })) > 0;
            prop_assert!(!contracts || crate::plan::is_past_contract(&ran));
        }
    }

    #[test]
    fn a_new_deployment_ends_what_got_stuck(case in some_case()) {
        let (mut world, goal, policy) = case.begin();
        let before: Goal = goal.keys().map(|key| (key.clone(), world.slot(key).live)).collect();
        let plan = world.plan(&goal, &policy);
        let rules = Rules::new(&world, &goal, &policy);
        let mut dice = Dice(case.seed);
        let fail_at = case.fail_at % (plan.steps.len() + 1);
        world.run(&plan, &rules, &mut dice, Some(fail_at)).map_err(told(&plan))?;
        world.forget_the_dead();
        let policy = Policy { deployment: "d2".into(), restore: BTreeMap::new(), ..policy };
        let rules = Rules::new(&world, &before, &policy).after_stuck();
        let again = world.plan(&before, &policy);
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
