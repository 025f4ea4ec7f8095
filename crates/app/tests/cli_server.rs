//! The verbs against a real server, with a static site that needs no build. Not here: strategies, crashes, processes.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

const PAGE: &str = "web/index.html";

/// A project, a data folder and free ports; whatever runs on them is stopped at the end.
struct Place {
    folder: tempfile::TempDir,
    link_port: u16,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Self { folder, link_port: free_port() };
        fs::create_dir_all(place.project().join("web")).expect("folders can be made");
        place.write(PAGE, "one");
        place.write("shipway.toml", &spec("one"));
        place
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.project().join(file), text).expect("the project can be written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipway"));
        command.args(arguments).current_dir(self.project());
        for name in ["SHIPWAY_SERVER", "SHIPWAY_TOKEN", "SHIPWAY_LISTEN", "SHIPWAY_PROXY_LISTEN", "SHIPWAY_LOG"] {
            command.env_remove(name);
        }
        command.env("SHIPWAY_DATA", self.data()).env("SHIPWAY_LINK_PORT", self.link_port.to_string());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the binary runs"))
    }

    /// Runs a verb that must end with that code.
    fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    fn up(&self, more: &[&str]) -> Vec<String> {
        let listen = ["up", ".", "--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0"];
        listen.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed may have left a server.
        if self.data().join("server.json").exists() {
            let _ = self.command(&["down"]).output();
        }
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("one JSON document on standard output")
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn spec(wanted: &str) -> String {
    format!(
        "[project]\nname = \"site\"\n\n[services.web]\nkind = \"static\"\nsource = \"web\"\n\
         routes = [{{ host = \"site.{{environment}}.localhost\", path = \"/\" }}]\n\n\
         [[services.web.checks]]\nname = \"the page is right\"\nphase = \"verify\"\nhttp = \"/index.html\"\n\
         expect = {{ status = 200, contains = \"{wanted}\" }}\n\n\
         [environments.staging]\ntype = \"staging\"\n\n[environments.production]\ntype = \"production\"\n"
    )
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_newcomer_goes_up_changes_looks_goes_back_and_down() {
    let place = Place::new();
    let up = place.expect(0, &words(&place.up(&["--detach"])));
    assert!(up.out.contains("✓ staging-1 completed"), "{}", up.out);
    assert!(up.out.contains("http://site.staging.localhost:"), "{}", up.out);

    let again = place.expect(1, &words(&place.up(&[])));
    assert!(again.err.contains("a server runs on"), "{}", again.err);

    nothing_to_do(&place);
    a_change_goes_live_and_back(&place);
    a_bad_change_is_taken_back_and_told(&place);

    let down = place.expect(0, &["down"]);
    assert!(down.out.contains("stopped"), "{}", down.out);
    let gone = place.expect(1, &["status"]);
    assert!(gone.err.contains("`shipway up`"), "{}", gone.err);
}

fn nothing_to_do(place: &Place) {
    let plan = place.expect(0, &["plan", "-e", "staging"]);
    assert!(plan.out.contains("nothing would change"), "{}", plan.out);
    let ambiguous = place.expect(2, &["plan"]);
    assert!(ambiguous.err.contains("staging, production"), "{}", ambiguous.err);
    let idle = place.expect(1, &["cancel"]);
    assert!(idle.err.contains("no deployment runs"), "{}", idle.err);
    let check = place.expect(0, &["check", "-e", "staging"]);
    assert!(check.out.contains("nothing would change"), "{}", check.out);
}

fn a_change_goes_live_and_back(place: &Place) {
    place.write(PAGE, "one and two");
    let plan = place.expect(3, &["plan", "-e", "staging", "--json"]).json();
    assert_eq!(plan["differs"], true);
    assert_eq!(plan["changes"][0]["action"], "change");

    let deployed = place.expect(0, &["deploy", "-e", "staging", "--version", "2.0", "--json"]).json();
    assert_eq!((&deployed["phase"], &deployed["version"]), (&"completed".into(), &"2.0".into()));
    let status = place.expect(0, &["status", "-e", "staging"]);
    assert!(status.out.contains("healthy") && status.out.contains("2.0"), "{}", status.out);
    let history = place.expect(0, &["history", "--json"]).json();
    assert_eq!(history["items"][0]["name"], "staging-2");

    let back = place.expect(0, &["rollback", "-e", "staging", "--reason", "just to see; $(nothing) runs"]);
    let announced = back.out.lines().next().unwrap_or_default();
    assert!(announced.contains("goes back to staging-1"), "{}", back.out);
    assert!(back.out.contains("✓ staging-3 completed"), "{}", back.out);
    let events = place.expect(0, &["events", "--json", "--deployment", "staging-3"]);
    let kinds: Vec<Value> = events.out.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert!(kinds.iter().any(|event| event["kind"] == "DEPLOYMENT_SUCCEEDED"));
}

fn a_bad_change_is_taken_back_and_told(place: &Place) {
    place.write(PAGE, "wrong");
    let failed = place.expect(1, &["deploy", "-e", "staging"]);
    for told in ["✗ staging-4 rolled back", "the page is right", "expected", "got", "going back took"] {
        assert!(failed.out.contains(told), "{told} is missing:\n{}", failed.out);
    }
}

/// A process that is ended with the test, whatever comes.
struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_wrong_spec_or_environment_starts_nothing() {
    let place = Place::new();
    let unknown = place.expect(2, &words(&place.up(&["-e", "nowhere"])));
    assert!(unknown.err.contains("staging, production"), "{}", unknown.err);
    place.write("shipway.toml", &spec("one").replace("source", "sauce"));
    let wrong = place.expect(1, &words(&place.up(&[])));
    assert!(wrong.err.contains("shipway.toml:6") && wrong.err.contains("`source`"), "{}", wrong.err);
    assert!(!place.data().exists());
}

#[test]
fn a_server_elsewhere_is_sent_the_source() {
    let place = Place::new();
    place.expect(0, &words(&place.up(&["--detach"])));
    let found: Value = read_json(&place.data().join("server.json"));
    let address = found["address"].as_str().expect("an address");
    // The same server under an address that does not look like this machine.
    let elsewhere = format!("http://{}", address.replace("127.0.0.1", "0.0.0.0"));
    place.write(PAGE, "one, sent");
    let sent = place.expect(0, &["--server", &elsewhere, "deploy", "-e", "staging", "--json"]).json();
    assert_eq!((&sent["phase"], &sent["name"]), (&"completed".into(), &"staging-2".into()));
    // Told by a server elsewhere, the project has no folder there: this page can only have come with the request.
    let status = place.expect(0, &["status", "--json"]).json();
    let proxy = status["server"]["proxy"].as_str().expect("the proxy's address");
    assert!(page(proxy).ends_with("one, sent"), "{}", page(proxy));
}

/// The page as the proxy answers it. Clients don't resolve `*.localhost`, so the host is said.
fn page(proxy: &str) -> String {
    let mut stream = TcpStream::connect(proxy).expect("the proxy listens");
    let request = "GET /index.html HTTP/1.1\r\nhost: site.staging.localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn ctrl_c_stops_all_that_up_started_and_says_so() {
    let place = Place::new();
    let arguments = place.up(&["--environment", "all"]);
    let mut command = place.command(&words(&arguments));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the binary runs");
    let mut up = Foreground(child);
    let output = up.0.stdout.take().expect("the output is piped");
    let mut lines = BufReader::new(output).lines().map(|line| line.expect("a line"));
    let before: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("Ctrl-C")).collect();
    assert!(before.iter().any(|line| line.contains("✓ production-1 completed")), "{before:?}");

    let found: Value = read_json(&place.data().join("server.json"));
    assert_eq!(found["pid"], up.0.id());
    let pid = rustix::process::Pid::from_child(&up.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal can be sent");
    let after: Vec<String> = lines.collect();
    assert!(after.iter().any(|line| line.starts_with("stopped")), "{after:?}");
    assert_eq!(up.0.wait().expect("it has ended").code(), Some(0));
    assert!(!place.data().join("server.json").exists());
}

fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).expect("the file is there")).expect("it is JSON")
}
