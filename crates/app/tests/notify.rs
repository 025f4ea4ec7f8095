//! Notifications: who hears what, signed, once it can be delivered.

mod support;

use std::fs;

use rustls::crypto::{ring::cipher_suite::TLS13_AES_128_GCM_SHA256, tls13::OkmBlock};
use serde_json::json;
use support::{
    Server, project,
    receivers::{Hook, MailBox},
    wait_for,
};

const KEY: &str = "a key of the test";
const SERVICE: &str = "health = { startup = { http = \"/healthz\" } }\nstop = { grace_s = 1 }\n";

/// The signature made by other code than the product's.
fn signature(body: &str) -> String {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    let tag = suite.hkdf_provider.hmac_sign(&OkmBlock::new(KEY.as_bytes()), body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn webhook(hook: &Hook, more: &str) -> String {
    format!(
        "[[environments.test.notify]]\nwebhook = \"http://{}/hook\"\nsecret_variable = \"HOOK_KEY\"\n{more}\n",
        hook.address
    )
}

fn with_key() -> Server {
    let mut server = Server::start();
    server.kill();
    server.boot(&[("HOOK_KEY", KEY)]);
    server
}

#[test]
fn a_webhook_hears_everything_signed() {
    let server = with_key();
    let hook = Hook::start();
    project(&server, &format!("{SERVICE}{}", webhook(&hook, "")));
    let first = server.deploy_well(json!({ "version": "v1" }));
    for occasion in ["started", "succeeded"] {
        let told = hook.told(occasion, 0);
        assert_eq!(told.header("x-shipway-signature"), signature(&told.body));
        assert_eq!(told.json()["event"]["deployment"], first["id"]);
        assert!(!told.header("x-shipway-delivery").is_empty());
    }
    let known = hook.deliveries().len();
    let failed = server.deploy(json!({ "version": "v2", "config": { "variables": { "BEHAVIOUR": "exit" } } }));
    assert_eq!(failed["phase"], "failed");
    assert_eq!(hook.told("failed", known).json()["event"]["deployment"], failed["id"]);
    let known = hook.deliveries().len();
    let check = json!([{ "name": "never", "phase": "verify", "http": "/", "expect": { "contains": "never said" } }]);
    let back = server.deploy(json!({ "version": "v3", "config": { "services": { "web": { "checks": check } } } }));
    assert_eq!(back["phase"], "rolled_back");
    assert_eq!(hook.told("rolled-back", known).json()["event"]["deployment"], back["id"]);
    let known = hook.deliveries().len();
    let steps = json!({ "kind": "canary", "steps": "50% manual, 100%" });
    let waits = server.ask(json!({ "version": "v4", "strategy": steps }));
    let waiting = hook.told("waiting", known);
    assert_eq!(waiting.json()["event"]["deployment"], json!(waits));
    assert!(waiting.json()["event"]["message"].as_str().expect("words").contains("advance"), "{}", waiting.body);
    server.post(&format!("/api/deployments/{waits}/advance"), json!({}));
    assert_eq!(server.ended(&waits)["phase"], "completed");
    let known = hook.deliveries().len();
    let services = json!({ "web": { "checks": check, "on_failure": "stop" } });
    let stuck = server.deploy(json!({ "version": "v5", "config": { "services": services } }));
    assert_eq!(stuck["phase"], "stuck", "{}", stuck["errors"]);
    assert_eq!(hook.told("stuck", known).json()["event"]["deployment"], stuck["id"]);
    let ids: std::collections::BTreeSet<_> =
        hook.deliveries().iter().map(|one| one.header("x-shipway-delivery").to_owned()).collect();
    assert_eq!(ids.len(), hook.deliveries().len(), "nothing is told twice");
}

#[test]
fn a_refused_delivery_is_tried_again_also_after_a_restart() {
    let mut server = with_key();
    let hook = Hook::start();
    hook.answer(503);
    project(&server, &format!("{SERVICE}{}", webhook(&hook, "on = [\"succeeded\"]")));
    let deployed = server.deploy_well(json!({ "version": "v1" }));
    let refused = hook.told("succeeded", 0);
    server.kill();
    hook.answer(200);
    let known = hook.deliveries().len();
    server.boot(&[("HOOK_KEY", KEY)]);
    let told = hook.told("succeeded", known);
    assert_eq!(told.header("x-shipway-delivery"), refused.header("x-shipway-delivery"), "the same delivery");
    assert_eq!(told.header("x-shipway-signature"), signature(&told.body));
    assert_eq!(told.json()["event"]["deployment"], deployed["id"]);
    // What was taken is not sent again, and what comes later is.
    let second = server.deploy_well(json!({ "version": "v2" }));
    wait_for("the second", || {
        let of_second = |one: &support::receivers::Delivery| one.json()["event"]["deployment"] == second["id"];
        hook.deliveries().iter().any(of_second).then_some(())
    });
    assert_eq!(hook.deliveries().len(), known + 2);
}

#[test]
fn each_channel_hears_what_it_asked_for() {
    let server = Server::start();
    let mails = MailBox::start();
    // Deliveries run beside each other, so each has a file of its own.
    let (heard, lines) = (server.home.path().join("heard"), server.home.path().join("tell"));
    fs::write(&lines, format!("#!/bin/sh\ncat > {0}/$$.part && mv {0}/$$.part {0}/$$.json\n", heard.display()))
        .expect("a script");
    fs::create_dir(&heard).expect("a folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&lines, mode).expect("it may run");
    let notify = format!(
        "[[environments.test.notify]]\ncommand = [\"{}\"]\non = [\"started\", \"failed\"]\n\
         [[environments.test.notify]]\non = [\"succeeded\"]\n[environments.test.notify.email]\n\
         server = \"smtp://{}\"\nfrom = \"shipway@example.com\"\nto = [\"one@example.com\", \"two@example.com\"]\n",
        lines.display(),
        mails.address
    );
    project(&server, &format!("{SERVICE}{notify}"));
    server.deploy_well(json!({ "version": "v1" }));
    let mail = wait_for("a mail", || mails.mails().first().cloned());
    for part in ["MAIL FROM:<shipway@example.com>", "RCPT TO:<one@example.com>", "RCPT TO:<two@example.com>"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(mail.contains("Subject: [shipway] test: test-1 is live"), "{mail}");
    assert!(mail.contains("DEPLOYMENT_SUCCEEDED"), "{mail}");
    let failed = server.deploy(json!({ "version": "v2", "config": { "variables": { "BEHAVIOUR": "exit" } } }));
    assert_eq!(failed["phase"], "failed");
    let told = wait_for("the command to hear of the failure", || {
        let files = fs::read_dir(&heard).ok()?.flatten().map(|entry| entry.path());
        let whole = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
        let read = |file| serde_json::from_str(&fs::read_to_string(file).ok()?).ok();
        let told: Vec<serde_json::Value> = whole.filter_map(read).collect();
        (told.len() >= 3 && told.iter().any(|one| one["notification"] == "failed")).then_some(told)
    });
    let mut occasions: Vec<_> = told.iter().map(|one| one["notification"].as_str().expect("a word")).collect();
    occasions.sort_unstable();
    assert_eq!(occasions, ["failed", "started", "started"], "not of the success");
    assert_eq!(mails.mails().len(), 1, "not of the failure");
}
