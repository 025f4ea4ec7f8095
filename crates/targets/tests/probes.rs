//! Probes of real instances, and of peers that misbehave.

mod support;

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use serde_json::{Value, json};
use shipway_core::{
    ports::{Answer, CommandContext, Driver, Prober, Question},
    spec::Ask,
};
use shipway_targets::{LocalProber, LocalRunner, MEMORY_FOLDER};
use support::*;
use tempfile::TempDir;

/// Time enough on a busy machine, in milliseconds.
const LONG_MS: u64 = 30_000;

struct Asker {
    home: TempDir,
    prober: Arc<LocalProber>,
}

impl Asker {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let prober =
            LocalProber::new(LocalRunner::new(home.path().to_path_buf(), example("shim"), MEMORY_FOLDER.as_ref()));
        Self { home, prober }
    }

    async fn ask(&self, address: SocketAddr, ask: Value) -> Answer {
        self.ask_within(address, ask, LONG_MS).await
    }

    async fn ask_within(&self, address: SocketAddr, ask: Value, timeout_ms: u64) -> Answer {
        let ask: Ask = serde_json::from_value(ask).expect("a question");
        let context = CommandContext {
            folder: self.home.path().to_path_buf(),
            variables: variables(&[("PATH", "/usr/bin:/bin"), ("WORD", "swordfish")]),
            ..CommandContext::default()
        };
        self.prober.ask(Question { ask, address, host: None, timeout_ms, context }).await
    }
}

fn words(answer: &Answer) -> (bool, &str, &str) {
    (answer.passed, &answer.expected, &answer.got)
}

/// A peer that answers every connection with these bytes, then hangs up.
fn peer(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let _ = stream.write_all(answer);
        }
    });
    address
}

#[tokio::test]
async fn an_instance_is_asked_over_http() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let address = world.driver.start(launch("asked", &release)).await.expect("started");
    get(address, "/").await;
    let asker = Asker::new();

    let answer = asker.ask(address, json!({ "http": "/" })).await;
    assert_eq!(words(&answer), (true, "a status from 200 to 399", "status 200"));
    let answer = asker.ask(address, json!({ "http": "/status/302" })).await;
    assert_eq!(words(&answer), (true, "a status from 200 to 399", "status 302"));
    let answer = asker.ask(address, json!({ "http": "/status/503" })).await;
    assert_eq!(words(&answer), (false, "a status from 200 to 399", "status 503: this is 503"));
    let answer = asker.ask(address, json!({ "http": "/status/503", "expect": { "status": 503 } })).await;
    assert_eq!(words(&answer), (true, "status 503", "status 503"));
    let answer = asker.ask(address, json!({ "http": "/", "expect": { "status": 201 } })).await;
    assert_eq!(words(&answer), (false, "status 201", "status 200: hello"));
    let answer = asker.ask(address, json!({ "http": "/", "expect": { "contains": "ell" } })).await;
    assert!(answer.passed, "{answer:?}");
    let answer = asker.ask(address, json!({ "http": "/", "expect": { "status": 200, "contains": "bye" } })).await;
    assert_eq!(words(&answer), (false, "status 200 and a body with \"bye\"", "status 200: hello"));
    clean(&world.driver).await;
}

#[tokio::test]
async fn an_instance_is_asked_by_name_and_not_for_ever() {
    let world = World::new();
    let release = world.release("1", &["./app", "serve"], json!({})).await;
    let address = world.driver.start(launch("asked", &release)).await.expect("started");
    get(address, "/").await;
    let asker = Asker::new();

    let own = asker.ask(address, json!({ "http": "/host", "expect": { "contains": address.to_string() } })).await;
    assert!(own.passed, "{own:?}");
    let ask: Ask =
        serde_json::from_value(json!({ "http": "host", "expect": { "contains": "shop.test" } })).expect("ask");
    let (host, context) = (Some("shop.test".to_owned()), CommandContext::default());
    let answer = asker.prober.ask(Question { ask, address, host, timeout_ms: LONG_MS, context }).await;
    assert!(answer.passed, "{answer:?}");

    let answer = asker.ask_within(address, json!({ "http": "/slow" }), 200).await;
    assert_eq!(words(&answer), (false, "a status from 200 to 399", "no answer within 200 ms"));
    let answer = asker.ask(address, json!({ "tcp": true })).await;
    assert_eq!(words(&answer), (true, "an open port", "an open port"));
    clean(&world.driver).await;
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_an_answer() {
    let asker = Asker::new();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for ask in [json!({ "http": "/" }), json!({ "tcp": true })] {
        let answer = asker.ask(free, ask).await;
        assert!(!answer.passed);
        assert_eq!(answer.got, "connection refused");
    }
    assert!(asker.ask(free, json!({ "tcp": false })).await.passed);
}

#[tokio::test]
async fn a_peer_that_misbehaves_is_an_answer() {
    let asker = Asker::new();
    for (bytes, got) in [
        (&b""[..], "connection closed before the answer was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-", "connection closed before the answer was complete"),
        (b"SSH-2.0-OpenSSH_9\r\n", "an answer that isn't HTTP"),
    ] {
        let answer = asker.ask(peer(bytes), json!({ "http": "/" })).await;
        assert_eq!((answer.passed, answer.got.as_str()), (false, got));
    }
    let torn = peer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much");
    let answer = asker.ask(torn, json!({ "http": "/", "expect": { "contains": "more" } })).await;
    assert!(!answer.passed && answer.got.starts_with("status 200, then "), "{answer:?}");
    let answer = asker.ask(torn, json!({ "http": "/a b" })).await;
    assert!(!answer.passed && answer.got.contains("/a b"), "{answer:?}");
}

#[tokio::test]
async fn what_is_told_is_short_and_on_one_line() {
    let asker = Asker::new();
    let answer = asker.ask(peer(LONG_ANSWER), json!({ "http": "/" })).await;
    assert!(!answer.passed);
    assert!(answer.got.starts_with("status 500: line one line two"), "{answer:?}");
    assert!(answer.got.chars().count() <= 220 && !answer.got.contains('\n'), "{answer:?}");
}

const LONG_ANSWER: &[u8] = b"HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\nline one\nline two\n\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

#[tokio::test]
async fn a_command_is_a_question_too() {
    let asker = Asker::new();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let shell = |script: &str| json!({ "command": ["sh", "-c", script] });
    let with = |script: &str, expect: Value| json!({ "command": ["sh", "-c", script], "expect": expect });

    let answer = asker.ask(nobody, shell("exit 0")).await;
    assert_eq!(words(&answer), (true, "exit status 0", "exit status 0"));
    let answer = asker.ask(nobody, shell("echo broken; exit 4")).await;
    assert_eq!(words(&answer), (false, "exit status 0", "exit status 4: broken"));
    assert!(asker.ask(nobody, with("exit 4", json!({ "status": 4 }))).await.passed);
    assert!(asker.ask(nobody, with("echo $WORD", json!({ "contains": "swordfish" }))).await.passed);
    let answer = asker.ask(nobody, with("echo other", json!({ "contains": "swordfish" }))).await;
    let expected = "exit status 0 and output with \"swordfish\"";
    assert_eq!(words(&answer), (false, expected, "exit status 0: other"));
    let answer = asker.ask_within(nobody, shell("sleep 1000"), 300).await;
    assert_eq!(words(&answer), (false, "exit status 0", "no answer within 300 ms"));
    let answer = asker.ask(nobody, json!({ "command": "no-such-program" })).await;
    assert!(!answer.passed && answer.got.contains("no-such-program"), "{answer:?}");
}
