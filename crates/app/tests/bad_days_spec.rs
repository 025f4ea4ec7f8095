//! Bad days that begin with what was written: specs, names, commands, links, values. What runs goes on, and the message
//! says what is wrong, where, and what to do.

mod support;

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};
use support::{
    day::{Day, assert_cause, text, web},
    spec,
};

/// What a project and a validation say of a text; both must say the same.
fn findings(day: &Day, spec: &str) -> Vec<Value> {
    let body = json!({ "file": "shipway.toml", "text": spec });
    let (status, refused) = day.server.call("POST", "/api/projects", Some(&body)).expect("an answer");
    assert_eq!(status, 422, "{refused}");
    let validation = day.server.post("/api/validations", body);
    assert_eq!(validation["valid"], false);
    let place = |finding: &Value| json!([finding["message"], finding["file"], finding["line"], finding["field"]]);
    let of = |list: &Value| list.as_array().expect("findings").iter().map(place).collect::<Vec<_>>();
    assert_eq!(of(&refused["findings"]), of(&validation["findings"]));
    assert!(!text(&refused, "/hint").is_empty(), "{refused}");
    validation["findings"].as_array().expect("findings").clone()
}

/// The line of a text, from 1.
fn line_of(spec: &str, part: &str) -> usize {
    spec.lines().position(|line| line.contains(part)).expect("the part is there") + 1
}

#[test]
fn a_wrong_type_is_found_at_its_line() {
    let day = Day::begin("");
    let bad = spec("instances = \"three\"\nhelth = { startup = { http = \"/\" } }");
    let found = findings(&day, &bad);
    let instances = found.iter().find(|one| one["field"] == "services.web.instances").expect("the wrong type");
    assert_eq!(instances["severity"], "critical");
    assert_eq!(instances["file"], "shipway.toml");
    assert_eq!(instances["line"], json!(line_of(&bad, "three")), "{instances}");
    assert!(text(instances, "/message").contains("number"), "{instances}");
    assert!(!text(instances, "/recommendation").is_empty(), "{instances}");
    assert!(found.iter().any(|one| text(one, "/message").contains("helth")), "all of them: {found:?}");

    day.rewrite("instances = \"three\"\n");
    let deployment = day.deploy_to_end(json!({ "version": "v2" }), "failed");
    assert_eq!(deployment["findings"][0]["file"], "shipway.toml");
    assert!(deployment["findings"][0]["line"].as_u64().is_some_and(|line| line > 1));
    assert_cause(&deployment, "instances", "shipway check");
    day.unharmed("v1");
}

#[test]
fn a_circle_of_dependencies_is_written_out() {
    let day = Day::begin("");
    let service = |name: &str, needs: &str| {
        format!(
            "[services.{name}]\nkind = \"process\"\nrun = [\"./fixture\"]\nrun_as = \"@server\"\ndepends_on = [\"{needs}\"]\n"
        )
    };
    let bad = format!("{}\n{}{}", spec("depends_on = [\"stock\"]"), service("stock", "mail"), service("mail", "web"));
    let found = findings(&day, &bad);
    let circle = found.iter().find(|one| text(one, "/message").contains("circle")).expect("the circle");
    assert!(text(circle, "/message").contains("mail -> web -> stock -> mail"), "{circle}");
    assert_eq!(circle["line"], json!(line_of(&bad, "depends_on = [\"web\"]")), "{circle}");
    fs::write(day.folder.join("shipway.toml"), bad).expect("the spec");
    let deployment = day.deploy_to_end(json!({ "version": "v2" }), "failed");
    assert_cause(&deployment, "mail -> web -> stock -> mail", "shipway check");
    day.unharmed("v1");
}

#[test]
fn an_unknown_environment_is_refused_with_the_list() {
    let day = Day::begin("");
    let body = json!({ "project": "app", "environment": "prod" });
    let (status, refused) = day.server.call("POST", "/api/deployments", Some(&body)).expect("an answer");
    assert_eq!(status, 404, "{refused}");
    assert!(text(&refused, "/detail").contains("`prod`"), "{refused}");
    assert!(text(&refused, "/hint").contains("test"), "{refused}");
    let body = json!({ "project": "app", "environment": "prod", "text": spec("") });
    let validation = day.server.post("/api/validations", body);
    assert_eq!(validation["valid"], false, "{validation}");
    assert!(text(&validation, "/findings/0/message").contains("prod"), "{validation}");
    assert!(text(&validation, "/findings/0/details").contains("`test`"), "{validation}");
    let unknown = json!({ "project": "app", "environment": "test", "services": ["wbe"] });
    let id = day.server.post("/api/deployments", unknown)["id"].as_str().expect("an id").to_owned();
    let deployment = day.end(&id, "failed");
    assert_cause(&deployment, "there is no service `wbe`", "");
    assert!(text(&deployment, "/findings/0/recommendation").contains("web"), "{}", deployment["findings"]);
    let (status, refused) = day.server.call("GET", "/api/projects/ap/deployments", None).expect("an answer");
    assert_eq!(status, 404, "{refused}");
    day.unharmed("v1");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let day = Day::begin("");
    let deployment =
        day.deploy_to_end(json!({ "version": "v2", "config": web(json!({ "run": ["./nothing"] })) }), "failed");
    assert_cause(&deployment, "the program `./nothing` isn't there", "check the command");
    assert_eq!(deployment["errors"][0]["phase"], "testing");
    let config = web(json!({ "build": ["no-such-compiler", "--fast"] }));
    let deployment = day.deploy_to_end(json!({ "version": "v3", "config": config }), "failed");
    assert_cause(&deployment, "the program `no-such-compiler` isn't there", "check the command");
    assert_eq!(deployment["errors"][0]["phase"], "preparing");
    let unset = web(json!({ "run": null }));
    let deployment = day.deploy_to_end(json!({ "version": "v4", "config": unset }), "failed");
    assert_cause(&deployment, "`web` is a process without a command", "shipway check");
    day.unharmed("v1");
}

#[test]
fn a_link_that_leaves_the_source_is_refused_with_its_path() {
    let day = Day::begin("");
    symlink("/etc/passwd", day.folder.join("app/users.txt")).expect("a link");
    let deployment = day.deploy_to_end(json!({ "version": "v2" }), "failed");
    assert_cause(&deployment, "app/users.txt leaves its folder: it points to /etc/passwd", "remove the link");
    fs::remove_file(day.folder.join("app/users.txt")).expect("the link goes");
    symlink("../../", day.folder.join("app/up")).expect("a link");
    let deployment = day.deploy_to_end(json!({ "version": "v3" }), "failed");
    assert_cause(&deployment, "app/up leaves its folder", "remove the link");
    fs::remove_file(day.folder.join("app/up")).expect("the link goes");
    // A build makes such a link too; then it is the artifact that would lead out.
    let config = web(json!({ "build": ["ln", "-s", "/etc/shadow", "stolen"] }));
    let deployment = day.deploy_to_end(json!({ "version": "v4", "config": config }), "failed");
    assert_cause(&deployment, "stolen leaves its folder", "remove the link");
    day.unharmed("v1");
    symlink("fixture", day.folder.join("app/within")).expect("a link");
    day.deploy_to_end(json!({ "version": "v5" }), "completed");
    day.unharmed("v5");
}

#[test]
fn a_wrong_artifact_digest_is_refused() {
    let day = Day::begin("");
    let artifact = |digest: &str| json!({ "version": "v2", "source": { "artifact": { "web": digest } } });
    let deployment = day.deploy_to_end(artifact(&"0".repeat(64)), "failed");
    assert_cause(&deployment, "the artifact 000000000000 is not stored", "the digest is wrong");
    let deployment = day.deploy_to_end(artifact("../../../../etc/hostname"), "failed");
    assert_cause(&deployment, "is not stored", "the digest is wrong");
    let other = json!({ "version": "v2", "source": { "artifact": { "mail": "0".repeat(64) } } });
    let deployment = day.deploy_to_end(other, "failed");
    assert_cause(&deployment, "the request names no artifact for web", "");
    day.unharmed("v1");
    let newest = day.server.get("/api/projects/app/releases");
    let known = text(&newest, "/0/artifact").to_owned();
    let deployment = day.deploy_to_end(artifact(&known), "completed");
    assert_eq!(deployment["artifacts"]["web"], json!(known));
    day.unharmed("v2");
}

#[test]
fn metacharacters_in_values_reach_the_application_unchanged() {
    let day = Day::begin("");
    let trap = day.folder.join("trap");
    let strange = format!(
        "$(touch {0}) `touch {0}` ; touch {0} & | > {0} < * ? ~ ${{HOME}} %s %n \\ \\n ' \" \u{1f680} {{environment}} end",
        trap.display()
    );
    // What would be a template is written in two pairs of braces.
    let written = strange.replace("{environment}", "{{environment}}");
    let fields = json!({ "variables": { "STRANGE": written }, "run": ["./fixture", strange, "", "two words"] });
    day.deploy_to_end(json!({ "version": "v2", "config": web(fields) }), "completed");
    assert_eq!(day.server.page("/strange"), (200, strange.clone()));
    assert_eq!(day.server.page("/arguments"), (200, format!("{strange}\n\ntwo words")));
    let build = json!({ "build": ["printf", "%s\\n", strange], "build_variables": { "STRANGE": strange } });
    let built = day.deploy_to_end(json!({ "version": "v3", "config": web(build) }), "completed");
    let logs = day.server.get(&format!("/api/deployments/{}/logs", text(&built, "/id")));
    let lines = logs["lines"].as_array().expect("lines");
    assert!(lines.iter().any(|line| line["stream"] == "build" && line["line"] == json!(strange)), "{lines:?}");
    assert!(!trap.exists(), "no shell read it");
    day.unharmed("v3");
}
