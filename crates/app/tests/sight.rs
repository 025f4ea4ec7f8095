//! What an access token that is limited to environments shows: every endpoint that is read, each by what the table says
//! of it, live streams, and what is read by asking for something. Not here: what it may do (`access`).

mod support;

use serde_json::{Value, json};
use shipway_api::ENDPOINTS;
use support::{Server, http::Answer, more::problem, project, spec, sse::Stream};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// What somebody who may see `test` alone gets of an endpoint, when `hidden` is there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sees {
    /// The same as everybody: there is nothing of an environment in it.
    Everything,
    /// What its path names, in `test`; of what is in `hidden` a refusal.
    ItsOwn,
    /// A list: nothing in it is of `hidden`, and asked for `hidden` it is refused.
    Parts,
    /// A list that takes no environment: nothing in it is of `hidden`.
    PartsAlone,
    /// A refusal: it is about all environments.
    Nothing,
}

/// All that is read under `/api`. A new endpoint stands here, or the test fails.
const READ: [(&str, Sees); 44] = [
    ("/api/openapi.json", Sees::Everything),
    ("/api/server", Sees::Everything),
    ("/api/deployments/{id}", Sees::ItsOwn),
    ("/api/deployments/{id}/logs", Sees::ItsOwn),
    ("/api/deployments/{id}/explain", Sees::ItsOwn),
    ("/api/deployments/{id}/archive", Sees::ItsOwn),
    ("/api/deployments/{id}/report", Sees::ItsOwn),
    ("/api/projects", Sees::PartsAlone),
    ("/api/projects/{id}", Sees::PartsAlone),
    ("/api/projects/{id}/deployments", Sees::Parts),
    ("/api/projects/{id}/compare", Sees::ItsOwn),
    ("/api/projects/{id}/environments", Sees::PartsAlone),
    ("/api/projects/{id}/environments/{environment}", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/config", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/config/history", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/config/diff", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/flags", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/rollback-target", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/gates", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/retention", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/leases", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/quarantine", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/snapshots", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/usage", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/drift", Sees::ItsOwn),
    ("/api/projects/{id}/environments/{environment}/holds", Sees::ItsOwn),
    ("/api/projects/{id}/statistics", Sees::Parts),
    ("/api/projects/{id}/quota", Sees::Parts),
    ("/api/projects/{id}/secrets", Sees::PartsAlone),
    ("/api/projects/{id}/combinations", Sees::PartsAlone),
    ("/api/projects/{id}/schedules", Sees::PartsAlone),
    ("/api/projects/{id}/instances", Sees::Parts),
    ("/api/projects/{id}/releases", Sees::Parts),
    ("/api/projects/{id}/artifacts", Sees::PartsAlone),
    ("/api/instances/{id}/logs", Sees::ItsOwn),
    ("/api/events", Sees::PartsAlone),
    ("/api/breakers", Sees::PartsAlone),
    ("/api/routes", Sees::PartsAlone),
    ("/api/routes/table", Sees::PartsAlone),
    // About the whole server, or asked of by their own rights.
    ("/api/audit", Sees::Nothing),
    ("/api/tokens", Sees::Nothing),
    ("/api/backups", Sees::Nothing),
    ("/api/doctor", Sees::Nothing),
    ("/api/master-key", Sees::Nothing),
];

/// A server with the same in both environments, and somebody who may see one of them.
struct Two {
    server: Server,
    token: String,
    /// In `test`, then in `hidden`.
    deployments: [String; 2],
    instances: [String; 2],
}

impl Two {
    fn start() -> Self {
        let server = Server::start();
        let folder = project(&server, "");
        let environments = "\n[environments.hidden]\ntype = \"testing\"\npromotes_to = \"test\"\n";
        server.register(&folder, &format!("{}{environments}", spec("")));
        let deployments = ["test", "hidden"].map(|environment| {
            server.deploy_well(json!({ "environment": environment, "version": "v1" }));
            fill(&server, environment);
            let newest = server.deploy_well(json!({ "environment": environment, "version": "v2" }));
            newest["id"].as_str().expect("an id").to_owned()
        });
        let instances = ["test", "hidden"].map(|environment| {
            let all = server.get(&format!("/api/projects/app/instances?environment={environment}"));
            let live = all.as_array().expect("instances").iter().find(|one| one["role"] == "live").expect("one lives");
            live["id"].as_str().expect("an id").to_owned()
        });
        let made = server.post("/api/tokens", json!({ "name": "ann", "role": "admin", "environments": ["test"] }));
        Self { token: made["token"].as_str().expect("its text").to_owned(), server, deployments, instances }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [JSON, ("Authorization", bearer.as_str())];
        let body = if method == "GET" { String::new() } else { body.to_string() };
        self.server.raw(method, path, false, &headers, body.as_bytes())
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }

    /// The path with what is in one of the environments: 0 is `test`, 1 is `hidden`.
    fn filled(&self, path: &str, which: usize) -> String {
        let id = match path {
            _ if path.starts_with("/api/projects") => "app",
            _ if path.starts_with("/api/instances") => &self.instances[which],
            _ => &self.deployments[which],
        };
        let environment = ["test", "hidden"][which];
        let path = path.replace("{id}", id).replace("{environment}", environment);
        if path.ends_with("/compare") { format!("{path}?from={environment}&to={environment}") } else { path }
    }

    /// Whether an answer tells of the other environment.
    fn tells_of_hidden(&self, answer: &Answer) -> bool {
        let told = ["hidden", &self.deployments[1], &self.instances[1]];
        told.iter().any(|told| answer.body.contains(told))
    }
}

/// Settings, a flag, a secret, a schedule, a hold and a name, so that every list has something to leave out.
fn fill(server: &Server, environment: &str) {
    let at = format!("/api/projects/app/environments/{environment}");
    let put = |path: &str, body: Value| {
        let (status, answer) = server.call("PUT", path, Some(&body)).expect("the server answers");
        assert_eq!(status, 200, "{path}: {answer}");
    };
    put(&at, json!({ "variables": { "WHERE": environment } }));
    put(&format!("{at}/flags/{environment}-flag"), json!({ "value": { "kind": "boolean", "on": true } }));
    put(
        "/api/projects/app/secrets",
        json!({ "name": format!("{environment}-key"), "environment": environment, "value": "x" }),
    );
    server.post(&format!("{at}/combinations"), json!({ "name": format!("{environment}-good") }));
    let hold = json!({ "service": "web", "reason": format!("{environment} rests") });
    server.post(&format!("{at}/holds"), hold);
    server.post(&format!("{at}/holds/end"), json!({ "service": "web" }));
    let schedule = json!({
        "name": format!("{environment}-nightly"), "every": "0 3 * * *",
        "deployment": { "project": "app", "environment": environment },
    });
    server.post("/api/projects/app/schedules", schedule);
}

#[test]
fn every_endpoint_that_is_read_shows_what_the_token_is_for_and_nothing_else() {
    let two = Two::start();
    let read = ENDPOINTS.iter().filter(|endpoint| endpoint.method == "get" && endpoint.path.starts_with("/api"));
    assert_eq!(read.clone().count(), READ.len(), "READ has an endpoint that is no more, or twice");
    for path in read.map(|endpoint| endpoint.path) {
        let row = READ.iter().find(|(known, _)| *known == path);
        let (_, sees) = row.unwrap_or_else(|| panic!("{path} is new: say in READ what a limited token sees of it"));
        let own = two.filled(path, 0);
        let answer = two.get(&own);
        // The owner gets an answer everywhere, and hears of the other environment where there is something to leave out.
        let whole = two.server.raw("GET", &own, true, &[], b"");
        assert_eq!(whole.status, 200, "{own}: {}", whole.body);
        match sees {
            Sees::Everything => assert_eq!(answer.status, 200, "{own}: {}", answer.body),
            Sees::Nothing => {
                problem(&answer, 403);
            }
            Sees::ItsOwn => {
                assert_eq!(answer.status, 200, "{own}: {}", answer.body);
                let told = problem(&two.get(&two.filled(path, 1)), 403);
                let expected = "ann acts in test alone, and may not look in hidden (of type testing)";
                assert_eq!(told["detail"], expected, "{path}");
            }
            Sees::Parts | Sees::PartsAlone => {
                assert_eq!(answer.status, 200, "{own}: {}", answer.body);
                assert!(!two.tells_of_hidden(&answer), "{own}: {}", answer.body);
                // Artifacts and the target's breaker are of no environment.
                let is_common = ["/artifacts", "/breakers"].iter().any(|end| path.ends_with(end));
                assert!(is_common || two.tells_of_hidden(&whole), "{own} has nothing to leave out: {}", whole.body);
            }
        }
        if *sees == Sees::Parts {
            problem(&two.get(&format!("{own}?environment=hidden")), 403);
            assert_eq!(two.get(&format!("{own}?environment=test")).status, 200, "{own}");
        }
    }
}

#[test]
fn what_comes_live_or_by_asking_is_limited_too() {
    let two = Two::start();
    // The newest event of all is of `hidden`; a stream from before it tells of `test` alone.
    let mut events = Stream::open_as(&two.server, &two.token, "/api/events", None);
    let (last, _) = (two.server.deploy_well(json!({ "version": "v3" })), two.deployments[0].as_str());
    let id = &last["id"];
    let mut ended = false;
    while !ended {
        let event = events.next().expect("the stream goes on");
        assert_ne!(event.data["environment"], "hidden", "{}", event.data);
        ended = event.data["deployment"] == *id && event.data["kind"] == "DEPLOYMENT_SUCCEEDED";
    }
    // A page that would hold nothing but what is not shown goes on to what is.
    let page: Value = serde_json::from_str(&two.get("/api/events?limit=1&after=0").body).expect("JSON");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
    let (mut seen, mut after) = (0, 0);
    loop {
        let page = two.get(&format!("/api/events?limit=7&after={after}"));
        assert!(!two.tells_of_hidden(&page) || page.body.contains("\"PROJECT_REGISTERED\""), "{}", page.body);
        let page: Value = serde_json::from_str(&page.body).expect("JSON");
        let items = page["items"].as_array().expect("events").len();
        if items == 0 {
            break;
        }
        (seen, after) = (seen + items, page["next"].as_u64().expect("a place"));
    }
    assert!(seen > 20, "{seen} events");

    let compatibility = "/api/projects/app/environments/hidden/compatibility";
    problem(&two.ask("POST", compatibility, &json!({})), 403);
    let sync = json!({ "from": "hidden", "dryRun": true });
    problem(&two.ask("POST", "/api/projects/app/environments/test/sync", &sync), 403);
    let validation = json!({ "project": "app", "environment": "hidden" });
    problem(&two.ask("POST", "/api/validations", &validation), 403);
    assert_eq!(two.ask("POST", "/api/validations", &json!({ "project": "app", "environment": "test" })).status, 200);
    problem(&two.ask("POST", "/api/doctor", &json!({ "repair": false })), 403);
    problem(&two.get("/api/projects/app/compare?from=test&to=hidden"), 403);
    // By its name, too; and what is nowhere is not refused but missing.
    let named = two.server.get(&format!("/api/deployments/{}", two.deployments[1]));
    problem(&two.get(&format!("/api/deployments/{}", named["name"].as_str().expect("a name"))), 403);
    problem(&two.get("/api/deployments/nobody"), 404);
    problem(&two.get("/api/nowhere"), 404);
    let asked = two.server.get("/api/audit?actor=ann&limit=200");
    let denied = asked["items"].as_array().expect("entries");
    assert!(denied.iter().any(|one| one["outcome"] == "denied" && one["environment"] == "hidden"), "{asked}");
}

#[test]
fn pages_of_several_environments_are_whole_and_in_order() {
    let server = Server::start();
    let folder = project(&server, "");
    let kinds = ["b", "c"].map(|name| format!("\n[environments.{name}]\ntype = \"testing\"\n"));
    server.register(&folder, &format!("{}{}", spec(""), kinds.concat()));
    let mut expected = Vec::new();
    for (number, environment) in ["test", "b", "c", "test", "test", "b", "c", "b"].into_iter().enumerate() {
        let made = server.deploy(json!({ "environment": environment, "version": format!("v{number}") }));
        if environment != "c" {
            expected.insert(0, made["id"].clone());
        }
    }
    let asked = json!({ "name": "ann", "role": "viewer", "environments": ["test", "b", "test"] });
    let token = server.post("/api/tokens", asked)["token"].as_str().expect("its text").to_owned();
    for limit in 1..=6 {
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/projects/app/deployments?limit={limit}{before}");
            let bearer = format!("Bearer {token}");
            let answer = server.raw("GET", &path, false, &[("Authorization", &bearer)], b"");
            let page: Value = serde_json::from_str(&answer.body).expect("JSON");
            let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
            assert!(items.len() <= limit, "{page}");
            seen.extend(items.iter().map(|one| one["id"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

#[test]
fn a_promotion_without_a_target_asks_for_the_right_where_it_goes() {
    let two = Two::start();
    // `hidden` promotes to `test`.
    let wish = json!({ "project": "app", "from": "hidden" });
    let answer = two.ask("POST", "/api/promotions", &wish);
    assert_ne!(answer.status, 403, "{}", answer.body);
    let made = json!({ "name": "bo", "role": "admin", "environments": ["hidden"] });
    let token = two.server.post("/api/tokens", made)["token"].as_str().expect("its text").to_owned();
    let bo = Two { token, ..two };
    let told = problem(&bo.ask("POST", "/api/promotions", &wish), 403);
    assert_eq!(told["detail"], "bo acts in hidden alone, and may not promote in test (of type testing)");
    let made = json!({ "name": "cy", "role": "viewer", "environments": ["test"] });
    let token = bo.server.post("/api/tokens", made)["token"].as_str().expect("its text").to_owned();
    let cy = Two { token, ..bo };
    let told = problem(&cy.ask("POST", "/api/promotions", &wish), 403);
    assert!(told["detail"].as_str().expect("a detail").contains("it takes the role developer"), "{told}");
}
