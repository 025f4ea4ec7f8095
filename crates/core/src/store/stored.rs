//! What the store keeps, by which key it is found and by what it is listed.
//!
//! Not here: deployments and their courses, which are stored apart and read together (`deployment`).

use super::{DocumentKind, Stored};
use crate::{
    access::AccessToken,
    artifact::Provenance,
    audit::AuditEntry,
    breaker::{Breaker, Quarantine, Rollbacks},
    config::version::ConfigVersion,
    drift::Drift,
    explain::Explanation,
    instance::Instance,
    lease::{Leader, Leases, Server},
    project::{EnvironmentLayer, Project},
    release::Release,
    route::Epoch,
    secret::Secret,
    slot::Slot,
};

impl Stored for Project {
    const KIND: DocumentKind = DocumentKind::Project;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn scope(&self) -> String {
        self.id.to_string()
    }
}

impl Stored for EnvironmentLayer {
    const KIND: DocumentKind = DocumentKind::Layer;
    fn key(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn scope(&self) -> String {
        self.key()
    }
}

impl Stored for ConfigVersion {
    const KIND: DocumentKind = DocumentKind::ConfigVersion;
    fn key(&self) -> String {
        format!("{}/{}/{}", self.project, self.environment, self.number)
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn order(&self) -> i64 {
        i64::try_from(self.number).unwrap_or(i64::MAX)
    }
}

impl Stored for Slot {
    const KIND: DocumentKind = DocumentKind::Slot;
    fn key(&self) -> String {
        self.key.to_string()
    }
    fn scope(&self) -> String {
        self.key.to_string()
    }
}

impl Stored for Release {
    const KIND: DocumentKind = DocumentKind::Release;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn scope(&self) -> String {
        self.slot.to_string()
    }
    fn order(&self) -> i64 {
        self.made_at.0
    }
}

impl Stored for Instance {
    const KIND: DocumentKind = DocumentKind::Instance;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn scope(&self) -> String {
        self.slot.to_string()
    }
    fn order(&self) -> i64 {
        self.created_at.0
    }
}

impl Stored for Leases {
    const KIND: DocumentKind = DocumentKind::Leases;
    fn key(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn scope(&self) -> String {
        self.key()
    }
}

impl Stored for Server {
    const KIND: DocumentKind = DocumentKind::Server;
    fn key(&self) -> String {
        self.id.clone()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

impl Stored for Epoch {
    const KIND: DocumentKind = DocumentKind::Epoch;
    fn key(&self) -> String {
        Self::KEY.into()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

impl Stored for Leader {
    const KIND: DocumentKind = DocumentKind::Leader;
    fn key(&self) -> String {
        Self::KEY.into()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

impl Stored for Breaker {
    const KIND: DocumentKind = DocumentKind::Breaker;
    fn key(&self) -> String {
        self.name.clone()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

impl Stored for Rollbacks {
    const KIND: DocumentKind = DocumentKind::Rollbacks;
    fn key(&self) -> String {
        self.name()
    }
    fn scope(&self) -> String {
        self.name()
    }
}

impl Stored for Quarantine {
    const KIND: DocumentKind = DocumentKind::Quarantine;
    /// What is quarantined: the same once, however often it failed.
    fn key(&self) -> String {
        let releases = self.releases.iter().map(|(service, one)| format!("{service}={}", one.release));
        format!("{}/{} {}", self.project, self.environment, releases.collect::<Vec<_>>().join(" "))
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn order(&self) -> i64 {
        self.at.0
    }
}

impl Stored for Explanation {
    const KIND: DocumentKind = DocumentKind::Explanation;
    fn key(&self) -> String {
        self.deployment.to_string()
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn order(&self) -> i64 {
        self.at.0
    }
}

impl Stored for Drift {
    const KIND: DocumentKind = DocumentKind::Drift;
    fn key(&self) -> String {
        Self::key_of(&self.slot, &self.release)
    }
    fn scope(&self) -> String {
        self.slot.to_string()
    }
    fn order(&self) -> i64 {
        self.found_at.0
    }
}

impl Stored for AccessToken {
    const KIND: DocumentKind = DocumentKind::AccessToken;
    fn key(&self) -> String {
        self.id.clone()
    }
    fn scope(&self) -> String {
        String::new()
    }
    fn order(&self) -> i64 {
        self.created_at.0
    }
}

impl Stored for AuditEntry {
    const KIND: DocumentKind = DocumentKind::Audit;
    fn key(&self) -> String {
        self.id.clone()
    }
    fn scope(&self) -> String {
        match (&self.project, &self.environment) {
            (Some(project), Some(environment)) => format!("{project}/{environment}"),
            (Some(project), None) => project.to_string(),
            (None, _) => String::new(),
        }
    }
    fn order(&self) -> i64 {
        self.place
    }
}

impl Stored for Secret {
    const KIND: DocumentKind = DocumentKind::Secret;
    fn key(&self) -> String {
        self.address.to_string()
    }
    fn scope(&self) -> String {
        self.address.scope()
    }
}

impl Stored for super::OpenDeployment {
    const KIND: DocumentKind = DocumentKind::OpenDeployment;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn scope(&self) -> String {
        String::new()
    }
}

impl Stored for Provenance {
    const KIND: DocumentKind = DocumentKind::Build;
    fn key(&self) -> String {
        self.build_key.to_string()
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.service)
    }
    fn order(&self) -> i64 {
        self.at.0
    }
}
