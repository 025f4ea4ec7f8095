//! The newcomer's way: the shop comes up by one command, is changed, fails, goes back, and stops.

mod support;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use support::{http::request, load::Load, shipway};

const HOST: &str = "shop.staging.localhost";

/// A shop of its own, with its own data folder, started as a newcomer does.
struct Shop {
    home: tempfile::TempDir,
    proxy: SocketAddr,
}

impl Shop {
    fn up() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
        copy(&source, &home.path().join("shop"));
        let mut shop = Self { home, proxy: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let free = ["--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", "--link-port", "0"];
        let up = shop.run(&[&["up", ".", "--detach"], free.as_slice()].concat());
        assert!(up.status.success(), "{}", text(&up));
        let status: Value = serde_json::from_slice(&shop.run(&["status", "--json"]).stdout).expect("JSON");
        let proxy = status["server"]["proxy"].as_str().unwrap_or_else(|| panic!("{status}"));
        shop.proxy = proxy.parse().expect("an address");
        shop
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("shop")
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(shipway());
        command.args(words).current_dir(self.folder()).env("SHIPWAY_DATA", self.home.path().join("data"));
        command.env_remove("SHIPWAY_SERVER").env_remove("SHIPWAY_TOKEN").output().expect("shipway runs")
    }

    fn get(&self, path: &str) -> String {
        let answer = request(self.proxy, "GET", HOST, path, &[], b"").expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    fn version(&self, path: &str) -> String {
        let answer: Value = serde_json::from_str(&self.get(path)).expect("JSON");
        answer["version"].as_str().expect("a version").to_owned()
    }

    fn versions(&self) -> [String; 3] {
        ["/version", "/api/catalog/version", "/api/checkout/version"].map(|path| self.version(path))
    }

    /// Changes the version of every service, as an editor would.
    fn change(&self, from: &str, to: &str) {
        for service in ["web", "catalog", "checkout"] {
            let file = self.folder().join(service).join("Cargo.toml");
            let text = fs::read_to_string(&file).expect("the manifest");
            assert!(text.contains(from), "{text}");
            fs::write(&file, text.replace(from, to)).expect("the manifest");
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let down = self.run(&["down"]);
        if !std::thread::panicking() {
            assert!(down.status.success(), "{}", text(&down));
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn copy(from: &Path, into: &Path) {
    fs::create_dir_all(into).expect("a folder");
    for entry in fs::read_dir(from).expect("the example").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name == "target" || name == "dist" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &into.join(name));
        } else {
            fs::copy(&path, into.join(name)).expect("a file");
        }
    }
}

#[test]
fn the_shop_comes_up_changes_fails_and_goes_back() {
    let shop = Shop::up();
    let first = shop.versions();
    assert_eq!(first, ["1.0.0", "1.0.0", "1.0.0"]);
    assert!(shop.get("/").contains("<html"));
    assert!(shop.get("/api/checkout/total?items=tea").contains("\"catalogVersion\":\"1.0.0\""));

    let load = Load::start_with(shop.proxy, HOST, "/api/catalog/items");
    shop.change("1.0.0", "2.0.0");
    let deploy = shop.run(&["deploy", "-e", "staging"]);
    assert!(deploy.status.success(), "{}", text(&deploy));
    assert_eq!(shop.versions(), ["2.0.0", "2.0.0", "2.0.0"]);

    let bad = shop.run(&["deploy", "-e", "staging", "--set", "EXIT_AT_START=1"]);
    assert_eq!(bad.status.code(), Some(1), "{}", text(&bad));
    assert!(text(&bad).contains("exited with status"), "{}", text(&bad));
    assert_eq!(shop.versions(), ["2.0.0", "2.0.0", "2.0.0"]);

    let back = shop.run(&["rollback", "-e", "staging"]);
    assert!(back.status.success(), "{}", text(&back));
    assert_eq!(shop.versions(), first);
    let (count, failures) = load.stop();
    assert!(count > 0 && failures.is_empty(), "of {count}: {failures:?}");

    let history = text(&shop.run(&["history", "-e", "staging"]));
    for word in ["staging-1", "staging-2", "staging-3", "staging-4", "rolled_back", "failed", "success"] {
        assert!(history.contains(word), "{word}: {history}");
    }
}
