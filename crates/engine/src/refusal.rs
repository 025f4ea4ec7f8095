//! Why something is refused. Not here: how a refusal is answered over HTTP (`app::server::answer`).

use shipway_core::{finding::Finding, ports::Fault};

/// Why a command is refused. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// A port failed, or something isn't there.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It may not be done now.
    #[error("{message}")]
    Conflict {
        /// Why.
        message: String,
        /// What stands against it, one line each.
        list: Vec<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// The spec or the request is wrong.
    #[error("{} finding(s), the first: {}", .0.len(), .0.first().map(|f| f.message.as_str()).unwrap_or("none"))]
    Findings(Vec<Finding>),
    /// The actor may not.
    #[error("{message}")]
    Forbidden {
        /// Who may not do what, and what it takes.
        message: String,
        /// Who can change that, and how.
        hint: Option<String>,
    },
}

pub(crate) fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::Conflict { message: message.into(), list: Vec::new(), hint: Some(hint.into()) }
}

pub(crate) fn forbidden(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::Forbidden { message: message.into(), hint: Some(hint.into()) }
}

/// That there is no such thing, with what was probably meant, and what there is.
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Refusal {
    let mut known: Vec<_> = known.collect();
    known.sort_unstable();
    known.dedup();
    let meant = shipway_config::suggest::nearest(name, known.iter().copied());
    let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
    let fault = Fault::not_found(format!("there is no {what} `{name}`"));
    Refusal::Fault(fault.with_hint(format!("{meant}the {what}s are {}", known.join(", "))))
}

pub(crate) fn owners_alone(message: &str) -> Refusal {
    let hint = "send the folder itself: `shipway deploy --upload`, or POST /api/uploads";
    Refusal::Forbidden { message: message.into(), hint: Some(hint.into()) }
}
