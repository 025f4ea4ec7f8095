//! Holds: what a person keeps as it is, and pins, which let exactly one version or artifact pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Member;
use crate::{
    deployment::{Kind, Request, Source},
    id::{ArtifactDigest, EnvironmentName, ProjectId, ServiceName},
    time::Timestamp,
};

/// Characters that a pin must have to be read as the beginning of an artifact's digest.
const DIGEST_CHARS_MIN: usize = 8;

/// New releases don't come to an environment, or to one service of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The service; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The version, or the beginning of the artifact's digest, that may come all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Why.
    pub reason: String,
    /// Who holds it.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

impl Hold {
    /// Whether it lets that pass.
    pub fn lets(&self, member: &Member) -> bool {
        self.lets_parts(Some(&member.version), Some(&member.artifact))
    }

    fn lets_parts(&self, version: Option<&String>, artifact: Option<&ArtifactDigest>) -> bool {
        let Some(pin) = &self.pin else { return false };
        let is_digest = pin.len() >= DIGEST_CHARS_MIN;
        version == Some(pin) || artifact.is_some_and(|digest| is_digest && digest.as_str().starts_with(pin.as_str()))
    }

    /// What it is, and how it ends.
    pub fn words(&self) -> String {
        let what = match &self.service {
            Some(service) => format!("{service} in {}", self.environment),
            None => self.environment.to_string(),
        };
        let how = match &self.pin {
            Some(pin) => format!("pinned to {pin}"),
            None => "held".into(),
        };
        let service = self.service.as_ref().map(|service| format!(" {service}")).unwrap_or_default();
        let end = format!("`shipway unhold -e {}{service}` ends it", self.environment);
        format!("{what} is {how} by {} since {}: {}; {end}", self.by, self.at, self.reason)
    }
}

/// The first hold that a request for new releases would break; going back, scaling and removing are never held.
pub fn refuse_held<'a>(holds: &'a [Hold], request: &Request) -> Option<&'a Hold> {
    if request.kind != Kind::Deploy {
        return None;
    }
    let version = |service: &ServiceName| request.versions.get(service).or(request.version.as_ref());
    let artifact = |service: &ServiceName| match &request.source {
        Source::Artifact(named) => request.artifacts.get(service).or_else(|| named.get(service)),
        _ => request.artifacts.get(service),
    };
    let lets = |hold: &Hold, service: &ServiceName| hold.lets_parts(version(service), artifact(service));
    holds.iter().find(|hold| match &hold.service {
        Some(service) => {
            let comes = request.services.is_empty() || request.services.contains(service);
            comes && !request.exclude.contains(service) && !lets(hold, service)
        }
        None if request.services.is_empty() => !hold.lets_parts(request.version.as_ref(), None),
        None => !request.services.iter().all(|service| lets(hold, service)),
    })
}
