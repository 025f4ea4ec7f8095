//! What every store promises, asked of each: in SQL on a file, and in memory.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use shipway_core::{
    deployment::{Course, Deployment, Kind, Request},
    event::{EventBody, EventKind, EventStatus},
    id::{Actor, SlotKey},
    ports::FaultKind,
    slot::Slot,
    store::{Body, Commit, Document, DocumentKind, Listing, Store},
    time::Timestamp,
};
use shipway_store::{MemoryStore, SqlStore};

/// Longer than anything here takes; only a fault makes a test wait that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks each implementation the same.
async fn of_each<F: Future<Output = ()>>(ask: impl Fn(Arc<dyn Store>) -> F) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ask(SqlStore::open(&folder.path().join("shipway.db")).await.expect("the database opens")).await;
    ask(MemoryStore::new()).await;
}

/// A kind of what was, and one of what is.
const KINDS: [DocumentKind; 2] = [DocumentKind::Release, DocumentKind::Project];

fn document(kind: DocumentKind, key: &str, scope: &str, order: i64, body: &str) -> Document {
    Document { kind, key: key.into(), scope: scope.into(), order, body: Body::text(body) }
}

async fn body(store: &dyn Store, kind: DocumentKind, key: &str) -> Option<String> {
    store.get(kind, key).await.expect("read").map(|body| body.to_text())
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

async fn listed(store: &dyn Store, kind: DocumentKind, listing: Listing) -> Vec<String> {
    store.list(kind, listing).await.expect("a listing").iter().map(Body::to_text).collect()
}

#[tokio::test]
async fn documents_are_written_replaced_and_removed() {
    for kind in KINDS {
        of_each(|store| async move {
            let first = store.commit(put(document(kind, "a", "shop", 7, "one"))).await.expect("written");
            assert_eq!((first.generation, first.last_event), (1, 0));
            assert_eq!(body(&*store, kind, "a").await, Some("one".into()));
            assert_eq!(body(&*store, DocumentKind::Slot, "a").await, None, "kinds have keys of their own");
            store.commit(put(document(kind, "a", "shop", 7, "two"))).await.expect("written");
            store.commit(put(document(kind, "b", "shop", 5, "three"))).await.expect("written");
            let all = Listing { limit: 9, ..Listing::default() };
            assert_eq!(body(&*store, kind, "a").await, Some("two".into()));
            assert_eq!(listed(&*store, kind, all.clone()).await, ["three", "two"]);
            let remove = Commit { deletes: vec![(kind, "a".into())], ..Commit::default() };
            assert_eq!(store.commit(remove.clone()).await.expect("removed").generation, 4);
            assert_eq!(store.commit(remove).await.expect("it was gone").generation, 5);
            assert_eq!(body(&*store, kind, "a").await, None);
            assert_eq!(listed(&*store, kind, all).await, ["three"]);
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_may_move_to_another_place() {
    of_each(|store| async move {
        let kind = DocumentKind::Project;
        store.commit(put(document(kind, "a", "shop", 1, "here"))).await.expect("written");
        store.commit(put(document(kind, "b", "shop", 5, "other"))).await.expect("written");
        store.commit(put(document(kind, "a", "stall/prod", 9, "there"))).await.expect("written");
        let all = Listing { limit: 9, ..Listing::default() };
        assert_eq!(listed(&*store, kind, all.clone()).await, ["other", "there"]);
        assert_eq!(listed(&*store, kind, Listing { scope: "shop".into(), ..all.clone() }).await, ["other"]);
        assert_eq!(listed(&*store, kind, Listing { scope: "stall".into(), ..all }).await, ["there"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_keeps_its_place() {
    of_each(|store| async move {
        let kind = DocumentKind::Release;
        store.commit(put(document(kind, "a", "shop", 1, "first"))).await.expect("written");
        store.commit(put(document(kind, "b", "shop", 5, "other"))).await.expect("written");
        store.commit(put(document(kind, "a", "stall", 9, "again"))).await.expect("written");
        let all = Listing { limit: 9, ..Listing::default() };
        assert_eq!(listed(&*store, kind, all.clone()).await, ["again", "other"]);
        assert_eq!(listed(&*store, kind, Listing { scope: "shop".into(), ..all }).await, ["again", "other"]);
    })
    .await;
}

#[tokio::test]
async fn listings_take_a_scope_a_place_an_order_and_a_limit() {
    for kind in KINDS {
        of_each(|store| async move {
            let puts = vec![
                document(kind, "a", "shop", 10, "a"),
                document(kind, "b", "shop/prod", 20, "b"),
                document(kind, "c", "shop/prod/web", 30, "c"),
                document(kind, "d", "shop/production", 40, "d"),
                document(kind, "e", "shop/prod/api", 30, "e"),
            ];
            store.commit(Commit { puts, ..Commit::default() }).await.expect("written");
            let (all, store) = (Listing { limit: 100, ..Listing::default() }, &*store);
            assert_eq!(listed(store, kind, all.clone()).await, ["a", "b", "c", "e", "d"]);
            let prod = Listing { scope: "shop/prod".into(), ..all.clone() };
            assert_eq!(listed(store, kind, prod.clone()).await, ["b", "c", "e"], "a path, not a beginning of a name");
            assert_eq!(listed(store, kind, Listing { newest_first: true, ..prod.clone() }).await, ["e", "c", "b"]);
            assert_eq!(listed(store, kind, Listing { before: Some(30), ..prod.clone() }).await, ["b"]);
            assert_eq!(listed(store, kind, Listing { newest_first: true, limit: 2, ..all.clone() }).await, ["d", "e"]);
            assert_eq!(listed(store, kind, Listing { before: Some(30), ..all.clone() }).await, ["a", "b"]);
            let newest = Listing { before: Some(31), newest_first: true, ..all.clone() };
            assert_eq!(listed(store, kind, newest).await[0], "e");
            assert_eq!(listed(store, kind, Listing { limit: 1, ..prod }).await, ["b"]);
            assert!(listed(store, kind, Listing { scope: "shop/pro".into(), ..all }).await.is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn a_conflict_leaves_nothing_behind() {
    of_each(|store| async move {
        store.commit(Commit::default().put_slot(&slot("web", 1))).await.expect("the first write");
        let late = put(document(DocumentKind::Release, "a", "shop", 1, "late")).event(event("late"));
        let late = late.put_slot(&slot("api", 1)).put_slot(&slot("web", 1));
        let fault = store.commit(late).await.expect_err("web was written before");
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains("shop/prod/web") && fault.hint.is_some(), "{fault}");
        assert_eq!(body(&*store, DocumentKind::Release, "a").await, None);
        assert_eq!(body(&*store, DocumentKind::Slot, "shop/prod/api").await, None);
        assert_eq!(store.last_event().await.expect("read"), 0);
        let next = store.commit(Commit::default().put_slot(&slot("api", 1)).put_slot(&slot("web", 2))).await;
        assert_eq!(next.expect("nothing stands in the way").generation, 2);
        let skipped = store.commit(Commit::default().put_slot(&slot("web", 4))).await;
        assert_eq!(skipped.expect_err("3 was never written").kind, FaultKind::Conflict);
    })
    .await;
}

#[tokio::test]
async fn of_many_writes_of_one_revision_one_wins() {
    of_each(|store| async move {
        for revision in 1..=5 {
            let write = |_| store.commit(Commit::default().event(event("won")).put_slot(&slot("web", revision)));
            let results = join_all((0..8).map(write)).await;
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        }
        assert_eq!(store.last_event().await.expect("read"), 5);
    })
    .await;
}

#[tokio::test]
async fn events_are_dense_and_found_by_deployment() {
    of_each(|store| async move {
        let of = |deployment: &str| EventBody { deployment: Some(deployment.into()), ..event(deployment) };
        let commit = Commit::at(Timestamp(5)).event(of("d1")).event(of("d2")).event(event("nobody's")).event(of("d1"));
        assert_eq!(store.commit(commit).await.expect("written").last_event, 4);
        let all = store.events(0, None, 10).await.expect("read");
        assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
        let mine = store.events(0, Some("d1"), 10).await.expect("read");
        assert_eq!(
            mine.iter().map(|event| (event.seq, event.id.as_str())).collect::<Vec<_>>(),
            [(1, "evt-1"), (4, "evt-4")]
        );
        assert!(mine.iter().all(|event| event.at == Timestamp(5) && event.body.message == "d1"));
        assert_eq!(store.events(1, Some("d1"), 10).await.expect("read").len(), 1);
        assert_eq!(store.events(1, None, 2).await.expect("read").len(), 2);
        assert!(store.events(9, None, 2).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn forgotten_events_leave_holes_and_numbers_only_rise() {
    of_each(|store| async move {
        let commit = (0..5).fold(Commit::at(Timestamp(5)), |commit, number| commit.event(event(&number.to_string())));
        store.commit(commit).await.expect("written");
        let forget = Commit { forgets: vec![1, 2, 4, 99], ..Commit::at(Timestamp(6)) };
        store.commit(forget.event(event("told"))).await.expect("forgotten");
        let places = async |after| -> Vec<u64> {
            store.events(after, None, 10).await.expect("read").iter().map(|event| event.seq).collect()
        };
        assert_eq!((places(0).await, places(2).await, places(4).await), (vec![3, 5, 6], vec![3, 5, 6], vec![5, 6]));
        let all = Commit { forgets: vec![3, 5, 6], ..Commit::at(Timestamp(7)) };
        assert_eq!(store.commit(all).await.expect("forgotten").last_event, 6);
        assert_eq!(store.commit(Commit::default().event(event("next"))).await.expect("written").last_event, 7);
        assert_eq!(places(0).await, [7]);
    })
    .await;
}

#[tokio::test]
async fn who_waits_for_an_event_is_woken() {
    of_each(|store| async move {
        let waiting = tokio::spawn({
            let store = store.clone();
            async move {
                store.wait_event(1).await;
                store.last_event().await.expect("read")
            }
        });
        store.commit(Commit::default().event(event("first"))).await.expect("written");
        assert!(!waiting.is_finished(), "the first event is not after the first");
        store.commit(Commit::default().event(event("second"))).await.expect("written");
        let seen = tokio::time::timeout(PATIENCE, waiting).await.expect("woken").expect("no panic");
        assert_eq!(seen, 2);
        tokio::time::timeout(PATIENCE, store.wait_event(0)).await.expect("what is there is not waited for");
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_names_its_commit() {
    of_each(|store| async move {
        let kind = DocumentKind::Project;
        assert_eq!(store.snapshot(&[kind]).await.expect("read"), (0, vec![vec![]]));
        store.commit(put(document(kind, "b", "shop", 2, "b"))).await.expect("written");
        store.commit(put(document(kind, "a", "shop", 1, "a"))).await.expect("written");
        let all = store.snapshot(&[DocumentKind::Slot, kind]).await.expect("read");
        assert_eq!(all, (2, vec![vec![], vec![Body::text("a"), Body::text("b")]]));
        let past = store.snapshot(&[DocumentKind::Release]).await.expect_err("what was is not held whole");
        assert!(past.message.contains("release"), "{past}");
    })
    .await;
}

#[tokio::test]
async fn a_deployment_is_read_with_its_course() {
    let project = || Deployment {
        course: Arc::new(Course { number: 0, ..Course::default() }),
        ..Deployment::new(
            "d1".into(),
            1,
            Request::new("shop".into(), "prod".into(), Kind::Deploy),
            Actor::admin(),
            "token".into(),
            Timestamp(5),
        )
    };
    of_each(|store| async move {
        let before = project();
        let (commit, first) = Commit::at(Timestamp(5)).put_deployment(before.clone(), &before.course);
        store.commit(commit).await.expect("written");
        assert_eq!(store.deployment("d1").await.expect("read").as_deref(), Some(&*first));
        let mut planned = Deployment::clone(&first);
        planned.course_mut().goal.insert("web".into(), None);
        let (commit, second) = Commit::at(Timestamp(6)).put_deployment(planned, &first.course);
        store.commit(commit).await.expect("written");
        assert_eq!(second.course.number, 1);
        assert_eq!(store.deployment("d1").await.expect("read").as_deref(), Some(&*second));
        let listing = Listing { scope: "shop/prod".into(), limit: 2, ..Listing::default() };
        assert_eq!(store.deployments(listing).await.expect("read"), [second]);
    })
    .await;
}

#[tokio::test]
async fn an_earlier_state_comes_back_whole() {
    let store = MemoryStore::new();
    let commit = |revision| Commit::default().put_slot(&slot("web", revision)).event(event("written"));
    store.apply(commit(1)).expect("written");
    let earlier = store.copy();
    store.apply(commit(2)).expect("written");
    store.restore(earlier);
    assert_eq!(store.last_event().await.expect("read"), 1);
    assert_eq!(store.apply(commit(2)).expect("the revision came back too").generation, 2);
}

#[tokio::test]
async fn a_memory_that_is_read_again_gives_the_same() {
    let store = MemoryStore::new();
    let written = slot("web", 1);
    store.apply(Commit::default().put_slot(&written)).expect("written");
    store.reread();
    assert!(store.look(|state| state.documents(DocumentKind::Slot).all(|document| document.body.is_text())));
    let store: &dyn Store = &*store;
    assert_eq!(store.find::<Slot>("shop/prod/web").await.expect("read"), Some(written));
}
