//! What a comparison says, as tables of small cases.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    id::{InstanceId, SlotKey},
    slot::Serving,
    time::Timestamp,
};

fn key(environment: &str, service: &str) -> SlotKey {
    SlotKey { project: "shop".into(), environment: environment.into(), service: service.into() }
}

/// A release with its slot and as many ready instances as are wanted.
struct Place {
    environment: &'static str,
    slots: Vec<Slot>,
    instances: Vec<Instance>,
    releases: BTreeMap<ReleaseId, Arc<Release>>,
}

impl Place {
    fn new(environment: &'static str) -> Self {
        Self { environment, slots: Vec::new(), instances: Vec::new(), releases: BTreeMap::new() }
    }

    fn with(mut self, service: &str, version: &str, serve: Value, wanted: u32, ready: u32) -> Self {
        let slot = key(self.environment, service);
        let id = ReleaseId::new(format!("{}-{service}-{version}", self.environment));
        let release = json!({ "id": id, "slot": slot, "version": version, "artifact": format!("digest of {version}"),
            "serve": serve, "madeBy": "d", "madeAt": Timestamp(0) });
        let release: Release = serde_json::from_value(release).expect("a release");
        for number in 0..ready {
            self.instances.push(Instance {
                id: InstanceId::new(format!("{id}-{number}")),
                slot: slot.clone(),
                release: id.clone(),
                state: InstanceState::Ready,
                address: None,
                deployment: None,
                launched: None,
                reloading: None,
                substituted: Default::default(),
                created_at: Timestamp(0),
            });
        }
        let live = Some(Serving { release: id.clone(), instances: wanted });
        self.slots.push(Slot { live, ..Slot::empty(slot) });
        self.releases.insert(id, Arc::new(release));
        self
    }

    fn side(&self) -> Side<'_> {
        Side {
            environment: self.environment.into(),
            plan: None,
            slots: self.slots.iter().collect(),
            instances: self.instances.iter().collect(),
            releases: &self.releases,
            secrets: BTreeMap::new(),
        }
    }
}

fn serve(variables: Value) -> Value {
    json!({ "kind": "process", "run": ["./x"], "variables": variables })
}

fn state<'a>(keys: &'a [Key], key: &str) -> Option<&'a Key> {
    keys.iter().find(|one| one.key == key)
}

#[test]
fn equal_ones_do_not_differ_and_every_key_is_told() {
    let same = serve(json!({ "A": "1" }));
    let (one, two) =
        (Place::new("a").with("web", "1", same.clone(), 2, 2), Place::new("b").with("web", "1", same, 2, 2));
    let comparison = compare(7, &one.side(), &two.side(), &BTreeSet::new());
    assert!(!comparison.differs, "{comparison:?}");
    let web = &comparison.services[&ServiceName::new("web")];
    assert_eq!(state(&web.configuration, "variables.A").map(|key| key.state), Some(KeyState::Same));
    assert!(web.configuration.iter().all(|key| key.from.is_null() && key.to.is_null()), "the same needs no values");
    assert_eq!(comparison.commit, 7);
}

#[test]
fn each_difference_is_told_where_it_is() {
    let one = Place::new("a").with("web", "1", serve(json!({ "A": "1", "B": "2" })), 2, 1);
    let two = Place::new("b").with("web", "2", serve(json!({ "A": "9", "C": "3" })), 4, 0).with(
        "api",
        "1",
        serve(json!({})),
        1,
        1,
    );
    let comparison = compare(1, &one.side(), &two.side(), &BTreeSet::new());
    let web = &comparison.services[&ServiceName::new("web")];
    let states = ["variables.A", "variables.B", "variables.C", "kind"]
        .map(|key| state(&web.configuration, key).map(|key| key.state));
    let wanted = [KeyState::Different, KeyState::OnlyFrom, KeyState::OnlyTo, KeyState::Same].map(Some);
    assert_eq!(states, wanted);
    assert_eq!((web.instances.from, web.instances.to), (Some(2), Some(4)));
    assert_eq!(web.health, Pair { same: false, from: Some(ServiceHealth::Degraded), to: Some(ServiceHealth::Down) });
    assert!(!web.version.same && !web.artifact.same);
    let api = &comparison.services[&ServiceName::new("api")];
    assert!(api.differs && api.version.from.is_none() && api.version.to.is_some());
    assert!(api.configuration.iter().all(|key| key.state == KeyState::OnlyTo));
    let only = compare(1, &one.side(), &two.side(), &BTreeSet::from(["api".into()]));
    assert_eq!(only.services.len(), 1);
}

#[test]
fn secrets_are_compared_by_their_fingerprints() {
    let same = serve(json!({}));
    let (one, two) =
        (Place::new("a").with("web", "1", same.clone(), 1, 1), Place::new("b").with("web", "1", same, 1, 1));
    let with = |side, print: &str| Side {
        secrets: BTreeMap::from([("web".into(), BTreeMap::from([("KEY".to_owned(), print.to_owned())]))]),
        ..side
    };
    let equal = compare(1, &with(one.side(), "ab"), &with(two.side(), "ab"), &BTreeSet::new());
    assert!(!equal.differs);
    let other = compare(1, &with(one.side(), "ab"), &with(two.side(), "cd"), &BTreeSet::new());
    let web = &other.services[&ServiceName::new("web")];
    assert_eq!(web.secrets[0].state, KeyState::Different);
    let missing = compare(1, &with(one.side(), "ab"), &two.side(), &BTreeSet::new());
    assert_eq!(missing.services[&ServiceName::new("web")].secrets[0].state, KeyState::OnlyFrom);
}

#[test]
fn tables_are_gone_into_and_everything_else_is_compared_whole() {
    let cases = [
        (json!({ "a": { "b": 1 } }), json!({ "a": { "b": 2 } }), vec![("a.b", KeyState::Different)]),
        (json!({ "a": [1] }), json!({ "a": [1, 2] }), vec![("a", KeyState::Different)]),
        (json!({ "a": { "b": 1 } }), json!({ "a": "x" }), vec![("a", KeyState::Different)]),
        (json!({}), json!({ "a": { "b": 1, "c": 2 } }), vec![("a.b", KeyState::OnlyTo), ("a.c", KeyState::OnlyTo)]),
    ];
    for (from, to, wanted) in cases {
        let found: Vec<_> = keys(&from, &to).into_iter().map(|key| (key.key, key.state)).collect();
        let wanted: Vec<_> = wanted.into_iter().map(|(key, state)| (key.to_owned(), state)).collect();
        assert_eq!(found, wanted, "{from} and {to}");
    }
}
