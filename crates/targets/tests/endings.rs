//! How instances of this machine's driver end: by which signals, and with everything that they began.

mod support;

use serde_json::json;
use shipway_core::{
    id::InstanceId,
    ports::Driver,
    spec::{StopSignal, StopSpec},
};
use support::*;

#[tokio::test]
async fn who_ignores_the_signal_is_killed_after_the_grace() {
    let world = World::new();
    let script = "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done";
    let release = world.release("1", &["sh", "-c", script], json!({})).await;
    let id = InstanceId::from("stubborn");
    world.driver.start(launch("stubborn", &release)).await.expect("started");
    log_holds(&world.driver, &id, "ready").await;
    let pid = pid_of(&world.driver, &id).await;
    world.driver.stop(&id, &stop_in(1)).await.expect("stopped");
    assert!(!lives(pid));
    assert_eq!(exit_of(&world.driver, &id).await, (None, Some(9)));
    log_holds(&world.driver, &id, "heard").await;
    clean(&world.driver).await;
}

#[tokio::test]
async fn who_ignores_every_signal_that_can_be_ignored_is_killed() {
    let world = World::new();
    let release = world.release("1", &["sh", "-c", "trap '' INT TERM; echo ready; exec sleep 3600"], json!({})).await;
    for signal in [StopSignal::Int, StopSignal::Term] {
        let id = InstanceId::new(format!("deaf-{signal:?}").to_lowercase());
        world.driver.start(launch(id.as_str(), &release)).await.expect("started");
        log_holds(&world.driver, &id, "ready").await;
        let pid = pid_of(&world.driver, &id).await;
        world.driver.stop(&id, &StopSpec { signal, ..stop_in(1) }).await.expect("stopped");
        assert!(!lives(pid), "{signal:?}");
        assert_eq!(exit_of(&world.driver, &id).await, (None, Some(9)), "{signal:?}");
    }
    clean(&world.driver).await;
}

#[tokio::test]
async fn an_instance_hears_what_its_server_ignores() {
    let world = World::under_ignored("INT QUIT HUP TERM");
    let script = "ulimit -c 0; echo ready; exec sleep 3600";
    let release = world.release("1", &["sh", "-c", script], json!({})).await;
    for (signal, number) in [(StopSignal::Int, 2), (StopSignal::Quit, 3), (StopSignal::Hup, 1), (StopSignal::Term, 15)]
    {
        let id = InstanceId::new(format!("hears-{number}"));
        world.driver.start(launch(id.as_str(), &release)).await.expect("started");
        log_holds(&world.driver, &id, "ready").await;
        world.driver.stop(&id, &StopSpec { signal, ..stop_in(30) }).await.expect("stopped");
        assert_eq!(exit_of(&world.driver, &id).await, (None, Some(number)), "the signal ends it, not its grace");
    }
    clean(&world.driver).await;
}

async fn daemons_are_gone_after(world: &World, end: impl AsyncFnOnce(&InstanceId, u32)) {
    let file = world.home.path().join("daemon.pid");
    let release = world.release("1", &["./app", "daemon", file.to_str().expect("text")], json!({})).await;
    let id = InstanceId::from("father");
    world.driver.start(launch("father", &release)).await.expect("started");
    let daemon = pid_in(&file).await;
    assert!(lives(daemon));
    let pid = pid_of(&world.driver, &id).await;
    end(&id, pid).await;
    until("the instance has ended", async || (!lives(pid)).then_some(())).await;
    exit_of(&world.driver, &id).await;
    assert!(!lives(daemon));
    clean(&world.driver).await;
}

#[tokio::test]
async fn daemons_are_gone_after_a_stop() {
    for cgroups in [true, false] {
        let world = World::with_cgroups(cgroups);
        daemons_are_gone_after(&world, async |id, _| {
            world.driver.stop(id, &stop_in(5)).await.expect("stopped");
        })
        .await;
    }
}

#[tokio::test]
async fn daemons_are_gone_after_their_father_died() {
    for cgroups in [true, false] {
        let world = World::with_cgroups(cgroups);
        daemons_are_gone_after(&world, async |_, pid| kill(pid)).await;
    }
}

#[tokio::test]
async fn daemons_are_gone_also_when_the_shim_died_before() {
    for cgroups in [true, false] {
        let world = World::with_cgroups(cgroups);
        daemons_are_gone_after(&world, async |id, _| {
            kill(shim_of(&world.instance_folder(id)));
            world.driver.stop(id, &stop_in(5)).await.expect("stopped");
        })
        .await;
    }
}
