//! The layers of a spec for one environment, as `core::config` lays them: the file's parts with their lines, then what
//! lies above the file.
//!
//! Not here: merging (`core::config`), what the result must be (`walk`, `rules`).

use std::sync::Arc;

use serde_json::{Map, Value};
use shipway_core::{
    config::{
        origin::{Level, Origin, Said},
        resolve::Layers,
        value::{Node, join, plant_free, plant_service},
    },
    spec::EnvironmentFacts,
};

use crate::{field::Field, read::Source, resolve::Layer};

/// The tables of an environment, and of the file itself, that are laid under every service.
const GENERAL: [&str; 2] = ["variables", "settings"];
/// What is said of an environment as a whole.
const FACTS: [&str; 7] = ["region", "provider", "target", "labels", "network", "policies", "monitoring"];

/// One environment, ready to lay any of its services.
pub(crate) struct Ground<'a> {
    source: &'a Source,
    environment: &'a str,
    layers: &'a [Layer],
    /// What every service begins with.
    general: Option<Arc<Node>>,
}

impl<'a> Ground<'a> {
    pub(crate) fn of(source: &'a Source, environment: &'a str, layers: &'a [Layer]) -> Self {
        let stated = &source.tree["environments"][environment];
        let root = Field::of(&["environments", environment]).to_string();
        let global = general(&source.tree, "", &|path| in_file(source, Level::Global, path));
        let own = general(stated, &root, &|path| of_environment(source, environment, Level::Environment, path));
        let general = Layers::new().with(global.as_ref()).with(own.as_ref()).resolved();
        Self { source, environment, layers, general }
    }

    /// A service with everything laid over everything; nothing where the file's part is no table.
    pub(crate) fn service(&self, name: &str) -> Option<Arc<Node>> {
        let Self { source, environment, .. } = *self;
        let own = self.source.tree["services"].get(name).filter(|own| own.is_object())?;
        let at = Field::of(&["services", name]).to_string();
        let own = plant_service(own, &at, &|path| in_file(source, Level::Service, path));
        let patch = &source.tree["environments"][environment]["services"][name];
        let at = Field::of(&["environments", environment, "services", name]).to_string();
        let author = |path: &str| of_environment(source, environment, Level::ServiceInEnvironment, path);
        let patch = patch.is_object().then(|| plant_service(patch, &at, &author));
        let mut laid = Layers::new().with(self.general.as_ref()).with(Some(&own)).with(patch.as_ref());
        for layer in self.layers {
            let author = |path: &str| layer.author(path);
            let patch = &layer.tree["services"][name];
            let at = Field::of(&["services", name]).to_string();
            let patch = patch.is_object().then(|| plant_service(patch, &at, &author));
            laid = laid.with(general(&layer.tree, "", &author).as_ref()).with(patch.as_ref());
        }
        laid.resolved()
    }

    /// What is said of the environment as a whole. What can't be read is a finding of its own.
    pub(crate) fn facts(&self) -> EnvironmentFacts {
        let said = Arc::new(Said { level: Level::Environment, origin: Origin::Default });
        let stated = std::iter::once(&self.source.tree["environments"][self.environment]);
        let all = stated.chain(self.layers.iter().map(|layer| &layer.tree));
        let laid = all.fold(Layers::new(), |laid, tree| {
            let kept = FACTS.iter().filter_map(|key| Some(((*key).to_owned(), tree.get(*key)?.clone())));
            laid.with(Some(&plant_free(&Value::Object(kept.collect()), "", &|_| said.clone())))
        });
        let value = laid.resolved().and_then(|laid| laid.value()).unwrap_or(Value::Null);
        serde_json::from_value(value).unwrap_or_default()
    }
}

/// The variables and settings that a tree has for every service.
fn general(tree: &Value, root: &str, author: &dyn Fn(&str) -> Arc<Said>) -> Option<Arc<Node>> {
    let kept = GENERAL.iter().filter(|key| tree[**key].is_object());
    let entries: Vec<_> = kept
        .map(|key| {
            let at = join(root, key);
            (Arc::from(*key), plant_free(&tree[*key], &at, author))
        })
        .collect();
    (!entries.is_empty()).then(|| Node::table(author(root), entries))
}

/// Who wrote what an environment says: the file, or whoever made the environment through the API.
fn of_environment(source: &Source, environment: &str, level: Level, path: &str) -> Arc<Said> {
    match source.made.get(environment) {
        Some(origin) => Arc::new(Said { level, origin: origin.clone() }),
        None => in_file(source, level, path),
    }
}

/// The place of a path, or of the nearest thing around it.
fn in_file(source: &Source, level: Level, path: &str) -> Arc<Said> {
    let mut at = path;
    let (file, line) = loop {
        if let Some(written) = source.lines.get(at) {
            break (written.file.to_string(), written.line);
        }
        match at.rfind(['.', '[']) {
            Some(end) => at = &at[..end],
            None => break (source.file.clone(), 1),
        }
    };
    Arc::new(Said { level, origin: Origin::File { file, line } })
}

/// The file with environments that were made through the API. Those that the file has itself stay the file's.
pub fn with_made(source: &Source, made: impl IntoIterator<Item = (String, Value, Origin)>) -> Source {
    let mut whole = source.clone();
    let Some(environments) = whole.tree.get_mut("environments").and_then(Value::as_object_mut) else { return whole };
    for (name, stated, origin) in made {
        if let serde_json::map::Entry::Vacant(free) = environments.entry(name.clone()) {
            free.insert(stated);
            whole.made.insert(name, origin);
        }
    }
    whole
}

/// A table without what takes values away.
pub(crate) fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_null(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_null).collect()),
        other => other.clone(),
    }
}
