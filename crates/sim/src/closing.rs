//! What must hold when all is over: nothing goes wrong any more, every deployment has ended, and time has passed.

use std::path::Path;

use shipway_core::{
    instance::{Instance, InstanceState},
    route::{RouteTable, World as Sight, derive},
    spec::ServiceKind,
};

use crate::world::World;

/// Says what is not yet as the slots want it.
pub fn unsettled(world: &World) -> Option<String> {
    if world.under_way > 0 {
        return Some("something is still under way".into());
    }
    strays(world)
        .or_else(|| gone(world))
        .or_else(|| missing(world))
        .or_else(|| idle(world))
        .or_else(|| misrouted(world))
}

fn strays(world: &World) -> Option<String> {
    for (id, process) in world.machine.all().filter(|(_, process)| process.runs(world.now_ms)) {
        let wanted = world.watcher.slots.get(&process.slot).map_or(0, |slot| slot.wanted(&process.release));
        if wanted == 0 {
            return Some(format!("{id} runs, and nobody wants it"));
        }
        if !world.watcher.instances.contains_key(id) {
            return Some(format!("{id} runs, and nobody recorded it"));
        }
    }
    None
}

fn gone(world: &World) -> Option<String> {
    let runs = |id| world.machine.get(id).is_some_and(|process| process.runs(world.now_ms));
    let gone = world.watcher.instances.keys().find(|id| !runs(*id));
    gone.map(|id| format!("{id} is recorded, and does not run"))
}

fn missing(world: &World) -> Option<String> {
    for slot in world.watcher.slots.values() {
        if !slot.warm.is_empty() {
            return Some(format!("{} still has {:?} standing by", slot.key, slot.warm));
        }
        for id in slot.releases() {
            let kind = world.watcher.releases.get(id).map(|release| release.serve.kind);
            let wanted = if kind == Some(ServiceKind::Static) { 0 } else { slot.wanted(id) as usize };
            let mine = world.machine.all().filter(|(_, p)| p.slot == slot.key && p.release == *id);
            let running = mine.filter(|(_, process)| process.runs(world.now_ms)).count();
            if running != wanted {
                return Some(format!("{} wants {wanted} of {}, and {running} run", slot.key, id.short()));
            }
        }
    }
    None
}

/// What is live, runs well, and gets no requests all the same.
fn idle(world: &World) -> Option<String> {
    let live = |one: &Instance| {
        let slot = world.watcher.slots.get(&one.slot);
        slot.is_some_and(|slot| slot.live.as_ref().is_some_and(|live| live.release == one.release))
    };
    let healthy = |id| world.machine.get(id).is_some_and(|process| process.healthy(world.now_ms));
    let mut all = world.watcher.instances.values();
    let idle = all.find(|one| live(one) && healthy(&one.id) && one.state != InstanceState::Ready)?;
    Some(format!("{} runs well, and is {:?}", idle.id, idle.state))
}

fn misrouted(world: &World) -> Option<String> {
    let slots: Vec<_> = world.watcher.slots.values().cloned().collect();
    let instances: Vec<_> = world.watcher.instances.values().cloned().collect();
    let Some(followed) = world.router.table() else { return Some("the proxy follows no table".into()) };
    let wanted = derive(&Sight {
        epoch: followed.epoch,
        generation: followed.generation,
        slots: &slots,
        instances: &instances,
        releases: &world.watcher.releases,
        releases_dir: Path::new(crate::simulation::RELEASES),
    });
    (wanted != **followed)
        .then(|| format!("the proxy follows another table than the slots say: {}", difference(&wanted, followed)))
}

fn difference(wanted: &RouteTable, followed: &RouteTable) -> String {
    let mut words = Vec::new();
    if wanted.routes != followed.routes {
        words.push("other routes".to_owned());
    }
    if wanted.links != followed.links {
        words.push("other links".to_owned());
    }
    for (name, pool) in &wanted.pools {
        if followed.pools.get(name) != Some(pool) {
            words.push(format!("{name} should be {pool:?} and is {:?}", followed.pools.get(name)));
        }
    }
    words.join("; ")
}
