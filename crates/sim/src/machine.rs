//! The simulated machine: processes that go on when servers crash.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use shipway_core::{
    id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
    ports::{DataSnapshot, Life},
    time::Timestamp,
    utilization::{MemoryOf, Usage},
};

use crate::clock::BEGIN_MS;

/// What a release does when it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behaviour {
    /// How long until it listens.
    pub listen_ms: u64,
    /// How long after that until it is healthy.
    pub healthy_ms: u64,
    /// It never is.
    pub never_healthy: bool,
    /// It ends at once.
    pub ends_at_once: bool,
    /// It ends that long after it was healthy.
    pub ends_after_ms: Option<u64>,
    /// It answers no more that long after it was healthy, though it runs.
    pub sick_after_ms: Option<u64>,
    /// Its `test` checks fail.
    pub fails_test: bool,
    /// Its `verify` checks fail.
    pub fails_verify: bool,
    /// Its requests fail.
    pub fails_requests: bool,
    /// How often a stop of it fails.
    pub stops_refused: u32,
    /// Its hooks and migrations fail.
    pub fails_hooks: bool,
    /// It fails with others.
    pub fails_together: bool,
}

/// A process, running or ended.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its slot.
    pub slot: SlotKey,
    /// The release whose configuration it read last.
    pub release: ReleaseId,
    /// The release that it was started with: it dials that one's links.
    pub launched: ReleaseId,
    /// Where it listens.
    pub address: SocketAddr,
    /// When it was started.
    pub started_ms: u64,
    /// What it does.
    pub behaviour: Behaviour,
    /// When it ends by itself.
    pub ends_ms: Option<u64>,
    /// From when it answers no more.
    pub sick_ms: Option<u64>,
    /// When it was stopped by a server.
    pub stopped_ms: Option<u64>,
    /// Whether it was not healthy when it was stopped.
    pub stopped_ill: bool,
    /// Whether a probe of it ever passed.
    pub proven: bool,
    /// How often stopping it will still fail.
    pub stops_refused: u32,
}

impl Process {
    /// Whether it runs.
    pub fn runs(&self, now_ms: u64) -> bool {
        self.stopped_ms.is_none() && !self.ended_itself(now_ms)
    }

    /// Whether it has ended by itself.
    pub fn ended_itself(&self, now_ms: u64) -> bool {
        self.ends_ms.is_some_and(|ends| ends <= now_ms)
    }

    /// Whether it accepts connections.
    pub fn listens(&self, now_ms: u64) -> bool {
        self.runs(now_ms) && now_ms >= self.started_ms + self.behaviour.listen_ms
    }

    /// Whether it answers well.
    pub fn healthy(&self, now_ms: u64) -> bool {
        let ready_ms = self.started_ms + self.behaviour.listen_ms + self.behaviour.healthy_ms;
        self.listens(now_ms) && !self.behaviour.never_healthy && now_ms >= ready_ms && !self.sick(now_ms)
    }

    /// Whether it answers no more, though it runs.
    pub fn sick(&self, now_ms: u64) -> bool {
        self.sick_ms.is_some_and(|sick| sick <= now_ms)
    }

    fn life(&self, now_ms: u64) -> Life {
        let time = |ms: u64| Timestamp(BEGIN_MS + i64::try_from(ms).unwrap_or(i64::MAX));
        if self.runs(now_ms) {
            return Life::Running { pid: 1, address: self.address, since: time(self.started_ms) };
        }
        let at = self.stopped_ms.or(self.ends_ms).unwrap_or(now_ms);
        Life::Exited { status: Some(1), signal: None, at: time(at) }
    }
}

/// All processes.
#[derive(Clone, Default)]
pub struct Machine {
    processes: BTreeMap<InstanceId, Process>,
    by_port: BTreeMap<u16, InstanceId>,
    copies: BTreeMap<SlotKey, Vec<DataSnapshot>>,
    ports: u16,
    calm: bool,
    /// Starts and stops that changed something.
    pub acts: u64,
    /// Logs of deployments, by name: they outlive a server's store as files do.
    pub logs: BTreeMap<String, Vec<String>>,
    /// Deployments that were archived.
    pub archived: BTreeSet<DeploymentId>,
}

/// The first port that is given out.
const PORT_FIRST: u16 = 20_000;

impl Machine {
    /// A process.
    pub fn get(&self, id: &InstanceId) -> Option<&Process> {
        self.processes.get(id)
    }

    /// A process.
    pub fn get_mut(&mut self, id: &InstanceId) -> Option<&mut Process> {
        self.processes.get_mut(id)
    }

    /// The process that has a port.
    pub fn at_port(&self, port: u16) -> Option<&InstanceId> {
        self.by_port.get(&port)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&InstanceId, &Process)> {
        self.processes.iter()
    }

    /// How a process is.
    pub fn life(&self, id: &InstanceId, now_ms: u64) -> Life {
        self.processes.get(id).map_or(Life::Absent, |process| process.life(now_ms))
    }

    /// What those that run use: a tenth of a core and a mebibyte each.
    pub fn usage(&self, instances: &[InstanceId], now_ms: u64) -> BTreeMap<InstanceId, Usage> {
        let running = instances.iter().filter_map(|id| Some((id, self.processes.get(id)?)));
        let running = running.filter(|(_, process)| process.runs(now_ms));
        let usage = |process: &Process| Usage {
            at_us: now_ms * 1000,
            cpu_us: now_ms.saturating_sub(process.started_ms) * 100,
            memory_bytes: 1024 * 1024,
            memory_of: MemoryOf::Processes,
            processes: 1,
        };
        running.map(|(id, process)| (id.clone(), usage(process))).collect()
    }

    /// Starts a process, or finds it running.
    pub fn start(
        &mut self,
        id: &InstanceId,
        slot: &SlotKey,
        release: &ReleaseId,
        behaviour: Behaviour,
        ends_ms: Option<u64>,
        now_ms: u64,
    ) -> SocketAddr {
        if let Some(running) = self.processes.get(id).filter(|process| process.runs(now_ms)) {
            return running.address;
        }
        self.acts += 1;
        self.ports = if self.ports >= 9999 { 1 } else { self.ports + 1 };
        let port = PORT_FIRST + self.ports;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let healthy_ms = now_ms + behaviour.listen_ms + behaviour.healthy_ms;
        let own_end_ms = behaviour.ends_after_ms.map(|span| healthy_ms + span);
        let at_once = behaviour.ends_at_once.then_some(now_ms + 1);
        let trouble = !self.calm;
        let process = Process {
            slot: slot.clone(),
            release: release.clone(),
            launched: release.clone(),
            address,
            started_ms: now_ms,
            behaviour: if trouble { behaviour } else { behaviour.well() },
            ends_ms: at_once.or(own_end_ms).or(ends_ms).filter(|_| trouble),
            sick_ms: behaviour.sick_after_ms.filter(|_| trouble).map(|span| healthy_ms + span),
            stopped_ms: None,
            stopped_ill: false,
            // What is started again under its old name was proven under it.
            proven: self.processes.get(id).is_some_and(|earlier| earlier.proven),
            stops_refused: if trouble { behaviour.stops_refused } else { 0 },
        };
        self.by_port.insert(port, id.clone());
        self.processes.insert(id.clone(), process);
        address
    }

    /// Stops a process. Says whether that changed anything.
    pub fn stop(&mut self, id: &InstanceId, now_ms: u64) -> bool {
        let Some(process) = self.processes.get_mut(id).filter(|process| process.runs(now_ms)) else { return false };
        process.stopped_ill = !process.healthy(now_ms);
        process.stopped_ms = Some(now_ms);
        self.acts += 1;
        true
    }

    /// Forgets a process that does not run.
    pub fn forget(&mut self, id: &InstanceId, now_ms: u64) {
        if self.processes.get(id).is_some_and(|process| !process.runs(now_ms)) {
            self.processes.remove(id);
        }
    }

    /// Copies a service's data under a name, or finds the copy.
    pub fn copy_data(&mut self, slot: &SlotKey, name: &str) -> DataSnapshot {
        let copies = self.copies.entry(slot.clone()).or_default();
        if let Some(there) = copies.iter().find(|copy| copy.name == name) {
            return there.clone();
        }
        let copy = DataSnapshot { name: name.to_owned(), bytes: 1, at: Timestamp(BEGIN_MS) };
        copies.insert(0, copy.clone());
        copy
    }

    /// The copies of a service's data, newest first.
    pub fn data_copies(&self, slot: &SlotKey) -> Vec<DataSnapshot> {
        self.copies.get(slot).cloned().unwrap_or_default()
    }

    /// All copies.
    pub fn all_copies(&self) -> impl Iterator<Item = (&SlotKey, &DataSnapshot)> {
        self.copies.iter().flat_map(|(slot, copies)| copies.iter().map(move |copy| (slot, copy)))
    }

    /// From now on nothing ends, and all are well.
    pub fn calm(&mut self, now_ms: u64) {
        self.calm = true;
        for process in self.processes.values_mut() {
            if !process.ended_itself(now_ms) {
                process.ends_ms = None;
            }
            process.sick_ms = None;
            process.stops_refused = 0;
            process.behaviour = process.behaviour.well();
        }
    }
}

impl Behaviour {
    /// The same without its faults.
    pub fn well(self) -> Self {
        Self { listen_ms: self.listen_ms, healthy_ms: self.healthy_ms, ..Self::default() }
    }
}
