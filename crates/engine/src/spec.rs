//! Specs as projects have them: read, layered, checked.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use shipway_config::{
    Target, findings,
    layers::with_made,
    read::{Source as Text, parse},
    resolve::{self, Layer},
};
use shipway_core::{
    config::origin::Origin,
    deployment::{Request, Source},
    finding::{Category, Finding, blocks},
    id::{EnvironmentName, ProjectId, ServiceName},
    ports::Fault,
    project::{EnvironmentLayer, MadeEnvironment, Project},
    spec::{EnvironmentPlan, GroupSpec},
};

use crate::{Engine, remote};

/// The validator that this room's findings name.
const VALIDATOR: &str = "spec";

/// Specs that are remembered: who asks for a project's spec asks many times for the same, with every event.
const SPECS_MAX: usize = 16;
/// Environments of a spec that are remembered.
const ENVIRONMENTS_MAX: usize = 1024;

type Made = BTreeMap<EnvironmentName, MadeEnvironment>;

/// The specs that were understood last.
#[derive(Default)]
pub(crate) struct Understood(Mutex<VecDeque<Arc<Spec>>>);

impl Understood {
    /// The spec of a project, with the environments that were made through the API.
    pub(crate) fn of(&self, project: &Project) -> Result<Arc<Spec>, Vec<Finding>> {
        self.with(&project.file, &project.text, &project.made)
    }

    /// Reads the text of a spec, or remembers it.
    pub(crate) fn spec(&self, file: &str, text: &str) -> Result<Arc<Spec>, Vec<Finding>> {
        self.with(file, text, &Made::new())
    }

    /// The same with environments that were made through the API.
    pub(crate) fn with(&self, file: &str, text: &str, made: &Made) -> Result<Arc<Spec>, Vec<Finding>> {
        // Whole specs come and go: a panic elsewhere leaves none of them half written.
        let mut specs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) =
            specs.iter().find(|known| known.source.file == file && known.text == text && known.made == *made)
        {
            return Ok(known.clone());
        }
        let source = with_made(&parse(file, text)?, made.iter().map(stated));
        let spec = Spec { source, text: text.to_owned(), made: made.clone(), resolved: Mutex::default() };
        let spec = Arc::new(spec);
        specs.truncate(SPECS_MAX - 1);
        specs.push_front(spec.clone());
        Ok(spec)
    }
}

/// An environment that was made, as the layers of a spec want it.
fn stated((name, made): (&EnvironmentName, &MadeEnvironment)) -> (String, serde_json::Value, Origin) {
    let origin = Origin::Api { by: made.by.clone(), at: made.at, version: 0 };
    (name.to_string(), made.stated.clone(), origin)
}

/// A project's spec, and its environments as far as somebody asked for them.
pub(crate) struct Spec {
    pub(crate) source: Text,
    text: String,
    made: Made,
    resolved: Mutex<BTreeMap<EnvironmentName, Resolved>>,
}

/// An environment with all layers, and what is to be said about it; or what stands against it.
type Environment = Result<(Arc<EnvironmentPlan>, Vec<Finding>), Vec<Finding>>;

struct Resolved {
    layers: Vec<Layer>,
    environment: Environment,
}

impl Spec {
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
    pub(crate) fn environment(&self, name: &EnvironmentName, layers: &[Layer]) -> Environment {
        // Whole environments come and go, as specs do.
        let mut resolved = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = resolved.get(name).filter(|known| known.layers == layers) {
            return known.environment.clone();
        }
        let environment = self.resolve(name, layers);
        if resolved.len() >= ENVIRONMENTS_MAX {
            resolved.clear();
        }
        let known = Resolved { layers: layers.to_vec(), environment: environment.clone() };
        resolved.insert(name.clone(), known);
        environment
    }

    fn resolve(&self, name: &EnvironmentName, layers: &[Layer]) -> Environment {
        let found = self.findings(Some((name, layers)));
        if blocks(&found) {
            return Err(found);
        }
        let plan = resolve::environment(&self.source, name.as_str(), layers)?;
        Ok((Arc::new(plan), found))
    }
}

/// The layers above the file: what is remembered of remotes, what was set through the API, then what the deployment says
/// itself.
pub(crate) async fn layers(
    engine: &Engine,
    source: &Text,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<Vec<Layer>, Fault> {
    let remembered = remote::remembered(engine, source, project, environment).await?;
    above(engine, remembered, project, environment, None).await
}

/// What lies above remotes, on top of what they said.
pub(crate) async fn above(
    engine: &Engine,
    remotes: Vec<Layer>,
    project: &ProjectId,
    environment: &EnvironmentName,
    own: Option<&serde_json::Value>,
) -> Result<Vec<Layer>, Fault> {
    let set: Option<EnvironmentLayer> = engine.ports.store.find(&format!("{project}/{environment}")).await?;
    let own = own.map(|tree| Layer::deployment("this deployment's config".into(), tree.clone()));
    Ok(remotes.into_iter().chain(set.map(settings_layer)).chain(own).collect())
}

/// What was set through the API, as a layer.
pub(crate) fn settings_layer(layer: EnvironmentLayer) -> Layer {
    let author = Origin::Api { by: layer.by, at: layer.at, version: layer.version };
    Layer::settings(format!("settings of {}", layer.environment), layer.tree, author, layer.authors)
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
