//! Which sort of step met which fault. A table that is full says that no such pair was left to chance.

use std::fmt;

use shipway_core::plan::Step;

/// The sorts of steps, as the table names them.
pub const NODES: [&str; 14] = [
    "stage",
    "hooks",
    "start",
    "prove",
    "check",
    "commit",
    "watch",
    "drain",
    "stop",
    "snapshot",
    "restore data",
    "migrate",
    "interact",
    "reload",
];

/// A sort of step: its place in `NODES`.
pub fn node(step: &Step) -> usize {
    match step {
        Step::Stage { .. } => 0,
        Step::Hooks { .. } => 1,
        Step::Start { .. } => 2,
        Step::Prove { .. } => 3,
        Step::Check { .. } => 4,
        Step::Commit { .. } => 5,
        Step::Watch { .. } => 6,
        Step::Drain { .. } => 7,
        Step::Stop { .. } => 8,
        Step::Snapshot { .. } => 9,
        Step::RestoreData { .. } => 10,
        Step::Migrate { .. } => 11,
        Step::Interact { .. } => 12,
        Step::Reload { .. } => 13,
    }
}

/// What a step meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The server ends after the intent is recorded, and before the step acts.
    CrashBefore,
    /// The server ends after the step has acted, and before that is recorded.
    CrashAfter,
    /// The step fails.
    Failed,
    /// The step is done again.
    Repeated,
    /// Its record is written, and the answer is lost.
    AnswerLost,
    /// It takes long.
    Slow,
}

impl Trouble {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::CrashBefore, Self::CrashAfter, Self::Failed, Self::Repeated, Self::AnswerLost, Self::Slow];

    fn name(self) -> &'static str {
        match self {
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::Failed => "failed",
            Self::Repeated => "repeated",
            Self::AnswerLost => "answer lost",
            Self::Slow => "slow",
        }
    }
}

/// A cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The sort of step.
    pub node: usize,
    /// Whether on the way back.
    pub back: bool,
    /// What it meets.
    pub trouble: Trouble,
}

impl Cell {
    /// Every cell that can be met.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for node in 0..NODES.len() {
            for back in [false, true] {
                all.extend(Trouble::ALL.map(|trouble| Self { node, back, trouble }));
            }
        }
        all.retain(|cell| cell.exists());
        all
    }

    /// Whether it can be met: some steps are no part of a way back, and a drain can't fail: it gives up waiting.
    pub fn exists(self) -> bool {
        let only_forward =
            matches!(NODES[self.node], "stage" | "watch" | "snapshot" | "restore data" | "migrate" | "interact");
        let never_fails = NODES[self.node] == "drain";
        let is_other_way = self.back && only_forward;
        let is_failure = self.trouble == Trouble::Failed && never_fails;
        !(is_other_way || is_failure)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.back { "back" } else { "forward" };
        write!(f, "{} {way}: {}", NODES[self.node], self.trouble.name())
    }
}

/// How often each cell was met.
#[derive(Clone, Debug, Default)]
pub struct Coverage([[[u64; 6]; 2]; NODES.len()]);

impl Coverage {
    /// Notes that a cell was met.
    pub fn note(&mut self, node: usize, back: bool, trouble: Trouble) {
        self.0[node][usize::from(back)][trouble as usize] += 1;
    }

    /// How often a cell was met.
    pub fn count(&self, cell: Cell) -> u64 {
        self.0[cell.node][usize::from(cell.back)][cell.trouble as usize]
    }

    /// Adds what another run met.
    pub fn add(&mut self, other: &Self) {
        for (mine, its) in self.0.iter_mut().flatten().flatten().zip(other.0.iter().flatten().flatten()) {
            *mine += its;
        }
    }

    /// The cells that can be met and were not.
    pub fn empty(&self) -> Vec<Cell> {
        Cell::all().into_iter().filter(|cell| self.count(*cell) == 0).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| step | way |")?;
        for trouble in Trouble::ALL {
            write!(f, " {} |", trouble.name())?;
        }
        write!(f, "\n|---|---|{}", "---:|".repeat(Trouble::ALL.len()))?;
        for (node, name) in NODES.iter().enumerate() {
            for back in [false, true] {
                let cells = Trouble::ALL.map(|trouble| Cell { node, back, trouble });
                if cells.iter().all(|cell| !cell.exists()) {
                    continue;
                }
                write!(f, "\n| {name} | {} |", if back { "back" } else { "forward" })?;
                for cell in cells {
                    match cell.exists() {
                        true => write!(f, " {} |", self.count(cell))?,
                        false => write!(f, " – |")?,
                    }
                }
            }
        }
        Ok(())
    }
}
