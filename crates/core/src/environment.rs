//! How an environment is: healthy, degraded or down, and why. Not here: looking at it (`engine`, `app`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ServiceName;

/// How an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentStatus {
    /// Everything is as it should be.
    Healthy,
    /// Something is missing, and users are still answered.
    Degraded,
    /// Some service answers nobody, or nothing runs.
    Down,
}

impl EnvironmentStatus {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// What was seen of one service of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The service.
    pub service: ServiceName,
    /// How it is.
    pub state: ServiceState,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Files, which the proxy serves itself.
    Static,
    /// Instances.
    Instances {
        /// Those that take requests.
        ready: u32,
        /// Those that should.
        wanted: u32,
    },
    /// Nothing is live, and requests wait.
    Held,
    /// Nothing is live, and nobody waits.
    Empty,
}

/// How an environment is, and why.
pub fn health(services: &[Observed]) -> (EnvironmentStatus, String) {
    let troubles: Vec<String> = services.iter().filter_map(trouble).collect();
    if !troubles.is_empty() {
        let is_down = services.iter().any(|one| answers_nobody(one.state));
        let status = if is_down { EnvironmentStatus::Down } else { EnvironmentStatus::Degraded };
        return (status, troubles.join("; "));
    }
    match services.iter().filter(|one| one.state != ServiceState::Empty).count() {
        0 => (EnvironmentStatus::Down, "nothing runs here".into()),
        1 => (EnvironmentStatus::Healthy, "1 service answers".into()),
        live => (EnvironmentStatus::Healthy, format!("{live} services answer")),
    }
}

fn answers_nobody(state: ServiceState) -> bool {
    matches!(state, ServiceState::Held | ServiceState::Instances { ready: 0, .. })
}

fn trouble(one: &Observed) -> Option<String> {
    let name = &one.service;
    match one.state {
        ServiceState::Held => Some(format!("{name}: requests wait, no instance takes requests")),
        ServiceState::Instances { ready: 0, .. } => Some(format!("{name}: no instance takes requests")),
        ServiceState::Instances { ready, wanted } if ready < wanted => {
            Some(format!("{name}: {ready} of {wanted} instances take requests"))
        }
        ServiceState::Instances { .. } | ServiceState::Static | ServiceState::Empty => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_service_says_how_an_environment_is() {
        let seen = |state| Observed { service: "web".into(), state };
        let of = |ready, wanted| seen(ServiceState::Instances { ready, wanted });
        let cases = [
            (vec![], EnvironmentStatus::Down, "nothing runs here"),
            (vec![seen(ServiceState::Empty)], EnvironmentStatus::Down, "nothing runs here"),
            (vec![of(2, 2)], EnvironmentStatus::Healthy, "1 service answers"),
            (vec![of(2, 2), seen(ServiceState::Static)], EnvironmentStatus::Healthy, "2 services answer"),
            (vec![of(1, 2)], EnvironmentStatus::Degraded, "web: 1 of 2 instances take requests"),
            (vec![of(2, 2), of(0, 2)], EnvironmentStatus::Down, "web: no instance takes requests"),
            (vec![seen(ServiceState::Held)], EnvironmentStatus::Down, "web: requests wait, no instance takes requests"),
        ];
        for (services, status, reason) in cases {
            assert_eq!(health(&services), (status, reason.to_owned()), "{services:?}");
        }
    }
}
