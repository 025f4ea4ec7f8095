//! Values that are kept elsewhere, on a real server: what they say is pinned by the release, and whatever a remote does
//! harms nothing that runs.

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use support::{Server, day::SERVICE, project, shipway, spec};

const TOKEN: &str = "token-of-the-remote-hunter2";
const SECRETS: &str = "/api/projects/app/secrets";

/// What a remote does with a request.
#[derive(Clone)]
enum Does {
    /// A status with more lines of the head, and a body.
    Answer(String, String),
    /// It takes the request and says nothing.
    Hangs,
    /// It takes the request and hangs up.
    Leaves,
}

impl Does {
    fn json(etag: &str, body: &Value) -> Self {
        Self::Answer(format!("200 OK\r\nETag: \"{etag}\""), body.to_string())
    }

    fn answer(head: &str, body: &str) -> Self {
        Self::Answer(head.into(), body.into())
    }
}

/// A configuration service that does what the test wants.
struct Remote {
    address: SocketAddr,
    does: Arc<Mutex<Does>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Remote {
    fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (does, requests) = (Arc::new(Mutex::new(does)), Arc::<Mutex<Vec<String>>>::default());
        let remote = Self { address, does: does.clone(), requests: requests.clone() };
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().flatten() {
                let Some(head) = head_of(&stream) else { continue };
                requests.lock().expect("the requests").push(head);
                let does = does.lock().expect("what it does").clone();
                kept.extend(serve(stream, &does));
            }
        });
        remote
    }

    fn now(&self, does: Does) {
        *self.does.lock().expect("what it does") = does;
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the requests").clone()
    }

    fn last(&self) -> String {
        self.requests().last().expect("a request").clone()
    }
}

fn head_of(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head.to_ascii_lowercase())
}

/// Gives the connection back when it stays open.
fn serve(mut stream: TcpStream, does: &Does) -> Option<TcpStream> {
    match does {
        Does::Hangs => Some(stream),
        Does::Leaves => None,
        Does::Answer(head, body) => {
            let length = body.len();
            // Who has gone doesn't listen.
            let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
            None
        }
    }
}

/// The spec of a service with one remote, which gives it variables.
fn remote_spec(remote: &Remote, more: &str) -> String {
    let url = format!("http://{}/{{project}}/{{environment}}.json", remote.address);
    let declared = format!("[remote.levels]\nhttp = \"{url}\"\ninto = \"variables\"\nat = \"data\"\n{more}\n");
    format!("{SERVICE}\n[services.web.variables]\nLEVEL = \"file\"\n\n{declared}")
}

fn level(server: &Server) -> String {
    server.page("/variable?LEVEL").1
}

fn verb(server: &Server, folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::new(shipway());
    command.args(arguments).arg("--json").current_dir(folder).stdin(Stdio::null());
    for name in ["SHIPWAY_SERVER", "SHIPWAY_TOKEN", "SHIPWAY_LOG"] {
        command.env_remove(name);
    }
    let output = command.env("SHIPWAY_DATA", &server.data).output().expect("the binary runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = serde_json::from_str(&out).unwrap_or_else(|_| Value::String(format!("{out}{err}")));
    (output.status.code().expect("it ends by itself"), answer)
}

/// What every layer said of the variable: the layer, who, the value.
fn chain(server: &Server) -> Vec<Value> {
    let view = server.get("/api/projects/app/environments/test/config");
    let values = view["services"]["web"].as_array().expect("values");
    let one = values.iter().find(|one| one["key"] == "variables.LEVEL").expect("the variable");
    one["chain"].as_array().expect("a chain").clone()
}

/// What a deployment that went on was told about the remote.
fn warning(deployment: &Value) -> &Value {
    let mut found = deployment["findings"].as_array().expect("findings").iter();
    let finding = found.find(|one| one["field"] == "remote.levels").expect("a finding about the remote");
    assert_eq!(finding["severity"], "warning", "{finding}");
    finding
}

fn says(level: &str) -> Value {
    json!({ "data": { "LEVEL": level } })
}

#[test]
fn what_a_remote_says_is_asked_for_by_its_version_and_pinned_by_the_release() {
    let server = Server::start();
    let remote = Remote::start(Does::json("one", &says("first")));
    let folder = project(&server, &remote_spec(&remote, "headers = { Authorization = \"Bearer {CONFIG_TOKEN}\" }"));
    let failed = server.deploy(json!({}));
    assert_eq!(failed["phase"], "failed", "{failed}");
    let told = failed["findings"].to_string();
    assert!(told.contains("test has no secret CONFIG_TOKEN") && told.contains("secret set CONFIG_TOKEN"), "{told}");
    assert!(remote.requests().is_empty(), "nobody is asked without what it takes");

    let body = json!({ "name": "CONFIG_TOKEN", "value": TOKEN, "environment": "test" });
    assert_eq!(server.call("PUT", SECRETS, Some(&body)).expect("the server answers").0, 200);
    let first = server.deploy_well(json!({}));
    assert_eq!(level(&server), "first");
    let asked = remote.last();
    assert!(asked.starts_with("get /app/test.json "), "{asked}");
    assert!(asked.contains(&format!("authorization: bearer {TOKEN}")), "{asked}");
    assert!(!asked.contains("if-none-match"), "{asked}");

    // What it says now changes nothing that runs, nor what is shown; a rollback brings back what was pinned.
    remote.now(Does::json("two", &says("second")));
    assert_eq!(level(&server), "first");
    let said = chain(&server);
    assert_eq!(said.iter().map(|link| link["level"].clone()).collect::<Vec<_>>(), ["service", "remote"]);
    let origin = &said[1]["origin"];
    assert_eq!(
        (&origin["is"], &origin["name"], &origin["etag"]),
        (&json!("remote"), &json!("levels"), &json!("\"one\""))
    );
    let (code, shown) = verb(&server, &folder, &["config", "show", "-e", "test", "--key", "variables.LEVEL"]);
    assert_eq!((code, &shown["services"]["web"][0]["value"]), (0, &json!("first")), "{shown}");
    let (code, second) = verb(&server, &folder, &["config", "deploy", "-e", "test"]);
    assert_eq!((code, &second["phase"]), (0, &json!("completed")), "{second}");
    assert_eq!(level(&server), "second");
    assert!(remote.last().contains("if-none-match: \"one\""), "{}", remote.last());

    remote.now(Does::answer("304 Not Modified", ""));
    server.deploy_well(json!({}));
    assert_eq!(level(&server), "second", "what is known still holds");
    assert!(remote.last().contains("if-none-match: \"two\""), "{}", remote.last());
    let asked = remote.requests().len();
    let back = server.roll_back(json!({ "to": first["id"] }));
    assert_eq!(back["phase"], "completed", "{back}");
    assert_eq!(level(&server), "first");
    assert_eq!(remote.requests().len(), asked, "a rollback asks nobody");

    // What is set through the API wins, and says so.
    let (code, set) =
        verb(&server, &folder, &["config", "set", "variables.LEVEL=api", "-e", "test", "--reason", "a try"]);
    assert_eq!(code, 0, "{set}");
    server.deploy_well(json!({}));
    assert_eq!(level(&server), "api");
    let levels: Vec<_> = chain(&server).iter().map(|link| link["level"].clone()).collect();
    assert_eq!(levels, ["service", "remote", "settings"]);
    for path in ["/api/events?limit=1000", "/api/projects/app/releases", "/api/projects/app/deployments"] {
        assert!(!server.get(path).to_string().contains(TOKEN), "{path}");
    }
    assert!(!server.log().contains(TOKEN));
}

#[test]
fn whatever_a_remote_does_nothing_moves() {
    let server = Server::start();
    let remote = Remote::start(Does::json("one", &says("first")));
    let elsewhere = Remote::start(Does::json("x", &says("elsewhere")));
    let folder = project(&server, &remote_spec(&remote, "timeout = \"300ms\""));
    server.deploy_well(json!({}));
    let running = server.application_pids();

    let moved = format!("302 Found\r\nLocation: http://{}/app/test.json", elsewhere.address);
    let circle = format!("302 Found\r\nLocation: http://{}/again", remote.address);
    let large = json!({ "data": { "LEVEL": "x".repeat(300 * 1024) } }).to_string();
    let cases = [
        (Does::answer("200 OK", "<html>"), "it answered something that is no JSON: line 1, column 1"),
        (Does::answer("200 OK", "[1, 2]"), "there is no `data` in the answer"),
        (Does::answer("200 OK", r#"{ "data": "LEVEL" }"#), "`data` in the answer is a text, not a table"),
        (Does::answer("200 OK", r#"{ "data": { "LEVEL": 3 } }"#), "`LEVEL` is a number: a variable is a text"),
        (Does::answer("200 OK", &large), "it answered more than 262144 bytes"),
        (Does::answer("503 Service Unavailable", "{}"), "it answered 503 Service Unavailable"),
        (Does::answer(&moved, ""), "it answered 302 Found, which leads to another host or round in a circle"),
        (Does::answer(&circle, ""), "it answered 302 Found, which leads to another host or round in a circle"),
        (Does::Hangs, "no answer within 300ms"),
        (Does::Leaves, "remote `levels` can't be read"),
    ];
    for (does, expected) in cases {
        remote.now(does);
        let failed = server.deploy(json!({}));
        assert_eq!(failed["phase"], "failed", "{expected}: {failed}");
        let finding = &failed["findings"][0];
        assert!(finding["message"].as_str().is_some_and(|said| said.contains(expected)), "{expected}: {finding}");
        assert_eq!(finding["field"], "remote.levels", "{finding}");
        assert!(finding["line"].is_u64() && finding["recommendation"].is_string(), "{finding}");
    }
    assert!(elsewhere.requests().is_empty(), "nobody is led elsewhere");
    assert_eq!(server.application_pids(), running, "what runs was not touched");
    assert_eq!(level(&server), "first");

    // Who declares what holds then goes on, and is told.
    server.register(&folder, &spec(&remote_spec(&remote, "if_unavailable = \"last-good\"")));
    let went_on = server.deploy_well(json!({ "version": "v2" }));
    let finding = warning(&went_on);
    let said = finding["message"].as_str().expect("a message");
    assert!(said.starts_with("remote `levels` can't be read, so what it said at "), "{said}");
    assert_eq!(level(&server), "first");
    server.register(&folder, &spec(&remote_spec(&remote, "if_unavailable = \"skip\"")));
    let went_on = server.deploy_well(json!({ "version": "v3" }));
    assert_eq!(warning(&went_on)["message"], "remote `levels` can't be read, so the layers below it hold");
    assert_eq!(level(&server), "file", "the layers below hold");

    // A folder whose remotes are others than the registered ones has nobody asked.
    let asked = remote.requests().len();
    std::fs::write(folder.join("shipway.toml"), spec(&remote_spec(&remote, "keys = [\"LEVEL\"]"))).expect("the spec");
    let failed = server.deploy(json!({}));
    assert_eq!(failed["phase"], "failed", "{failed}");
    assert!(failed["findings"][0]["message"].as_str().is_some_and(|said| said.contains("not those of the registered")));
    assert_eq!(remote.requests().len(), asked);
}

#[test]
fn files_and_commands_are_asked_and_looked_at_before() {
    let server = Server::start();
    let file = server.home.path().join("test.json");
    let path = server.home.path().join("{environment}.json");
    let script = server.home.path().join("names.sh");
    std::fs::write(&script, "echo '{'; echo \"\\\"WHERE\\\": \\\"$SHIPWAY_ENVIRONMENT\\\"\"; echo '}'\n")
        .expect("a script");
    let declared = format!(
        "{SERVICE}\n[[rules]]\nkey = \"settings.limits.max\"\nrequired = true\ntype = \"integer\"\nmax = 8\n\n\
         [services.web.variables]\nMAX = \"{{settings.limits.max}}\"\n\n\
         [remote.limits]\nfile = \"{}\"\ninto = \"settings.limits\"\n\n\
         [remote.names]\ncommand = [\"sh\", \"{}\"]\nrun_as = \"@server\"\ninto = \"variables\"\n",
        path.display(),
        script.display()
    );
    // What is missing until a remote has answered keeps no spec from being registered.
    let folder = project(&server, &declared);
    let (code, fetched) = verb(&server, &folder, &["config", "fetch", "-e", "test"]);
    assert_eq!(code, 1, "{fetched}");
    let error = fetched["remotes"][0]["error"].as_str().expect("why");
    assert!(error.contains("No such file"), "{error}");
    assert_eq!(fetched["remotes"][1]["values"], json!({ "WHERE": "test" }));

    std::fs::write(&file, r#"{ "max": 9 }"#).expect("the file");
    let broken = server.refused(422, "POST", "/api/projects/app/environments/test/config/fetch", json!({}));
    assert_eq!(broken["findings"][0]["message"], "`settings.limits.max` is 9: it must be 8 or less");
    assert_eq!(broken["findings"][0]["file"], "remote `limits`");
    std::fs::write(&file, r#"{ "max": 4 }"#).expect("the file");
    let (code, fetched) = verb(&server, &folder, &["config", "fetch", "-e", "test"]);
    assert_eq!((code, &fetched["remotes"][0]["values"]), (0, &json!({ "max": 4 })), "{fetched}");
    server.deploy_well(json!({}));
    assert_eq!(server.page("/variable?MAX").1, "4");
    assert_eq!(server.page("/variable?WHERE").1, "test");
    assert_eq!(server.page("/variable?SHIPWAY_SETTINGS").1, r#"{"limits":{"max":4}}"#);
}

#[test]
fn a_remote_is_changed_by_those_alone_who_configure_every_environment() {
    let server = Server::start();
    let remote = Remote::start(Does::json("one", &says("first")));
    let live = "\n[environments.live]\ntype = \"production\"\n";
    let text = |more: &str| format!("{}{live}", spec(&remote_spec(&remote, more)));
    let folder = project(&server, SERVICE);
    server.register(&folder, &text(""));
    let token = server.post("/api/tokens", json!({ "name": "dev", "role": "developer" }));
    let bearer = format!("Bearer {}", token["token"].as_str().expect("its text"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let register = |text: String| {
        let body = json!({ "file": "shipway.toml", "text": text }).to_string();
        server.raw("POST", "/api/projects", false, &headers, body.as_bytes())
    };
    assert_eq!(register(text("")).status, 200, "the same remotes are anybody's");
    let refused = register(text("headers = { X = \"{DATABASE_PASSWORD}\" }"));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("may not change settings in live"), "{}", refused.body);
}
