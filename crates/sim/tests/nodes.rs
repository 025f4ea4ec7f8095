//! Every node of every plan shape: it fails, the server crashes before and after it, it is asked for again, its answers
//! are lost, its undo fails. `--nodes` runs all of it; the tests run a part (`Sample::One`).

use shipway_sim::{
    mishap::Mishap,
    nodes::{Cell, Extent, Nodes, Sample, Until},
};

/// Threads that share the cases.
const THREADS: usize = 2;

#[test]
fn every_sort_of_node_of_every_shape_bears_what_happens_to_it() {
    let nodes = Nodes::run(Extent { sample: Sample::One, until: Until::End, threads: THREADS });
    let failures = &nodes.failures;
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), nodes.cases, failures.join("\n"));
    let empty: Vec<_> = nodes.empty().iter().map(Cell::to_string).collect();
    assert!(empty.is_empty(), "never met: {}\n{nodes}", empty.join(", "));
    let met = |sort, back, mishap| {
        nodes.met.iter().any(|(cell, met)| (cell.sort, cell.back, cell.mishap) == (sort, back, mishap) && *met > 0)
    };
    for (sort, back) in [
        ("stage", false),
        ("hooks", false),
        ("hooks", true),
        ("start", false),
        ("start", true),
        ("prove", false),
        ("prove", true),
        ("check", false),
        ("check", true),
        ("commit", false),
        ("commit", true),
        ("watch", false),
        ("drain", false),
        ("drain", true),
        ("stop", false),
        ("stop", true),
        ("snapshot", false),
        ("restore data", false),
        ("migrate", false),
        ("interact", false),
        ("reload", false),
        ("reload", true),
    ] {
        for mishap in [Mishap::CrashBefore, Mishap::CrashAfter, Mishap::Repeated, Mishap::RecordUnanswered] {
            assert!(met(sort, back, mishap), "{sort}, back: {back}, {}", mishap.name());
        }
    }
}
