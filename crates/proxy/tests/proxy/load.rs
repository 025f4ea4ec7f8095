//! Clients that ask all the time, and what went wrong for them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use http::{Request, StatusCode};

use crate::bench::*;

/// Clients that ask all the time, half of them with a new connection each time.
pub struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    pub fn start(to: SocketAddr) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |at: usize| {
            let (stop, asked) = (stop.clone(), asked.clone());
            tokio::spawn(async move {
                let mut wrong = Vec::new();
                let mut kept = connect(to).await;
                while !stop.load(Ordering::Relaxed) {
                    // A client opens another connection when its own was closed between two requests.
                    if at.is_multiple_of(2) || kept.ready().await.is_err() {
                        kept = connect(to).await;
                    }
                    let (method, body) = if at.is_multiple_of(3) { ("POST", "body") } else { ("GET", "") };
                    let request = Request::builder().method(method).uri("/").header("host", "a");
                    let request = request.body(full(body)).expect("a request");
                    match ask_on(&mut kept, request).await {
                        Ok(answer) if answer.status == StatusCode::OK => {}
                        Ok(answer) => wrong.push(format!("{} {}", answer.status, answer.text())),
                        Err(error) => {
                            wrong.push(error.to_string());
                            kept = connect(to).await;
                        }
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                wrong
            })
        };
        let clients = (0..12).map(client).collect();
        Self { stop, asked, clients }
    }

    pub async fn until_asked(&self, more: u64) {
        let goal = self.asked.load(Ordering::Relaxed) + more;
        eventually("requests go through", || async { self.asked.load(Ordering::Relaxed) >= goal }).await;
    }

    pub async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            let wrong = client.await.expect("a client");
            assert!(wrong.is_empty(), "{wrong:?}");
        }
        self.asked.load(Ordering::Relaxed)
    }
}
