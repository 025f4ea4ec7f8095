//! How long it takes to resolve the configuration of many services in many environments.
//! `cargo run --release -p shipway-core --example resolve_speed`

use std::{io::Write, sync::Arc, time::Instant};

use serde_json::{Map, Value, json};
use shipway_core::config::{
    origin::{Level, Origin, Said},
    resolve::Layers,
    value::{Node, plant_free, plant_service},
};

const SERVICES: usize = 1000;
const ENVIRONMENTS: usize = 50;
const KEYS: usize = 200;
/// How many of the keys each stronger layer says, too.
const SAID_AGAIN: usize = 20;

fn keys(from: usize, count: usize, by: &str) -> Value {
    let variables = (from..from + count).map(|at| (format!("KEY_{at:03}"), json!(format!("{by} {at}"))));
    json!({ "variables": variables.collect::<Map<_, _>>() })
}

fn said(level: Level) -> Arc<Said> {
    Arc::new(Said { level, origin: Origin::File { file: "shipway.toml".into(), line: 1 } })
}

fn main() -> std::io::Result<()> {
    let all = [Level::Global, Level::Environment, Level::Service, Level::ServiceInEnvironment, Level::Settings];
    let said: Vec<_> = all.into_iter().map(said).collect();
    let free = |by: usize, tree: &Value| plant_free(tree, "", &|_| said[by].clone());
    let global = free(0, &keys(0, SAID_AGAIN, "global"));
    let environments: Vec<_> = (0..ENVIRONMENTS).map(|_| free(1, &keys(0, SAID_AGAIN, "environment"))).collect();
    let services: Vec<Arc<Node>> =
        (0..SERVICES).map(|_| plant_service(&keys(0, KEYS, "service"), "", &|_| said[2].clone())).collect();
    let patch = plant_service(&keys(40, SAID_AGAIN, "service in environment"), "", &|_| said[3].clone());
    let settings = free(4, &keys(50, SAID_AGAIN, "settings"));
    let begun = Instant::now();
    let mut resolved = 0_usize;
    for environment in &environments {
        let general = Layers::new().with(Some(&global)).with(Some(environment)).resolved();
        for service in &services {
            let all = Layers::new().with(general.as_ref()).with(Some(service)).with(Some(&patch)).with(Some(&settings));
            // Held and let go: freeing is part of what it takes.
            resolved += usize::from(all.resolved().is_some_and(|tree| tree.get("variables").is_some()));
        }
    }
    let took = begun.elapsed();
    let out = &mut std::io::stdout();
    writeln!(out, "{resolved} services of {KEYS} keys in five layers: {:.0} ms", took.as_secs_f64() * 1000.0)
}
