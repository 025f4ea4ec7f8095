//! Runs seeds: `--seeds N [--from N]` for many, `--seed N [--trace]` for one. Runs nodes: `--nodes` for every one of every
//! shape, `--nodes-sampled` for what the tests run, each to its end or `--until-failure`, `--node NAME [--trace]` for one
//! case.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use shipway_sim::{
    Coverage, Outcome,
    nodes::{Extent, Nodes, Sample, Until, replay},
    run,
};

/// What was asked for.
struct Asked {
    from: u64,
    seeds: u64,
    trace: bool,
    keep_going: bool,
    until: Until,
    nodes: Option<Sample>,
    node: Option<String>,
}

/// Threads that share the nodes.
const THREADS: usize = 2;

fn asked() -> Result<Asked, String> {
    let (until, nodes, node) = (Until::End, None, None);
    let mut asked = Asked { from: 0, seeds: 1000, trace: false, keep_going: false, until, nodes, node };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("{word}: `{text}` is not a number"))
        };
        match word.as_str() {
            "--seeds" => asked.seeds = number()?,
            "--from" => asked.from = number()?,
            "--seed" => (asked.from, asked.seeds) = (number()?, 1),
            "--nodes" => asked.nodes = Some(Sample::All),
            "--nodes-sampled" => asked.nodes = Some(Sample::One),
            "--node" => asked.node = words.next(),
            "--trace" => asked.trace = true,
            "--until-failure" => asked.until = Until::Failure,
            "--keep-going" => asked.keep_going = true,
            other => {
                let known = "--seeds N, --from N, --seed N, --keep-going, --nodes, --nodes-sampled, --until-failure, \
                             --node NAME, --trace";
                return Err(format!("`{other}` is not known: {known}"));
            }
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let result = asked().and_then(|asked| match (&asked.node, asked.nodes) {
        (Some(name), _) => one_node(name, asked.trace, &mut out),
        (None, Some(sample)) => {
            nodes(Extent { sample, until: asked.until, threads: THREADS }, &mut out).map_err(|error| error.to_string())
        }
        (None, None) => all(&asked, &mut out).map_err(|error| error.to_string()),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            let _ = writeln!(out, "{message}");
            ExitCode::from(2)
        }
    }
}

fn one_node(name: &str, trace: bool, out: &mut impl Write) -> Result<bool, String> {
    let made = replay(name)?;
    let written = || -> io::Result<()> {
        for line in made.lines.iter().filter(|_| trace) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{name} was met {} times and ended {:?}: {:?}", made.met, made.end, made.broken)
    };
    let mut written = written;
    written().map_err(|error| error.to_string())?;
    Ok(made.broken.is_none())
}

fn nodes(extent: Extent, out: &mut impl Write) -> io::Result<bool> {
    let begun = Instant::now();
    let nodes = Nodes::run(extent);
    for failure in &nodes.failures {
        writeln!(out, "{failure}")?;
    }
    if extent.until == Until::Failure && !nodes.failures.is_empty() {
        writeln!(out, "{} cases in {:.1} s", nodes.cases, begun.elapsed().as_secs_f64())?;
        return Ok(false);
    }
    writeln!(out, "{nodes}")?;
    let seconds = begun.elapsed().as_secs_f64();
    let (cases, cells, failures) = (nodes.cases, nodes.met.len(), nodes.failures.len());
    writeln!(out, "{} nodes, {cells} cells, {cases} cases in {seconds:.1} s; {failures} failures", nodes.nodes)?;
    for cell in nodes.empty() {
        writeln!(out, "never met: {cell}")?;
    }
    Ok(failures == 0 && nodes.empty().is_empty())
}

#[derive(Default)]
struct Sum {
    seeds: u64,
    checks: u64,
    polls: u64,
    deployments: u64,
    crashes: u64,
    span_ms: u64,
    broken: u64,
    ends: BTreeMap<String, u64>,
    coverage: Coverage,
}

impl Sum {
    fn add(&mut self, one: &Outcome) {
        self.seeds += 1;
        self.checks += one.checks;
        self.polls += one.polls;
        self.deployments += one.deployments;
        self.crashes += one.crashes;
        self.span_ms += one.span_ms;
        self.broken += u64::from(one.broken.is_some());
        for (end, count) in &one.ends {
            *self.ends.entry(end.to_string()).or_default() += count;
        }
        self.coverage.add(&one.coverage);
    }
}

fn all(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    let begun = Instant::now();
    let mut sum = Sum::default();
    for seed in asked.from..asked.from.saturating_add(asked.seeds) {
        let one = run(seed, asked.trace);
        sum.add(&one);
        for line in &one.lines {
            writeln!(out, "{line}")?;
        }
        if asked.seeds == 1 {
            writeln!(out, "seed {seed}: course {:016x}, {} polls", one.hash, one.polls)?;
        }
        if let Some(broken) = &one.broken {
            writeln!(out, "seed {seed} breaks {broken}")?;
            writeln!(out, "  replay: cargo run --release -p shipway-sim -- --seed {seed} --trace")?;
            if !asked.keep_going {
                break;
            }
        }
    }
    tell(&sum, begun.elapsed().as_secs_f64(), out)?;
    Ok(sum.broken == 0)
}

fn tell(sum: &Sum, seconds: f64, out: &mut impl Write) -> io::Result<()> {
    let seeds = sum.seeds as f64;
    writeln!(out, "{} seeds in {seconds:.1} s: {:.0} a second; {} broken", sum.seeds, seeds / seconds, sum.broken)?;
    writeln!(out, "{} checks ({:.0} a seed)", sum.checks, sum.checks as f64 / seeds)?;
    writeln!(
        out,
        "a seed: {:.1} deployments, {:.1} crashes, {:.0} scheduler steps, {:.0} s simulated",
        sum.deployments as f64 / seeds,
        sum.crashes as f64 / seeds,
        sum.polls as f64 / seeds,
        sum.span_ms as f64 / 1000.0 / seeds
    )?;
    let ends: Vec<_> = sum.ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    writeln!(out, "deployments ended: {}", ends.join(", "))?;
    if sum.seeds == 1 {
        return Ok(());
    }
    writeln!(out, "{}", sum.coverage)?;
    let empty: Vec<_> = sum.coverage.empty().iter().map(ToString::to_string).collect();
    if !empty.is_empty() {
        writeln!(out, "never met: {}", empty.join(", "))?;
    }
    Ok(())
}
