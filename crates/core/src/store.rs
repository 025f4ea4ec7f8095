//! The port to durable state: few transactional verbs over documents, and the events in their order.
//!
//! Not here: SQL (`store`), and what is written when (`engine`).

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    deployment::{Course, Deployment},
    event::{Event, EventBody},
    id::{DeploymentId, EnvironmentName, ProjectId, SlotKey},
    ports::{Fault, FaultKind},
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
}

impl DocumentKind {
    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Layer => "layer",
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
        }
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
    /// The document as JSON.
    pub body: String,
}

/// Changes that become true together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Documents that are written.
    pub puts: Vec<Document>,
    /// Documents that are removed.
    pub deletes: Vec<(DocumentKind, String)>,
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
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(key) => write!(f, "slot {key}"),
            Self::Leases(project, environment) => write!(f, "leases {project}/{environment}"),
            Self::Carrier(deployment) => write!(f, "carrier {deployment}"),
            Self::Leader => f.write_str("leader"),
            Self::Epoch => f.write_str("epoch"),
            Self::Numbers(project, environment) => write!(f, "numbers {project}/{environment}"),
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
pub type Snapshot = (u64, Vec<Vec<String>>);

/// Durable state.
pub trait Store: Send + Sync {
    /// Makes changes true together. Fails as a conflict when a slot has another revision than expected; then nothing
    /// has changed.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, Fault>>;
    /// One document's body.
    fn get<'a>(&'a self, kind: DocumentKind, key: &'a str) -> BoxFuture<'a, Result<Option<String>, Fault>>;
    /// Bodies in their order.
    fn list(&self, kind: DocumentKind, listing: Listing) -> BoxFuture<'_, Result<Vec<String>, Fault>>;
    /// Bodies of several kinds as they were at one commit, with its number.
    fn snapshot<'a>(&'a self, kinds: &'a [DocumentKind]) -> BoxFuture<'a, Result<Snapshot, Fault>>;
    /// Events after a place, in order, only those of a deployment when one is named.
    fn events<'a>(
        &'a self,
        after: u64,
        deployment: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>>;
    /// The newest event's place.
    fn last_event(&self) -> BoxFuture<'_, Result<u64, Fault>>;
    /// Ends when an event after that place exists.
    fn wait_event(&self, after: u64) -> BoxFuture<'_, ()>;
}

/// A type that the store keeps.
pub trait Stored: Serialize + DeserializeOwned {
    /// What sort of document it is.
    const KIND: DocumentKind;
    /// Its key.
    fn key(&self) -> String;
    /// What it is listed by.
    fn scope(&self) -> String;
    /// Its order within a listing.
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
        let body = serde_json::to_string(document).expect("a stored type holds nothing that JSON can't");
        let (key, scope, order) = (document.key(), document.scope(), document.order());
        self.puts.push(Document { kind: T::KIND, key, scope, order, body });
        self
    }

    /// Writes a deployment, and its course when it is another one than before: it gets the next number then.
    #[must_use]
    pub fn put_deployment(mut self, deployment: &mut Deployment, before: &Arc<Course>) -> Self {
        if !Arc::ptr_eq(&deployment.course, before) {
            deployment.course_mut().number = before.number + 1;
            let body = serde_json::to_string(&*deployment.course).expect("a course holds nothing that JSON can't");
            let (scope, order) = (record_scope(deployment), deployment.created_at.0);
            let key = course_key(&deployment.id, deployment.course.number);
            self.puts.push(Document { kind: DocumentKind::Course, key, scope, order, body });
            if before.number > 0 {
                self.deletes.push((DocumentKind::Course, course_key(&deployment.id, before.number)));
            }
        }
        self.put_record(deployment)
    }

    /// Writes a deployment whose course stays as it is stored.
    #[must_use]
    pub fn put_record(mut self, deployment: &Deployment) -> Self {
        let body = serde_json::to_string(deployment).expect("a deployment holds nothing that JSON can't");
        let (key, scope, order) = (deployment.id.to_string(), record_scope(deployment), deployment.created_at.0);
        self.puts.push(Document { kind: DocumentKind::Deployment, key, scope, order, body });
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

/// Reads a body. A body that can't be read is corrupt, and says which kind it is.
pub fn read_body<T: Stored>(body: &str) -> Result<T, Fault> {
    read_json(T::KIND, body)
}

fn read_json<T: DeserializeOwned>(kind: DocumentKind, body: &str) -> Result<T, Fault> {
    serde_json::from_str(body).map_err(|error| corrupt(&format!("a stored {} can't be read: {error}", kind.name())))
}

fn corrupt(message: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, message)
        .with_hint("it was written by another version, or the file is damaged: restore a backup of the data folder")
}

/// How often a deployment is read again whose course was replaced in between.
const COURSE_TRIES_MAX: u32 = 5;

fn course_key(deployment: &DeploymentId, number: u64) -> String {
    format!("{deployment}/{number}")
}

fn record_scope(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.request.project, deployment.request.environment)
}

/// A deployment from the bodies that are stored of it: its own, and that of its course by the course's key.
///
/// # Errors
/// One of them can't be read, or the course is missing.
pub fn read_deployment(body: &str, course: impl FnOnce(&str) -> Option<String>) -> Result<Deployment, Fault> {
    let mut deployment: Deployment = read_json(DocumentKind::Deployment, body)?;
    let number = deployment.course.number;
    if number > 0 {
        let body = course(&course_key(&deployment.id, number));
        let body = body.ok_or_else(|| corrupt(&format!("the course of deployment {} is missing", deployment.id)))?;
        deployment.course = Arc::new(read_json(DocumentKind::Course, &body)?);
    }
    Ok(deployment)
}

impl dyn Store + '_ {
    /// One document.
    pub async fn find<T: Stored>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.get(T::KIND, key).await?.map(|body| read_body(&body)).transpose()
    }

    /// A deployment.
    pub async fn deployment(&self, id: &str) -> Result<Option<Deployment>, Fault> {
        for _ in 0..COURSE_TRIES_MAX {
            let Some(body) = self.get(DocumentKind::Deployment, id).await? else { return Ok(None) };
            let record: Deployment = read_json(DocumentKind::Deployment, &body)?;
            if let Some(whole) = self.with_course(record).await? {
                return Ok(Some(whole));
            }
        }
        Err(corrupt(&format!("the course of deployment {id} is missing")))
    }

    /// Deployments of a listing.
    pub async fn deployments(&self, listing: Listing) -> Result<Vec<Deployment>, Fault> {
        let bodies = self.list(DocumentKind::Deployment, listing).await?;
        let mut all = Vec::with_capacity(bodies.len());
        for body in bodies {
            let record: Deployment = read_json(DocumentKind::Deployment, &body)?;
            let id = record.id.clone();
            match self.with_course(record).await? {
                Some(whole) => all.push(whole),
                None => all.extend(self.deployment(id.as_str()).await?),
            }
        }
        Ok(all)
    }

    /// A deployment with its course; none when the course was replaced since the deployment was read.
    async fn with_course(&self, mut record: Deployment) -> Result<Option<Deployment>, Fault> {
        let number = record.course.number;
        if number == 0 {
            return Ok(Some(record));
        }
        let Some(body) = self.get(DocumentKind::Course, &course_key(&record.id, number)).await? else {
            return Ok(None);
        };
        record.course = Arc::new(read_json(DocumentKind::Course, &body)?);
        Ok(Some(record))
    }

    /// Documents of a listing.
    pub async fn all<T: Stored>(&self, listing: Listing) -> Result<Vec<T>, Fault> {
        self.list(T::KIND, listing).await?.iter().map(|body| read_body(body)).collect()
    }

    /// All documents whose scope is this or below it, in order.
    pub async fn below<T: Stored>(&self, scope: &str) -> Result<Vec<T>, Fault> {
        self.all(Listing { scope: scope.into(), limit: LISTING_MAX, ..Listing::default() }).await
    }
}

mod stored {
    use super::{DocumentKind, Stored};
    use crate::{
        artifact::Provenance,
        breaker::{Breaker, Quarantine, Rollbacks},
        explain::Explanation,
        instance::Instance,
        lease::{Leader, Leases, Server},
        project::{EnvironmentLayer, Project},
        release::Release,
        route::Epoch,
        slot::Slot,
    };

    impl Stored for Project {
        const KIND: DocumentKind = DocumentKind::Project;
        fn key(&self) -> String {
            self.id.to_string()
        }
        fn scope(&self) -> String {
            self.id.to_string()
        }
    }

    impl Stored for EnvironmentLayer {
        const KIND: DocumentKind = DocumentKind::Layer;
        fn key(&self) -> String {
            format!("{}/{}", self.project, self.environment)
        }
        fn scope(&self) -> String {
            self.key()
        }
    }

    impl Stored for Slot {
        const KIND: DocumentKind = DocumentKind::Slot;
        fn key(&self) -> String {
            self.key.to_string()
        }
        fn scope(&self) -> String {
            self.key.to_string()
        }
    }

    impl Stored for Release {
        const KIND: DocumentKind = DocumentKind::Release;
        fn key(&self) -> String {
            self.id.to_string()
        }
        fn scope(&self) -> String {
            self.slot.to_string()
        }
        fn order(&self) -> i64 {
            self.made_at.0
        }
    }

    impl Stored for Instance {
        const KIND: DocumentKind = DocumentKind::Instance;
        fn key(&self) -> String {
            self.id.to_string()
        }
        fn scope(&self) -> String {
            self.slot.to_string()
        }
        fn order(&self) -> i64 {
            self.created_at.0
        }
    }

    impl Stored for Leases {
        const KIND: DocumentKind = DocumentKind::Leases;
        fn key(&self) -> String {
            format!("{}/{}", self.project, self.environment)
        }
        fn scope(&self) -> String {
            self.key()
        }
    }

    impl Stored for Server {
        const KIND: DocumentKind = DocumentKind::Server;
        fn key(&self) -> String {
            self.id.clone()
        }
        fn scope(&self) -> String {
            String::new()
        }
    }

    impl Stored for Epoch {
        const KIND: DocumentKind = DocumentKind::Epoch;
        fn key(&self) -> String {
            Self::KEY.into()
        }
        fn scope(&self) -> String {
            String::new()
        }
    }

    impl Stored for Leader {
        const KIND: DocumentKind = DocumentKind::Leader;
        fn key(&self) -> String {
            Self::KEY.into()
        }
        fn scope(&self) -> String {
            String::new()
        }
    }

    impl Stored for Breaker {
        const KIND: DocumentKind = DocumentKind::Breaker;
        fn key(&self) -> String {
            self.name.clone()
        }
        fn scope(&self) -> String {
            String::new()
        }
    }

    impl Stored for Rollbacks {
        const KIND: DocumentKind = DocumentKind::Rollbacks;
        fn key(&self) -> String {
            self.name()
        }
        fn scope(&self) -> String {
            self.name()
        }
    }

    impl Stored for Quarantine {
        const KIND: DocumentKind = DocumentKind::Quarantine;
        /// What is quarantined: the same once, however often it failed.
        fn key(&self) -> String {
            let releases = self.releases.iter().map(|(service, one)| format!("{service}={}", one.release));
            format!("{}/{} {}", self.project, self.environment, releases.collect::<Vec<_>>().join(" "))
        }
        fn scope(&self) -> String {
            format!("{}/{}", self.project, self.environment)
        }
        fn order(&self) -> i64 {
            self.at.0
        }
    }

    impl Stored for Explanation {
        const KIND: DocumentKind = DocumentKind::Explanation;
        fn key(&self) -> String {
            self.deployment.to_string()
        }
        fn scope(&self) -> String {
            format!("{}/{}", self.project, self.environment)
        }
        fn order(&self) -> i64 {
            self.at.0
        }
    }

    impl Stored for super::OpenDeployment {
        const KIND: DocumentKind = DocumentKind::OpenDeployment;
        fn key(&self) -> String {
            self.id.to_string()
        }
        fn scope(&self) -> String {
            String::new()
        }
    }

    impl Stored for Provenance {
        const KIND: DocumentKind = DocumentKind::Build;
        fn key(&self) -> String {
            self.build_key.to_string()
        }
        fn scope(&self) -> String {
            format!("{}/{}", self.project, self.service)
        }
        fn order(&self) -> i64 {
            self.at.0
        }
    }
}
