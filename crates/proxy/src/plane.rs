//! All cores of a process together: publishing tables to them, and their numbers merged.
//!
//! While a process replaces another (an upgrade), the old one still answers what it has in flight. Tables are passed on
//! to it and its requests in flight are counted too: an acknowledgement holds for both.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::join_all;
use shipway_core::{
    ports::{Fault, FaultKind, Traffic},
    route::RouteTable,
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::timeout,
};

use crate::{
    control_call::{self, control_socket_of},
    core_thread::Order,
    file_write::replace,
    limits::{CORES_MS_MAX, PREDECESSOR_MS_MAX, ms},
    numbers,
    table::{Registry, Stamp},
    upstream::now_ms,
    wire::CONTROL_SOCKET,
};

const TABLE_FILE: &str = "table.json";

/// All cores.
pub(crate) struct Plane {
    folder: PathBuf,
    boot: String,
    cores: Vec<mpsc::Sender<Order>>,
    lost_in_flight: u64,
    /// The control sockets of processes that this one replaces.
    predecessors: Mutex<Vec<String>>,
    state: Mutex<PlaneState>,
}

/// What only one publication at a time may touch.
pub(crate) struct PlaneState {
    pub(crate) registry: Registry,
    pub(crate) stamp: Stamp,
}

/// Who hands a table over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    ControlPlane,
    /// The process that replaces this one.
    Successor,
}

/// Why a table was not followed.
pub(crate) enum Refused {
    /// It is older than this one.
    Older(Stamp),
    /// Something went wrong.
    Fault(Fault),
}

impl Plane {
    pub(crate) fn new(
        folder: PathBuf,
        boot: String,
        cores: Vec<mpsc::Sender<Order>>,
        lost_in_flight: u64,
        predecessors: Vec<String>,
        state: PlaneState,
    ) -> Self {
        let (predecessors, state) = (Mutex::new(predecessors), Mutex::new(state));
        Self { folder, boot, cores, lost_in_flight, predecessors, state }
    }

    /// Publishes a table; done when every core follows it, and the cores of a process that is being replaced.
    pub(crate) async fn publish(&self, table: RouteTable, json: &[u8], from: From) -> Result<(), Refused> {
        let mut state = self.state.lock().await;
        let stamp = Stamp::of(&table);
        if stamp < state.stamp {
            return Err(Refused::Older(state.stamp));
        }
        if from == From::ControlPlane
            && let Err(error) = replace(&self.folder.join(TABLE_FILE), json)
        {
            // Going back must work on a full disk too. After a restart the control plane publishes again.
            tracing::error!(%error, "the table can't be kept for a restart");
        }
        state.stamp = stamp;
        let compiled = Arc::new(state.registry.compile(&table));
        self.follow(compiled).await.map_err(Refused::Fault)?;
        self.pass_on(json).await.map_err(Refused::Fault)?;
        state.registry.forget_unused();
        match from {
            From::ControlPlane => self.is_in_charge().map_err(Refused::Fault),
            From::Successor => Ok(()),
        }
    }

    async fn follow(&self, table: Arc<crate::table::Table>) -> Result<(), Fault> {
        let told = self.cores.iter().map(|core| {
            let table = table.clone();
            async move {
                let (done, acknowledged) = oneshot::channel();
                // A core that has ended has no requests: it follows every table.
                if core.send(Order::Follow(table, done)).await.is_ok() {
                    let _ = acknowledged.await;
                }
            }
        });
        match timeout(ms(CORES_MS_MAX), join_all(told)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(too_slow("follow the table")),
        }
    }

    async fn pass_on(&self, json: &[u8]) -> Result<(), Fault> {
        let mut predecessors = self.predecessors.lock().await;
        predecessors.retain(|name| control_call::is_alive(&self.folder, name));
        for name in predecessors.iter() {
            let told = control_call::pass_table_on(&self.folder, name, json.to_vec());
            match timeout(ms(PREDECESSOR_MS_MAX), told).await {
                Ok(Ok(())) => {}
                // It has a newer one from an earlier attempt, or has ended meanwhile.
                Ok(Err(fault)) if fault.kind == FaultKind::Conflict => {}
                Ok(Err(_)) if !control_call::is_alive(&self.folder, name) => {}
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(too_slow("reach the process that it replaces")),
            }
        }
        Ok(())
    }

    /// Whether clients still find this process. If not, the one that they find may have read the table before this one.
    fn is_in_charge(&self) -> Result<(), Fault> {
        let named = std::fs::read_link(self.folder.join(CONTROL_SOCKET));
        match named {
            Ok(name) if name != Path::new(&control_socket_of(&self.boot)) => {
                Err(Fault::unavailable("another process took the proxy over meanwhile").with_hint("publish again"))
            }
            _ => Ok(()),
        }
    }

    /// The numbers of all cores.
    pub(crate) async fn traffic(&self) -> Result<Traffic, Fault> {
        let asked = self.cores.iter().map(|core| async move {
            let (done, report) = oneshot::channel();
            core.send(Order::Report(done)).await.ok()?;
            report.await.ok()
        });
        // A core that has ended, while the process drains, takes its numbers along.
        let reports = match timeout(ms(CORES_MS_MAX), join_all(asked)).await {
            Ok(reports) => reports.into_iter().flatten().collect(),
            Err(_) => return Err(too_slow("report")),
        };
        let mut traffic = self.shared_numbers().await;
        traffic.releases = numbers::merge(reports);
        self.add_predecessors(&mut traffic).await;
        Ok(traffic)
    }

    async fn shared_numbers(&self) -> Traffic {
        let state = self.state.lock().await;
        let mut traffic = Traffic {
            boot: self.boot.clone(),
            epoch: state.stamp.epoch,
            generation: state.stamp.generation,
            lost_in_flight: self.lost_in_flight,
            ..Traffic::default()
        };
        let now_ms = now_ms();
        for upstream in state.registry.states() {
            let in_flight = upstream.in_flight();
            if in_flight > 0 {
                *traffic.in_flight.entry(upstream.instance.clone()).or_default() += in_flight;
            }
            if upstream.is_ejected(now_ms) {
                traffic.ejected.insert(upstream.instance.clone());
            }
        }
        traffic
    }

    /// Counts what a replaced process has in flight. Its other numbers end with it.
    async fn add_predecessors(&self, traffic: &mut Traffic) {
        let names = self.predecessors.lock().await.clone();
        let asked = names.iter().map(|name| control_call::traffic(&self.folder, name));
        let Ok(answers) = timeout(ms(PREDECESSOR_MS_MAX), join_all(asked)).await else { return };
        for theirs in answers.into_iter().flatten() {
            for (instance, in_flight) in theirs.in_flight {
                *traffic.in_flight.entry(instance).or_default() += in_flight;
            }
        }
    }

    pub(crate) async fn stamp(&self) -> Stamp {
        self.state.lock().await.stamp
    }

    pub(crate) async fn drain(&self) {
        for core in &self.cores {
            // A core that has ended needs no order.
            let _ = core.send(Order::Drain).await;
        }
    }
}

/// The table of the last run, or none: a proxy without a table answers 404 until it gets one.
pub(crate) fn kept_table(folder: &Path) -> RouteTable {
    let path = folder.join(TABLE_FILE);
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::error!(%error, path = %path.display(), "the kept table can't be read");
            }
            return RouteTable::empty();
        }
    };
    serde_json::from_slice(&json).unwrap_or_else(|error| {
        tracing::error!(%error, path = %path.display(), "the kept table can't be understood");
        RouteTable::empty()
    })
}

fn too_slow(what: &str) -> Fault {
    Fault::new(FaultKind::Timeout, format!("the proxy took longer than {CORES_MS_MAX} ms to {what}"))
        .with_hint("the machine is overloaded: try again")
}
