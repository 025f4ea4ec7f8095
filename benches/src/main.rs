//! Measures Shipway from outside: its binary, its API and its proxy, over real sockets and processes. Every number in
//! the table comes from this run; there is no number in the code but goals and settings.

mod breadth;
mod cue;
mod deploy;
mod group_rollback;
mod http;
mod limits;
mod load;
mod machine;
mod memory;
mod process;
mod project;
mod restore;
mod rivals;
mod rollback;
mod server;
mod start;
mod stats;
mod switch;
mod table;
mod throughput;
mod times;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use table::{Table, progress};

/// What may fail; the text says what and where.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ALL: [&str; 10] = [
    "switch",
    "warm-rollback",
    "group-rollback",
    "breadth",
    "deploy",
    "memory",
    "start",
    "cue",
    "limits",
    "throughput",
];
/// Those that run only when they are named.
const NAMED_ALONE: [&str; 1] = ["restore"];
const USAGE: &str = "shipway-bench [--shipway BINARY] [--root FOLDER] [--tools FOLDER] [--count N] [--runs N] [--evidence FOLDER] [NAME...]";

/// What is measured, and how often.
pub struct Options {
    /// The binary.
    pub shipway: PathBuf,
    /// The application that is deployed.
    pub app: PathBuf,
    /// The folder of the applications' sources.
    pub apps: PathBuf,
    /// The same application for Node.js.
    pub node_app: PathBuf,
    /// The example shop.
    pub shop: PathBuf,
    /// A layered tree of configurations.
    pub tree: PathBuf,
    /// Where other programs were put.
    pub tools: PathBuf,
    /// Deploys and rollbacks of `switch`.
    pub count: u32,
    /// Runs of `warm-rollback`, `group-rollback`, `breadth`, `deploy`, `start` and `cue`.
    pub runs: u32,
    /// Where `switch` writes every deployment and every failure, to look into them.
    pub evidence: Option<PathBuf>,
    names: Vec<String>,
}

impl Options {
    /// Whether there is a Node.js.
    pub fn node_app_runs(&self) -> bool {
        let found = std::process::Command::new("node").arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    }

    fn read(arguments: impl Iterator<Item = String>) -> Fallible<Self> {
        let (mut root, mut shipway, mut tools, mut evidence) = (PathBuf::from("."), None, None, None);
        let (mut count, mut runs, mut names) = (1000, 20, Vec::new());
        let mut arguments = arguments;
        while let Some(word) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{word} needs a value: {USAGE}"));
            match word.as_str() {
                "--shipway" => shipway = Some(PathBuf::from(value()?)),
                "--root" => root = PathBuf::from(value()?),
                "--tools" => tools = Some(PathBuf::from(value()?)),
                "--evidence" => evidence = Some(PathBuf::from(value()?)),
                "--count" => count = value()?.parse()?,
                "--runs" => runs = value()?.parse()?,
                name if ALL.contains(&name) || NAMED_ALONE.contains(&name) => names.push(word),
                other => {
                    return Err(format!(
                        "{other} is unknown: {USAGE}; the names are {}, {}",
                        ALL.join(", "),
                        NAMED_ALONE.join(", ")
                    )
                    .into());
                }
            }
        }
        let root = root.canonicalize()?;
        let app = std::env::current_exe()?.with_file_name("bench-app");
        let shipway = shipway.unwrap_or_else(|| root.join("target/dist/shipway")).canonicalize()?;
        let tools = tools.unwrap_or_else(|| root.join("target/bench-tools"));
        let apps = root.join("benches/apps");
        let (node_app, shop) = (apps.join("bench_app.js"), root.join("examples/shop"));
        let tree = root.join("benches/trees/gitops");
        if names.is_empty() {
            names = ALL.map(str::to_owned).to_vec();
        }
        Ok(Self { shipway, app, apps, node_app, shop, tree, tools, count, runs, evidence, names })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            progress(error.to_string());
            return ExitCode::from(2);
        }
    };
    let mut table = Table::default();
    let done = tokio::select! {
        done = measure(&options, &mut table) => done,
        _ = tokio::signal::ctrl_c() => false,
    };
    machine::print(&options.shipway);
    table.print();
    if done && !table.missed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures everything that was named; whether all of it could be measured.
async fn measure(options: &Options, table: &mut Table) -> bool {
    let mut done = true;
    for name in &options.names {
        progress(name);
        if let Err(error) = one(options, table, name).await {
            progress(format!("{name} FAILED: {error}"));
            table.text("FAILED", name, error.to_string().replace('\n', " "), "");
            done = false;
        }
    }
    done
}

async fn one(options: &Options, table: &mut Table, name: &str) -> Fallible<()> {
    match name {
        "switch" => switch::run(options, table).await,
        "warm-rollback" => rollback::run(options, table).await,
        "group-rollback" => group_rollback::run(options, table).await,
        "breadth" => breadth::run(options, table).await,
        "deploy" => deploy::run(options, table).await,
        "memory" => memory::run(options, table).await,
        "start" => start::run(options, table).await,
        "cue" => cue::run(options, table).await,
        "limits" => limits::run(options, table).await,
        "restore" => restore::run(options, table).await,
        _ => throughput::run(options, table).await,
    }
}
