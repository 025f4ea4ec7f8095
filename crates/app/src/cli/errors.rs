//! Why a verb failed, and how that is said: everything that goes wrong is worded here, in one place.

use shipway_api::{ClientError, Problem};
use shipway_core::{finding::Finding, ports::Fault};

use super::{
    Exit, findings,
    terminal::{Hue, Terminal},
};

/// Why a verb failed.
#[derive(Debug)]
pub enum CliError {
    /// The server said no, or wasn't there.
    Client {
        /// The server's address.
        base: String,
        /// What happened.
        error: ClientError,
    },
    /// Something on this machine.
    Fault(Fault),
    /// What was asked for can't be meant.
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: String,
    },
    /// The spec is wrong.
    Findings(Vec<Finding>),
    /// Anything else, in one line.
    Failed(String),
}

impl From<Fault> for CliError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl CliError {
    /// Wrong usage.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// A failure with what to do next.
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Fault(Fault::unavailable(message).with_hint(hint))
    }

    /// Whether the server can't be reached.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Client { error: ClientError::Unreachable { .. }, .. })
    }

    /// Whether the server says that it has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Client { error: ClientError::Problem(problem), .. } if problem.status == 404)
    }

    /// Whether the server doesn't know who asks: it may be somebody else's.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Client { error: ClientError::Problem(problem), .. } if problem.status == 401)
    }

    /// Says it, and with what the process exits.
    pub fn show(self, terminal: &Terminal) -> Exit {
        let exit = if matches!(self, Self::Usage { .. }) { Exit::Usage } else { Exit::Failed };
        let problem = self.into_problem();
        if terminal.json {
            terminal.json(&problem);
        } else {
            show_problem(terminal, &problem);
        }
        exit
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Client { base, error } => from_client(&base, error),
            Self::Fault(fault) => Problem::new(500, "failed", fault.message).hint(fault.hint),
            Self::Usage { message, hint } => Problem::new(400, "usage", message).hint(Some(hint)),
            Self::Findings(findings) => {
                Problem { findings, ..Problem::new(422, "findings", "the spec can't be used as it is") }
            }
            Self::Failed(message) => Problem::new(500, "failed", message),
        }
    }
}

fn from_client(base: &str, error: ClientError) -> Problem {
    match error {
        ClientError::Problem(problem) if problem.status == 401 => {
            let hint = "name its data folder with --data, or give its admin.token or an access token that has not \
                        expired in SHIPWAY_TOKEN; `shipway up` and `shipway serve` start a server of your own";
            let detail = format!("the server at {base} does not take this token");
            Problem { detail, hint: Some(hint.into()), ..*problem }
        }
        ClientError::Problem(problem) => *problem,
        ClientError::Unreachable { message } => {
            let hint = "start one with `shipway up` or `shipway serve`, or name another with --server or --data";
            let problem = Problem::new(503, "unreachable", format!("no server answers at {base}"));
            Problem { errors: vec![message], ..problem.hint(Some(hint.into())) }
        }
        error @ ClientError::Unreadable { .. } => {
            let hint = format!("is it a Shipway server of this version? This is {}", env!("CARGO_PKG_VERSION"));
            Problem::new(502, "unreadable", error.to_string()).hint(Some(hint))
        }
    }
}

fn show_problem(terminal: &Terminal, problem: &Problem) {
    let on = Terminal::errors_have_colours();
    let paint = super::terminal::Paint { on };
    terminal.note(format!("{} {}", paint.put(Hue::Bad, "error:"), problem.detail));
    for error in &problem.errors {
        terminal.note(format!("  {error}"));
    }
    for line in findings::lines(paint, &problem.findings) {
        terminal.note(line);
    }
    if let Some(hint) = &problem.hint {
        terminal.note(format!("{} {hint}", paint.put(Hue::Busy, "hint:")));
    }
}
