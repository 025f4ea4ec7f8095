//! How long comparing takes: `cargo run --release -p shipway-core --example compare_speed`.
//!
//! Two environments of a thousand services with forty variables and two instances each, of which every tenth differs in
//! version, artifact and a few keys. Numbers only; nothing is judged here.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Write, stdout},
    sync::Arc,
    time::Instant,
};

use serde_json::json;
use shipway_core::{
    compare::{Side, compare},
    id::{InstanceId, ReleaseId, SlotKey},
    instance::{Instance, InstanceState},
    release::Release,
    slot::{Serving, Slot},
    time::Timestamp,
};

const SERVICES: usize = 1000;
const VARIABLES: usize = 40;
const INSTANCES: u32 = 2;
const RUNS: usize = 21;

/// An environment that runs.
struct World {
    environment: &'static str,
    slots: Vec<Slot>,
    instances: Vec<Instance>,
    releases: BTreeMap<ReleaseId, Arc<Release>>,
}

impl World {
    fn of(environment: &'static str, changed: &str) -> Self {
        let mut world = Self { environment, slots: Vec::new(), instances: Vec::new(), releases: BTreeMap::new() };
        for at in 0..SERVICES {
            let other = if at.is_multiple_of(10) { changed } else { "" };
            world.add(at, other);
        }
        world
    }

    fn add(&mut self, at: usize, other: &str) {
        let service = format!("service-{at}");
        let key =
            SlotKey { project: "p".into(), environment: self.environment.into(), service: service.as_str().into() };
        let id = ReleaseId::new(format!("{}-{at}", self.environment));
        let variables: BTreeMap<_, _> = (0..VARIABLES)
            .map(|number| {
                (format!("VARIABLE_{number}"), format!("value {number}{}", if number < 3 { other } else { "" }))
            })
            .collect();
        let serve = json!({ "kind": "process", "run": ["bin/server"], "variables": variables,
            "health": { "startup": { "http": "/healthz" } }, "routes": [{ "host": "x.localhost", "path": "/" }] });
        let release = json!({ "id": id, "slot": key, "version": format!("1{other}"),
            "artifact": format!("{at}{other}"), "serve": serve, "madeBy": "d", "madeAt": Timestamp(0) });
        let release: Release = serde_json::from_value(release).expect("a release");
        for number in 0..INSTANCES {
            self.instances.push(Instance {
                id: InstanceId::new(format!("{id}-{number}")),
                slot: key.clone(),
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
        let live = Some(Serving { release: id.clone(), instances: INSTANCES });
        self.slots.push(Slot { live, ..Slot::empty(key) });
        self.releases.insert(id, Arc::new(release));
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

fn main() -> std::io::Result<()> {
    let (one, two) = (World::of("staging", ""), World::of("production", "-new"));
    let mut times = Vec::new();
    let mut keys = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let comparison = compare(1, &one.side(), &two.side(), &BTreeSet::new());
        times.push(begun.elapsed());
        keys = comparison.services.values().map(|service| service.configuration.len()).sum();
    }
    times.sort_unstable();
    let (least, median, most) = (times[0], times[RUNS / 2], times[RUNS - 1]);
    let mut out = stdout().lock();
    writeln!(out, "two environments of {SERVICES} services, {keys} keys: median {median:?} ({least:?}..{most:?})")
}
