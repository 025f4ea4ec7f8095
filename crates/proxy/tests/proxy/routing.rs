//! Where requests go, and what reaches an application.

use std::{net::Ipv4Addr, sync::Arc};

use http::{Request, Response, StatusCode};
use shipway_core::ports::{FaultKind, TrafficRouter};

use crate::bench::*;

/// An application that answers with the header lines that it got.
async fn mirror() -> App {
    app(|request| async move {
        let lines: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        let answer = Response::builder()
            .header("connection", "x-inner")
            .header("x-inner", "1")
            .header("keep-alive", "timeout=9")
            .header("x-outer", "1");
        answer.body(full(lines.join("\n"))).expect("an answer")
    })
    .await
}

#[tokio::test]
async fn the_longest_path_of_the_host_decides() {
    let (web, api) = (named_app("web").await, named_app("api").await);
    let proxy = Proxy::start().await;
    let mut table = one_service(pool(vec![backend("w1", 1, &[web.address])]));
    table.pools.insert("api".into(), pool(vec![backend("a1", 1, &[api.address])]));
    table.routes.push(route("a", "/api", true, "api"));
    table.routes.push(route("b", "/api", false, "api"));
    proxy.publish(table).await;
    for (host, path, seen) in [
        ("a", "/x?q=1", "web /x?q=1"),
        ("A:8080", "/apix", "web /apix"),
        ("a", "/api/x?q=1", "api /x?q=1"),
        ("a", "/api", "api /"),
        ("a", "/api/%2e%2e/x", "api /%2e%2e/x"),
        ("b", "/api/x", "api /api/x"),
    ] {
        assert_eq!(proxy.get(host, path).await.text(), seen, "{host}{path}");
    }
    let missing = proxy.get("b", "/x").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text().contains("host b, path /x"), "{}", missing.text());
    let numbers = proxy.numbers("api", "a1", 4).await;
    assert_eq!((numbers.requests, numbers.failed, numbers.latency.iter().sum::<u64>()), (4, 0, 4));
    assert_eq!(
        numbers.bytes_sent,
        ("api /x?q=1".len() + "api /".len() + "api /%2e%2e/x".len() + "api /api/x".len()) as u64
    );
}

#[tokio::test]
async fn lines_for_one_hop_end_at_the_proxy() {
    let app = mirror().await;
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![backend("r1", 1, &[app.address])]))).await;
    let request = Request::get("/")
        .header("host", "a")
        .header("connection", "x-secret")
        .header("x-secret", "1")
        .header("te", "trailers")
        .header("proxy-authorization", "Basic x")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-forwarded-proto", "https");
    let answer = ask(proxy.address(), request).await;
    let mut lines: Vec<&str> = answer.text().lines().collect();
    lines.sort_unstable();
    let expected =
        ["host: a", "x-forwarded-for: 1.2.3.4, 127.0.0.1", "x-forwarded-host: a", "x-forwarded-proto: https"];
    assert_eq!(lines, expected);
    assert_eq!((answer.header("x-inner"), answer.header("keep-alive"), answer.header("x-outer")), ("", "", "1"));
}

#[tokio::test]
async fn links_lead_by_the_address_that_is_dialled() {
    let (old, new) = (named_app("old").await, named_app("new").await);
    let proxy = Proxy::start().await;
    let live = Ipv4Addr::new(127, 9, 8, 7);
    let lane = Ipv4Addr::new(127, 9, 8, 6);
    let nowhere = Ipv4Addr::new(127, 9, 8, 5);
    let missing = Ipv4Addr::new(127, 9, 8, 4);
    let mut table = one_service(pool(vec![backend("old", 1, &[old.address]), backend("new", 0, &[new.address])]));
    table.links.insert(live, link("web", None));
    table.links.insert(lane, link("web", Some("new")));
    table.links.insert(missing, link("not-deployed", None));
    proxy.publish(table).await;
    let port = proxy.client.link_port();
    let get = |address: Ipv4Addr| ask((address, port).into(), Request::get("/x").header("host", "whatever"));
    assert_eq!(get(live).await.text(), "old /x");
    assert_eq!(get(lane).await.text(), "new /x");
    assert_eq!(get(nowhere).await.status, StatusCode::NOT_FOUND);
    let answer = get(missing).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(proxy.numbers("not-deployed", "", 1).await.failed, 1);
}

#[tokio::test]
async fn an_older_table_is_refused_and_an_equal_one_is_not() {
    let proxy = Proxy::start().await;
    let publish = |epoch, generation| {
        let table = shipway_core::route::RouteTable { epoch, generation, ..table() };
        proxy.client.publish(Arc::new(table))
    };
    publish(1, 5).await.expect("newer");
    publish(1, 5).await.expect("equal");
    let fault = publish(1, 4).await.expect_err("older");
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("epoch 1, generation 5"), "{fault}");
    assert_eq!(publish(0, 9).await.expect_err("of an older epoch").kind, FaultKind::Conflict);
    publish(2, 1).await.expect("of a newer epoch");
    let traffic = proxy.traffic().await;
    assert_eq!((traffic.epoch, traffic.generation), (2, 1));
}

#[tokio::test]
async fn a_request_of_the_absolute_form_goes_by_its_own_host() {
    let app = mirror().await;
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![backend("r1", 1, &[app.address])]))).await;
    let answer = ask(proxy.address(), Request::get("http://a/x").header("host", "other")).await;
    assert!(answer.text().contains("host: a\n") || answer.text().ends_with("host: a"), "{}", answer.text());
}
