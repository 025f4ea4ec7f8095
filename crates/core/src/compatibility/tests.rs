//! Requirements against what was measured.

use super::*;
use crate::finding::Category;

fn offer() -> Offer {
    Offer {
        capacity: Capacity { cores: 4, memory_mb: 8000, memory_free_mb: 1000, disk_free_mb: 5000 },
        cores_idle: 2.5,
        cores_promised: 3.0,
        held: HeldLimits { memory: true, cpu: true, ..HeldLimits::default() },
        disk_spare_mb: 500,
    }
}

fn met(arrival: &Arrival) -> [bool; 3] {
    let answers = offer().answer(arrival);
    assert_eq!(answers.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["memory", "cpu", "disk"]);
    [answers[0].met, answers[1].met, answers[2].met]
}

#[test]
fn each_is_met_up_to_what_is_free() {
    let of = |memory_mb, cores, disk_mb| Arrival { memory_mb, cores, disk_mb, arithmetic: Vec::new() };
    let cases = [
        (of(0, 0.0, 0), [true, true, true]),
        (of(1000, 1.0, 4500), [true, true, true]),
        (of(1001, 1.0, 4500), [false, true, true]),
        // One core is not promised to anybody yet, though more are idle.
        (of(1000, 1.1, 4500), [true, false, true]),
        (of(1000, 1.0, 4501), [true, true, false]),
        (of(u64::MAX, 1e9, u64::MAX), [false, false, false]),
    ];
    for (arrival, expected) in cases {
        assert_eq!(met(&arrival), expected, "{arrival:?}");
    }
    // Nobody was promised more, and yet others are at work.
    let busy = Offer { cores_idle: 0.5, cores_promised: 0.0, ..offer() };
    let cpu = busy.answer(&of(0, 1.0, 0)).remove(1);
    assert_eq!((cpu.met, cpu.reason.as_str()), (false, "0.50 are missing now: others are at work"));
    assert!(busy.answer(&of(0, 0.5, 0))[1].met);
}

#[test]
fn reasons_say_how_much_and_how_it_comes_about() {
    let arrival = Arrival { memory_mb: 1200, arithmetic: vec!["web: 2 × 600 MiB".into()], ..Arrival::default() };
    let answers = offer().answer(&arrival);
    assert_eq!(answers[0].wanted, "1200 MiB beside what runs");
    assert_eq!(answers[0].measured, "1000 MiB free of 8000");
    assert_eq!(answers[0].reason, "200 MiB are missing; web: 2 × 600 MiB");
    let unheld = Offer { held: HeldLimits::default(), ..offer() };
    let held = unheld.answer(&Arrival { memory_mb: 1, cores: 0.1, ..Arrival::default() });
    assert!(held[0].reason.ends_with("nothing holds the limit there") && held[0].met, "{held:?}");
    assert!(held[1].reason.ends_with("nothing holds the limit there") && held[1].met, "{held:?}");
}

#[test]
fn facts_must_be_the_very_ones() {
    let said = EnvironmentFacts {
        region: Some("eu".into()),
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        ..EnvironmentFacts::default()
    };
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let wanted = Requirements {
        kind: Some(EnvironmentType::Staging),
        region: Some("us".into()),
        provider: Some("any".into()),
        labels: [label("team", "shop"), label("tier", "2")].into(),
        ..Requirements::default()
    };
    let all = facts(&wanted, EnvironmentType::Staging, &said);
    let told: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.met, one.measured.as_str())).collect();
    let expected = [
        ("type", true, "staging"),
        ("region", false, "eu"),
        ("provider", false, "-"),
        ("label team", true, "shop"),
        ("label tier", false, "-"),
    ];
    assert_eq!(told, expected);
    assert!(facts(&Requirements::default(), EnvironmentType::Staging, &said).is_empty());
}

#[test]
fn versions_of_node_are_compared_by_whole_parts() {
    let cases = [("24", "24.1.0", true), ("24", "24", true), ("2", "24.1.0", false), ("24.1", "24.1.0", true)];
    for (wanted, found, fits) in cases {
        assert_eq!((node_fits(wanted, found), node(wanted, Some(found)).met), (fits, fits), "{wanted} {found}");
    }
    assert!(!node("24", None).met);
}

#[test]
fn what_blocks_is_not_met_and_what_warns_is_told() {
    let warning = Finding::warning("v", Category::Network, "it will hurt");
    let critical = Finding::critical("v", Category::Network, "it is taken").field("services.web");
    let [met] = &findings("spec", "what it says", [&warning].into_iter())[..] else { panic!("one") };
    assert_eq!((met.met, met.reason.as_str()), (true, "it will hurt"));
    let [not] = &findings("spec", "what it says", [&warning, &critical].into_iter())[..] else { panic!("one") };
    assert_eq!((not.met, not.reason.as_str(), not.measured.as_str()), (false, "it is taken", "services.web"));
    assert!(findings("spec", "what it says", std::iter::empty())[0].met);
}

#[test]
fn the_spec_is_asked_when_nothing_else_is() {
    let asks = |text: &str| serde_json::from_str::<Requirements>(text).expect("requirements").asks_spec();
    assert!(asks("{}") && asks(r#"{"strategy":{"kind":"recreate"}}"#) && asks(r#"{"services":["web"],"cpu":1}"#));
    assert!(!asks(r#"{"memoryMb":5}"#) && !asks(r#"{"labels":{"a":"b"}}"#));
}
