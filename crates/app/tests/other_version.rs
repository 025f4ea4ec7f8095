//! A deployment whose plan another version of Shipway made, in a form that this one doesn't know: nobody guesses at it.
//! It stands still and says why, the server works for all others, and a person can send it back.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use shipway_core::store::{Body, Commit, Document, DocumentKind, Listing};
use support::{
    Server,
    day::{SERVICE, assert_cause, text, web},
    project,
    stored::rewrite,
    wait_for,
};

/// A form that no version has yet.
const FORM: u32 = 99;

/// A server that died while a plan ran, at its first step in that phase, and came back when the plan had the other form.
fn comes_back_to_the_plan(crash: &str) -> (Server, String) {
    let mut server = Server::start();
    project(&server, &format!("{SERVICE}checks = [{{ name = \"front\", phase = \"verify\", http = \"/\" }}]\n"));
    server.deploy_well(json!({ "version": "v0" }));
    let before = server.deploy_well(json!({ "version": "v1" }));
    let steps = before["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["phase"] == crash).expect("a step in that phase");
    server.kill();
    server.boot(&[("SHIPWAY_CRASH_POINT", &format!("forward/{}/before", step["number"]))]);
    let id = server.ask(json!({ "version": "v2" }));
    server.wait_end();
    change_form(&server.data, &id);
    server.boot(&[]);
    (server, id)
}

/// Gives the plan of a deployment the form of another version, with a step that only that one knows.
fn change_form(data: &Path, deployment: &str) {
    rewrite(data, async |store| {
        let listing = Listing { limit: 1, newest_first: true, ..Listing::default() };
        let newest = store.list(DocumentKind::Course, listing).await.expect("a course").remove(0);
        let mut course: Value = serde_json::from_str(&newest.to_text()).expect("it is JSON");
        course["plan"]["version"] = json!(FORM);
        course["plan"]["steps"][0]["step"] = json!({ "do": "whatNobodyHereKnows" });
        let key = format!("{deployment}/{}", course["number"]);
        assert_eq!(store.get(DocumentKind::Course, &key).await.expect("a read"), Some(newest), "it is the newest");
        let kind = DocumentKind::Course;
        let document = Document { kind, key, scope: "app/test".into(), order: 0, body: Body::text(course.to_string()) };
        Commit { puts: vec![document], ..Commit::default() }
    });
}

/// It says why it stands still and what to do, and none of its steps went on.
fn assert_frozen(server: &Server, id: &str) {
    let stuck = server.ended(id);
    assert_eq!((&stuck["phase"], &stuck["stuck"]), (&json!("stuck"), &json!("unknownPlan")), "{}", stuck["errors"]);
    assert_cause(&stuck, "another version of Shipway made its plan", &format!("`shipway retry {id}`"));
    assert_eq!(stuck["cause"], "machinery");
    let said = server.events(Some(id)).into_iter().find(|event| event["kind"] == "DEPLOYMENT_STUCK").expect("an event");
    assert!(text(&said, "/message").contains(&format!("form {FORM}")), "{said}");
    let told = server.get(&format!("/api/deployments/{id}/explain"));
    assert!(text(&told, "/headline").contains("another version of Shipway made its plan"), "{told:#}");
    let commands: Vec<_> = told["next"].as_array().expect("a list").iter().map(|next| text(next, "/command")).collect();
    assert!(commands.contains(&format!("shipway retry {id}").as_str()), "{commands:?}");
}

/// A person sends it back: what was live before is live again, alone.
fn assert_goes_back(server: &Server, id: &str, end: &str) {
    server.post(&format!("/api/deployments/{id}/retry"), json!({}));
    wait_for("the end of the way back", || (server.deployment(id)["phase"] == end).then_some(()));
    wait_for("v1 alone", || {
        let mut versions: Vec<_> = server.live_instances().into_iter().map(|one| one["version"].clone()).collect();
        versions.dedup();
        (versions == [json!("v1")]).then_some(())
    });
    assert_eq!(server.version(), "v1");
}

#[test]
fn before_promotion_it_freezes_and_users_stay_where_they_are() {
    let (server, id) = comes_back_to_the_plan("testing");
    assert_frozen(&server, &id);
    assert_eq!(server.version(), "v1");
    assert_goes_back(&server, &id, "failed");
}

#[test]
fn after_promotion_it_freezes_with_the_new_and_goes_back_when_asked() {
    let (server, id) = comes_back_to_the_plan("verifying");
    assert_frozen(&server, &id);
    assert_eq!(server.version(), "v2", "nothing was taken back by itself");
    assert_goes_back(&server, &id, "rolled_back");
}

#[test]
fn others_are_deployed_and_listed_all_the_same() {
    let (server, id) = comes_back_to_the_plan("testing");
    assert_frozen(&server, &id);
    server.deploy_well(json!({ "version": "v3", "config": web(json!({ "instances": 2 })) }));
    assert_eq!(server.version(), "v3");
    let listed = server.get("/api/projects/app/deployments");
    let ids: Vec<_> = listed["items"].as_array().expect("a page").iter().map(|one| text(one, "/id")).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(ids.contains(&id.as_str()), "{ids:?}");
}
