//! Bodies, upgrades, and what breaks midway.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::Ordering},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::TokioIo;
use shipway_core::id::InstanceId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};

use crate::bench::*;

async fn proxy_before(address: SocketAddr) -> Proxy {
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![backend("r1", 1, &[address])]))).await;
    proxy
}

/// An application that answers every connection's first request with fixed bytes, then closes.
async fn raw_app(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind(local()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

/// Sends bytes and reads until something has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&text).contains(end) {
            if stream.read_buf(&mut text).await.expect("bytes") == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the answer in time");
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn an_upload_is_passed_on_while_it_comes() {
    let (seen, mut seen_by_app) = mpsc::unbounded_channel();
    let app = app(move |request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body();
            let mut total = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.expect("a frame").into_data().expect("data");
                total += data.len();
                seen.send(total).expect("the test listens");
            }
            Response::new(full(format!("{total}")))
        }
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let (parts, from_client) = mpsc::unbounded_channel::<Bytes>();
    let stream = futures_util::stream::unfold(from_client, |mut parts| async move {
        let part = parts.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(http_body::Frame::data(part)), parts))
    });
    let body = BodyExt::boxed(StreamBody::new(stream));
    let mut sender = connect_with_body(proxy.address()).await;
    let request = Request::post("/").header("host", "a").body(body).expect("a request");
    let answering = tokio::spawn(async move { sender.send_request(request).await });
    for part in 1..=3usize {
        parts.send(Bytes::from_static(b"0123456789")).expect("the proxy reads");
        // The next part is only sent when this one has arrived: nothing waits for the whole.
        let mut total = 0;
        while total < part * 10 {
            total = seen_by_app.recv().await.expect("the application reads");
        }
    }
    drop(parts);
    let answer = answering.await.expect("a task").expect("an answer");
    assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "30");
}

type AnyBody = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

async fn connect_with_body(to: SocketAddr) -> hyper::client::conn::http1::SendRequest<AnyBody> {
    let stream = TcpStream::connect(to).await.expect("a connection");
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn a_client_is_asked_to_continue_and_the_application_sees_no_expectation() {
    let app = app(|request| async move {
        let expects = request.headers().contains_key("expect");
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        Response::new(full(format!("{expects} {}", body.len())))
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let told = read_until(&mut stream, "\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 100 Continue\r\n"), "{told}");
    stream.write_all(b"hello").await.expect("sent");
    let answer = read_until(&mut stream, "false 5").await;
    assert!(answer.contains("200 OK") && answer.ends_with("false 5"), "{answer}");
}

#[tokio::test]
async fn a_get_with_a_chunked_body_keeps_it() {
    let app = app(|request| async move {
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        Response::new(full(format!("got {}", body.len())))
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
    let request = "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let answer = read_until(&mut stream, "got 3").await;
    assert!(answer.ends_with("got 3"), "{answer}");
}

#[tokio::test]
async fn two_lengths_smuggle_nothing() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    let app = app(move |request| {
        let record = record.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let has_length = head.headers.contains_key("content-length");
            record.lock().expect("a lock").push((head.uri.to_string(), has_length, body.len()));
            Response::new(full("seen"))
        }
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
    for request in [
        format!(
            "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!(
            "POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 40\r\n\r\n0\r\n\r\n{hidden}"
        ),
    ] {
        let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        // It is closed after one answer: what follows is nobody's request. Unread bytes may make that a reset.
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
    }
    for request in [
        "POST /3 HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /4 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /5 HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let answer = read_until(&mut stream, "\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let expected = [("/1".to_owned(), false, 0), ("/2".to_owned(), false, 0)];
    assert_eq!(*seen.lock().expect("a lock"), expected);
}

#[tokio::test]
async fn an_upgraded_connection_goes_both_ways_and_counts_until_it_closes() {
    let app = app(|mut request| async move {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut echo = TokioIo::new(upgrade.await.expect("an upgrade"));
            let mut buffer = [0; 64];
            while let Ok(read @ 1..) = echo.read(&mut buffer).await {
                echo.write_all(&buffer[..read]).await.expect("sent");
            }
        });
        let answer = Response::builder().status(101).header("connection", "Upgrade").header("upgrade", "websocket");
        answer.header("sec-websocket-accept", "x").body(full("")).expect("an answer")
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
    let head = "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let told = read_until(&mut stream, "\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 101 ") && told.contains("upgrade: websocket"), "{told}");
    assert!(told.contains("sec-websocket-accept: x"), "{told}");
    stream.write_all(b"ping").await.expect("sent");
    assert_eq!(read_until(&mut stream, "ping").await, "ping");
    assert_eq!(proxy.traffic().await.in_flight.get(&InstanceId::new("r1-0")), Some(&1));
    // Another table doesn't touch it.
    proxy.publish(one_service(pool(Vec::new()))).await;
    stream.write_all(b"pong").await.expect("sent");
    assert_eq!(read_until(&mut stream, "pong").await, "pong");
    assert_eq!(proxy.traffic().await.in_flight.get(&InstanceId::new("r1-0")), Some(&1));
    drop(stream);
    eventually("it counts no more", || async { proxy.traffic().await.in_flight.is_empty() }).await;
    let numbers = proxy.numbers("web", "r1", 1).await;
    assert_eq!((numbers.requests, numbers.failed), (1, 0));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure() {
    let cut = raw_app(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    let proxy = proxy_before(cut).await;
    let mut sender = connect(proxy.address()).await;
    let request = Request::get("/").header("host", "a").body(full("")).expect("a request");
    assert!(ask_on(&mut sender, request).await.is_err());
    assert_eq!(proxy.numbers("web", "r1", 1).await.failed, 1);
}

#[tokio::test]
async fn no_answer_at_all_is_a_failure_and_is_not_asked_twice() {
    let silent = raw_app(b"").await;
    let proxy = proxy_before(silent).await;
    let answer = ask_with(proxy.address(), Request::post("/").header("host", "a"), "once").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let numbers = proxy.numbers("web", "r1", 1).await;
    assert_eq!((numbers.requests, numbers.failed), (1, 1));
}

#[tokio::test]
async fn errors_of_the_application_are_its_own() {
    let app = app(|_| async { Response::builder().status(503).body(full("mine")).expect("an answer") }).await;
    let proxy = proxy_before(app.address).await;
    let answer = proxy.get("a", "/").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, "mine"));
    let numbers = proxy.numbers("web", "r1", 1).await;
    assert_eq!((numbers.failed, numbers.server_errors, numbers.bytes_sent), (0, 1, 4));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_along() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let app = app(move |_| {
        let gone = gone.clone();
        async move {
            /// Tells when the application's future is dropped.
            struct Tell(mpsc::UnboundedSender<()>);
            impl Drop for Tell {
                fn drop(&mut self) {
                    let _ = self.0.send(());
                }
            }
            let _tell = Tell(gone);
            std::future::pending().await
        }
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    eventually("it is in flight", || async { !proxy.traffic().await.in_flight.is_empty() }).await;
    drop(stream);
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("the application is told").expect("it was asked");
    let numbers = proxy.numbers("web", "r1", 1).await;
    assert_eq!((numbers.requests, numbers.failed, numbers.latency.iter().sum::<u64>()), (1, 0, 0));
    assert!(proxy.traffic().await.in_flight.is_empty());
}

#[tokio::test]
async fn an_answer_is_passed_on_while_it_comes() {
    let (send, parts) = mpsc::unbounded_channel::<Bytes>();
    let parts = Arc::new(Mutex::new(Some(parts)));
    let app = app(move |_| {
        let parts = parts.lock().expect("a lock").take();
        async move {
            let stream = futures_util::stream::unfold(parts.expect("one request"), |mut parts| async move {
                let part = parts.recv().await?;
                Some((Ok::<_, std::convert::Infallible>(http_body::Frame::data(part)), parts))
            });
            Response::new(BodyExt::boxed(StreamBody::new(stream)))
        }
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut sender = connect(proxy.address()).await;
    let request = Request::get("/").header("host", "a").body(full("")).expect("a request");
    let mut body = sender.send_request(request).await.expect("a head before any body").into_body();
    for part in ["one", "two"] {
        send.send(part.into()).expect("the application streams");
        let data = body.frame().await.expect("more").expect("a frame").into_data().expect("data");
        assert_eq!(data, part);
    }
    drop(send);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn an_answer_may_come_before_the_upload_has_ended() {
    let app = app(|_| async { Response::builder().status(413).body(full("too much")).expect("an answer") }).await;
    let proxy = proxy_before(app.address).await;
    let (head_read, wait) = oneshot::channel::<()>();
    let stream = futures_util::stream::once(async move {
        let _ = wait.await;
        Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(b"late")))
    });
    let mut sender = connect_with_body(proxy.address()).await;
    let body = BodyExt::boxed(StreamBody::new(Box::pin(stream)));
    let request = Request::post("/").header("host", "a").body(body).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    drop(head_read);
    drop(answer);
    assert_eq!(proxy.numbers("web", "r1", 1).await.failed, 0);
}

#[tokio::test]
async fn answers_without_bodies_keep_their_connection() {
    let app = app(|request| async move {
        let same = request.headers().contains_key("if-none-match");
        let status = if same { 304 } else { 200 };
        Response::builder().status(status).header("x-same", same.to_string()).body(full("hello")).expect("an answer")
    })
    .await;
    let proxy = proxy_before(app.address).await;
    let mut sender = connect(proxy.address()).await;
    for _ in 0..10 {
        let head = Request::head("/").header("host", "a").body(full("")).expect("a request");
        let answer = ask_on(&mut sender, head).await.expect("an answer");
        assert_eq!((answer.header("content-length"), answer.body.len()), ("5", 0));
        let same = Request::get("/").header("host", "a").header("if-none-match", "x").body(full(""));
        let answer = ask_on(&mut sender, same.expect("a request")).await.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }
    let accepted = app.accepted.load(Ordering::SeqCst);
    assert!(accepted < 10, "{accepted} connections for 20 requests");
    assert_eq!(proxy.numbers("web", "r1", 20).await.failed, 0);
}

#[tokio::test]
async fn connections_to_applications_are_used_again() {
    let app = named_app("web").await;
    let proxy = proxy_before(app.address).await;
    let mut sender = connect(proxy.address()).await;
    for _ in 0..200 {
        let request = Request::post("/").header("host", "a").body(full("body")).expect("a request");
        assert_eq!(ask_on(&mut sender, request).await.expect("an answer").status, StatusCode::OK);
    }
    // On a busy machine a few may idle too long.
    let accepted = app.accepted.load(Ordering::SeqCst);
    assert!(accepted < 50, "{accepted} connections for 200 requests");
}
