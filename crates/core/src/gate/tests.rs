//! Tables: windows where the clock is put forward and back, recurrences, and each gate alone. Zones are written out as
//! POSIX has them, so that no file is needed.

use crate::id::EnvironmentName;

use super::{
    declared::{ApprovalsSpec, RateSpec, WindowSpec},
    recurrence::Recurrence,
    zone::Zone,
    *,
};

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
const ADELAIDE: &str = "ACST-9:30ACDT,M10.1.0,M4.1.0/3";
/// It puts its clocks forward by half an hour.
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
const KOLKATA: &str = "IST-5:30";

fn at(text: &str) -> Timestamp {
    serde_json::from_value(serde_json::json!(text)).expect("an instant")
}

fn zone(rules: &str) -> Zone {
    Zone::written_out(rules).expect("rules of a zone")
}

fn again(every: &str, lasts: &str, rules: &str) -> WindowSpec {
    WindowSpec {
        name: "office".into(),
        every: Some(every.into()),
        lasts: Some(lasts.parse().expect("a span")),
        zone: rules.into(),
        ..WindowSpec::default()
    }
}

fn once(from: &str, until: &str, rules: &str) -> WindowSpec {
    let (from, until) = (Some(from.into()), Some(until.into()));
    WindowSpec { name: "holidays".into(), from, until, zone: rules.into(), ..WindowSpec::default() }
}

fn read(spec: &WindowSpec) -> Window {
    Window::read(spec, zone(&spec.zone)).unwrap_or_else(|fault| panic!("{spec:?}: {fault:?}"))
}

#[test]
fn windows_open_and_close_where_clocks_change() {
    let cases = [
        // An ordinary day.
        (again("day 09:00", "8h", BERLIN), "2026-01-15T08:00:00Z", "2026-01-15T16:00:00Z"),
        (again("day 09:00", "8h", BERLIN), "2026-07-15T07:00:00Z", "2026-07-15T15:00:00Z"),
        (again("day 09:00", "8h", KOLKATA), "2026-07-15T03:30:00Z", "2026-07-15T11:30:00Z"),
        // It begins in the hour that is missing: at the first instant after.
        (again("sunday 02:30", "1h", BERLIN), "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"),
        (again("sunday 02:30", "1h", NEW_YORK), "2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"),
        (again("sunday 02:30", "1h", ADELAIDE), "2026-10-03T16:30:00Z", "2026-10-03T17:00:00Z"),
        (again("sunday 02:15", "30m", LORD_HOWE), "2026-10-03T15:30:00Z", "2026-10-03T15:45:00Z"),
        // All of it would lie in the missing hour: it is as long as it says, after it.
        (again("sunday 02:10", "20m", BERLIN), "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z"),
        // It ends in the missing hour.
        (again("sunday 01:00", "90m", BERLIN), "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        // It begins and ends in the hour that is shown twice: from the first to the last.
        (again("sunday 02:30", "15m", BERLIN), "2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z"),
        (again("sunday 01:30", "1h", NEW_YORK), "2026-11-01T05:30:00Z", "2026-11-01T07:30:00Z"),
        (again("sunday 02:30", "15m", ADELAIDE), "2026-04-04T16:00:00Z", "2026-04-04T17:15:00Z"),
        (again("sunday 01:45", "10m", LORD_HOWE), "2026-04-04T14:45:00Z", "2026-04-04T15:25:00Z"),
        // A night in which the clock changes is an hour shorter, or longer.
        (again("saturday 22:00", "8h", BERLIN), "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
        (again("saturday 22:00", "8h", BERLIN), "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
        (again("saturday 22:00", "8h", NEW_YORK), "2026-03-08T03:00:00Z", "2026-03-08T10:00:00Z"),
        (again("saturday 22:00", "8h", NEW_YORK), "2026-11-01T02:00:00Z", "2026-11-01T11:00:00Z"),
        // Once; a day that is named is part of it.
        (once("2026-12-20", "2027-01-02", BERLIN), "2026-12-19T23:00:00Z", "2027-01-02T23:00:00Z"),
        (once("2026-03-29 02:30", "2026-03-29 04:00", BERLIN), "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        (once("2026-10-25 02:30", "2026-10-25 02:45", BERLIN), "2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z"),
    ];
    for (spec, opens, closes) in cases {
        let (window, opens, closes) = (read(&spec), at(opens), at(closes));
        let before = Timestamp(opens.0 - 1);
        assert!(!window.is_open(before), "{spec:?} before {opens}");
        assert_eq!(window.opens_next(before), Some(opens), "{spec:?}");
        assert!(window.is_open(opens) && window.is_open(Timestamp(closes.0 - 1)), "{spec:?}");
        assert_eq!(window.closes_next(opens), Some(closes), "{spec:?}");
        assert!(!window.is_open(closes), "{spec:?} at {closes}");
    }
}

#[test]
fn windows_that_follow_at_once_are_one() {
    let whole_days = read(&again("weekday 00:00", "24h", BERLIN));
    // From Monday on, to the end of Friday.
    let (opens, closes) = (at("2026-06-07T22:00:00Z"), at("2026-06-12T22:00:00Z"));
    assert_eq!(whole_days.closes_next(opens), Some(closes));
    assert_eq!(read(&again("day 00:00", "24h", BERLIN)).closes_next(opens), None, "no end is in sight");
}

#[test]
fn recurrences_come_next() {
    let cases = [
        ("0 9 * * 1-5", BERLIN, "2026-11-20T08:00:00Z", "2026-11-23T08:00:00Z"),
        ("every weekday 09:00", BERLIN, "2026-11-20T08:00:00Z", "2026-11-23T08:00:00Z"),
        ("every monday and friday 14:30", NEW_YORK, "2026-11-17T00:00:00Z", "2026-11-20T19:30:00Z"),
        ("every day", BERLIN, "2026-07-01T00:00:00Z", "2026-07-01T22:00:00Z"),
        ("every weekend 10:00", KOLKATA, "2026-11-16T00:00:00Z", "2026-11-21T04:30:00Z"),
        ("*/15 8-9 * * *", KOLKATA, "2026-01-01T02:30:00Z", "2026-01-01T02:45:00Z"),
        ("0 0 29 2 *", BERLIN, "2026-01-01T00:00:00Z", "2028-02-28T23:00:00Z"),
        // Either day, as cron has it: the 13th, or a Friday.
        ("0 12 13 * fri", BERLIN, "2026-07-10T10:00:00Z", "2026-07-13T10:00:00Z"),
        ("30 12 * jan,dec 7", BERLIN, "2026-02-01T00:00:00Z", "2026-12-06T11:30:00Z"),
        // What a clock skips comes right after; what it shows twice comes once.
        ("every day 02:30", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ("every day 02:30", BERLIN, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
        ("every day 02:30", BERLIN, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("every hour", BERLIN, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
    ];
    for (text, rules, after, next) in cases {
        let recurrence: Recurrence = text.parse().unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(recurrence.next_after(&zone(rules), at(after)), Some(at(next)), "{text} after {after}");
    }
    let never: Recurrence = "0 0 30 2 *".parse().expect("it reads well");
    assert_eq!(never.next_after(&Zone::utc(), at("2026-01-01T00:00:00Z")), None, "there is no 30th of February");
    let named: Recurrence = "every weekday 09:00 Europe/Berlin".parse().expect("with its zone");
    assert_eq!(named.zone(), Some("Europe/Berlin"));
}

#[test]
fn what_is_no_recurrence_is_said() {
    for bad in ["", "every", "every noday", "0 9 * *", "60 * * * *", "0 9 * * 8", "5-1 * * * *", "*/0 * * * *"] {
        let said = bad.parse::<Recurrence>();
        assert!(said.as_ref().is_err_and(|why| why.contains("recurrence")), "{bad}: {said:?}");
    }
    for bad in ["every day 24:00", "every day 9", "every day 09:00 Europe/Berlin extra"] {
        assert!(bad.parse::<Recurrence>().is_err() || bad.ends_with('9'), "{bad}");
    }
}

#[test]
fn what_is_no_window_is_said() {
    let cases = [
        (WindowSpec { lasts: None, ..again("day", "8h", BERLIN) }, "name"),
        (again("sometimes", "8h", BERLIN), "every"),
        (again("day 09:00 UTC", "8h", BERLIN), "every"),
        (again("day", "0s", BERLIN), "for"),
        (again("day", "32d", BERLIN), "for"),
        (once("yesterday", "2026-01-01", BERLIN), "from"),
        (once("2026-01-02", "2026-01-01", BERLIN), "until"),
    ];
    for (spec, key) in cases {
        let fault = Window::read(&spec, zone(BERLIN)).expect_err("it is wrong");
        assert_eq!(fault.key, key, "{spec:?}: {fault:?}");
    }
    let spec = GatesSpec { freezes: vec![again("day", "1h", "Europe/Atlantis")], ..GatesSpec::default() };
    let faults = Gates::read(&spec, &Zones::default()).expect_err("there is no such zone");
    assert_eq!(faults[0].field(), "freezes[0].zone");
}

/// What the gates are asked about, with a plan that comes from nobody knows where.
struct Asked {
    actor: Actor,
    now: Timestamp,
    not_before: Option<Timestamp>,
    approvals: Vec<Approval>,
    begun: Vec<Timestamp>,
    coming: BTreeMap<ServiceName, Coming>,
    checks: BTreeSet<String>,
}

impl Asked {
    fn new() -> Self {
        let one = Coming { built_at: Some(at("2026-11-20T00:00:00Z")), branch: Some("main".into()) };
        Self {
            actor: Actor::person("ann", Role::Developer),
            now: at("2026-11-20T12:00:00Z"),
            not_before: None,
            approvals: Vec::new(),
            begun: Vec::new(),
            coming: BTreeMap::from([("web".into(), one)]),
            checks: BTreeSet::from(["smoke".to_owned()]),
        }
    }

    fn of(&self, spec: &GatesSpec) -> Vec<Held> {
        let gates = Gates::read(spec, &Zones::default()).expect("gates");
        let Self { actor, now, not_before, approvals, begun, coming, checks } = self;
        let (now, not_before) = (*now, *not_before);
        ask(&gates, &Facts { now, actor, not_before, hash: "h", approvals, begun, coming, checks })
    }

    fn kinds(&self, spec: &GatesSpec) -> Vec<GateKind> {
        self.of(spec).into_iter().map(|held| held.gate).collect()
    }
}

fn yes(by: &str, role: Role, hash: &str, given: &str) -> Approval {
    Approval { by: by.into(), roles: BTreeSet::from([role]), at: at(given), hash: hash.into(), reason: None }
}

#[test]
fn approvals_are_counted_once_each_of_this_plan_and_expire() {
    let spec = ApprovalsSpec { count: 2, expires: Span::seconds(3600), ..ApprovalsSpec::default() };
    let spec = GatesSpec { approvals: Some(spec), ..GatesSpec::default() };
    let (bob, cid) = (
        yes("bob", Role::ReleaseManager, "h", "2026-11-20T11:30:00Z"),
        yes("cid", Role::Admin, "h", "2026-11-20T11:45:00Z"),
    );
    let cases = [
        (vec![], false),
        (vec![bob.clone()], false),
        (vec![bob.clone(), bob.clone()], false),
        (vec![bob.clone(), cid.clone()], true),
        (vec![bob.clone(), Approval { hash: "other".into(), ..cid.clone() }], false),
        (vec![bob.clone(), Approval { at: at("2026-11-20T11:00:00Z"), ..cid.clone() }], false),
        (vec![bob, Approval { roles: BTreeSet::from([Role::Operator]), ..cid }], false),
    ];
    for (approvals, opens) in cases {
        let held = Asked { approvals: approvals.clone(), ..Asked::new() }.of(&spec);
        assert_eq!(held.is_empty(), opens, "{approvals:?}: {held:?}");
        assert!(held.iter().all(|held| held.why.contains("2 approvals") && held.who.contains("release-manager")));
    }
}

#[test]
fn nobody_approves_what_they_asked_for() {
    let (spec, here) = (ApprovalsSpec::default(), EnvironmentName::new("production"));
    let may = |actor: &Actor| approval::may_approve(&spec, actor, &BTreeSet::from(["ann".into()]), &here);
    assert_eq!(may(&Actor::person("bob", Role::ReleaseManager)), Ok(()));
    assert!(may(&Actor::person("ann", Role::Admin)).is_err_and(|why| why.contains("somebody else")));
    assert!(may(&Actor::person("bob", Role::Operator)).is_err_and(|why| why.contains("release-manager")));
    assert!(may(&Actor::system("schedule")).is_err());
    let elsewhere = Actor { environments: vec!["staging".into()], ..Actor::person("bob", Role::Admin) };
    assert!(may(&elsewhere).is_err_and(|why| why.contains("production")));
}

#[test]
fn windows_and_freezes_hold_all_but_the_excepted() {
    let closed = again("day 20:00", "1h", "UTC");
    let frozen = once("2026-11-20", "2026-11-21", "UTC");
    let spec = GatesSpec { windows: vec![closed.clone()], freezes: vec![frozen.clone()], ..GatesSpec::default() };
    let asked = Asked::new();
    let held = asked.of(&spec);
    assert_eq!(held[0].until, Some(at("2026-11-20T20:00:00Z")));
    assert_eq!(held[1].until, Some(at("2026-11-22T00:00:00Z")));
    assert_eq!(asked.kinds(&spec), [GateKind::Window, GateKind::Freeze]);
    let except = BTreeSet::from([Role::Operator]);
    let excepted = GatesSpec {
        windows: vec![WindowSpec { except: except.clone(), ..closed.clone() }],
        freezes: vec![WindowSpec { except, ..frozen }],
        ..GatesSpec::default()
    };
    assert_eq!(asked.kinds(&excepted).len(), 2, "ann is no operator");
    let operator = Asked { actor: Actor::person("olga", Role::Operator), ..Asked::new() };
    assert_eq!(operator.kinds(&excepted), []);
    let any = GatesSpec { windows: vec![closed, again("day 11:00", "2h", "UTC")], ..GatesSpec::default() };
    assert_eq!(asked.kinds(&any), [], "one open window is enough");
}

#[test]
fn too_many_in_a_time_wait_for_the_oldest() {
    let spec = GatesSpec { rate: Some(RateSpec { max: 2, per: Span::seconds(3600) }), ..GatesSpec::default() };
    let begun = |times: &[&str]| Asked { begun: times.iter().map(|text| at(text)).collect(), ..Asked::new() };
    assert_eq!(begun(&["2026-11-20T11:30:00Z", "2026-11-20T10:59:00Z"]).kinds(&spec), []);
    let held = begun(&["2026-11-20T11:50:00Z", "2026-11-20T11:20:00Z", "2026-11-20T11:40:00Z"]).of(&spec);
    assert_eq!(held[0].until, Some(at("2026-11-20T12:40:00Z")), "when only one of these is left in the hour");
}

#[test]
fn what_comes_has_to_be_young_enough_from_the_right_branch_and_checked() {
    let spec = GatesSpec {
        artifact_max_age: Some(Span::seconds(13 * 3600)),
        branches: vec!["main".into(), "release/*".into()],
        required_checks: vec!["smoke".into()],
        ..GatesSpec::default()
    };
    let coming = |built: Option<&str>, branch: Option<&str>| {
        let one = Coming { built_at: built.map(at), branch: branch.map(str::to_owned) };
        Asked { coming: BTreeMap::from([("web".into(), one)]), ..Asked::new() }
    };
    let young = Some("2026-11-20T00:00:00Z");
    assert_eq!(coming(young, Some("main")).kinds(&spec), []);
    assert_eq!(coming(young, Some("release/7")).kinds(&spec), []);
    assert_eq!(coming(young, Some("feature")).kinds(&spec), [GateKind::Branch]);
    assert_eq!(coming(young, None).kinds(&spec), [GateKind::Branch]);
    assert_eq!(coming(Some("2026-11-19T22:00:00Z"), Some("main")).kinds(&spec), [GateKind::ArtifactAge]);
    assert_eq!(coming(None, Some("main")).kinds(&spec), [GateKind::ArtifactAge]);
    assert_eq!(Asked { checks: BTreeSet::new(), ..Asked::new() }.kinds(&spec), [GateKind::RequiredCheck]);
    let leaving = Asked { coming: BTreeMap::new(), checks: BTreeSet::new(), ..Asked::new() };
    assert_eq!(leaving.kinds(&spec), [], "nothing comes");
    assert!(fits("a*c*e", "abcde") && !fits("a*c", "abcd") && fits("*", "") && !fits("main", "main2"));
}

#[test]
fn a_time_that_was_asked_for_holds_until_it_comes() {
    let later = Some(at("2026-11-20T12:00:01Z"));
    let held = Asked { not_before: later, ..Asked::new() }.of(&GatesSpec::default());
    assert_eq!((held[0].gate, held[0].until), (GateKind::Schedule, later));
    assert_eq!(Asked { not_before: Some(at("2026-11-20T12:00:00Z")), ..Asked::new() }.kinds(&GatesSpec::default()), []);
}
