//! Uploads that are still needed. Not here: removing the others, which whoever takes them in does.

use std::collections::BTreeSet;

use shipway_core::{deployment::Source, ports::Fault, store::OpenDeployment};

use crate::Engine;

impl Engine {
    /// The uploads that deployments are from which have not ended.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn uploads_in_use(&self) -> Result<BTreeSet<String>, Fault> {
        let open: Vec<OpenDeployment> = self.ports.store.below("").await?;
        let mut uploads = BTreeSet::new();
        for open in open {
            let found = self.ports.store.deployment(open.id.as_str()).await?;
            if let Some(Source::Upload(id)) = found.map(|found| found.request.source.clone()) {
                uploads.insert(id);
            }
        }
        Ok(uploads)
    }
}
