//! Many seeds, all of which must hold; and the same seed twice, which must go the same way.

use std::collections::BTreeSet;

use shipway_sim::{Coverage, Outcome, coverage::Cell, run};

/// Seeds that every test run goes through.
const SEEDS: u64 = 2000;
/// Threads that share them.
const THREADS: u64 = 2;

/// What is left of a seed once it is over.
struct Left {
    coverage: Coverage,
    checks: u64,
    failures: Vec<String>,
}

fn go_through(part: u64) -> Left {
    let mut left = Left { coverage: Coverage::default(), checks: 0, failures: Vec::new() };
    for seed in (part..SEEDS).step_by(usize::try_from(THREADS).expect("a few")) {
        let one = run(seed, false);
        left.coverage.add(&one.coverage);
        left.checks += one.checks;
        if let Some(broken) = &one.broken {
            left.failures
                .push(format!("{broken}\n  replay: cargo run --release -p shipway-sim -- --seed {seed} --trace"));
        } else if let Some(thin) = too_thin(&one) {
            left.failures.push(format!("seed {seed} is too thin: {thin}"));
        }
    }
    left
}

/// What a seed lacks to count as one.
fn too_thin(one: &Outcome) -> Option<String> {
    let enough = one.deployments >= 3 && one.crashes >= 1 && one.polls >= 200;
    (!enough).then(|| format!("{} deployments, {} crashes, {} steps", one.deployments, one.crashes, one.polls))
}

#[test]
fn every_invariant_holds_in_every_seed_and_every_fault_is_met() {
    let threads: Vec<_> = (0..THREADS).map(|part| std::thread::spawn(move || go_through(part))).collect();
    let mut all = Left { coverage: Coverage::default(), checks: 0, failures: Vec::new() };
    for thread in threads {
        let left = thread.join().expect("a seed does not panic");
        all.coverage.add(&left.coverage);
        all.checks += left.checks;
        all.failures.extend(left.failures);
    }
    assert!(all.failures.is_empty(), "{} of {SEEDS} seeds:\n{}", all.failures.len(), all.failures.join("\n"));
    assert!(all.checks > SEEDS * 100, "a seed is looked at often: {} checks", all.checks);
    let empty: Vec<_> = all.coverage.empty().iter().map(Cell::to_string).collect();
    assert!(empty.is_empty(), "never met: {}\n{}", empty.join(", "), all.coverage);
}

#[test]
fn the_same_seed_goes_the_same_way() {
    let mut courses = BTreeSet::new();
    for seed in 0..60 {
        let (first, second) = (run(seed, false), run(seed, true));
        assert_eq!((first.hash, first.polls), (second.hash, second.polls), "seed {seed}");
        courses.insert(first.hash);
    }
    assert_eq!(courses.len(), 60, "other seeds go other ways");
}
