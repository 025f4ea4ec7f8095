//! A thousand deployments at once, durably: `cargo run --release -p shipway-sim --example thousand`.
//!
//! The engine as the server runs it, on a real clock and runtime and the SQLite store on disk; driver, prober, commands
//! and proxy do at once what they are asked. Environments of some services; one deployment for each service, all
//! submitted at the same moment, once onto nothing and once onto what runs. What is counted: how they end, the steps
//! that ran a second beside SQLite's own commit limit (measured before and after), the peak of memory, bytes written.
//!
//! `--environments N` and `--services N` (deployments = environments × services), `--queued` sends all deployments of an
//! environment to one service, where they queue; `--folder PATH` says on which disk; `--calls` tells what the store was
//! asked, how often, and how long each waited. Numbers only; nothing is judged.

mod counted;
mod limit;
mod ports;

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use shipway_core::{
    command::{Command, Registration},
    deployment::{Kind, Request, Source, StepStatus},
    id::{Actor, ArtifactDigest},
    phase::Phase,
    store::{DocumentKind, LISTING_MAX, Listing, OpenDeployment, Store},
};
use shipway_engine::{Engine, Folders, Settings};
use shipway_store::SqlStore;

use self::{counted::Counted, ports::Fake};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PROJECT: &str = "load";
const LIMIT_SPAN: Duration = Duration::from_secs(2);
/// Who commit at once, where the store's own commits are measured.
const WRITERS: [usize; 3] = [1, 64, 1000];
const LOOK_MS: u64 = 50;
const ROUNDS: [&str; 2] = ["onto nothing", "onto what runs"];

struct Options {
    environments: usize,
    services: usize,
    queued: bool,
    calls: bool,
    folder: PathBuf,
}

impl Options {
    fn read() -> Fallible<Self> {
        let (queued, calls, folder) = (false, false, std::env::temp_dir());
        let mut options = Self { environments: 100, services: 10, queued, calls, folder };
        let mut arguments = std::env::args().skip(1);
        while let Some(word) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--environments" => options.environments = value()?.parse()?,
                "--services" => options.services = value()?.parse()?,
                "--folder" => options.folder = value()?.into(),
                "--queued" => options.queued = true,
                "--calls" => options.calls = true,
                other => return Err(format!("{other} is unknown").into()),
            }
        }
        Ok(options)
    }

    fn spec(&self) -> String {
        let mut text = format!("[project]\nname = \"{PROJECT}\"\n");
        for number in 0..self.services {
            let host = format!("s{number}.{{environment}}.test");
            let _ = write!(
                text,
                "\n[services.s{number}]\nkind = \"process\"\nrun = [\"bin/run\"]\nroutes = [{{ host = \"{host}\" }}]\n\
                 health = {{ startup = {{ http = \"/health\" }} }}\n"
            );
        }
        for number in 0..self.environments {
            let _ = write!(text, "\n[environments.e{number}]\ntype = \"testing\"\n");
        }
        text
    }

    /// All requests of a round, environment after environment.
    fn requests(&self, round: usize) -> Vec<Request> {
        let pairs =
            (0..self.services).flat_map(|one| (0..self.environments).map(move |environment| (one, environment)));
        let request = |(one, environment): (usize, usize)| {
            let service = format!("s{}", if self.queued { 0 } else { one });
            let digest = ArtifactDigest::new(format!("{:064x}", round * 1_000_000 + environment * 1000 + one));
            let source = Source::Artifact(BTreeMap::from([(service.as_str().into(), digest)]));
            let name = format!("e{environment}");
            let request = Request::new(PROJECT.into(), name.as_str().into(), Kind::Deploy);
            Request { services: vec![service.as_str().into()], source, ..request }
        };
        pairs.map(request).collect()
    }
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let options = Options::read()?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    let mut limits = vec![limit::commits_per_s(folder.path(), LIMIT_SPAN).await?];
    let load = Load::start(options, folder.path()).await?;
    let mut rates = Vec::new();
    for (round, name) in ROUNDS.iter().enumerate() {
        rates.push((*name, load.deploy_all(round).await?));
        limits.push(limit::commits_per_s(folder.path(), LIMIT_SPAN).await?);
    }
    let peak_mb = status_kb("VmHWM:")? / 1024;
    load.engine.halt().await;
    for writers in WRITERS {
        let rate = limit::store_commits_per_s(folder.path(), writers, LIMIT_SPAN).await?;
        say(format!("the store's commits of a document and an event, {writers} at once: {rate:.0}/s"))?;
    }
    let words: Vec<_> = limits.iter().map(|rate| format!("{rate:.0}/s")).collect();
    say(format!("SQLite's own commits, one row each, before, between and after: {}", words.join(", ")))?;
    limits.sort_by(f64::total_cmp);
    let limit = limits[limits.len() / 2];
    for (name, rate) in rates {
        say(format!("{name}: {rate:.0} steps/s = {:.2} × the commit limit (its median)", rate / limit))?;
    }
    say(format!("peak RSS: {peak_mb} MB"))
}

/// A running engine, and what it runs in.
struct Load {
    options: Options,
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    counted: Arc<Counted>,
    fake: Arc<Fake>,
}

/// What a round is counted by.
struct Marks {
    generation: u64,
    events: u64,
    tables: u64,
    written: u64,
    cpu_ms: u64,
}

impl Load {
    async fn start(options: Options, folder: &Path) -> Fallible<Self> {
        let fake = Arc::new(Fake::default());
        let store: Arc<dyn Store> = SqlStore::open(&folder.join("shipway.db")).await?;
        let counted = Arc::new(Counted::new(store.clone()));
        let folders = Folders { data: folder.to_owned() };
        let settings = Settings { folders, is_root: false, disk_free_mb_min: 0, sole: true, flags: None, crash: None };
        let asked: Arc<dyn Store> = if options.calls { counted.clone() } else { store.clone() };
        let engine = Engine::start(fake.ports(asked), settings).await?;
        let registration = Registration { file: "shipway.toml".into(), text: options.spec(), folder: None };
        engine.execute(Command::Register(registration), Actor::admin()).await?;
        Ok(Self { options, engine, store, counted, fake })
    }

    async fn marks(&self) -> Fallible<Marks> {
        let (generation, _) = self.store.snapshot(&[DocumentKind::Meta]).await?;
        let (events, tables) = (self.store.last_event().await?, self.fake.tables());
        Ok(Marks { generation, events, tables, written: written_bytes()?, cpu_ms: cpu_ms()? })
    }

    /// Deploys everything at once, says how it went, and gives the steps a second.
    async fn deploy_all(&self, round: usize) -> Fallible<f64> {
        let before = self.marks().await?;
        self.counted.take();
        let begin = Instant::now();
        let submitted = self.options.requests(round).into_iter().map(|request| {
            let engine = self.engine.clone();
            tokio::spawn(async move { engine.execute(Command::Deploy(Box::new(request)), Actor::admin()).await })
        });
        for answer in join_all(submitted.collect::<Vec<_>>()).await {
            answer??;
        }
        let submit_s = begin.elapsed().as_secs_f64();
        while !self.store.below::<OpenDeployment>("").await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        let span_s = begin.elapsed().as_secs_f64();
        let after = self.marks().await?;
        let (ends, steps) = ends(&self.options, &self.store, round).await?;
        say(format!("{}: {ends} in {span_s:.2} s, all submitted after {submit_s:.2} s", ROUNDS[round]))?;
        tell(&before, &after, steps, span_s)?;
        self.counted.take().into_iter().try_for_each(say)?;
        Ok(steps as f64 / span_s)
    }
}

fn tell(before: &Marks, after: &Marks, steps: u64, span_s: f64) -> Fallible<()> {
    let commits = after.generation - before.generation;
    let per_s = |count: u64| count as f64 / span_s;
    say(format!("  {steps} steps, {:.0}/s; {commits} commits, {:.0}/s", per_s(steps), per_s(commits)))?;
    say(format!("  {} events, {} route tables", after.events - before.events, after.tables - before.tables))?;
    let (written, cpu_ms) = (after.written - before.written, after.cpu_ms - before.cpu_ms);
    say(format!("  {} MB written, {:.1} kB a commit", written / 1_000_000, written as f64 / 1000.0 / commits as f64))?;
    say(format!("  {:.2} cores busy", cpu_ms as f64 / 1000.0 / span_s))
}

/// How the deployments of a round ended, and how many steps they did.
async fn ends(options: &Options, store: &Arc<dyn Store>, round: usize) -> Fallible<(String, u64)> {
    let (mut ends, mut steps) = (BTreeMap::<Phase, u64>::new(), 0);
    for environment in 0..options.environments {
        let scope = format!("{PROJECT}/e{environment}");
        let deployments = store.deployments(Listing { scope, limit: LISTING_MAX, ..Listing::default() }).await?;
        for deployment in deployments.iter().skip(round * options.services) {
            *ends.entry(deployment.phase).or_default() += 1;
            steps += deployment.steps.iter().filter(|step| step.status == StepStatus::Done).count() as u64;
        }
    }
    let words: Vec<_> = ends.iter().map(|(phase, count)| format!("{count} {phase}")).collect();
    Ok((words.join(", "), steps))
}

fn status_kb(name: &str) -> Fallible<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel tells no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Bytes that this process gave to the disk.
fn written_bytes() -> Fallible<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes:")).ok_or("the kernel tells no bytes")?;
    Ok(line.trim().parse()?)
}

/// Processor time of this process; the kernel counts hundredths of a second.
fn cpu_ms() -> Fallible<u64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Ok(ticks * 10)
}

fn say(words: String) -> Fallible<()> {
    writeln!(stdout().lock(), "{words}")?;
    Ok(())
}
