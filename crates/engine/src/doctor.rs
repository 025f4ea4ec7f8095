//! Whether what is recorded, what is on the disk, what runs and what the proxy follows agree; and what can be put right.
//!
//! Not here: whether the database itself is sound, and the contents of artifacts (`store`).

use std::collections::BTreeMap;

use shipway_core::{
    artifact::Tree,
    id::{ArtifactDigest, ReleaseId},
    instance::{Instance, InstanceState},
    ports::{Fault, FaultKind, Life, Observed},
    release::Release,
    slot::Slot,
    spec::ServiceKind,
    store::{Commit, DocumentKind, Listing, OpenDeployment},
};
use tracing::{info, warn};

use crate::{Engine, Ports, traffic};

/// Releases that are looked at: those that slots name, and the newest of the others.
const RELEASES_MAX: u32 = 10_000;

/// How long a new record of an instance is left alone.
const FRESH_MS: u64 = 60_000;

/// Something that doesn't agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What was looked at: `releases`, `artifacts`, `instances`, `routes`, `deployments`, `secrets`.
    pub area: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether it was put right just now.
    pub repaired: bool,
}

impl Complaint {
    fn new(area: &'static str, message: String, hint: impl Into<String>) -> Self {
        Self { area, message, hint: hint.into(), repaired: false }
    }
}

/// Stages the static sites that slots name and that are not there, as after a restore: no instance of them is ever
/// started, so nobody else would. What can't be staged is told and left; the server starts all the same.
///
/// # Errors
/// The store can't be read.
pub async fn stage_sites(ports: &Ports) -> Result<(), Fault> {
    for slot in ports.store.below::<Slot>("").await? {
        for id in slot.releases() {
            let Some(release) = ports.store.find::<Release>(id.as_str()).await? else { continue };
            if release.serve.kind != ServiceKind::Static {
                continue;
            }
            if let Err(fault) = ports.driver.stage(&release).await {
                warn!(%fault, slot = %slot.key, release = id.short(), "a site is not there and can't be staged");
            }
        }
    }
    Ok(())
}

impl Engine {
    /// Looks at everything, and with `repair` puts right what can be: stages again, drops dead records, has routes
    /// published again.
    ///
    /// # Errors
    /// The store or the driver can't be asked.
    pub async fn examine(&self, repair: bool) -> Result<Vec<Complaint>, Fault> {
        let mut all = Vec::new();
        let slots: Vec<Slot> = self.ports.store.below("").await?;
        self.examine_releases(&slots, repair, &mut all).await?;
        self.examine_artifacts(&mut all).await?;
        self.examine_instances(&slots, repair, &mut all).await?;
        self.examine_routes(repair, &mut all).await?;
        self.examine_open(repair, &mut all).await?;
        self.examine_secrets(&mut all).await?;
        let repaired = all.iter().filter(|one| one.repaired).count();
        info!(found = all.len(), repaired, "looked at everything");
        Ok(all)
    }

    /// The artifacts of what slots name, whose contents matter now.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn artifacts_in_use(&self) -> Result<Vec<ArtifactDigest>, Fault> {
        let slots: Vec<Slot> = self.ports.store.below("").await?;
        let mut digests = Vec::new();
        for id in slots.iter().flat_map(Slot::releases) {
            if let Ok(release) = self.release(id).await {
                digests.push(release.artifact.clone());
            }
        }
        digests.sort();
        digests.dedup();
        Ok(digests)
    }

    /// Every release that a slot names is recorded and staged.
    async fn examine_releases(&self, slots: &[Slot], repair: bool, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        for slot in slots {
            for id in slot.releases() {
                let release = match self.release(id).await {
                    Ok(release) => release,
                    Err(fault) if fault.kind == FaultKind::NotFound => {
                        let message = format!("{} names release {}, which is not recorded", slot.key, id.short());
                        all.push(Complaint::new("releases", message, "restore a backup, or deploy this service again"));
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                self.examine_staged(slot, &release, repair, all).await;
            }
        }
        Ok(())
    }

    async fn examine_staged(&self, slot: &Slot, release: &Release, repair: bool, all: &mut Vec<Complaint>) {
        let folder = self.settings.folders.releases().join(release.id.as_str());
        if self.staged(&folder, release).await {
            return;
        }
        let message = format!("release {} of {} is not unpacked as it should be", release.id.short(), slot.key);
        let mut complaint = Complaint::new("releases", message, "`shipway doctor --repair` unpacks it again");
        if repair {
            match self.stage_again(release).await {
                Ok(()) => complaint.repaired = true,
                Err(fault) => complaint.hint = format!("unpacking it again failed: {fault}"),
            }
        }
        all.push(complaint);
    }

    /// Whether a release's folder holds its artifact. Data folders are links in it, so those that have some are only
    /// looked for.
    async fn staged(&self, folder: &std::path::Path, release: &Release) -> bool {
        match self.ports.artifacts.read_tree(folder).await {
            Ok(tree) => !release.serve.data.is_empty() || tree.digest() == release.artifact,
            // Links to data folders lead out of it, which is refused; that it could be read so far says that it is there.
            Err(fault) => !release.serve.data.is_empty() && fault.kind == FaultKind::Invalid,
        }
    }

    /// A release from which something runs is not taken from under it.
    async fn stage_again(&self, release: &Release) -> Result<(), Fault> {
        let instances: Vec<Instance> = self.ports.store.below(&release.slot.to_string()).await?;
        if !instances.iter().any(|one| one.release == release.id || *one.launched_as() == release.id) {
            self.ports.driver.unstage(&release.id).await?;
        }
        self.ports.driver.stage(release).await
    }

    /// Every recorded release has its artifact, so that it can be gone back to.
    async fn examine_artifacts(&self, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        let listing = Listing { newest_first: true, limit: RELEASES_MAX, ..Listing::default() };
        let releases: Vec<Release> = self.ports.store.all(listing).await?;
        let mut by_digest: BTreeMap<ArtifactDigest, Vec<ReleaseId>> = BTreeMap::new();
        for release in releases {
            by_digest.entry(release.artifact).or_default().push(release.id);
        }
        for (digest, releases) in by_digest {
            let tree: Result<Tree, Fault> = self.ports.artifacts.tree(&digest).await;
            if let Err(fault) = tree {
                let short: Vec<_> = releases.iter().map(|id| id.short().to_owned()).collect();
                let message = format!("artifact {} of release {}: {fault}", digest.short(), short.join(", "));
                all.push(Complaint::new(
                    "artifacts",
                    message,
                    "restore a backup; until then these releases can't be gone back to, or started anew",
                ));
            }
        }
        Ok(())
    }

    /// What slots want runs, and what runs is wanted.
    async fn examine_instances(&self, slots: &[Slot], repair: bool, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        let seen = self.ports.driver.instances().await?;
        let lives: BTreeMap<_, _> = seen.into_iter().map(|Observed { instance, life }| (instance, life)).collect();
        let recorded: Vec<Instance> = self.ports.store.below("").await?;
        let runs = |one: &Instance| matches!(lives.get(&one.id), Some(Life::Running { .. }));
        for slot in slots {
            for id in slot.releases() {
                let mine = recorded.iter().filter(|one| one.slot == slot.key && one.release == *id);
                let serving = mine.filter(|one| one.state == InstanceState::Ready && runs(one)).count();
                let wanted = slot.wanted(id) as usize;
                if serving < wanted {
                    let message =
                        format!("{} wants {wanted} of release {}, and {serving} are ready", slot.key, id.short());
                    let hint = "the server starts what is missing by itself: look again in a moment, then at its log";
                    all.push(Complaint::new("instances", message, hint));
                }
            }
        }
        let open: Vec<OpenDeployment> = self.ports.store.below("").await?;
        let now = self.ports.clock.now();
        for one in &recorded {
            // A record stands before its process does, and before its slot names it.
            let comes = one.deployment.as_ref().is_some_and(|by| open.iter().any(|open| open.id == *by));
            if comes || now.since_ms(one.created_at) < FRESH_MS {
                continue;
            }
            let wanted = slots.iter().any(|slot| slot.key == one.slot && slot.releases().contains(&&one.release));
            if wanted || runs(one) || lives.contains_key(&one.id) {
                continue;
            }
            let message = format!("{} is recorded, doesn't run, and nobody wants it", one.id);
            let mut complaint = Complaint::new("instances", message, "`shipway doctor --repair` drops the record");
            if repair {
                let commit = Commit::at(now).delete(one);
                self.ports.store.commit(commit).await?;
                complaint.repaired = true;
            }
            all.push(complaint);
        }
        Ok(())
    }

    /// Every secret can be opened with the keys that are there.
    async fn examine_secrets(&self, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        let (_, troubles) = self.master_keys().await?;
        all.extend(troubles.into_iter().map(|trouble| {
            let hint = trouble.hint.unwrap_or_else(|| "give the server the master key that sealed it".into());
            Complaint::new("secrets", trouble.message, hint)
        }));
        Ok(())
    }

    /// The proxy follows the table that the slots say.
    async fn examine_routes(&self, repair: bool, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        let wanted = traffic::derive_table(self).await?;
        let mut complaint = match self.publisher.traffic().await {
            // A table that was derived from an older commit may say the same.
            Ok(followed) if followed.epoch == wanted.epoch && followed.generation <= wanted.generation => return Ok(()),
            Ok(followed) => {
                let message = format!(
                    "the proxy follows table {} of epoch {}, and the store stands at {} of epoch {}",
                    followed.generation, followed.epoch, wanted.generation, wanted.epoch
                );
                Complaint::new(
                    "routes",
                    message,
                    "`shipway doctor --repair` publishes them again, in a new epoch if need be",
                )
            }
            Err(fault) => {
                let message = format!("the proxy doesn't answer: {fault}");
                Complaint::new("routes", message, "it is started again by itself: look at proxy/proxy.log")
            }
        };
        if repair {
            self.publisher.kick();
            complaint.repaired = self.publisher.follow(&*self.ports.clock, wanted.generation).await.is_ok();
        }
        all.push(complaint);
        Ok(())
    }

    /// What is open is there.
    async fn examine_open(&self, repair: bool, all: &mut Vec<Complaint>) -> Result<(), Fault> {
        for open in self.ports.store.below::<OpenDeployment>("").await? {
            let found = self.ports.store.get(DocumentKind::Deployment, open.id.as_str()).await?;
            if found.is_some() {
                continue;
            }
            let message = format!("deployment {} is under way, and there is no record of it", open.id);
            let mut complaint = Complaint::new("deployments", message, "`shipway doctor --repair` drops the note");
            if repair {
                self.ports.store.commit(Commit::at(self.ports.clock.now()).delete(&open)).await?;
                complaint.repaired = true;
            }
            all.push(complaint);
        }
        Ok(())
    }
}
