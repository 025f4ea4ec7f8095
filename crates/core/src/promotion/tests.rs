//! What a promotion is decided on, as tables of small cases.

use std::sync::Arc;

use super::*;
use crate::{
    deployment::{Deployment, Kind, PhaseRecord, Request},
    id::{Actor, ArtifactDigest, DeploymentId, ReleaseId, SlotKey},
    phase::Phase,
    plan::Plan,
    release::Release,
    slot::{Serving, Slot},
};

fn member(version: &str) -> Member {
    Member {
        release: ReleaseId::new(format!("r-{version}")),
        version: version.into(),
        artifact: ArtifactDigest::new(format!("0123456789-{version}")),
    }
}

fn combination(members: &[(&str, &str)]) -> Combination {
    Combination {
        id: "c".into(),
        project: "shop".into(),
        environment: "staging".into(),
        name: None,
        members: members.iter().map(|(service, version)| ((*service).into(), member(version))).collect(),
        proven_by: DeploymentId::new("d"),
        since: Timestamp(1000),
        until: None,
        named_by: None,
    }
}

fn hold(service: Option<&str>, pin: Option<&str>) -> Hold {
    Hold {
        project: "shop".into(),
        environment: "production".into(),
        service: service.map(Into::into),
        pin: pin.map(Into::into),
        reason: "a sale".into(),
        by: "kim".into(),
        at: Timestamp(0),
    }
}

/// What of web v2 and api v1 goes where api v1 and web v1 are live.
fn decided(holds: &[Hold], named: &[&str], soak: u64, now: i64, skips_soak: bool) -> Result<Vec<String>, String> {
    let combination = combination(&[("web", "v2"), ("api", "v1")]);
    let live = BTreeMap::from([("web".into(), member("v1")), ("api".into(), member("v1"))]);
    let services: Vec<ServiceName> = named.iter().map(|name| (*name).into()).collect();
    let to = EnvironmentName::new("production");
    let terms = Terms {
        combination: &combination,
        to: &to,
        live: &live,
        holds,
        soak: Span { ms: soak },
        services: &services,
        skips_soak,
        now: Timestamp(now),
    };
    let names = |going: Vec<ServiceName>| going.iter().map(ToString::to_string).collect();
    decide(&terms).map(names).map_err(|obstacles| obstacles.into_iter().map(|one| one.message + "\n").collect())
}

#[test]
fn what_changed_and_soaked_goes() {
    assert_eq!(decided(&[], &[], 500, 1500, false), Ok(vec!["web".into()]), "what is the same stays");
    let early = decided(&[], &[], 500, 1499, false).expect_err("it is too early");
    assert!(early.contains("1ms are left"), "{early}");
    assert_eq!(decided(&[], &[], 500, 1499, true), Ok(vec!["web".into()]), "the soak is skipped");
    let same = decided(&[], &["api"], 0, 2000, false).expect_err("nothing changed");
    assert!(same.contains("already"), "{same}");
    let stranger = decided(&[], &["wbe"], 0, 2000, false).expect_err("there is no such service");
    assert!(stranger.contains("wbe does not run in staging"), "{stranger}");
}

#[test]
fn what_is_held_stays_and_a_pin_lets_one_pass() {
    let all = decided(&[hold(None, None)], &[], 0, 2000, false).expect_err("all is held");
    assert!(all.contains("a sale") && all.contains("unhold -e production"), "{all}");
    let one = decided(&[hold(Some("web"), None)], &["web"], 0, 2000, false).expect_err("it was named and is held");
    assert!(one.contains("web in production is held by kim"), "{one}");
    let left_out = decided(&[hold(Some("web"), None)], &[], 0, 2000, false).expect_err("nothing is left");
    assert!(left_out.contains("held"), "{left_out}");
    assert_eq!(decided(&[hold(Some("api"), None)], &[], 0, 2000, false), Ok(vec!["web".into()]));
    assert_eq!(decided(&[hold(Some("web"), Some("v2"))], &[], 0, 2000, false), Ok(vec!["web".into()]));
    assert_eq!(decided(&[hold(Some("web"), Some("0123456789"))], &[], 0, 2000, false), Ok(vec!["web".into()]));
    assert!(decided(&[hold(Some("web"), Some("v3"))], &["web"], 0, 2000, false).is_err());
    assert!(decided(&[hold(Some("web"), Some("0"))], &["web"], 0, 2000, false).is_err(), "too short for a digest");
}

#[test]
fn a_stage_is_skipped_where_the_chain_goes_another_way() {
    let promotes = BTreeMap::from([("dev".into(), "staging".into()), ("staging".into(), "production".into())]);
    let skipped = |from: &str, to: &str| {
        let skipped = skipped_stages(&promotes, &from.into(), &to.into());
        skipped.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(skipped("dev", "staging").is_empty() && skipped("staging", "production").is_empty());
    assert_eq!(skipped("dev", "production"), ["staging"]);
    assert_eq!(skipped("lab", "production"), ["staging"], "it comes from beside the chain");
    assert!(skipped("production", "dev").is_empty(), "nobody promotes there");
}

/// A deployment of `web` from one release to another, that completed.
fn past(number: u64, from: &str, to: &str, moved_at: i64, ended_at: i64) -> Deployment {
    let mut past = Deployment::new(
        DeploymentId::new(format!("d{number}")),
        number,
        Request::new("shop".into(), "staging".into(), Kind::Deploy),
        Actor::admin(),
        "c".into(),
        Timestamp(moved_at - 1),
    );
    let serving = |release: &str| Serving { release: ReleaseId::new(release), instances: 1 };
    let parent = Slot { live: Some(serving(from)), ..Slot::empty(slot_key()) };
    let course = past.course_mut();
    course.goal = BTreeMap::from([("web".into(), Some(serving(to)))]);
    course.parents = vec![parent];
    // A plan of another version: then the phases say whether traffic moved.
    course.plan = Some(Plan::unread(u32::MAX));
    past.phases.push(PhaseRecord { phase: Phase::Promoting, at: Timestamp(moved_at) });
    past.phase = Phase::Completed;
    past.completed_at = Some(Timestamp(ended_at));
    past.result = BTreeMap::from([("web".into(), serving(to))]);
    past
}

fn slot_key() -> SlotKey {
    SlotKey { project: "shop".into(), environment: "staging".into(), service: "web".into() }
}

/// What stands where `live` is live after these deployments, newest first; a static site, so that nothing must run.
fn stands(live: &str, past: Vec<Deployment>) -> Result<Combination, String> {
    let release = serde_json::json!({ "id": live, "slot": slot_key(), "version": live, "artifact": live,
        "serve": { "kind": "static" }, "madeBy": "d", "madeAt": Timestamp(0) });
    let release: Release = serde_json::from_value(release).expect("a release");
    let serving = Serving { release: release.id.clone(), instances: 0 };
    let slots = [Slot { live: Some(serving), ..Slot::empty(slot_key()) }];
    let releases = BTreeMap::from([(release.id.clone(), Arc::new(release))]);
    let past: Vec<_> = past.into_iter().map(Arc::new).collect();
    let (project, environment) = ("shop".into(), "staging".into());
    let (slots, instances, releases, past) = (&slots[..], &[][..], &releases, &past[..]);
    let seen = Seen { project: &project, environment: &environment, slots, instances, releases, past };
    standing(&seen).map_err(|missing| missing.message)
}

#[test]
fn what_a_deployment_completed_with_stands_since_the_last_change() {
    let one = past(1, "none", "a", 10, 20);
    let found = stands("a", vec![one.clone()]).expect("it stands");
    assert_eq!((found.since, found.proven_by), (Timestamp(20), DeploymentId::new("d1")));
    let other = stands("b", vec![one.clone()]).expect_err("nothing proves it");
    assert!(other.contains("no deployment completed"), "{other}");
    // One that failed and went back: the old is proven by its own, and serves again since the end of the way back.
    let back = Deployment { phase: Phase::RolledBack, result: BTreeMap::new(), ..past(2, "a", "b", 30, 50) };
    let again = stands("a", vec![back, one.clone()]).expect("it stands again");
    assert_eq!((again.since, again.proven_by), (Timestamp(50), DeploymentId::new("d1")));
    // One that changed nothing interrupts nothing.
    let same = past(2, "a", "a", 60, 70);
    assert_eq!(stands("a", vec![same, one.clone()]).map(|found| found.since), Ok(Timestamp(20)));
    let running = Deployment { phase: Phase::Verifying, completed_at: None, ..past(2, "a", "b", 30, 50) };
    let changing = stands("a", vec![running, one.clone()]).expect_err("it is being changed");
    assert!(changing.contains("is changing staging"), "{changing}");
    let taken = stands("a", vec![Deployment { quarantined: true, ..one }]).expect_err("it was taken back");
    assert!(taken.contains("was taken back"), "{taken}");
}

#[test]
fn a_combination_ran_until_the_next_change_moved() {
    let all: Vec<_> = [past(3, "b", "c", 90, 99), past(2, "a", "b", 30, 50), past(1, "none", "a", 10, 20)]
        .into_iter()
        .map(Arc::new)
        .collect();
    assert_eq!(ran_until(Timestamp(20), &all), Some(Timestamp(30)), "traffic moved then, though it ended later");
    assert_eq!(ran_until(Timestamp(50), &all), Some(Timestamp(90)));
    assert_eq!(ran_until(Timestamp(99), &all), None, "it runs");
}
