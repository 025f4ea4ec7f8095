//! Every node of every shape of plans, each with everything that can happen to it. Not here: one case (`node`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    mishap::Mishap,
    node::{Made, Node, Prepared},
    shape::{STRATEGIES, Shape},
};

/// What a case is called.
fn address(shape: Shape, node: &Node, mishap: Mishap) -> String {
    let way = if node.back { "back" } else { "forward" };
    format!("{shape}/{way}/{}/{}", node.number, mishap.name().replace(' ', "-"))
}

/// Runs the case of that name, and gives its course for people.
///
/// # Errors
/// There is no such case.
pub fn replay(name: &str) -> Result<Made, String> {
    let none = || format!("there is no case `{name}`: STRATEGY/SERVICES/COURSE/WAY/NUMBER/MISHAP");
    let shape = Shape::all().into_iter().find(|shape| name.starts_with(&format!("{shape}/"))).ok_or_else(none)?;
    let prepared = Prepared::new(shape)?;
    let cases = prepared.nodes.iter().flat_map(|node| Mishap::ALL.map(|mishap| (node, mishap)));
    let (node, mishap) =
        cases.into_iter().find(|(node, mishap)| address(shape, node, *mishap) == name).ok_or_else(none)?;
    Ok(prepared.meet(node, mishap, true))
}

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Every node of every shape with every mishap.
    All,
    /// One node for each strategy, course, sort of step, way and mishap, with another number of services from one to the
    /// next; and at least one for each shape, way and mishap.
    One,
}

/// A cell: what a sort of step meets in a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The shape.
    pub shape: Shape,
    /// The sort of step.
    pub sort: &'static str,
    /// Whether on the way back.
    pub back: bool,
    /// What it meets.
    pub mishap: Mishap,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.back { "back" } else { "forward" };
        write!(f, "{}/{way} {}: {}", self.shape, self.sort, self.mishap.name())
    }
}

/// What became of all cases.
#[derive(Default)]
pub struct Nodes {
    /// How many cases there were.
    pub cases: u64,
    /// How many nodes the shapes have.
    pub nodes: u64,
    /// How often each cell was met.
    pub met: BTreeMap<Cell, u64>,
    /// What does not hold, each with the words that replay it.
    pub failures: Vec<String>,
}

/// A case: a shape, one of its nodes, and what that meets.
#[derive(Clone, Copy)]
struct Case<'a> {
    prepared: &'a Prepared,
    node: &'a Node,
    mishap: Mishap,
}

impl Case<'_> {
    fn cell(&self) -> Cell {
        Cell { shape: self.prepared.shape, sort: self.node.sort(), back: self.node.back, mishap: self.mishap }
    }
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Through all cases.
    End,
    /// To the first that fails.
    Failure,
}

/// How much is run, on how many threads.
#[derive(Clone, Copy)]
pub struct Extent {
    /// Which cases.
    pub sample: Sample,
    /// How far.
    pub until: Until,
    /// On so many threads.
    pub threads: usize,
}

impl Extent {
    /// Does something with each.
    fn side_by_side<T: Sync>(self, all: &[T], each: impl Fn(&T) -> Nodes + Sync) -> Nodes {
        let (next, nodes) = (AtomicUsize::new(0), Mutex::new(Nodes::default()));
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    while let Some(one) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                        let made = each(one);
                        if self.until == Until::Failure && !made.failures.is_empty() {
                            next.store(all.len(), Ordering::SeqCst);
                        }
                        nodes.lock().unwrap_or_else(PoisonError::into_inner).add(made);
                    }
                });
            }
        });
        nodes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cases that are run: of those that stand together, one after the other until one is met.
fn choose(cases: Vec<Case<'_>>, sample: Sample) -> Vec<Vec<Case<'_>>> {
    if sample == Sample::All {
        return cases.into_iter().map(|case| vec![case]).collect();
    }
    let mut alike: BTreeMap<_, Vec<Case<'_>>> = BTreeMap::new();
    for case in &cases {
        let Cell { shape, sort, back, mishap } = case.cell();
        alike.entry((shape.strategy, shape.course, sort, back, mishap)).or_default().push(*case);
    }
    let mut chosen: Vec<_> = alike.into_values().collect();
    for (turn, alike) in chosen.iter_mut().enumerate() {
        // A stride that no number of services divides, so that neighbours begin with another one.
        let first = (turn * 7) % alike.len();
        alike.rotate_left(first);
    }
    let of_shape = |case: &Case<'_>| (case.prepared.shape, case.node.back, case.mishap);
    let mut met: BTreeSet<_> = chosen.iter().filter_map(|alike| alike.first()).map(of_shape).collect();
    chosen.extend(cases.into_iter().filter(|case| met.insert(of_shape(case))).map(|case| vec![case]));
    chosen
}

/// Runs one after the other until one is met.
fn meet_one(cases: &[Case<'_>]) -> Nodes {
    let mut nodes = Nodes::default();
    for case in cases {
        if nodes.meet(case.prepared, case.cell(), case.node) {
            break;
        }
    }
    nodes
}

impl Nodes {
    /// Runs shapes.
    pub fn run(extent: Extent) -> Self {
        let prepared = Mutex::new(Vec::new());
        let mut nodes = extent.side_by_side(&Shape::all(), |shape| {
            let mut nodes = Self::default();
            match Prepared::new(*shape) {
                Ok(one) => prepared.lock().unwrap_or_else(PoisonError::into_inner).push(one),
                Err(broken) => nodes.failures.push(broken),
            }
            nodes
        });
        if extent.until == Until::Failure && !nodes.failures.is_empty() {
            return nodes;
        }
        let mut prepared = prepared.into_inner().unwrap_or_else(PoisonError::into_inner);
        prepared.sort_by_key(|prepared| prepared.shape);
        nodes.nodes = prepared.iter().map(|prepared| prepared.nodes.len() as u64).sum();
        let of = |prepared| {
            let Prepared { nodes, .. }: &Prepared = prepared;
            nodes.iter().flat_map(move |node| Mishap::ALL.map(|mishap| Case { prepared, node, mishap }))
        };
        let cases = prepared.iter().flat_map(of).filter(|case| case.node.can_meet(case.mishap)).collect();
        nodes.add(extent.side_by_side(&choose(cases, extent.sample), |cases| meet_one(cases)));
        nodes
    }

    /// Runs a case. Says whether it was met.
    fn meet(&mut self, prepared: &Prepared, cell: Cell, node: &Node) -> bool {
        let made = prepared.meet(node, cell.mishap, false);
        self.cases += 1;
        *self.met.entry(cell).or_default() += u64::from(made.met > 0);
        if let Some(broken) = made.broken {
            let address = address(cell.shape, node, cell.mishap);
            let replay = format!("cargo run --release -p shipway-sim -- --node {address} --trace");
            self.failures.push(format!("{address} ({}): {broken}\n  replay: {replay}", node.planned.step));
        }
        made.met > 0
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.nodes += other.nodes;
        other.met.into_iter().for_each(|(cell, met)| *self.met.entry(cell).or_default() += met);
        self.failures.extend(other.failures);
    }

    /// Cells that exist and of which no case met what it should, by strategy and course.
    pub fn empty(&self) -> Vec<Cell> {
        // Where data is put back, what starts is of the release that was there before, and stays.
        let has_undo = |cell: &Cell| match cell.sort {
            "start" | "prove" | "commit" => !cell.shape.course.puts_data_back(),
            "reload" => true,
            "stop" => cell.shape.has_gap() || cell.shape.rolls(),
            _ => false,
        };
        // On the way back the old is proven again with a write only where it had stopped.
        let writes = |cell: &Cell| !(cell.sort == "prove" && cell.back) || cell.shape.has_gap();
        let exists = |cell: &Cell| match cell.mishap {
            Mishap::UndoFailsOnce | Mishap::UndoFailsForGood => has_undo(cell),
            Mishap::EffectUnanswered => writes(cell),
            _ => true,
        };
        let mut sums: BTreeMap<_, (Cell, u64)> = BTreeMap::new();
        for (cell, met) in self.met.iter().filter(|(cell, _)| exists(cell)) {
            let Cell { shape, sort, back, mishap } = *cell;
            sums.entry((shape.strategy, shape.course, sort, back, mishap)).or_insert((*cell, 0)).1 += met;
        }
        sums.into_values().filter(|(_, met)| *met == 0).map(|(cell, _)| cell).collect()
    }

    /// The sorts of steps that were met, each with its way.
    pub fn sorts(&self) -> BTreeSet<(&'static str, bool)> {
        self.met.keys().map(|cell| (cell.sort, cell.back)).collect()
    }

    fn count(&self, fits: impl Fn(&Cell) -> bool) -> Option<u64> {
        let fitting = self.met.iter().filter(|(cell, _)| fits(cell));
        let counts: Vec<_> = fitting.map(|(_, met)| *met).collect();
        (!counts.is_empty()).then(|| counts.iter().sum())
    }
}

impl fmt::Display for Nodes {
    /// By strategy, sort and way against what was met: in how many cases.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| step | way | strategy |")?;
        for mishap in Mishap::ALL {
            write!(f, " {} |", mishap.name())?;
        }
        write!(f, "\n|---|---|---|{}", "---:|".repeat(Mishap::ALL.len()))?;
        for (sort, back) in self.sorts() {
            for (strategy, (name, _)) in STRATEGIES.iter().enumerate() {
                let here = |cell: &Cell| cell.sort == sort && cell.back == back && cell.shape.strategy == strategy;
                if self.count(here).is_none() {
                    continue;
                }
                write!(f, "\n| {sort} | {} | {name} |", if back { "back" } else { "forward" })?;
                for mishap in Mishap::ALL {
                    match self.count(|cell| here(cell) && cell.mishap == mishap) {
                        Some(met) if met > 0 || !mishap.is_of_undo() => write!(f, " {met} |")?,
                        _ => write!(f, " – |")?,
                    }
                }
            }
        }
        Ok(())
    }
}
