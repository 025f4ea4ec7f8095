//! An application for the tests: small HTTP on `PORT`, and every bad habit on demand.
//!
//! `BEHAVIOUR` is a list of words: `exit` (at once, status 3), `unhealthy`, `error` (500 on `/`), `slow-start=MS`,
//! `ignore-term`, `daemon` (leaves a process in a session of its own), `die-after=MS`, `unready` (503 on `/ready`).
//! `/become?WORDS` sets them while it runs, with commas between them. `/chain` stamps `service@version` on what its
//! dependencies answer there, so that a client reads whom its request met; a call that failed is marked with `!`.
//! `/config?NAME` is its process and a variable of the file in `SHIPWAY_CONFIG_FILE`, as it was read last: at the start, on SIGHUP, and on
//! `/reload`. With it `BEHAVIOUR` is read anew. Its variable `RELOAD` is `refuse` (500, and the old stays), `die`, or
//! `once=FILE`: who can make the file takes it, and the next one refuses.
//! Every path takes `?ms=N`, which makes it wait, or `?gate=FILE`: it waits until that file is there.

#![expect(clippy::print_stdout, reason = "what it prints is its log")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, exit},
    sync::Mutex,
    time::Duration,
};

struct App {
    behaviour: Mutex<Vec<String>>,
    config: Mutex<serde_json::Value>,
    name: String,
    /// What it leaves on the answers of `/chain`.
    stamp: String,
}

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let behaviour: Vec<String> = variable("BEHAVIOUR").split_whitespace().map(str::to_owned).collect();
    if std::env::args().nth(1).as_deref() == Some("sleep") {
        std::thread::sleep(Duration::from_secs(3600));
        return;
    }
    let name =
        format!("{} {} {}", variable("SHIPWAY_SERVICE"), variable("SHIPWAY_VERSION"), variable("SHIPWAY_INSTANCE"));
    let stamp = format!("{}@{}", variable("SHIPWAY_SERVICE"), variable("SHIPWAY_VERSION"));
    let app = App { behaviour: Mutex::new(behaviour), config: Mutex::new(read_config()), name, stamp };
    app.begin();
    let listener = TcpListener::bind(format!("127.0.0.1:{}", variable("PORT"))).expect("its port is free");
    println!("{} listens, secret-looking value {:?}", app.name, variable("STRANGE"));
    let app: &'static App = Box::leak(Box::new(app));
    if std::env::var_os("SHIPWAY_CONFIG_FILE").is_some() {
        std::thread::spawn(|| app.reload_on_hangup());
    }
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || app.serve(stream));
    }
}

impl App {
    fn has(&self, word: &str) -> bool {
        self.words().iter().any(|given| given == word)
    }

    fn number(&self, word: &str) -> Option<u64> {
        self.words().iter().find_map(|given| given.strip_prefix(word)?.strip_prefix('=')?.parse().ok())
    }

    fn words(&self) -> Vec<String> {
        self.behaviour.lock().expect("the words").clone()
    }

    fn become_other(&self, words: &str) -> String {
        *self.behaviour.lock().expect("the words") = words.split(',').map(str::to_owned).collect();
        format!("{words} it is")
    }

    fn reload_on_hangup(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let kind = tokio::signal::unix::SignalKind::hangup();
            let mut hangups = tokio::signal::unix::signal(kind).expect("the signal");
            while hangups.recv().await.is_some() {
                self.reload();
            }
        });
    }

    /// Reads the configuration anew, unless that says otherwise.
    fn reload(&self) -> (u16, String) {
        let next = read_config();
        let variable = |name: &str| next["variables"][name].as_str().unwrap_or_default().to_owned();
        let reload = variable("RELOAD");
        if reload == "die" {
            exit(6);
        }
        let taken = |file: &str| std::fs::OpenOptions::new().write(true).create_new(true).open(file).is_err();
        if reload == "refuse" || reload.strip_prefix("once=").is_some_and(taken) {
            println!("{} does not like it", self.name);
            return (500, "no".into());
        }
        *self.behaviour.lock().expect("the words") =
            variable("BEHAVIOUR").split_whitespace().map(str::to_owned).collect();
        *self.config.lock().expect("the configuration") = next;
        (200, "read".into())
    }

    fn text(&self, word: &str) -> Option<String> {
        self.words().iter().find_map(|given| Some(given.strip_prefix(word)?.strip_prefix("=")?.to_owned()))
    }

    /// Gives whoever listens the time to take the port first.
    fn ask_before_bind(address: &str) {
        let mut stream = TcpStream::connect(address).expect("somebody is asked");
        let port = std::env::var("PORT").expect("a port");
        stream.write_all(format!("{port}\n").as_bytes()).expect("it is told");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("it is answered");
    }

    fn begin(&self) {
        if self.has("exit") {
            println!("{} was told to exit", self.name);
            exit(3);
        }
        if self.has("ignore-term") {
            // `trap ''` makes SIGTERM ignored, and that outlives exec.
            if std::env::var_os("TERM_IS_IGNORED").is_none() {
                let program = std::env::current_exe().expect("its own program");
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "trap '' TERM; exec \"$0\""]).arg(program).env("TERM_IS_IGNORED", "1");
                let error = std::os::unix::process::CommandExt::exec(&mut shell);
                panic!("{error}");
            }
        }
        if self.has("daemon") {
            let program = std::env::current_exe().expect("its own program");
            let script = "\"$0\" sleep & exit 0";
            Command::new("/bin/sh").args(["-c", script]).arg(program).status().expect("a daemon");
        }
        if let Some(address) = self.text("ask-before-bind") {
            Self::ask_before_bind(&address);
        }
        if let Some(ms) = self.number("slow-start") {
            std::thread::sleep(Duration::from_millis(ms));
        }
        if let Some(ms) = self.number("die-after") {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(ms));
                exit(4);
            });
        }
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first).ok()? == 0 {
                return None;
            }
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let path = first.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let (status, text) = self.answer(&path, length);
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", text.len());
            // In one write: the second of two would wait for an acknowledgement, 40 ms with every answer.
            stream.write_all((head + &text).as_bytes()).ok()?;
        }
    }

    /// Its own stamp, and those of everybody that the request meets from here on.
    fn chain(&self, query: &str) -> (u16, String) {
        let (mut status, mut stamps) = (200, self.stamp.clone());
        // A gate holds up only the first.
        let query = if query.starts_with("gate=") { "" } else { query };
        for (service, url) in dependencies() {
            let answer = match get(&url, &format!("/chain?{query}")) {
                Some((200, body)) => body,
                Some((other, body)) => {
                    status = 500;
                    format!("!{service} {other} {body}")
                }
                None => {
                    status = 500;
                    format!("!{service} gave no answer")
                }
            };
            stamps = format!("{stamps} {answer}");
        }
        if self.has("error") { (500, format!("{stamps} broken on purpose")) } else { (status, stamps) }
    }

    fn answer(&self, path: &str, length: usize) -> (u16, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if let Some(ms) = query.strip_prefix("ms=").and_then(|ms| ms.parse().ok()) {
            std::thread::sleep(Duration::from_millis(ms));
        }
        if let Some(file) = query.strip_prefix("gate=") {
            while !std::path::Path::new(file).exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        match path {
            "/healthz" if self.has("unhealthy") => (503, "not well".into()),
            "/healthz" => (200, "well".into()),
            "/upload" => (200, format!("{length} bytes to {}", self.name)),
            "/arguments" => (200, std::env::args().skip(1).collect::<Vec<_>>().join("\n")),
            "/strange" => (200, std::env::var("STRANGE").unwrap_or_default()),
            "/config" => {
                let config = self.config.lock().expect("the configuration");
                let value = config["variables"][query].as_str().unwrap_or_default();
                (200, format!("{} {value}", std::process::id()))
            }
            "/reload" => self.reload(),
            "/exit" => exit(5),
            "/become" => (200, self.become_other(query)),
            "/ready" if self.has("unready") => (503, "not ready".into()),
            "/ready" => (200, "ready".into()),
            "/variable" => (200, std::env::var(query).unwrap_or_default()),
            "/write" => (200, write(query).to_string()),
            "/read" => (200, std::fs::read_to_string(kept_file()).unwrap_or_default()),
            "/call" => (200, format!("{} | {}", self.name, ask(query).unwrap_or_else(|| "no answer".into()))),
            "/chain" => self.chain(query),
            _ if self.has("error") => (500, "broken on purpose".into()),
            _ => (200, self.name.clone()),
        }
    }
}

fn read_config() -> serde_json::Value {
    let file = std::env::var("SHIPWAY_CONFIG_FILE").unwrap_or_default();
    std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// What a dependency answers, asked by the address that the instance was given for it.
fn ask(service: &str) -> Option<String> {
    let url = std::env::var(format!("SHIPWAY_URL_{}", service.to_uppercase())).ok()?;
    get(&url, "/").map(|(_, body)| body)
}

/// The status and the body of a path at an address.
fn get(url: &str, path: &str) -> Option<(u16, String)> {
    let address = url.strip_prefix("http://")?;
    let mut stream = TcpStream::connect(address).ok()?;
    // In one write: in pieces, each would wait for the acknowledgement of the one before.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split_whitespace().nth(1)?.parse().ok()?, body.to_owned()))
}

/// The addresses of the dependencies, by name.
fn dependencies() -> BTreeMap<String, String> {
    let of = |(name, url): (String, String)| Some((name.strip_prefix("SHIPWAY_URL_")?.to_lowercase(), url));
    std::env::vars().filter_map(of).collect()
}

/// A file in the data folder `uploads`.
fn kept_file() -> PathBuf {
    PathBuf::from(std::env::var("SHIPWAY_DATA_DIR").unwrap_or_default()).join("uploads/kept")
}

fn write(text: &str) -> bool {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(kept_file());
    file.and_then(|mut file| file.write_all(text.as_bytes())).is_ok()
}
