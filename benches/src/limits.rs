//! `limits`: the limits of the product's documents, on the shop and on a static site of 100 MB in 5,000 files, and the
//! bound on a build's processor time.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Fallible, Options,
    http::{self, Request},
    process::{cpu_ms, peak_rss},
    project,
    server::{Server, id_of},
    stats::Values,
    table::{Table, progress},
    times::seconds_of_day,
};

const NAME: &str = "limits";
const FILES: usize = 5000;
const FILE_BYTES: usize = 20_000;
const CHANGED: usize = 100;
const RSS_MB_MAX: f64 = 500.0;
const KIB_PER_MB: f64 = 1_000_000.0 / 1024.0;
const BURN_MS: u32 = 6000;
const SHARE: &str = "0.5";

/// Runs it.
///
/// # Errors
/// A deployment doesn't complete.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    shop(options, table).await?;
    site(options, table).await?;
    for share in [None, Some(SHARE)] {
        build_share(options, table, share).await?;
    }
    Ok(())
}

async fn shop(options: &Options, table: &mut Table) -> Fallible<()> {
    progress("limits: the shop");
    let server = Server::start(&options.shipway, &[]).await?;
    let folder = server.home().join("shop");
    let copied = std::process::Command::new("cp").arg("-a").arg(&options.shop).arg(&folder).status()?;
    if !copied.success() {
        return Err("the shop can't be copied".into());
    }
    let spec = fs::read_to_string(folder.join("shipway.toml"))?;
    server.register(&folder, &spec).await?;
    let request = |version: &str| json!({ "project": "shop", "environment": "staging", "version": version });
    let first = server.deploy(&request("v1")).await?;
    judge(table, "shop, first deploy", &first);
    // A change of the source, so that the second one builds too.
    fs::write(folder.join("web/site/changed.txt"), "changed\n")?;
    let second = server.deploy(&request("v2")).await?;
    judge(table, "shop, second deploy", &second);
    judge_rollback(&server, table, "shop", &second).await?;
    judge_memory(&server, table, "shop")
}

async fn site(options: &Options, table: &mut Table) -> Fallible<()> {
    progress("limits: the site of 100 MB in 5,000 files");
    let server = Server::start(&options.shipway, &[]).await?;
    let folder = server.home().join("project");
    write_site(&folder.join("site/pages"))?;
    let spec = "[project]\nname = \"bench\"\n\n[environments.test]\ntype = \"testing\"\n\n[services.site]\n\
                source = \"site\"\nkind = \"static\"\nbuild = \"cp -a pages dist\"\noutput = \"dist\"\n\
                run_as = \"@server\"\nroutes = [{ host = \"bench.{environment}.localhost\" }]\n";
    server.register(&folder, spec).await?;
    let request = |version: &str| json!({ "project": "bench", "environment": "test", "version": version });
    for (what, version) in [("site, first deploy", "v1"), ("site, 100 files changed", "v2")] {
        let (busy, begin) = (cpu_ms(server.pid())?, Instant::now());
        let deployed = server.deploy(&request(version)).await?;
        judge(table, what, &deployed);
        let (cpu, wall) = (cpu_ms(server.pid())? - busy, begin.elapsed().as_millis());
        let text = format!("{cpu} ms in {wall} ms: {:.2} cores", cpu as f64 / wall as f64);
        table.text(NAME, format!("{what}: the server's processor time"), text, "1");
        for number in 0..CHANGED {
            fs::write(folder.join("site/pages").join(page(number * 37 % FILES)), bytes((FILES + number) as u64))?;
        }
        if version == "v2" {
            judge_rollback(&server, table, "site", &deployed).await?;
        }
    }
    judge_memory(&server, table, "site")
}

fn page(number: usize) -> String {
    format!("{}/{number}.bin", number % 50)
}

fn write_site(folder: &Path) -> Fallible<()> {
    for number in 0..FILES {
        let file = folder.join(page(number));
        fs::create_dir_all(file.parent().ok_or("a page lies in a folder")?)?;
        fs::write(file, bytes(number as u64))?;
    }
    Ok(())
}

/// Bytes that can't be compressed and differ from file to file, the same in every run (xorshift).
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..FILE_BYTES / 8).flat_map(|_| next()).collect()
}

/// Seconds by phase; a phase lasts until the next one begins.
fn phases(deployment: &Value) -> BTreeMap<String, f64> {
    let empty = Vec::new();
    let records = deployment["phases"].as_array().unwrap_or(&empty);
    let name = |record: &Value| record["phase"].as_str().unwrap_or_default().to_owned();
    let mut all = BTreeMap::new();
    for pair in records.windows(2) {
        let seconds = seconds_of_day(&pair[1]["at"]) - seconds_of_day(&pair[0]["at"]);
        // Midnight may lie between the two.
        let seconds = if seconds < 0.0 { seconds + 86_400.0 } else { seconds };
        *all.entry(name(&pair[0])).or_default() += seconds;
    }
    all
}

fn judge(table: &mut Table, what: &str, deployment: &Value) {
    let phases = phases(deployment);
    let goals = [("preparing", "prepare", 30.0), ("staging", "transfer", 300.0), ("validating", "validation", 120.0)];
    for (phase, called, goal) in goals {
        let took: Values = [phases.get(phase).copied().unwrap_or(f64::NAN)].into_iter().collect();
        table.each_at_most(NAME, format!("{what}: {called} (phase `{phase}`)"), (goal, "s"), &took);
    }
    let tested: Values = [phases.get("testing").copied().unwrap_or(f64::NAN)].into_iter().collect();
    table.each_at_most(NAME, format!("{what}: tests of the new (phase `testing`)"), (120.0, "s"), &tested);
    let whole: Values = [seconds(&deployment["durationMs"])].into_iter().collect();
    table.each_at_most(NAME, format!("{what}: deploy as a whole"), (300.0, "s"), &whole);
}

fn seconds(ms: &Value) -> f64 {
    ms.as_f64().unwrap_or(f64::NAN) / 1000.0
}

async fn judge_rollback(server: &Server, table: &mut Table, what: &str, deployment: &Value) -> Fallible<()> {
    let path = format!("/api/deployments/{}/rollback", id_of(deployment)?);
    let back = server.completed(id_of(&server.post(&path, &json!({})).await?)?).await?;
    let took: Values = [seconds(&back["durationMs"])].into_iter().collect();
    table.each_at_most(NAME, format!("{what}: rollback as a whole"), (120.0, "s"), &took);
    Ok(())
}

fn judge_memory(server: &Server, table: &mut Table, what: &str) -> Fallible<()> {
    let peak: Values = [peak_rss(server.pid())? as f64 / KIB_PER_MB].into_iter().collect();
    table.each_at_most(NAME, format!("{what}: the server's peak RSS"), (RSS_MB_MAX, "MB"), &peak);
    Ok(())
}

/// A build that takes all it can get, on a server with or without a bound.
async fn build_share(options: &Options, table: &mut Table, share: Option<&str>) -> Fallible<()> {
    let arguments: Vec<&str> = share.map(|share| vec!["--cpu-share", share]).unwrap_or_default();
    let server = Server::start(&options.shipway, &arguments).await?;
    let what = share.map_or("a build without a bound".to_owned(), |share| format!("a build with --cpu-share {share}"));
    progress(format!("limits: {what}"));
    let site = "\n[services.site]\nsource = \"app\"\nkind = \"static\"\nbuild = \"sh burn.sh\"\noutput = \"out\"\n\
                run_as = \"@server\"\nroutes = [{ host = \"burn.{environment}.localhost\" }]\n";
    fs::create_dir_all(server.home().join("project/app"))?;
    let script = format!("set -e\nmkdir out\n./bench-app burn {BURN_MS} > out/burnt.txt\n");
    fs::write(server.home().join("project/app/burn.sh"), script)?;
    project::make(&server, &options.app, "./bench-app", site).await?;
    let request = json!({ "project": "bench", "environment": "test", "version": "v1", "services": ["site"] });
    server.deploy(&request).await?;
    let text = burnt(&server).await?;
    let field = |name: &str| {
        let value = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let cores: Values = [field("cpu_ms") / field("wall_ms")].into_iter().collect();
    table.number(NAME, format!("{what}: two busy threads got"), "cores", &cores);
    Ok(())
}

async fn burnt(server: &Server) -> Fallible<String> {
    let mut answer = Err("never asked".into());
    for _ in 0..100 {
        let got = http::once(server.proxy(), &Request::get("burn.test.localhost", "/burnt.txt")).await?;
        if got.status == 200 {
            return Ok(got.text());
        }
        answer = Err(format!("burnt.txt: {}", got.status).into());
        sleep(Duration::from_millis(20)).await;
    }
    answer
}
