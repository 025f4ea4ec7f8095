//! Two readings to cores, bytes and requests.

use super::*;
use crate::{ports::ReleaseTraffic, time::Timestamp};

fn slot() -> SlotKey {
    SlotKey { project: "shop".into(), environment: "staging".into(), service: "web".into() }
}

fn instance(id: &str) -> Instance {
    Instance {
        id: id.into(),
        slot: slot(),
        release: "r".into(),
        state: InstanceState::Ready,
        address: None,
        deployment: None,
        launched: None,
        reloading: None,
        substituted: Default::default(),
        created_at: Timestamp(0),
    }
}

fn usage(at_us: u64, cpu_us: u64, memory_mb: u64) -> Usage {
    Usage { at_us, cpu_us, memory_bytes: memory_mb << 20, memory_of: MemoryOf::ControlGroup, processes: 2 }
}

fn traffic(boot: &str, counts: &[(&str, u64)]) -> Traffic {
    let one = |(pool, requests): &(&str, u64)| ReleaseTraffic {
        pool: (*pool).to_owned(),
        requests: *requests,
        failed: 1,
        ..ReleaseTraffic::default()
    };
    Traffic {
        boot: boot.into(),
        releases: counts.iter().map(one).collect(),
        in_flight: [("a".into(), 3)].into(),
        ..Traffic::default()
    }
}

fn limits(memory_mb: Option<u64>, cpu: Option<f64>) -> Limits {
    Limits { memory_mb, cpu, ..Limits::default() }
}

#[test]
fn cores_bytes_and_requests_over_an_interval() {
    let before = Reading {
        usage: [("a".into(), usage(1_000, 500_000, 10)), ("b".into(), usage(1_000, 0, 10))].into(),
        traffic: Some(traffic("1", &[("shop/staging/web", 10), ("shop/staging/other", 90)])),
    };
    let now = Reading {
        usage: [("a".into(), usage(2_001_000, 1_500_000, 32)), ("b".into(), usage(2_001_000, 500_000, 32))].into(),
        traffic: Some(traffic("1", &[("shop/staging/web", 40), ("shop/staging/web", 10), ("shop/staging/other", 99)])),
    };
    let readings = Readings { before, now, interval_ms: 2000 };
    let both = [(instance("a"), limits(Some(64), Some(1.0))), (instance("b"), limits(Some(64), Some(0.5)))];
    let service = readings.service(&slot(), &both);
    let each: Vec<_> = service.instances.iter().map(|one| (one.cpu_cores, one.memory_share, one.in_flight)).collect();
    assert_eq!(each, [(Some(0.5), Some(0.5), Some(3)), (Some(0.25), Some(0.5), Some(0))]);
    let requests = RequestLoad { per_s: 20.0, total: 50, failed: 2, server_errors: 0, in_flight: 3 };
    let load = Load {
        instances: 2,
        cpu_cores: 0.75,
        cpu_limit: Some(1.5),
        memory_bytes: 64 << 20,
        memory_limit_bytes: Some(128 << 20),
        memory_share: Some(0.5),
        requests: Some(requests),
    };
    assert_eq!(service.load, load);
    assert_eq!(Load::of_all(&[service]), load);
}

#[test]
fn cores_are_idle_up_to_those_that_may_be_used() {
    let read = |at_us, idle_us| IdleTime { at_us, idle_us };
    assert_eq!(cores_idle(read(0, 50), read(1000, 1550), 4), 1.5);
    assert_eq!(cores_idle(read(0, 0), read(1000, 8000), 4), 4.0);
    assert_eq!(cores_idle(read(7, 9), read(7, 3), 4), 0.0);
}

#[test]
fn what_is_not_known_is_not_made_up() {
    let now = Reading { usage: [("a".into(), usage(5, 100, 8))].into(), traffic: None };
    let readings = Readings { before: Reading::default(), now, interval_ms: 1000 };
    let both = [(instance("a"), limits(Some(16), None)), (instance("gone"), limits(None, None))];
    let service = readings.service(&slot(), &both);
    let [a, gone] = &service.instances[..] else { panic!("two") };
    assert_eq!((a.cpu_cores, a.memory_share, a.in_flight), (None, Some(0.5), None));
    assert_eq!((gone.memory_bytes, gone.processes, gone.memory_of), (None, None, None));
    // What does not run declares nothing for those that do.
    let Load { instances, cpu_limit, memory_limit_bytes, requests, .. } = service.load;
    assert_eq!((instances, cpu_limit, memory_limit_bytes, requests), (1, None, Some(16 << 20), None));
}

#[test]
fn a_proxy_or_an_instance_that_began_anew_gives_no_nonsense() {
    let reading = |boot, cpu_us, at_us, count| Reading {
        usage: [("a".into(), usage(at_us, cpu_us, 1))].into(),
        traffic: Some(traffic(boot, &[("shop/staging/web", count)])),
    };
    let readings = Readings { before: reading("1", 900, 0, 100), now: reading("2", 100, 10, 5), interval_ms: 1000 };
    let service = readings.service(&slot(), &[(instance("a"), limits(None, None))]);
    assert_eq!(service.instances[0].cpu_cores, Some(0.0));
    assert_eq!(service.load.requests.map(|requests| requests.per_s), Some(5.0));
    let same = Readings { before: reading("1", 1, 7, 1), now: reading("1", 9, 7, 1), interval_ms: 0 };
    assert_eq!(same.service(&slot(), &[(instance("a"), limits(None, None))]).instances[0].cpu_cores, None);
}
