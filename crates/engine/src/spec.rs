//! Specs as projects have them: read, layered, checked.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use shipway_config::{
    Target, findings,
    read::{Source as Text, parse},
    resolve::{self, Layer},
};
use shipway_core::{
    deployment::{Request, Source},
    finding::{Category, Finding, blocks},
    id::{EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    project::{EnvironmentLayer, Project},
    spec::{EnvironmentPlan, GroupSpec},
};

use crate::Engine;

/// The validator that this room's findings name.
const VALIDATOR: &str = "spec";

/// A project's spec with its layers.
pub(crate) struct Spec {
    pub(crate) source: Text,
}

impl Spec {
    /// Reads the text.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        Ok(Self { source: parse(file, text)? })
    }

    /// The environments in the order of the file.
    pub(crate) fn environments(&self) -> Vec<EnvironmentName> {
        resolve::environments(&self.source)
    }

    /// The services in the order of the file.
    pub(crate) fn services(&self) -> Vec<ServiceName> {
        let services = self.source.tree["services"].as_object();
        services.into_iter().flatten().map(|(name, _)| ServiceName::new(name)).collect()
    }

    /// The groups by name.
    pub(crate) fn groups(&self) -> BTreeMap<String, GroupSpec> {
        resolve::groups(&self.source).unwrap_or_default()
    }

    /// Everything that is wrong in one environment with its layers, or in all when none is named.
    pub(crate) fn findings(&self, environment: Option<(&EnvironmentName, &[Layer])>) -> Vec<Finding> {
        let targets = match environment {
            None => Target::all(&self.source),
            Some((name, layers)) => vec![Target { environment: name.clone(), layers: layers.to_vec() }],
        };
        findings(&self.source, &targets)
    }

    /// One environment with everything laid over everything, or all that stands against it.
    pub(crate) fn environment(
        &self,
        name: &EnvironmentName,
        layers: &[Layer],
    ) -> Result<(EnvironmentPlan, Vec<Finding>), Vec<Finding>> {
        let found = self.findings(Some((name, layers)));
        if blocks(&found) {
            return Err(found);
        }
        let plan = resolve::environment(&self.source, name.as_str(), layers)?;
        Ok((plan, found))
    }
}

/// The spec that was understood last: who asks for an environment's plan asks many times for the same, with every event.
#[derive(Default)]
pub(crate) struct Understood(Mutex<Option<Known>>);

struct Known {
    text: String,
    name: EnvironmentName,
    layers: Vec<Layer>,
    plan: Option<EnvironmentPlan>,
}

impl Understood {
    /// One environment of a project; none when the spec is wrong.
    pub(crate) fn plan(
        &self,
        project: &Project,
        name: &EnvironmentName,
        layers: Vec<Layer>,
    ) -> Option<EnvironmentPlan> {
        // The value is replaced whole: a panic elsewhere leaves none of it half written.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Known| known.text == project.text && known.name == *name && known.layers == layers;
        if let Some(known) = last.as_ref().filter(same) {
            return known.plan.clone();
        }
        let spec = Spec::read(&project.file, &project.text).ok();
        let plan = spec.and_then(|spec| spec.environment(name, &layers).ok()).map(|(plan, _)| plan);
        *last = Some(Known { text: project.text.clone(), name: name.clone(), layers, plan: plan.clone() });
        plan
    }
}

/// The layers above the file: what was set through the API, then what the deployment says itself.
pub(crate) async fn layers(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
    own: Option<&serde_json::Value>,
) -> Result<Vec<Layer>, Fault> {
    let set: Option<EnvironmentLayer> = engine.ports.store.find(&format!("{project}/{environment}")).await?;
    let set = set.map(|layer| Layer { name: format!("settings of {environment}"), tree: layer.tree });
    let own = own.map(|tree| Layer { name: "this deployment's config".into(), tree: tree.clone() });
    Ok(set.into_iter().chain(own).collect())
}

/// The newest text of a project's spec: from its folder when that is there, else as it was registered.
pub(crate) async fn newest(engine: &Engine, project: &Project) -> Result<Project, Fault> {
    let Some(folder) = &project.folder else { return Ok(project.clone()) };
    match engine.ports.sources.read_text(&folder.join(&project.file)).await? {
        Some(text) => Ok(Project { text, ..project.clone() }),
        None => Err(Fault::not_found(format!("{} has no {}", folder.display(), project.file))
            .with_hint("register the project again from where it lies now: `shipway deploy` in its folder does")),
    }
}

/// The project with the spec that holds for a request, and the folder of its source.
pub(crate) async fn of_request(
    engine: &Engine,
    project: Project,
    request: &Request,
) -> Result<(Project, Option<PathBuf>), Fault> {
    let folder = match &request.source {
        Source::Project => project.folder.clone(),
        Source::Path(path) => Some(path.clone()),
        Source::Upload(id) => Some(engine.settings.folders.uploads().join(id)),
        Source::Artifact(_) => None,
    };
    let project = newest(engine, &Project { folder: folder.clone(), ..project }).await?;
    Ok((project, folder))
}

/// A finding that a spec names another project than it was registered as.
pub(crate) fn other_project(project: &ProjectId, found: &str) -> Finding {
    let message = format!("the spec is of the project `{found}`, not of `{project}`");
    Finding::critical(VALIDATOR, Category::Configuration, message).field("project.name")
}
