//! What was measured, as a table. Results go to standard output, progress to standard error.

use std::io::Write;

use crate::stats::Values;

/// One line of the table.
struct Row {
    benchmark: &'static str,
    what: String,
    goal: String,
    measured: String,
    runs: String,
    verdict: &'static str,
}

/// The table of one run.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A number with a goal that it must not exceed.
    pub fn at_most(&mut self, benchmark: &'static str, what: impl Into<String>, goal: (f64, &str), values: &Values) {
        self.judged(benchmark, what, goal, values, values.median());
    }

    /// The same where each single value must hold.
    pub fn each_at_most(
        &mut self,
        benchmark: &'static str,
        what: impl Into<String>,
        goal: (f64, &str),
        values: &Values,
    ) {
        self.judged(benchmark, what, goal, values, values.max());
    }

    fn judged(
        &mut self,
        benchmark: &'static str,
        what: impl Into<String>,
        goal: (f64, &str),
        values: &Values,
        it: f64,
    ) {
        let (limit, unit) = goal;
        let row = Row {
            benchmark,
            what: what.into(),
            goal: format!("≤ {limit} {unit}"),
            measured: format!("{values} {unit}"),
            runs: values.len().to_string(),
            verdict: if it <= limit { "held" } else { "**MISSED**" },
        };
        self.rows.push(row);
    }

    /// A number without a goal.
    pub fn number(&mut self, benchmark: &'static str, what: impl Into<String>, unit: &str, values: &Values) {
        self.text(benchmark, what, format!("{values} {unit}"), values.len().to_string());
    }

    /// Anything else that is worth knowing.
    pub fn text(
        &mut self,
        benchmark: &'static str,
        what: impl Into<String>,
        measured: impl Into<String>,
        runs: impl Into<String>,
    ) {
        let (what, measured, runs) = (what.into(), measured.into(), runs.into());
        self.rows.push(Row { benchmark, what, goal: String::new(), measured, runs, verdict: "" });
    }

    /// Whether a goal was missed.
    pub fn missed(&self) -> bool {
        self.rows.iter().any(|row| row.verdict.contains("MISSED"))
    }

    /// Prints it.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        // Whoever closed the output doesn't want the table.
        let _ = writeln!(out, "| benchmark | what | goal | median (min..max) | n | |\n|---|---|---|---|---|---|");
        for row in &self.rows {
            let Row { benchmark, what, goal, measured, runs, verdict } = row;
            let _ = writeln!(out, "| {benchmark} | {what} | {goal} | {measured} | {runs} | {verdict} |");
        }
    }
}

/// Says how far it is.
pub fn progress(text: impl AsRef<str>) {
    // Progress is for eyes; without any there is nobody to miss it.
    let _ = writeln!(std::io::stderr(), "bench: {}", text.as_ref());
}
