//! The command line: what is printed, what is written, and with which status it ends.

#[path = "command/eval.rs"]
mod eval;
#[path = "command/export.rs"]
mod export;
#[path = "command/fmt.rs"]
mod fmt;
#[path = "command/import.rs"]
mod import;
#[path = "command/reports.rs"]
mod reports;
#[path = "command/run.rs"]
mod run;
#[path = "command/set.rs"]
mod set;
#[path = "command/vet.rs"]
mod vet;
