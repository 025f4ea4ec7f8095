//! The port to durable state: few transactional verbs over documents, and the events in their order.
//!
//! Not here: SQL (`store`), and what is written when (`engine`).

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    event::{Event, EventBody},
    id::SlotKey,
    ports::Fault,
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
    /// `deployment::Deployment`
    Deployment,
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
            Self::OpenDeployment => "openDeployment",
            Self::Build => "build",
            Self::Idempotency => "idempotency",
            Self::Notification => "notification",
            Self::Meta => "meta",
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
    /// Slots that are written, with the revision that each must still have (0: never written).
    pub expect: Vec<(SlotKey, u64)>,
    /// When, for the events.
    pub at: Timestamp,
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

    /// Removes a document.
    #[must_use]
    pub fn delete<T: Stored>(mut self, document: &T) -> Self {
        self.deletes.push((T::KIND, document.key()));
        self
    }

    /// Writes a slot that must still have the revision before.
    #[must_use]
    pub fn put_slot(mut self, slot: &crate::slot::Slot) -> Self {
        self.expect.push((slot.key.clone(), slot.revision.saturating_sub(1)));
        self.put(slot)
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
    serde_json::from_str(body).map_err(|error| {
        Fault::new(crate::ports::FaultKind::Corrupt, format!("a stored {} can't be read: {error}", T::KIND.name()))
            .with_hint("it was written by another version, or the file is damaged: restore a backup of the data folder")
    })
}

impl dyn Store + '_ {
    /// One document.
    pub async fn find<T: Stored>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.get(T::KIND, key).await?.map(|body| read_body(&body)).transpose()
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
        deployment::Deployment,
        instance::Instance,
        project::{EnvironmentLayer, Project},
        release::Release,
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

    impl Stored for Deployment {
        const KIND: DocumentKind = DocumentKind::Deployment;
        fn key(&self) -> String {
            self.id.to_string()
        }
        fn scope(&self) -> String {
            format!("{}/{}", self.request.project, self.request.environment)
        }
        fn order(&self) -> i64 {
            self.created_at.0
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
