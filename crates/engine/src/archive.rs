//! Gathers everything that is known of a deployment, to be archived. Not here: the form (`core::archive`), files.

use std::{collections::BTreeMap, sync::Arc};

use shipway_core::{
    archive::Archived,
    deployment::Deployment,
    explain::Explanation,
    ports::{Fault, FaultKind, LogPosition},
};

use crate::Engine;

/// The logs of a deployment, each with one for every service.
const LOGS: [&str; 3] = ["build", "hooks", "migrate"];
/// Lines that are read at a time.
const LINES: usize = 5000;
/// Events that are read at a time.
const EVENTS: u32 = 500;

impl Engine {
    /// Everything that is known of a deployment that has ended, by its id or name.
    ///
    /// # Errors
    /// There is none, it has not ended, or something of it can't be read.
    pub async fn archived(&self, id_or_name: &str) -> Result<Archived, Fault> {
        let deployment = self.find_deployment(id_or_name).await?;
        if !deployment.phase.is_end() {
            let message = format!("{} has not ended: it is {}", deployment.name, deployment.phase);
            return Err(Fault::new(FaultKind::Conflict, message).with_hint("what has ended can be archived"));
        }
        self.gather(&deployment).await
    }

    pub(crate) async fn gather(&self, deployment: &Arc<Deployment>) -> Result<Archived, Fault> {
        let explanation: Option<Explanation> = self.ports.store.find(deployment.id.as_str()).await?;
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let page = self.ports.store.events(after, Some(deployment.id.as_str()), EVENTS).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            events.extend(page);
        }
        Ok(Archived {
            deployment: Deployment::clone(deployment),
            course: deployment.course.clone(),
            explanation: explanation.map(Box::new),
            events,
            logs: self.logs_of(deployment)?,
        })
    }

    fn logs_of(&self, deployment: &Deployment) -> Result<BTreeMap<String, Vec<String>>, Fault> {
        let mut logs = BTreeMap::new();
        for log in LOGS {
            for service in deployment.services.keys() {
                let name = format!("{log}/{service}");
                let (mut lines, mut from) = (Vec::new(), LogPosition::default());
                loop {
                    let page = self.deployment_log(deployment.id.as_str(), &name, from, LINES)?;
                    if page.lines.is_empty() {
                        break;
                    }
                    lines.extend(page.lines);
                    from = page.next;
                }
                if !lines.is_empty() {
                    logs.insert(name, lines);
                }
            }
        }
        Ok(logs)
    }
}
