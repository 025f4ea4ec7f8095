//! What promotion keeps: combinations that were named, and holds. Not here: what they mean (`promotion`).

use super::{DocumentKind, Stored};
use crate::promotion::{Combination, Hold};

impl Stored for Combination {
    const KIND: DocumentKind = DocumentKind::Combination;
    /// A name is unique in its project.
    fn key(&self) -> String {
        format!("{}/{}", self.project, self.name.as_deref().unwrap_or(&self.id))
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
    fn order(&self) -> i64 {
        self.since.0
    }
}

impl Stored for Hold {
    const KIND: DocumentKind = DocumentKind::Hold;
    /// One for the environment, and one for each service.
    fn key(&self) -> String {
        let service = self.service.as_ref().map(|service| format!("/{service}")).unwrap_or_default();
        format!("{}/{}{service}", self.project, self.environment)
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
}
