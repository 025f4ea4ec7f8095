//! What is explained, by small worlds that are put together by hand.

use serde_json::json;

use super::*;
use crate::{
    artifact::GitCommit,
    deployment::{Cause, Kind, PhaseRecord, Request, Resolved, Skipped, StepState, Stuck, Waiting},
    id::{Actor, ArtifactDigest, SlotKey},
    lease::Lease,
    phase::End,
    plan::{CheckThrough, PLAN_VERSION, Plan, PlannedStep, SlotWrite, Step},
    slot::Serving,
    spec::{HookMoment, MigrateKind},
    strategy::{Pause, StrategyKind},
    time::Span,
};

const NOW: Timestamp = Timestamp(100_000);

fn key(service: &str) -> SlotKey {
    SlotKey { project: "shop".into(), environment: "prod".into(), service: service.into() }
}

fn release(service: &str, number: u32, serve: serde_json::Value) -> Release {
    let mut whole =
        json!({ "kind": "process", "run": "./serve", "routes": [{ "host": format!("{service}.example") }] });
    for (name, value) in serve.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    Release {
        id: ReleaseId::new(format!("r{number}-{service}")),
        slot: key(service),
        version: format!("{number}.0"),
        artifact: ArtifactDigest::new(format!("a{number}-{service}")),
        serve: serde_json::from_value(whole).expect("a service"),
        secrets: Default::default(),
        git: Some(GitCommit {
            commit: format!("{number}{number}{number}{number}aaaabbbbcccc"),
            branch: Some("main".into()),
        }),
        made_by: DeploymentId::new(format!("d{number}")),
        made_at: Timestamp(i64::from(number)),
    }
}

/// `prod-2` brings `r2` of services that serve `r1` since `prod-1`.
struct World {
    deployment: Deployment,
    around: Around,
}

impl World {
    fn new(phase: Phase) -> Self {
        let request = Request::new("shop".into(), "prod".into(), Kind::Deploy);
        let mut deployment = Deployment::new("d2".into(), 2, request, Actor::admin(), "c".into(), Timestamp(1000));
        deployment.phase = phase;
        deployment.course_mut().plan = Some(plan());
        deployment.completed_at = phase.is_end().then_some(Timestamp(90_000));
        let around = Around { names: [("d1".into(), "prod-1".into())].into(), ..Around::default() };
        Self { deployment, around }
    }

    fn service(mut self, service: &str, old: serde_json::Value, new: serde_json::Value) -> Self {
        for (number, serve) in [(1, old), (2, new)] {
            let release = release(service, number, serve);
            self.around.releases.insert(release.id.clone(), release);
        }
        let serving = |number| Serving { release: ReleaseId::new(format!("r{number}-{service}")), instances: 1 };
        let live = Some(serving(1));
        let parent = Slot { revision: 1, live, written_by: Some("d1".into()), ..Slot::empty(key(service)) };
        self.around.slots.push(parent.clone());
        self.deployment.course_mut().parents.push(parent);
        self.deployment.course_mut().goal.insert(service.into(), Some(serving(2)));
        self.deployment.services.entry(service.into()).or_default();
        self
    }

    /// A step, forward or of the way back.
    fn step(mut self, back: bool, service: &str, step: Step, status: StepStatus) -> Self {
        if back {
            self.deployment.course_mut().unwind.get_or_insert_with(plan);
        }
        let plan = if back { &mut self.deployment.course_mut().unwind } else { &mut self.deployment.course_mut().plan };
        let plan = plan.as_mut().expect("it is there");
        let number = plan.steps.len();
        let phase = match (back, &step) {
            (true, _) => Phase::RollingBack,
            (false, Step::Commit { .. }) => Phase::Promoting,
            (false, _) => Phase::Testing,
        };
        let needs = number.checked_sub(1).into_iter().collect();
        plan.steps.push(PlannedStep { phase, service: Some(service.into()), needs, step });
        let started_at = (status != StepStatus::Waiting).then_some(Timestamp(20_000));
        self.deployment.steps.push(StepState { status, started_at, ..StepState::waiting(back, number) });
        self
    }

    fn failed(mut self, phase: Phase, service: &str, message: &str) -> Self {
        self.deployment.failed_in.get_or_insert(phase);
        self.deployment.cause.get_or_insert(Cause::Release);
        let failure = FailureReport {
            at: Timestamp(50_000),
            phase,
            step: format!("wait until {service}-1 is healthy"),
            service: Some(service.into()),
            instance: None,
            message: message.into(),
            check: Some("startup".into()),
            expected: Some("a status from 200 to 399".into()),
            got: Some("500".into()),
            log_tail: vec!["no such table".into()],
            hint: None,
            may_pass: false,
            cause: Cause::Release,
        };
        self.deployment.failures.push(failure);
        self
    }

    fn went_back(mut self, at: i64) -> Self {
        self.deployment.phases.push(PhaseRecord { phase: Phase::RollingBack, at: Timestamp(at) });
        self
    }

    fn explain(&self) -> Explanation {
        explain(&Facts { deployment: &self.deployment, around: &self.around, now: NOW })
    }
}

fn plan() -> Plan {
    Plan { version: PLAN_VERSION, strategy: StrategyKind::BlueGreen, steps: Vec::new(), notes: Vec::new() }
}

fn start(service: &str) -> Step {
    Step::Start { release: ReleaseId::new(format!("r2-{service}")), instance: InstanceId::new(format!("{service}-1")) }
}

fn prove(service: &str) -> Step {
    Step::Prove { release: ReleaseId::new(format!("r2-{service}")), instance: InstanceId::new(format!("{service}-1")) }
}

fn stop(service: &str) -> Step {
    Step::Stop { release: ReleaseId::new(format!("r2-{service}")), instance: InstanceId::new(format!("{service}-1")) }
}

fn put_back(services: &[&str]) -> Step {
    let write = |service: &&str| SlotWrite { slot: Slot::empty(key(service)), warm_for: None };
    Step::Commit { writes: services.iter().map(write).collect(), draining: Vec::new(), reloaded: Vec::new() }
}

fn commands(explanation: &Explanation) -> Vec<&str> {
    explanation.next.iter().filter_map(|next| next.command.as_deref()).collect()
}

fn rows(explanation: &Explanation) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let row = |change: &Change| {
        let service = change.service.as_ref().map_or("", ServiceName::as_str);
        format!("{:?} {service} {}: {} -> {}", change.sort, change.what, text(&change.before), text(&change.after))
    };
    explanation.changed.iter().map(row).collect()
}

#[test]
fn a_failed_check_is_told_with_its_first_cause_and_the_commands() {
    let world = World::new(Phase::Failed)
        .service("api", json!({}), json!({}))
        .step(false, "api", start("api"), StepStatus::Done)
        .step(false, "api", prove("api"), StepStatus::Failed)
        .step(true, "api", stop("api"), StepStatus::Done)
        .failed(Phase::Testing, "api", "not healthy after 3 s")
        .went_back(60_000);
    let told = world.explain();
    assert_eq!(
        told.headline,
        "prod-2 failed in testing: api: not healthy after 3 s; users saw nothing of it, and it was undone"
    );
    let first = told.first_cause.as_ref().expect("it failed");
    assert_eq!(first.got.as_deref(), Some("500"));
    assert_eq!(first.log_tail, ["no such table"]);
    let undone = told.undone.as_ref().expect("it was undone");
    assert_eq!(undone.what, ["1 instance of api stopped"]);
    assert_eq!((undone.took_ms, undone.traffic_back_ms), (30_000, None));
    assert_eq!(undone.open, []);
    assert_eq!(
        commands(&told),
        ["shipway logs d2", "shipway deploy -e prod", "shipway deploy -e prod --allow-quarantined --reason WHY"]
    );
    assert_eq!(told.last_good[0].by.as_deref(), Some("prod-1"));
}

#[test]
fn what_changed_is_told_by_sort_with_dotted_paths() {
    let old = json!({ "variables": { "A": "1", "B": "x" }, "depends_on": ["db"] });
    let new = json!({
        "variables": { "A": "2", "C": "y" },
        "depends_on": ["db", "mail"],
        "checks": [{ "name": "answers", "phase": "test", "http": "/" }],
        "routes": [{ "host": "new.example" }],
        "instances": 5,
    });
    let mut world = World::new(Phase::Failed).service("api", old, new).service("db", json!({}), json!({})).failed(
        Phase::Testing,
        "api",
        "no",
    );
    world.deployment.course_mut().goal.insert("api".into(), Some(Serving { release: "r2-api".into(), instances: 3 }));
    world.around.layer = Some(EnvironmentLayer {
        project: "shop".into(),
        environment: "prod".into(),
        tree: json!({}),
        by: "ann".into(),
        at: Timestamp(500),
        version: 1,
        authors: BTreeMap::new(),
    });
    let rows = rows(&world.explain());
    for wanted in [
        "Code api version: 1.0 -> 2.0",
        "Code api artifact: a1-api -> a2-api",
        "Code api commit: 1111aaaabb (main) -> 2222aaaabb (main)",
        "Configuration api variables.A: 1 -> 2",
        "Configuration api variables.B: x -> -",
        "Configuration api variables.C: - -> y",
        "Configuration api checks[answers].http: - -> /",
        "Dependencies api depends_on: [\"db\"] -> [\"db\",\"mail\"]",
        "Dependencies api db changes along: 1.0 -> 2.0",
        "Environment api instances: 1 -> 3",
        "Environment api routes[0].host: api.example -> new.example",
        "Environment  settings of prod: - -> changed by ann at 1970-01-01T00:00:00.500Z",
    ] {
        assert!(rows.iter().any(|row| row == wanted), "{wanted} is not among {rows:#?}");
    }
    assert!(!rows.iter().any(|row| row.contains("run:")), "what is the same is not told: {rows:#?}");
}

#[test]
fn a_service_that_stays_as_it_is_is_no_change_and_many_changes_are_counted() {
    let many: serde_json::Map<_, _> = (0..CHANGES_MAX + 10).map(|n| (format!("V{n}"), json!("1"))).collect();
    let mut world = World::new(Phase::Failed)
        .service("api", json!({}), json!({ "variables": many }))
        .service("web", json!({}), json!({}))
        .failed(Phase::Testing, "api", "no");
    world.deployment.services.entry("web".into()).or_default().unchanged = true;
    let told = world.explain();
    assert!(told.changed.iter().all(|change| change.service.as_ref().is_none_or(|service| service.as_str() == "api")));
    assert_eq!(told.changed.len(), CHANGES_MAX);
    assert_eq!(told.changed_more, 10 + 3, "the variables that are too many, and version, artifact, commit");
}

#[test]
fn a_stuck_way_back_names_the_step_the_world_and_the_three_commands() {
    let mut world = World::new(Phase::Stuck)
        .service("api", json!({}), json!({}))
        .service("web", json!({}), json!({}))
        .step(false, "api", start("api"), StepStatus::Done)
        .step(false, "api", put_back(&["api", "web"]), StepStatus::Done)
        .step(true, "api", put_back(&["api", "web"]), StepStatus::Done)
        .step(true, "web", stop("web"), StepStatus::Done)
        .step(true, "api", Step::Hooks { release: "r2-api".into(), when: HookMoment::OnRollback }, StepStatus::Failed)
        .failed(Phase::Verifying, "web", "no answer")
        .failed(Phase::RollingBack, "api", "the hook exited with status 1")
        .failed(Phase::RollingBack, "api", "the hook exited with status 2")
        .went_back(60_000);
    world.deployment.stuck = Some(Stuck::UndoFailed);
    world.deployment.ending = Some(End::RolledBack);
    world.deployment.given_up.insert("api".into());
    world.deployment.switch.back_ms = Some(80);
    let told = world.explain();
    assert_eq!(
        told.headline,
        "prod-2 is stuck: it failed in verifying: web: no answer, and the way back of api failed, too"
    );
    assert_eq!(told.followed.len(), 1, "the same step is told once");
    let mut freeze = world.deployment.failures[0].clone();
    (freeze.step, freeze.cause) = ("going back".into(), Cause::Person);
    world.deployment.failures.push(freeze);
    assert_eq!(world.explain().followed, told.followed, "a freeze is no failure");
    assert_eq!(told.followed[0].message, "the hook exited with status 2");
    let undone = told.undone.as_ref().expect("much was undone");
    assert_eq!(undone.what, ["api and web put back to what it was, in one switch", "1 instance of web stopped"]);
    assert_eq!(undone.traffic_back_ms, Some(80));
    assert_eq!((undone.open[0].number, undone.open[0].status), (2, StepStatus::Failed));
    assert_eq!(undone.given_up, ["api".into()]);
    assert!(told.serving.iter().all(|serves| serves.is == Standing::Old));
    assert_eq!(
        commands(&told),
        ["shipway retry d2", "shipway skip d2 2 --reason WHY", "shipway resolve d2 --reason WHY"]
    );
}

#[test]
fn past_a_contract_it_offers_what_is_possible() {
    let snapshot = Step::Snapshot { release: "r2-api".into(), name: "d2".into(), mb_max: 1 };
    let migrate = Step::Migrate { release: "r2-api".into(), kind: MigrateKind::Contract };
    let new = json!({ "migrate": { "command": "./migrate", "kind": "contract" }, "data": ["files"] });
    let mut world = World::new(Phase::Stuck)
        .service("api", json!({}), new)
        .step(false, "api", start("api"), StepStatus::Done)
        .step(false, "api", snapshot, StepStatus::Done)
        .step(false, "api", migrate, StepStatus::Failed)
        .failed(Phase::Cleaning, "api", "the migration exited with status 1");
    world.deployment.stuck = Some(Stuck::Contract);
    let told = world.explain();
    assert!(told.headline.contains("stuck past a `contract` migration"), "{}", told.headline);
    assert_eq!(
        commands(&told),
        ["shipway deploy -e prod", "shipway rollback d2 --accept-contract", "shipway rollback d2 --with-data"]
    );
    assert_eq!(
        told.left,
        [
            "api: the copy d2 of its data folders stays",
            "api: the `contract` migration `./migrate` ran, or may have run, and can't be undone: old releases may not \
             work with it",
            "data folders of api: what the new instances wrote there stays",
        ]
    );
}

#[test]
fn a_deployment_that_waits_for_another_names_it_with_its_server() {
    let mut world = World::new(Phase::Preparing).service("api", json!({}), json!({}));
    world.deployment.carrier.server = "s1".into();
    let holder = DeploymentId::from("d1");
    let reason = "waits for prod-1, which writes the same services".to_owned();
    world.deployment.waiting = Some(Waiting { reason, since: Timestamp(3000), on: vec![holder.clone()] });
    let mut leases = Leases::none("shop".into(), "prod".into());
    leases.held.insert("api".into(), Lease { holder: holder.clone(), since: Timestamp(2000), token: 7 });
    world.around.leases = Some(leases);
    let reason = Some("waits at 25% for a person".to_owned());
    world.around.others.insert(holder, Other { phase: Phase::Promoting, reason: reason.clone(), server: "s1".into() });
    let server = Server { id: "s1".into(), started_at: Timestamp(0), expires_at: Timestamp(110_000) };
    world.around.servers = vec![server];
    let told = world.explain();
    assert_eq!(told.headline, "prod-2 is preparing: it waits for prod-1, which writes api");
    let wanted = Wait::Lease {
        services: vec!["api".into()],
        holder: "d1".into(),
        name: Some("prod-1".into()),
        holds: true,
        since: Some(Timestamp(2000)),
        token: Some(7),
        phase: Some(Phase::Promoting),
        reason,
        server: Some("s1".into()),
        expires_at: Some(Timestamp(110_000)),
    };
    assert_eq!(told.waiting, [wanted]);
    assert_eq!(commands(&told), ["shipway explain d1", "shipway abort d1", "shipway abort d2"]);
}

#[test]
fn what_holds_up_a_move_is_told_step_by_step() {
    let mut world = World::new(Phase::Testing)
        .service("api", json!({}), json!({}))
        .service("web", json!({}), json!({}))
        .step(false, "api", prove("api"), StepStatus::Running)
        .step(false, "web", start("web"), StepStatus::Waiting);
    let answer = Answer { passed: false, expected: "a status from 200 to 399".into(), got: "500".into(), took_ms: 2 };
    let seen = Seen { life: "runs".into(), answer: Some(answer), log_tail: vec!["boom".into()] };
    world.around.seen.insert("api-1".into(), seen.clone());
    let told = world.explain();
    assert_eq!(
        told.headline,
        "prod-2 is testing: api-1 is not healthy yet: expected a status from 200 to 399, got 500"
    );
    let health = Wait::Health {
        service: Some("api".into()),
        instance: "api-1".into(),
        since: Some(Timestamp(20_000)),
        seen: Some(seen),
    };
    let dependency = Wait::Dependency {
        service: "web".into(),
        step: "start web-1".into(),
        needs: "api".into(),
        needs_step: "wait until api-1 is healthy".into(),
    };
    assert_eq!(told.waiting, [health, dependency]);
    assert_eq!(commands(&told), ["shipway logs api-1", "shipway abort d2"]);
}

#[test]
fn a_canary_tells_its_time_and_what_its_sample_lacks() {
    let watch = |pause| Step::Watch { pause, percent: 25, slots: vec![key("api")] };
    let new = json!({ "success": { "min_requests": 100 } });
    let span = Pause::For(Span::seconds(90));
    let mut world = World::new(Phase::Promoting).service("api", json!({}), new).step(
        false,
        "api",
        watch(span),
        StepStatus::Running,
    );
    let sample = |world: &World| match world.explain().waiting.as_slice() {
        [.., Wait::Sample { left_ms, min_requests, reason, .. }] => {
            (*left_ms, min_requests[&ServiceName::from("api")], reason.clone())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(sample(&world), (10_000, 100, None));
    world.deployment.hold(true, Timestamp(30_000));
    assert_eq!(sample(&world).0, 80_000, "time that a person holds it does not count");
    assert_eq!(world.explain().waiting[0], Wait::Paused { since: Some(Timestamp(30_000)) });
    assert_eq!(commands(&world.explain()), ["shipway resume d2", "shipway abort d2"]);
    world.deployment.hold(false, Timestamp(30_000));
    let reason = "waits for requests to api: 3 of 100".to_owned();
    world.deployment.waiting = Some(Waiting { reason: reason.clone(), since: NOW, on: Vec::new() });
    assert_eq!(sample(&world).2, Some(reason));
    assert_eq!(commands(&world.explain()), ["shipway advance d2", "shipway abort d2"]);
    let manual = World::new(Phase::Promoting).service("api", json!({}), json!({})).step(
        false,
        "api",
        watch(Pause::Manual),
        StepStatus::Running,
    );
    assert_eq!(manual.explain().headline, "prod-2 is promoting: it waits at 25% for a person");
}

#[test]
fn what_its_plan_notes_is_repeated() {
    let mut world = World::new(Phase::Completed).service("api", json!({}), json!({}));
    assert_eq!(world.explain().planned, Vec::<String>::new());
    let note = "api: new instances start instead of a reload: its artifact changes";
    world.deployment.course_mut().plan.as_mut().expect("it has a plan").notes.push(note.into());
    assert_eq!(world.explain().planned, [note]);
    world.deployment.course_mut().plan = None;
    assert_eq!(world.explain().planned, Vec::<String>::new());
}

#[test]
fn a_retry_a_breaker_and_a_server_that_is_gone_are_told() {
    let mut world = World::new(Phase::Testing).service("api", json!({}), json!({})).step(
        false,
        "api",
        start("api"),
        StepStatus::Running,
    );
    world.deployment.carrier.server = "s1".into();
    let state = world.deployment.step_mut(false, 0).expect("it is there");
    (state.next_at, state.attempts, state.note) = (Some(Timestamp(101_000)), 2, Some("no memory".into()));
    let mut breaker = Breaker::closed("local");
    (breaker.open_until, breaker.last) = (Some(Timestamp(105_000)), Some("no memory".into()));
    world.around.breakers = vec![Breaker::closed("other"), breaker];
    let expires_at = Timestamp(99_000);
    world.around.servers = vec![Server { id: "s1".into(), started_at: Timestamp(0), expires_at }];
    let last = Some("no memory".to_owned());
    assert_eq!(
        world.explain().waiting,
        [
            Wait::Server { server: "s1".into(), expired_at: Some(expires_at) },
            Wait::Breaker { name: "local".into(), until: Timestamp(105_000), last: last.clone() },
            Wait::Retry {
                step: "start api-1".into(),
                service: Some("api".into()),
                attempts: 2,
                next_at: Timestamp(101_000),
                why: last
            },
        ]
    );
}

#[test]
fn what_a_person_did_is_told() {
    let mut world = World::new(Phase::RolledBack)
        .service("api", json!({}), json!({}))
        .step(true, "api", stop("api"), StepStatus::Skipped)
        .failed(Phase::Verifying, "api", "no")
        .went_back(60_000);
    let by = Actor::person("ann", crate::id::Role::Operator);
    world.deployment.skipped.push(Skipped { step: stop("api"), by, reason: "it is gone".into(), at: NOW });
    world.deployment.resolved = Some(Resolved { by: "ann".into(), reason: "by hand".into(), at: NOW });
    let told = world.explain();
    assert_eq!(told.headline, "prod-2 failed in verifying: api: no; ann declared it to be dealt with: by hand");
    assert_eq!(told.left, ["`stop api-1` was left out of the way back by ann: it is gone"]);
    assert_eq!(told.undone.expect("it went back").open, [], "what was left out is not open");
}

#[test]
fn what_was_cancelled_and_what_was_quarantined_has_its_own_commands() {
    let mut cancelled = World::new(Phase::Cancelled).service("api", json!({}), json!({}));
    cancelled = cancelled.failed(Phase::Queued, "api", "cancelled by ann");
    cancelled.deployment.cause = Some(Cause::Person);
    cancelled.deployment.cancel = Some(Actor::admin());
    cancelled.deployment.failures[0].service = None;
    assert_eq!(cancelled.explain().headline, "prod-2 was cancelled by ann in queued before it changed anything");
    assert_eq!(commands(&cancelled.explain()), ["shipway deploy -e prod"]);
    let mut refused = World::new(Phase::Failed).service("api", json!({}), json!({}));
    refused = refused.failed(Phase::Preparing, "api", "api r2 is quarantined");
    refused.deployment.cause = Some(Cause::Person);
    refused.deployment.failures[0].step = "quarantine".into();
    refused.deployment.request.version = Some("v7".into());
    let told = refused.explain();
    assert_eq!(
        commands(&told),
        [
            "shipway quarantine -e prod",
            "shipway deploy -e prod",
            "shipway deploy -e prod --version v7 --allow-quarantined --reason WHY"
        ]
    );
}

#[test]
fn an_environment_that_stopped_says_how_it_goes_on() {
    let mut world = World::new(Phase::RolledBack).failed(Phase::Verifying, "api", "no");
    world.around.rollbacks = Some(Rollbacks { stopped: Some(NOW), ..Rollbacks::none("shop".into(), "prod".into()) });
    assert_eq!(commands(&world.explain()).last(), Some(&"shipway breakers reset shop/prod --reason WHY"));
}

#[test]
fn before_a_release_is_made_the_commit_is_what_is_known() {
    let mut world = World::new(Phase::Failed).service("api", json!({}), json!({}));
    world.deployment.course_mut().goal.clear();
    world.deployment.course_mut().parents.clear();
    world.deployment.course_mut().plan = None;
    world.deployment.services.entry("api".into()).or_default().git =
        Some(GitCommit { commit: "9999aaaabbbbcccc".into(), branch: None });
    let told = world.failed(Phase::Preparing, "api", "the build exited with status 1").explain();
    assert_eq!(rows(&told), ["Code api commit: 1111aaaabb (main) -> 9999aaaabb"]);
    assert_eq!(told.headline, "prod-2 failed in preparing: api: the build exited with status 1; nothing was changed");
    assert_eq!(commands(&told), ["shipway logs d2", "shipway deploy -e prod"], "nothing was quarantined");
}

#[test]
fn whatever_is_missing_there_is_a_sentence_and_it_survives_the_store() {
    let ends = [Phase::Completed, Phase::Failed, Phase::RolledBack, Phase::Cancelled, Phase::Stuck, Phase::RollingBack];
    let stuck = [None, Some(Stuck::UndoFailed), Some(Stuck::RollbackTooLong), Some(Stuck::OnFailureStop)];
    for phase in Phase::FORWARD.into_iter().chain(ends) {
        for stuck in stuck {
            let mut world = World::new(phase);
            world.deployment.course_mut().plan = None;
            world.deployment.stuck = stuck;
            let told = world.explain();
            assert!(told.headline.starts_with("prod-2 "), "{}", told.headline);
            let text = serde_json::to_string(&told).expect("it can be written");
            assert_eq!(serde_json::from_str::<Explanation>(&text).expect("it can be read"), told);
        }
    }
    let verify = Step::Check { release: "r2-api".into(), through: CheckThrough::Route };
    let world = World::new(Phase::RollingBack).step(true, "api", verify, StepStatus::Done).went_back(60_000);
    let undone = world.explain().undone.expect("it goes back");
    assert_eq!((undone.took_ms, undone.what), (40_000, vec!["api verified through the route again".to_owned()]));
}
