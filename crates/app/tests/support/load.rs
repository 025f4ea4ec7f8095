//! Constant load while something else happens: kept connections, new ones, slow requests and uploads.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::http::{Connection, request};

/// Load on one host.
pub struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(proxy: SocketAddr, host: &str) -> Self {
        let mut load = Self::start_with(proxy, host, "/");
        let host = host.to_owned();
        load.spawn({
            let host = host.clone();
            move || {
                let answer = request(proxy, "GET", &host, "/?ms=120", &[], b"");
                Ok(answer.map_err(|error| format!("slow: {error}"))?.status)
            }
        });
        load.spawn(move || {
            let body = vec![b'x'; 100_000];
            let answer = request(proxy, "POST", &host, "/upload", &[], &body);
            Ok(answer.map_err(|error| format!("upload: {error}"))?.status)
        });
        load
    }

    /// Only kept and new connections that ask for one path.
    pub fn start_with(proxy: SocketAddr, host: &str, path: &str) -> Self {
        let mut load =
            Self { stop: Arc::default(), count: Arc::default(), failures: Arc::default(), threads: Vec::new() };
        let (host, path) = (host.to_owned(), path.to_owned());
        load.spawn({
            let (host, path, mut kept) = (host.clone(), path.clone(), None);
            move || {
                let mut connection = match kept.take() {
                    Some(connection) => connection,
                    None => Connection::open(proxy).map_err(|error| format!("connect: {error}"))?,
                };
                let answer = connection.request("GET", &host, &path, &[], b"");
                let answer = answer.map_err(|error| format!("kept: {error}"))?;
                // The proxy may say that this connection ends here; that is no failure.
                if answer.header("connection") != Some("close") {
                    kept = Some(connection);
                }
                Ok(answer.status)
            }
        });
        load.spawn(move || {
            let answer = request(proxy, "GET", &host, &path, &[], b"");
            Ok(answer.map_err(|error| format!("new: {error}"))?.status)
        });
        load
    }

    fn spawn(&mut self, mut one: impl FnMut() -> Result<u16, String> + Send + 'static) {
        let (stop, count, failures) = (self.stop.clone(), self.count.clone(), self.failures.clone());
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let result = match one() {
                    Ok(200) => Ok(()),
                    Ok(status) => Err(format!("status {status}")),
                    Err(why) => Err(why),
                };
                count.fetch_add(1, Ordering::Relaxed);
                if let Err(why) = result {
                    failures.lock().expect("the failures").push(why);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }));
    }

    /// How many requests were sent by now.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The failures by now.
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("the failures").clone()
    }

    /// Ends the load; gives the number of requests and what failed.
    pub fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a load thread");
        }
        (self.count.load(Ordering::Relaxed), self.failures.lock().expect("the failures").clone())
    }
}
