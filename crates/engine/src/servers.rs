//! Which servers are there, which of them keeps the recorded state true, and who takes over what a dead one carried.
//!
//! A server that can't renew its own lease stops leading before another begins to; what it still writes is refused by
//! the fences of its commits. Not here: what is carried (`deploy::life`), what is kept (`keep`).

use std::sync::{Arc, Mutex, PoisonError};

use shipway_core::{
    deployment::Deployment,
    lease::{Carrier, Leader, Server},
    ports::{Fault, FaultKind},
    store::{Commit, Guarded, OpenDeployment},
    time::Timestamp,
};
use tracing::{info, warn};

use crate::{Engine, leases};

/// How often a server says that it is there.
const RENEW_MS: u64 = 5_000;
/// How long a server is believed to be there after it said so.
pub(crate) const EXPIRES_MS: u64 = 20_000;

/// This server, as the others know it.
pub(crate) struct Itself {
    pub(crate) id: String,
    started_at: Timestamp,
    /// Until when it leads, and by which token.
    leads: Mutex<Option<(Timestamp, u64)>>,
}

impl Itself {
    pub(crate) fn new(id: String, started_at: Timestamp) -> Self {
        Self { id, started_at, leads: Mutex::default() }
    }

    fn lead(&self, leads: Option<(Timestamp, u64)>) {
        // The value is replaced whole: a panic elsewhere leaves none of it half written.
        *self.leads.lock().unwrap_or_else(PoisonError::into_inner) = leads;
    }

    /// The token by which this server leads, while it does.
    pub(crate) fn leads(&self, now: Timestamp) -> Option<u64> {
        let leads = *self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        leads.filter(|(until, _)| now < *until).map(|(_, token)| token)
    }
}

/// Says that this server is there. A sole one leads at once, and takes over everything.
pub(crate) async fn announce(engine: &Arc<Engine>) -> Result<(), Fault> {
    if engine.settings.sole {
        let others: Vec<Server> = engine.ports.store.below("").await?;
        let gone = others.iter().fold(Commit::at(engine.ports.clock.now()), |commit, other| commit.delete(other));
        engine.ports.store.commit(gone).await?;
    }
    look_after(engine).await
}

/// Renews, leads and takes over for as long as the engine lives.
pub(crate) async fn run(engine: Arc<Engine>) {
    loop {
        engine.ports.clock.sleep_ms(RENEW_MS).await;
        if let Err(fault) = look_after(&engine).await {
            warn!(%fault, "this server could not say that it is there");
        }
    }
}

async fn look_after(engine: &Arc<Engine>) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let expires_at = now.plus_ms(EXPIRES_MS);
    let itself = Server { id: engine.itself.id.clone(), started_at: engine.itself.started_at, expires_at };
    engine.ports.store.commit(Commit::at(now).put(&itself)).await?;
    let servers: Vec<Server> = engine.ports.store.below("").await?;
    lead(engine, &servers, expires_at).await?;
    take_over(engine).await?;
    leases::clear(engine).await?;
    // What another server changed and did not live to publish, and what was changed by a write whose answer was lost.
    engine.publisher.kick();
    forget_gone(engine, servers).await
}

fn is_there(servers: &[Server], id: &str, now: Timestamp) -> bool {
    servers.iter().any(|server| server.id == id && server.expires_at > now)
}

/// Leads, when nobody else does.
async fn lead(engine: &Engine, servers: &[Server], until: Timestamp) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let leader: Option<Leader> = engine.ports.store.find(Leader::KEY).await?;
    let token = leader.as_ref().map_or(0, |leader| leader.token);
    match leader {
        Some(leader) if leader.server == engine.itself.id => engine.itself.lead(Some((until, token))),
        Some(leader) if is_there(servers, &leader.server, now) => engine.itself.lead(None),
        _ => {
            let next = Leader { server: engine.itself.id.clone(), token: token + 1 };
            let commit = Commit::at(now).put(&next).raise(Guarded::Leader, token);
            match engine.ports.store.commit(commit).await {
                Ok(_) => engine.itself.lead(Some((until, next.token))),
                Err(fault) if fault.kind == FaultKind::Conflict => engine.itself.lead(None),
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(())
}

/// Takes over every deployment that nobody carries, oldest first, those that move before those that wait.
async fn take_over(engine: &Arc<Engine>) -> Result<(), Fault> {
    // One that is being registered is recorded before it is carried.
    let _one_at_a_time = engine.intake.all().await;
    let now = engine.ports.clock.now();
    let named: Vec<OpenDeployment> = engine.ports.store.below("").await?;
    let mut open = Vec::new();
    for OpenDeployment { id } in named {
        if !engine.active().contains_key(&id) {
            open.extend(engine.ports.store.deployment(id.as_str()).await?);
        }
    }
    // Read after the deployments: a server says that it is there before it carries anything.
    let servers: Vec<Server> = engine.ports.store.below("").await?;
    let mut lost = Vec::new();
    for stored in open {
        let carried = |deployment: &Deployment| {
            deployment.carrier.server != engine.itself.id && is_there(&servers, &deployment.carrier.server, now)
        };
        if !carried(&stored) && !stored.phase.is_end() {
            lost.push(stored);
        }
    }
    lost.sort_by_key(|deployment| (!deployment.phase.moves(), deployment.created_at));
    for deployment in lost {
        take_up(engine, deployment).await?;
    }
    Ok(())
}

/// Becomes the one who carries a deployment, unless another server was faster.
async fn take_up(engine: &Arc<Engine>, deployment: Arc<Deployment>) -> Result<(), Fault> {
    let token = deployment.carrier.token;
    let carrier = Carrier { server: engine.itself.id.clone(), token: token + 1 };
    let next = Arc::new(Deployment { carrier, ..Arc::unwrap_or_clone(deployment) });
    let what = Guarded::Carrier(next.id.clone());
    let commit = Commit::at(engine.ports.clock.now()).put_record(&next).raise(what, token);
    match engine.ports.store.commit(commit).await {
        Ok(_) => {
            info!(deployment = %next.id, phase = %next.phase, "taking up");
            engine.carry(next, true);
            Ok(())
        }
        Err(fault) if fault.kind == FaultKind::Conflict => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Servers that have not been there for long leave the list.
async fn forget_gone(engine: &Engine, servers: Vec<Server>) -> Result<(), Fault> {
    let now = engine.ports.clock.now();
    let long_ago = |server: &&Server| server.expires_at.plus_ms(EXPIRES_MS) < now;
    let gone: Vec<_> = servers.iter().filter(long_ago).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let commit = gone.into_iter().fold(Commit::at(now), |commit, server| commit.delete(server));
    engine.ports.store.commit(commit).await.map(|_| ())
}
