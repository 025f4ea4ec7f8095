//! What instances use, read from real processes, with control groups and without.

mod support;

use serde_json::json;
use shipway_core::{
    id::InstanceId,
    ports::Driver,
    utilization::{MemoryOf, Usage},
};
use support::*;

/// A child works; the application itself only waits for it.
const BUSY: &str = "sh -c 'while :; do :; done' & wait";

async fn read(world: &World, id: &InstanceId) -> Option<Usage> {
    world.driver.usage(std::slice::from_ref(id)).await.expect("read").remove(id)
}

async fn all_that_belongs_to_an_instance_counts(world: World) {
    let limits = json!({ "limits": { "memory_mb": 64 } });
    let release = world.release("1", &["sh", "-c", BUSY], limits).await;
    let id = InstanceId::from("busy");
    assert_eq!(read(&world, &id).await, None);
    world.driver.start(launch("busy", &release)).await.expect("started");
    let first = until("both run", async || read(&world, &id).await.filter(|usage| usage.processes >= 2)).await;
    assert!(first.memory_bytes > 64 * 1024, "{first:?}");
    let later = until("the child works", async || {
        read(&world, &id).await.filter(|usage| usage.cpu_us >= first.cpu_us + 50_000)
    });
    let later = later.await;
    // No more than the machine has, by a clock that goes on.
    let cores = world.driver.capacity().expect("a capacity").cores as u64;
    let most = (later.at_us - first.at_us + 20_000) * cores;
    assert!(later.cpu_us - first.cpu_us <= most, "{first:?} {later:?}");
    world.driver.stop(&id, &stop_in(1)).await.expect("stopped");
    assert_eq!(read(&world, &id).await, None);
    clean(&world.driver).await;
}

#[tokio::test]
async fn with_control_groups() {
    let world = World::new();
    let holds_memory = world.driver.held_limits().memory;
    let release = world.release("2", &["./app", "serve"], json!({ "limits": { "memory_mb": 64 } })).await;
    let id = InstanceId::from("limited");
    let address = world.driver.start(launch("limited", &release)).await.expect("started");
    get(address, "/").await;
    let usage = read(&world, &id).await.expect("it runs");
    assert_eq!(usage.memory_of == MemoryOf::ControlGroup, holds_memory, "{usage:?}");
    assert!(usage.memory_bytes < 64 << 20, "{usage:?}");
    clean(&world.driver).await;
    all_that_belongs_to_an_instance_counts(world).await;
}

#[tokio::test]
async fn without_control_groups() {
    all_that_belongs_to_an_instance_counts(World::with_cgroups(false)).await;
}
