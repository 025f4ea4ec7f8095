//! What happens to requests while tables change.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::{Request, StatusCode};
use shipway_core::{id::InstanceId, ports::TrafficRouter, strategy::Recreate};

use crate::{bench::*, load::Load};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_under_load_fails_nothing_and_drained_instances_are_left_alone() {
    let proxy = Proxy::start().await;
    let mut live = named_app("first").await;
    proxy.publish(one_service(pool(vec![backend("r0", 1, &[live.address])]))).await;
    let load = Load::start(proxy.address());
    for round in 1..=12u32 {
        load.until_asked(100).await;
        let next = named_app("next").await;
        let release = format!("r{round}");
        proxy.publish(one_service(pool(vec![backend(&release, 1, &[next.address])]))).await;
        let drained = InstanceId::new(format!("r{}-0", round - 1));
        eventually("the old instance has nothing in flight", || async {
            !proxy.traffic().await.in_flight.contains_key(&drained)
        })
        .await;
        // Nothing may reach it from here on: it would be stopped now.
        let old = std::mem::replace(&mut live, next);
        eventually("the old instance's connections close", || async { old.connections.load(Ordering::SeqCst) == 0 })
            .await;
        load.until_asked(50).await;
        assert_eq!(old.connections.load(Ordering::SeqCst), 0, "a drained instance got a connection");
    }
    let asked = load.end().await;
    let traffic = proxy.traffic().await;
    assert_eq!(traffic.releases.iter().map(|one| one.failed).sum::<u64>(), 0);
    let counted: u64 = traffic.releases.iter().map(|one| one.requests).sum();
    assert_eq!(counted, asked, "numbers of releases that left stay readable");
}

fn canary(old: &App, new: &App, percent: u32) -> shipway_core::route::Pool {
    let mut candidate = backend("new", percent, &[new.address]);
    candidate.candidate = true;
    let mut pool = pool(vec![backend("old", 100 - percent, &[old.address]), candidate]);
    pool.cohort = Some("d1".into());
    pool
}

#[tokio::test]
async fn a_client_keeps_its_side_of_a_canary() {
    let (old, new) = (named_app("old").await, named_app("new").await);
    let proxy = Proxy::start().await;
    proxy.publish(one_service(canary(&old, &new, 25))).await;
    let mut kept = connect(proxy.address()).await;
    let mut clients = Vec::new();
    for _ in 0..400 {
        let request = Request::get("/").header("host", "a").body(full("")).expect("a request");
        let answer = ask_on(&mut kept, request).await.expect("an answer");
        let cookie = answer.header("set-cookie");
        assert!(cookie.ends_with("; Path=/; SameSite=Lax; HttpOnly"), "{cookie}");
        let pair = cookie.split(';').next().expect("a pair").to_owned();
        clients.push((pair, answer.text().starts_with("new")));
    }
    let inside = clients.iter().filter(|(_, is_new)| *is_new).count();
    assert!((50..150).contains(&inside), "{inside} of 400 clients at 25 %");
    for percent in [25, 60, 100] {
        proxy.publish(one_service(canary(&old, &new, percent))).await;
        for (pair, was_new) in &mut clients {
            let request = Request::get("/").header("host", "a").header("cookie", &*pair);
            let answer = ask_on(&mut kept, request.body(full("")).expect("a request")).await.expect("an answer");
            assert_eq!(answer.header("set-cookie"), "", "it has one");
            let is_new = answer.text().starts_with("new");
            assert!(is_new || !*was_new, "a client fell out of the canary at {percent} %");
            assert!(percent != 25 || is_new == *was_new, "a client changed sides");
            *was_new = is_new;
        }
    }
    assert!(clients.iter().all(|(_, is_new)| *is_new), "all are in at 100 %");
}

#[tokio::test]
async fn weights_share_requests_without_a_cohort() {
    let (old, new) = (named_app("old").await, named_app("new").await);
    let proxy = Proxy::start().await;
    let backends = vec![backend("old", 3, &[old.address]), backend("new", 1, &[new.address])];
    proxy.publish(one_service(pool(backends))).await;
    let mut kept = connect(proxy.address()).await;
    for _ in 0..400 {
        let request = Request::get("/").header("host", "a").body(full("")).expect("a request");
        let answer = ask_on(&mut kept, request).await.expect("an answer");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let new = proxy.numbers("web", "new", 1).await.requests;
    assert!((50..150).contains(&new), "{new} of 400 requests at a weight of one in four");
}

fn held(mut pool: shipway_core::route::Pool, hold_ms_max: u64, held_requests_max: u32) -> shipway_core::route::Pool {
    pool.hold = Some(Recreate { hold_ms_max, held_requests_max });
    pool
}

#[tokio::test]
async fn held_requests_wait_for_the_new_release() {
    let app = named_app("new").await;
    let proxy = Arc::new(Proxy::start().await);
    proxy.publish(one_service(held(pool(Vec::new()), 60_000, 3))).await;
    let ask_one = |at: usize| {
        let proxy = proxy.clone();
        tokio::spawn(async move { proxy.get("a", &format!("/{at}")).await })
    };
    let mut waiting: Vec<_> = (0..3).map(ask_one).collect();
    // Of four, three find a place: the one that doesn't is answered at once.
    waiting.push(ask_one(3));
    let (first, _, rest) = futures_util::future::select_all(waiting).await;
    let first = first.expect("an answer");
    assert_eq!((first.status, first.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert!(rest.iter().all(|one| !one.is_finished()));
    proxy.publish(one_service(held(pool(vec![backend("new", 1, &[app.address])]), 60_000, 3))).await;
    assert!(rest.iter().all(|one| !one.is_finished()), "still held");
    proxy.publish(one_service(pool(vec![backend("new", 1, &[app.address])]))).await;
    for one in rest {
        let answer = one.await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().starts_with("new /"));
    }
    assert_eq!(proxy.numbers("web", "", 1).await.failed, 1);
    assert_eq!(proxy.numbers("web", "new", 3).await.failed, 0);
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_does_not_hold_what_is_asked_for_by_name() {
    let app = named_app("new").await;
    let proxy = Proxy::start().await;
    let lane = std::net::Ipv4Addr::new(127, 1, 2, 3);
    let mut table = one_service(held(pool(vec![backend("new", 0, &[app.address])]), 30, 10));
    table.links.insert(lane, link("web", Some("new")));
    proxy.publish(table).await;
    assert_eq!(proxy.get("a", "/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(proxy.numbers("web", "", 1).await.failed, 1);
    let answer = ask((lane, proxy.client.link_port()).into(), Request::get("/x").header("host", "web")).await;
    assert_eq!(answer.text(), "new /x");
}

#[tokio::test]
async fn what_refuses_connections_is_passed_over_and_then_ejected() {
    let app = named_app("web").await;
    let (dead, _keep) = dead_address();
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![backend("r1", 1, &[dead, app.address])]))).await;
    let mut sender = connect(proxy.address()).await;
    for _ in 0..60 {
        let request = Request::post("/").header("host", "a").body(full("not to be lost")).expect("a request");
        assert_eq!(ask_on(&mut sender, request).await.expect("an answer").status, StatusCode::OK);
    }
    assert_eq!(proxy.numbers("web", "r1", 60).await.failed, 0);
    assert!(proxy.traffic().await.ejected.contains(&InstanceId::new("r1-0")));
    proxy.publish(one_service(pool(vec![backend("r2", 1, &[dead])]))).await;
    assert_eq!(proxy.get("a", "/").await.status, StatusCode::BAD_GATEWAY);
    let numbers = proxy.numbers("web", "r2", 1).await;
    assert_eq!((numbers.requests, numbers.failed), (1, 1), "one request, however often it was tried");
}

#[tokio::test]
async fn a_kept_connection_that_closed_is_no_failure() {
    let closing = closing_app().await;
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![backend("r1", 1, &[closing])]))).await;
    let mut sender = connect(proxy.address()).await;
    for at in 0..50 {
        let request = Request::get("/").header("host", "a").body(full("")).expect("a request");
        let answer = ask_on(&mut sender, request).await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK, "request {at}: {}", answer.text());
    }
    assert_eq!(proxy.numbers("web", "r1", 50).await.failed, 0);
}

/// Answers one request per connection, says nothing of closing it, and closes it when the next request has come.
async fn closing_app() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(local()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.expect("a request");
                if read > 0 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.expect("an answer");
                    let _ = tokio::time::timeout(Duration::from_secs(9), stream.read(&mut buffer)).await;
                }
            });
        }
    });
    address
}
