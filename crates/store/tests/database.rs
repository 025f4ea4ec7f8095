//! The SQL store on a real file.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;
use shipway_core::{
    event::{EventBody, EventKind, EventStatus},
    id::SlotKey,
    ports::FaultKind,
    slot::Slot,
    store::{Body, Commit, Document, DocumentKind, Listing, Store},
    time::Timestamp,
};
use shipway_store::SqlStore;
use sqlx::{AnyConnection, Connection, Executor};
use tempfile::TempDir;

/// Longer than anything here takes; only a fault makes a test wait that long.
const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn open(folder: &Path) -> Arc<SqlStore> {
    SqlStore::open(&folder.join("shipway.db")).await.expect("the database opens")
}

fn document(key: &str, scope: &str, order: i64, body: &str) -> Document {
    Document { kind: DocumentKind::Release, key: key.into(), scope: scope.into(), order, body: Body::text(body) }
}

fn put(document: Document) -> Commit {
    Commit { puts: vec![document], ..Commit::at(Timestamp(7)) }
}

fn event(message: &str) -> EventBody {
    EventBody::new(EventKind::StepStarted, EventStatus::Running, "test", message)
}

fn slot(service: &str, revision: u64) -> Slot {
    let key = SlotKey { project: "shop".into(), environment: "prod".into(), service: service.into() };
    Slot { revision, ..Slot::empty(key) }
}

#[tokio::test]
async fn of_many_writes_of_one_revision_one_wins() {
    let folder = folder();
    let store = open(folder.path()).await;
    for revision in 1..=20 {
        let write = |writer: usize| {
            let mine = put(document(&format!("{revision}-{writer}"), "shop", 0, "mine")).event(event("won"));
            store.commit(mine.put_slot(&slot("web", revision)))
        };
        let results = join_all((0..8).map(write)).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let lost = results.iter().filter_map(|result| result.as_ref().err());
        assert!(lost.clone().all(|fault| fault.kind == FaultKind::Conflict), "{:?}", lost.collect::<Vec<_>>());
    }
    let all = Listing { limit: 1000, ..Listing::default() };
    let left = store.list(DocumentKind::Release, all).await.expect("a listing");
    assert_eq!(left.len(), 20, "losers left nothing");
    assert_eq!(store.last_event().await.expect("read"), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_are_dense_and_ordered_under_many_writers() {
    const WRITERS: usize = 16;
    const COMMITS: usize = 40;
    let folder = folder();
    let store = open(folder.path()).await;
    let writer = |writer: usize, store: Arc<SqlStore>| async move {
        let mut places = Vec::new();
        for number in 0..COMMITS {
            let commit = Commit::at(Timestamp(1)).event(event(&format!("{writer} {number} a")));
            let commit = commit.event(event(&format!("{writer} {number} b")));
            places.push(store.commit(commit).await.expect("written").last_event);
        }
        places
    };
    let tasks = (0..WRITERS).map(|number| tokio::spawn(writer(number, store.clone())));
    let places: Vec<Vec<u64>> = join_all(tasks).await.into_iter().map(|places| places.expect("a writer")).collect();
    let events = store.events(0, None, u32::MAX).await.expect("read");
    let sequence: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(sequence, (1..=(WRITERS * COMMITS * 2) as u64).collect::<Vec<_>>());
    for (writer, places) in places.iter().enumerate() {
        for (number, place) in places.iter().enumerate() {
            let last = &events[usize::try_from(*place).expect("few events") - 1];
            assert_eq!(last.body.message, format!("{writer} {number} b"), "both events of a commit stand together");
            assert_eq!(events[last.seq as usize - 2].body.message, format!("{writer} {number} a"));
        }
    }
    assert_eq!(store.events(1270, None, 5).await.expect("read").len(), 5);
    assert_eq!(store.events(1280, None, 5).await.expect("read").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_is_of_one_commit() {
    const COMMITS: u64 = 300;
    let folder = folder();
    let store = open(folder.path()).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 1..=COMMITS {
                let text = number.to_string();
                let of = |kind| Document { kind, ..document("a", "shop", 0, &text) };
                let puts = vec![of(DocumentKind::Project), of(DocumentKind::Layer)];
                let commit = Commit { puts, ..Commit::default() };
                store.commit(commit).await.expect("written");
            }
        }
    });
    let mut seen = 0;
    while seen < COMMITS {
        let kinds = [DocumentKind::Layer, DocumentKind::Project];
        let (generation, bodies) = store.snapshot(&kinds).await.expect("a snapshot");
        let expected = if generation == 0 { vec![] } else { vec![Body::text(generation.to_string())] };
        assert_eq!(bodies, [expected.clone(), expected]);
        assert!(generation >= seen, "a later snapshot is not older");
        seen = generation;
    }
    writer.await.expect("no panic");
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = folder();
    let store = open(folder.path()).await;
    let commit = put(document("a", "shop", 3, "kept")).event(event("kept")).put_slot(&slot("web", 1));
    let before = store.commit(commit).await.expect("written");
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(store.get(DocumentKind::Release, "a").await.expect("read"), Some(Body::text("kept")));
    let asked: &dyn Store = &*store;
    assert_eq!(asked.below::<Slot>("shop/prod").await.expect("read"), [slot("web", 1)]);
    assert_eq!(store.last_event().await.expect("read"), 1);
    assert_eq!(store.events(0, None, 9).await.expect("read")[0].body.message, "kept");
    assert_eq!(store.snapshot(&[]).await.expect("read").0, before.generation);
    let again = store.commit(Commit::default().put_slot(&slot("web", 1))).await.expect_err("the revision was kept");
    assert_eq!(again.kind, FaultKind::Conflict);
    let next = store.commit(Commit::default().put_slot(&slot("web", 2)).event(event("next"))).await.expect("written");
    assert_eq!((next.generation, next.last_event), (before.generation + 1, 2));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = folder();
    let path = folder.path().join("shipway.db");
    std::fs::write(&path, "this is a shopping list, and not a database at all".repeat(100)).expect("written");
    let opening = tokio::time::timeout(PATIENCE, SqlStore::open(&path)).await.expect("it does not hang");
    let fault = opening.err().expect("it is no database");
    assert!(fault.message.contains("shipway.db") && fault.message.contains("not a database"), "{fault}");
    assert!(fault.hint.is_some(), "{fault}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let fault = SqlStore::open(&folder.path().join("absent/shipway.db")).await.err().expect("there is no folder");
    assert!(fault.message.contains("absent/shipway.db") && fault.hint.is_some(), "{fault}");
}

/// The database as somebody else changes it.
async fn change(folder: &Path, sql: &'static str) {
    let url = format!("sqlite://{}", folder.join("shipway.db").display());
    let mut connection = AnyConnection::connect(&url).await.expect("the database opens");
    connection.execute(sql).await.expect("it is changed");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn after_a_transaction_that_failed_memory_says_what_the_database_says() {
    let folder = folder();
    let store = open(folder.path()).await;
    let project = |body: &str| Document { kind: DocumentKind::Project, ..document("a", "shop", 1, body) };
    let before = store.commit(put(project("written"))).await.expect("written");
    // Nobody does so beside a server; here it shows that everything is read again.
    change(
        folder.path(),
        "CREATE TRIGGER no_events BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no events'); END; \
         UPDATE present SET body = 'changed' WHERE key = 'a'",
    )
    .await;
    assert_eq!(store.get(DocumentKind::Project, "a").await.expect("read"), Some(Body::text("written")));
    let failing = put(project("lost")).put_slot(&slot("web", 1)).event(event("lost"));
    let fault = store.commit(failing.clone()).await.expect_err("events are refused");
    assert!(fault.message.contains("no events"), "{fault}");
    assert_eq!(store.get(DocumentKind::Project, "a").await.expect("read"), Some(Body::text("changed")));
    assert_eq!(store.get(DocumentKind::Slot, "shop/prod/web").await.expect("read"), None);
    change(folder.path(), "DROP TRIGGER no_events").await;
    let after = store.commit(failing).await.expect("neither revision nor number was used up");
    assert_eq!((after.generation, after.last_event), (before.generation + 1, 1));
}
