//! The port to durable state: few transactional verbs over documents, and the events in their order.
//!
//! Not here: SQL (`store`), and what is written when (`engine`).

mod body;
mod deployments;
mod promotions;
mod stored;

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use self::{
    body::{Body, Content},
    deployments::{course_of, entry_of, read_deployment},
};
use crate::{
    event::{Event, EventBody},
    history,
    id::{DeploymentId, EnvironmentName, ProjectId, SlotKey},
    ports::{Fault, FaultKind},
    secret::SecretAddress,
    time::Timestamp,
};

/// What sort of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DocumentKind {
    /// `project::Project`
    Project,
    /// `project::EnvironmentLayer`
    Layer,
    /// `config::version::ConfigVersion`
    ConfigVersion,
    /// `slot::Slot`
    Slot,
    /// `release::Release`
    Release,
    /// `instance::Instance`
    Instance,
    /// `deployment::Deployment`, without its course
    Deployment,
    /// `deployment::Course`, by deployment and number
    Course,
    /// `OpenDeployment`
    OpenDeployment,
    /// `artifact::Provenance`, by build key
    Build,
    /// The answer to a request that carried an `Idempotency-Key`
    Idempotency,
    /// A message on its way to somebody
    Notification,
    /// Facts about the data folder itself
    Meta,
    /// `lease::Leases`
    Leases,
    /// `lease::Server`
    Server,
    /// `lease::Leader`
    Leader,
    /// `breaker::Breaker`
    Breaker,
    /// `breaker::Rollbacks`
    Rollbacks,
    /// `breaker::Quarantine`
    Quarantine,
    /// `explain::Explanation`, of a deployment that failed
    Explanation,
    /// `route::Epoch`
    Epoch,
    /// `flag::Flags`
    Flags,
    /// `access::AccessToken`, by the public part of its text
    AccessToken,
    /// `audit::AuditEntry`
    Audit,
    /// `secret::Secret`
    Secret,
    /// `promotion::Combination`, once it has a name
    Combination,
    /// `promotion::Hold`
    Hold,
    /// `schedule::Schedule`
    Schedule,
    /// `config::remote::RemoteValue`
    RemoteValue,
    /// `drift::Drift`
    Drift,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::Project,
        Self::Layer,
        Self::ConfigVersion,
        Self::Slot,
        Self::Release,
        Self::Instance,
        Self::Deployment,
        Self::Course,
        Self::OpenDeployment,
        Self::Build,
        Self::Idempotency,
        Self::Notification,
        Self::Meta,
        Self::Leases,
        Self::Server,
        Self::Leader,
        Self::Breaker,
        Self::Rollbacks,
        Self::Quarantine,
        Self::Explanation,
        Self::Epoch,
        Self::Flags,
        Self::AccessToken,
        Self::Audit,
        Self::Secret,
        Self::Combination,
        Self::Hold,
        Self::Schedule,
        Self::RemoteValue,
        Self::Drift,
    ];

    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Layer => "layer",
            Self::ConfigVersion => "configVersion",
            Self::Slot => "slot",
            Self::Release => "release",
            Self::Instance => "instance",
            Self::Deployment => "deployment",
            Self::Course => "course",
            Self::OpenDeployment => "openDeployment",
            Self::Build => "build",
            Self::Idempotency => "idempotency",
            Self::Notification => "notification",
            Self::Meta => "meta",
            Self::Leases => "leases",
            Self::Server => "server",
            Self::Leader => "leader",
            Self::Breaker => "breaker",
            Self::Rollbacks => "rollbacks",
            Self::Quarantine => "quarantine",
            Self::Explanation => "explanation",
            Self::Epoch => "epoch",
            Self::Flags => "flags",
            Self::AccessToken => "accessToken",
            Self::Audit => "audit",
            Self::Secret => "secret",
            Self::Combination => "combination",
            Self::Hold => "hold",
            Self::Schedule => "schedule",
            Self::RemoteValue => "remoteValue",
            Self::Drift => "drift",
        }
    }

    /// Whether its documents tell what was, and are kept; all others say what is, and are as many as there is of it.
    pub fn is_past(self) -> bool {
        matches!(
            self,
            Self::ConfigVersion
                | Self::Deployment
                | Self::Course
                | Self::Release
                | Self::Build
                | Self::Idempotency
                | Self::Explanation
                | Self::Audit
        )
    }
}

/// A document as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What sort.
    pub kind: DocumentKind,
    /// Its key within its kind.
    pub key: String,
    /// What it is listed by: a path such as `project/environment`; a listing takes all below a path.
    pub scope: String,
    /// Its order within a listing.
    pub order: i64,
    /// Its content.
    pub body: Body,
}

/// Changes that become true together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Documents that are written.
    pub puts: Vec<Document>,
    /// Documents that are removed.
    pub deletes: Vec<(DocumentKind, String)>,
    /// Events that are forgotten, by their places.
    pub forgets: Vec<u64>,
    /// Events that are appended.
    pub events: Vec<EventBody>,
    /// Things that must still have the revision that was read (0: never written), and get the next one.
    pub raise: Vec<(Guarded, u64)>,
    /// Things that must still have that revision, and keep it: what a server writes that has lost its right is refused.
    pub fences: Vec<(Guarded, u64)>,
    /// When, for the events.
    pub at: Timestamp,
}

/// Things that have a revision of their own in the store, by which writes are compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Guarded {
    /// A slot.
    Slot(SlotKey),
    /// The leases of an environment.
    Leases(ProjectId, EnvironmentName),
    /// The right to carry a deployment.
    Carrier(DeploymentId),
    /// The right to keep the recorded state true.
    Leader,
    /// The epoch of route tables.
    Epoch,
    /// The numbers of an environment's deployments.
    Numbers(ProjectId, EnvironmentName),
    /// The feature flags of an environment.
    Flags(ProjectId, EnvironmentName),
    /// The versions of an environment's configuration.
    Configuration(ProjectId, EnvironmentName),
    /// A secret.
    Secret(SecretAddress),
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(key) => write!(f, "slot {key}"),
            Self::Leases(project, environment) => write!(f, "leases {project}/{environment}"),
            Self::Carrier(deployment) => write!(f, "carrier {deployment}"),
            Self::Leader => f.write_str("leader"),
            Self::Epoch => f.write_str("epoch"),
            Self::Configuration(project, environment) => write!(f, "configuration {project}/{environment}"),
            Self::Numbers(project, environment) => write!(f, "numbers {project}/{environment}"),
            Self::Flags(project, environment) => write!(f, "flags {project}/{environment}"),
            Self::Secret(secret) => write!(f, "secret {secret}"),
        }
    }
}

/// A listing.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only documents whose scope is this or below it; all when empty.
    pub scope: String,
    /// Only documents whose order is below this.
    pub before: Option<i64>,
    /// Newest (highest order) first.
    pub newest_first: bool,
    /// How many at most.
    pub limit: u32,
}

/// How many documents a listing without a limit of its own gives at most.
pub const LISTING_MAX: u32 = 100_000;

/// Where a commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The number of the commit, from 1; the generation of what is derived from it.
    pub generation: u64,
    /// The newest event.
    pub last_event: u64,
}

/// The number of a commit, and bodies as they were then, kind by kind.
pub type Snapshot = (u64, Vec<Vec<Body>>);

/// Durable state.
pub trait Store: Send + Sync {
    /// Makes changes true together. Fails as a conflict when a slot has another revision than expected; then nothing
    /// has changed.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>>;
    /// One document's body.
    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<Body>, Fault>>;
    /// Bodies in their order.
    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<Body>, Fault>>;
    /// Bodies of several kinds as they were at one commit, with its number. Kinds of the past are refused.
    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>>;
    /// Events after a place, in order, but for those that were forgotten; only those of a deployment when one is named.
    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>>;
    /// A page of the history of deployments.
    fn history<'a>(&'a self, question: &'a history::Question) -> BoxFuture<'a, Result<history::Page, Fault>>;
    /// What deployments that ended on these days sum up to, by environment.
    fn sums<'a>(
        &'a self,
        range: &'a history::Range,
    ) -> BoxFuture<'a, Result<BTreeMap<EnvironmentName, history::Sums>, Fault>>;
    /// The newest event's place.
    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>>;
    /// Ends when an event after that place exists.
    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()>;
}

/// A type that the store keeps.
pub trait Stored: Content {
    /// What sort of document it is.
    const KIND: DocumentKind;
    /// Its key.
    fn key(&self) -> String;
    /// What it is listed by. A document of what was is listed by what it said when it was written first.
    fn scope(&self) -> String;
    /// Its order within a listing; likewise.
    fn order(&self) -> i64 {
        0
    }
}

impl Commit {
    /// An empty one.
    pub fn at(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// Writes a document.
    #[must_use]
    pub fn put<T: Stored>(mut self, document: &T) -> Self {
        let (key, scope, order) = (document.key(), document.scope(), document.order());
        let body = Body::of(Arc::new(document.clone()));
        self.puts.push(Document { kind: T::KIND, key, scope, order, body });
        self
    }

    /// Removes a document.
    #[must_use]
    pub fn delete<T: Stored>(mut self, document: &T) -> Self {
        self.deletes.push((T::KIND, document.key()));
        self
    }

    /// Writes a slot that must still have the revision before.
    #[must_use]
    pub fn put_slot(self, slot: &crate::slot::Slot) -> Self {
        self.raise(Guarded::Slot(slot.key.clone()), slot.revision.saturating_sub(1)).put(slot)
    }

    /// Raises a revision that must still be that.
    #[must_use]
    pub fn raise(mut self, what: Guarded, revision: u64) -> Self {
        self.raise.push((what, revision));
        self
    }

    /// Asks that a revision still is that.
    #[must_use]
    pub fn fence(mut self, what: Guarded, revision: u64) -> Self {
        self.fences.push((what, revision));
        self
    }

    /// Why a commit is refused whose revision was raised by another.
    pub fn conflict(what: &str, expected: u64) -> Fault {
        let message = format!("the {what} was written since it was read at revision {expected}");
        Fault::new(FaultKind::Conflict, message).with_hint("read again, and decide again")
    }

    /// Appends an event.
    #[must_use]
    pub fn event(mut self, event: EventBody) -> Self {
        self.events.push(event);
        self
    }
}

/// The name of a deployment that has not ended, so that a start finds these without reading all that ever were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDeployment {
    /// Which one.
    pub id: crate::id::DeploymentId,
}

fn corrupt(message: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, message)
        .with_hint("it was written by another version, or the file is damaged: restore a backup of the data folder")
}

/// The values of bodies.
///
/// # Errors
/// One of them can't be read.
pub fn read_all<T: Stored>(bodies: &[Body]) -> Result<Vec<Arc<T>>, Fault> {
    bodies.iter().map(|body| body.read(T::KIND)).collect()
}

impl dyn Store + '_ {
    /// One document.
    pub async fn find<T: Stored>(&self, key: &str) -> Result<Option<T>, Fault> {
        Ok(self.share(key).await?.map(Arc::unwrap_or_clone))
    }

    /// One document that is only looked at: a large one is not copied.
    pub async fn share<T: Stored>(&self, key: &str) -> Result<Option<Arc<T>>, Fault> {
        self.get(T::KIND, key).await?.map(|body| body.read(T::KIND)).transpose()
    }

    /// Documents of a listing.
    pub async fn all<T: Stored>(&self, listing: Listing) -> Result<Vec<T>, Fault> {
        let all = read_all(&self.list(T::KIND, listing).await?)?;
        Ok(all.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// All documents whose scope is this or below it, in order.
    pub async fn below<T: Stored>(&self, scope: &str) -> Result<Vec<T>, Fault> {
        self.all(Listing { scope: scope.into(), limit: LISTING_MAX, ..Listing::default() }).await
    }
}
