//! What every store promises of the history: pages by filters, and sums.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    deployment::{Cause, Deployment, Kind, Request, ServiceState},
    history::{Entry, Question, Range, Sums, day_of},
    id::{Actor, EnvironmentName},
    phase::Phase,
    store::{Commit, Document, DocumentKind, Store},
    time::Timestamp,
};
use shipway_store::{MemoryStore, SqlStore};

const DAY_MS: i64 = 86_400_000;
const COUNT: usize = 240;

/// A deployment of many sorts by its number; several are asked for in the same millisecond.
fn deployment(number: usize) -> Deployment {
    let environment = ["production", "staging"][number % 2];
    let kind = if number.is_multiple_of(7) { Kind::Scale { instances: BTreeMap::new() } } else { Kind::Deploy };
    let at = Timestamp((number / 3) as i64 * DAY_MS / 2);
    let actor = Actor { name: ["ada", "brian", "cy"][number % 3].into(), ..Actor::admin() };
    let request = Request::new("shop".into(), environment.into(), kind);
    let id = format!("d{number:04}");
    let mut deployment = Deployment::new(id.as_str().into(), number as u64, request, actor, "c".into(), at);
    let services = ["web", "api", "stock"].into_iter().take(1 + number % 3);
    deployment.services = services.map(|name| (name.into(), ServiceState::default())).collect();
    deployment
}

/// The same, ended.
fn ended(number: usize) -> Deployment {
    let mut deployment = deployment(number);
    let (phase, cause) = match number % 5 {
        0 => (Phase::Failed, Some(Cause::Release)),
        1 => (Phase::RolledBack, Some(Cause::Machinery)),
        2 => (Phase::Cancelled, Some(Cause::Person)),
        _ => (Phase::Completed, None),
    };
    (deployment.phase, deployment.cause) = (phase, cause);
    deployment.completed_at = Some(deployment.created_at.plus_ms(1000 + 97 * number as u64));
    deployment.rolled_back_by = (number % 20 == 3).then(|| "later".into());
    deployment
}

async fn put(store: &dyn Store, deployment: &Deployment) {
    let commit = Commit::at(Timestamp(1)).put_record(&Arc::new(deployment.clone()));
    store.commit(commit).await.expect("written");
}

/// Both stores with the same: some deployments are still open, some were removed.
async fn filled(folder: &tempfile::TempDir) -> (Vec<Arc<dyn Store>>, Vec<Entry>) {
    let sql: Arc<dyn Store> = SqlStore::open(&folder.path().join("shipway.db")).await.expect("the database opens");
    let stores: Vec<Arc<dyn Store>> = vec![sql, MemoryStore::new()];
    for store in &stores {
        for number in 0..COUNT {
            put(&**store, &deployment(number)).await;
        }
        for number in (0..COUNT).filter(|number| number % 11 != 0) {
            put(&**store, &ended(number)).await;
        }
        let gone = (0..COUNT).filter(is_gone).map(|number| (DocumentKind::Deployment, format!("d{number:04}")));
        store.commit(Commit { deletes: gone.collect(), ..Commit::default() }).await.expect("removed");
    }
    let stays = (0..COUNT).filter(|number| !is_gone(number));
    let entry = |number| Entry::of(&if number % 11 == 0 { deployment(number) } else { ended(number) });
    (stores, stays.map(entry).collect())
}

fn is_gone(number: &usize) -> bool {
    number.is_multiple_of(13)
}

async fn all_pages(store: &dyn Store, mut question: Question) -> Vec<Entry> {
    let mut all = Vec::new();
    loop {
        let page = store.history(&question).await.expect("a page");
        assert!(page.entries.len() <= question.limit as usize);
        all.extend(page.entries);
        match page.next {
            Some(next) => question.after = Some(next),
            None => return all,
        }
    }
}

/// Every filter alone, and many together.
fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for bits in 0_u32..256 {
        let has = |bit: u32| bits & (1 << bit) != 0;
        all.push(Question {
            environment: has(0).then(|| "production".into()),
            status: has(1).then(|| "rolled_back".into()),
            phase: has(2).then(|| "completed".into()),
            kind: has(3).then(|| if has(0) { "deploy".into() } else { "scale".into() }),
            service: has(4).then(|| "stock".into()),
            actor: has(5).then(|| "brian".into()),
            cause: has(6).then_some(Cause::Machinery),
            since: has(7).then_some(Timestamp(5 * DAY_MS)),
            until: has(7).then_some(Timestamp(30 * DAY_MS)),
            ..Question::of("shop".into(), 7)
        });
    }
    all
}

#[tokio::test]
async fn pages_hold_what_fits_once_and_in_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (stores, mut entries) = filled(&folder).await;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.place()));
    for question in questions() {
        let fitting: Vec<_> = entries.iter().filter(|entry| question.fits(entry)).cloned().collect();
        for store in &stores {
            assert_eq!(all_pages(&**store, question.clone()).await, fitting, "{question:?}");
        }
    }
    let elsewhere = Question::of("stall".into(), 7);
    assert!(all_pages(&*stores[0], elsewhere).await.is_empty(), "another project's are not found");
}

#[tokio::test]
async fn sums_follow_every_change_of_a_deployment_and_outlive_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (stores, _) = filled(&folder).await;
    let count = (0..COUNT).filter(|number| number % 11 != 0);
    let entries: Vec<_> = count.map(|number| Entry::of(&ended(number))).collect();
    for (first, last) in [(0, 40), (3, 3), (1, 31), (0, 31), (31, 32), (5, 200), (90, 99)] {
        for environment in [None, Some(EnvironmentName::from("staging"))] {
            let mut wanted: BTreeMap<EnvironmentName, Sums> = BTreeMap::new();
            for entry in entries.iter().filter(|entry| entry.phase.is_end()) {
                let day = day_of(entry.completed_at.expect("what ended has an end"));
                let here = environment.as_ref().is_none_or(|name| *name == entry.environment);
                if here && (first..=last).contains(&day) {
                    wanted.entry(entry.environment.clone()).or_default().add(entry);
                }
            }
            let range = Range { project: "shop".into(), environment, first, last };
            for store in &stores {
                assert_eq!(store.sums(&range).await.expect("sums"), wanted, "{range:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_rare_combination_among_many_is_found_page_by_page() {
    const MANY: usize = 5000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqlStore::open(&folder.path().join("shipway.db")).await.expect("the database opens");
    let mut puts = Vec::new();
    for number in 0..MANY {
        let mut one = ended(number);
        one.actor.name = if number == 1 { "zoe".into() } else { "ada".into() };
        one.request.kind = if number == 4 { Kind::Decommission } else { Kind::Deploy };
        puts.push(Commit::default().put_record(&Arc::new(one)).puts.remove(0));
    }
    let of = |puts: &[Document]| Commit { puts: puts.to_vec(), ..Commit::default() };
    for some in puts.chunks(500) {
        store.commit(of(some)).await.expect("written");
    }
    // The index of the actor finds nearly all, of which one is of that kind and status.
    let rare = Question { status: Some("success".into()), actor: Some("ada".into()), ..Question::of("shop".into(), 5) };
    let rare = Question { environment: Some("production".into()), since: Some(Timestamp(0)), ..rare };
    let rare = Question { until: Some(Timestamp(2 * DAY_MS)), ..rare };
    let found = all_pages(&*store, Question { kind: Some("deploy".into()), ..rare.clone() }).await;
    let ids: Vec<_> = found.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["d0008"], "4 is another kind");
    let all = Question { until: None, since: None, ..rare };
    let lone = Question { status: Some("none".into()), ..all };
    let page = store.history(&lone).await.expect("a page");
    assert!(page.entries.is_empty() && page.next.is_some(), "a page looks at a bounded number: {page:?}");
    assert!(all_pages(&*store, lone).await.is_empty(), "and the pages end");
}
