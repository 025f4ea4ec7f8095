//! One environment with everything laid over everything. The weakest first: what the file says for all, the environment,
//! the service, the environment's word on the service, then each layer in order.
//!
//! Not here: what the values mean together (`rules`), where layers are kept (the engine).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use shipway_core::{
    config::{
        origin::{Level, Origin, Said},
        remote::laid,
        template::{self, Names, TemplateFault},
        version::values,
    },
    finding::{Category, Finding, blocks},
    id::{EnvironmentName, ServiceName},
    spec::{
        EnvironmentFacts, EnvironmentPlan, EnvironmentType, GroupSpec, NotifySpec, ProjectSpec, RemoteSpec, ServiceSpec,
    },
};

use crate::{
    check::{check, check_layer},
    fault::{Fault, VALIDATOR},
    field::{Field, Segment},
    layers::Ground,
    place::Place,
    read::Source,
    shape, show,
    suggest::{all, nearest},
    walk,
};

/// Values above those of the file: what was set for the environment, or what one deployment asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is called where a finding tells its origin.
    pub name: String,
    /// Of the shape of an environment: `{ variables, settings, services }`. A null takes the value below away.
    pub tree: Value,
    /// Which layer it is.
    pub level: Level,
    /// Who wrote single values, by their paths.
    pub authors: BTreeMap<String, Origin>,
    /// Who wrote all others.
    pub author: Origin,
}

impl Layer {
    /// What was set through the API.
    pub fn settings(name: String, tree: Value, author: Origin, authors: BTreeMap<String, Origin>) -> Self {
        Self { name, tree, level: Level::Settings, authors, author }
    }

    /// What a remote answered.
    pub fn remote(name: &str, declared: &RemoteSpec, values: &Value, author: Origin) -> Self {
        let tree = laid(declared, values);
        Self { name: format!("remote `{name}`"), tree, level: Level::Remote, authors: BTreeMap::new(), author }
    }

    /// What one deployment asks for.
    pub fn deployment(name: String, tree: Value) -> Self {
        Self { name, tree, level: Level::Deployment, authors: BTreeMap::new(), author: Origin::Deployment }
    }

    /// Who wrote what stands at a path, or the nearest thing around it.
    pub(crate) fn author(&self, path: &str) -> Arc<Said> {
        let around = std::iter::successors(Some(path), |path| path.rfind(['.', '[']).map(|end| &path[..end]));
        let origin = around.into_iter().find_map(|path| self.authors.get(path)).unwrap_or(&self.author);
        Arc::new(Said { level: self.level, origin: origin.clone() })
    }
}

/// The environments in the order of the file.
pub fn environments(source: &Source) -> Vec<EnvironmentName> {
    let named = source.tree.get("environments").and_then(Value::as_object);
    named.into_iter().flat_map(Map::keys).map(EnvironmentName::new).collect()
}

/// The remotes of an environment, in the order of the file. What can't be read is a finding of its own.
pub fn remotes(source: &Source, environment: &EnvironmentName) -> Vec<(String, RemoteSpec)> {
    let declared = source.tree["remote"].as_object().into_iter().flatten();
    let read = declared.filter_map(|(name, declared)| Some((name.clone(), part::<RemoteSpec>(declared)?)));
    read.filter(|(_, declared)| declared.is_for(environment)).collect()
}

/// Whether a remote of the environment has not been asked yet: then something may be missing that is there in the end.
pub(crate) fn is_awaited(source: &Source, environment: &EnvironmentName, layers: &[Layer]) -> bool {
    let answered = |name: &String| {
        let is_its = |layer: &Layer| matches!(&layer.author, Origin::Remote { name: its, .. } if its == name);
        layers.iter().any(is_its)
    };
    remotes(source, environment).iter().any(|(name, _)| !answered(name))
}

/// The project itself.
///
/// # Errors
/// All findings, when the file has not the shape of a spec.
pub fn project(source: &Source) -> Result<ProjectSpec, Vec<Finding>> {
    checked(source)?;
    Ok(part(&source.tree["project"]).unwrap_or(ProjectSpec {
        name: String::new(),
        description: None,
        notify: vec![],
        quota: None,
    }))
}

/// The groups by name.
///
/// # Errors
/// All findings, when the file has not the shape of a spec.
pub fn groups(source: &Source) -> Result<BTreeMap<String, GroupSpec>, Vec<Finding>> {
    checked(source)?;
    Ok(part(&source.tree["groups"]).unwrap_or_default())
}

/// One environment as it is to be planned. Its services fit the schema; the rules have not been asked.
///
/// # Errors
/// All findings that block: of the file's shape, of the layers', of what they are together.
pub fn environment(source: &Source, environment: &str, layers: &[Layer]) -> Result<EnvironmentPlan, Vec<Finding>> {
    checked(source)?;
    let draft = draft(source, environment, layers)?;
    if blocks(&draft.findings) { Err(draft.findings) } else { Ok(draft.plan) }
}

fn checked(source: &Source) -> Result<(), Vec<Finding>> {
    let findings = check(source);
    if blocks(&findings) { Err(findings) } else { Ok(()) }
}

/// As much of an environment as can be read, so that its rules can be asked although something is wrong with it.
pub(crate) struct Draft {
    pub(crate) plan: EnvironmentPlan,
    pub(crate) findings: Vec<Finding>,
    /// Fields that were left out because they can't be read: rules about them would only repeat that.
    pub(crate) excused: Vec<Field>,
}

/// Reads an environment as far as it goes. Fails when there is no such environment.
pub(crate) fn draft(source: &Source, environment: &str, layers: &[Layer]) -> Result<Draft, Vec<Finding>> {
    let Some(stated) = source.tree["environments"].get(environment) else {
        return Err(vec![unknown_environment(source, environment)]);
    };
    let place = Place { source, environment: Some(environment), layers };
    let notify = |tree: &Value| part::<Vec<NotifySpec>>(&tree["notify"]).unwrap_or_default();
    let plan = EnvironmentPlan {
        name: EnvironmentName::new(environment),
        // A type that can't be read is a finding of its own; this one asks for the least.
        kind: part(&stated["type"]).unwrap_or(EnvironmentType::Development),
        services: BTreeMap::new(),
        notify: [notify(&source.tree["project"]), notify(stated)].concat(),
        interactions: part(&source.tree["interactions"]).unwrap_or_default(),
        rollback_limit: part(&stated["rollback_limit"]).unwrap_or_default(),
        drift: part(&stated["drift"]).unwrap_or_default(),
        facts: EnvironmentFacts::default(),
        promotes_to: part(&stated["promotes_to"]),
        promotion: part(&stated["promotion"]).unwrap_or_default(),
        local: part(&stated["local"]).unwrap_or_default(),
        gates: part(&stated["gates"]).unwrap_or_default(),
        retention: part(&stated["retention"]).unwrap_or_default(),
    };
    let mut plan = plan;
    // What a remote says to this environment is no other one's.
    plan.local.extend(layers.iter().filter(|layer| layer.level == Level::Remote).flat_map(keys_of_services));
    let ground = Ground::of(source, environment, layers);
    let mut draft =
        Draft { plan: EnvironmentPlan { facts: ground.facts(), ..plan }, findings: Vec::new(), excused: Vec::new() };
    draft.findings.extend(layers.iter().flat_map(check_layer));
    draft.strangers(&place, stated);
    for (name, base) in source.tree["services"].as_object().into_iter().flatten() {
        let laid = ground.service(name).and_then(|laid| laid.value());
        draft.add(&place, name, laid.unwrap_or_else(|| base.clone()));
    }
    Ok(draft)
}

/// The keys of services that a layer says something about, as services know them.
fn keys_of_services(layer: &Layer) -> Vec<String> {
    let in_service = |key: &str| key.strip_prefix("services.").and_then(|key| Some(key.split_once('.')?.1.to_owned()));
    values(&layer.tree).into_keys().map(|key| in_service(&key).unwrap_or(key)).collect()
}

impl Draft {
    /// Reads one service, if need be without what is wrong with it.
    fn add(&mut self, place: &Place<'_>, name: &str, mut laid: Value) {
        let at = Field::of(&["services", name]);
        let faults = walk::faults(&shape::SERVICE, &laid, &at);
        for fault in &faults {
            self.findings.push(place.put(fault.finding(), &fault.field));
            self.excused.extend([Some(fault.field.clone()), fault.meant.clone()].into_iter().flatten());
            fault.field.up_to_list().below(at.segments().len()).remove(&mut laid);
        }
        self.fill(place, name, &mut laid);
        let read = ServiceSpec::deserialize(&laid).or_else(|error| {
            self.without_faulty_keys(&faults, &mut laid);
            ServiceSpec::deserialize(&laid).map_err(|_| error)
        });
        match read {
            Ok(spec) => drop(self.plan.services.insert(ServiceName::new(name), spec)),
            Err(error) if faults.is_empty() => self.findings.push(place.put(unread(&at, &error).finding(), &at)),
            Err(_) => self.excused.push(at),
        }
    }

    /// Fills in the templates of a service's variables and settings.
    fn fill(&mut self, place: &Place<'_>, name: &str, laid: &mut Value) {
        let project = place.source.tree["project"]["name"].as_str().unwrap_or_default();
        let environment = self.plan.name.to_string();
        let filled = template::fill(laid, Names { project, environment: &environment, service: name });
        let awaited = !filled.faults.is_empty() && is_awaited(place.source, &self.plan.name, place.layers);
        let faults = filled.faults.into_iter().filter(|fault| !(awaited && fault.is_missing));
        for TemplateFault { key, message, advice, .. } in faults {
            let at = key.split('.').fold(Field::of(&["services", name]), |at, key| at.key(key));
            let finding = Finding::critical(VALIDATOR, Category::Configuration, message).recommendation(advice);
            self.findings.push(place.put(finding.details(format!("in `{key}`")), &at));
        }
        if !filled.symbolic.is_empty() {
            laid["symbolic"] = json!(filled.symbolic);
        }
    }

    /// Takes away the service's keys in which something is wrong, with all that is in them.
    fn without_faulty_keys(&mut self, faults: &[Fault], laid: &mut Value) {
        for fault in faults {
            let [Segment::Key(root), Segment::Key(service), Segment::Key(key), ..] = fault.field.segments() else {
                continue;
            };
            self.excused.push(Field::of(&[root, service, key]));
            Field::of(&[key]).remove(laid);
        }
    }

    /// What the environment and the layers say about services that the file doesn't have.
    fn strangers(&mut self, place: &Place<'_>, stated: &Value) {
        let known: Vec<&str> = keys(&place.source.tree["services"]).collect();
        let is_stranger = |name: &&str| !known.contains(name);
        for name in keys(&stated["services"]).filter(is_stranger) {
            let at = Field::of(&["environments", self.plan.name.as_str(), "services", name]);
            self.findings.push(Place::file(place.source).put(unknown_service(name, &known), &at));
        }
        for layer in place.layers {
            for name in keys(&layer.tree["services"]).filter(is_stranger) {
                let finding = unknown_service(name, &known).field(Field::of(&["services", name]).to_string());
                self.findings.push(Finding { file: Some(layer.name.clone()), ..finding });
            }
        }
    }
}

fn keys(table: &Value) -> impl Iterator<Item = &str> {
    table.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

fn part<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

fn unread(at: &Field, error: &serde_json::Error) -> Fault {
    let recommendation = "compare it with the annotated example of the documentation".to_owned();
    Fault::new(at, format!("`{at}` can't be read: {error}"), recommendation)
}

fn unknown_environment(source: &Source, name: &str) -> Finding {
    let known: Vec<&str> = keys(&source.tree["environments"]).collect();
    let meant = nearest(name, known.iter().copied());
    let guess = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
    let recommendation = match meant {
        Some(meant) => format!("ask for `{meant}`, or add `[environments.{name}]` to the file"),
        None => format!("ask for one that exists, or add `[environments.{name}]` to the file"),
    };
    let finding =
        Finding::critical(VALIDATOR, Category::Configuration, format!("there is no environment `{name}`{guess}"))
            .details(format!("the file has {}", all(known.iter().copied())))
            .recommendation(recommendation);
    Place::file(source).put(finding, &Field::of(&["environments"]))
}

fn unknown_service(name: &str, known: &[&str]) -> Finding {
    let meant = nearest(name, known.iter().copied());
    let guess = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
    let recommendation = match meant {
        Some(meant) => format!("write `{meant}`"),
        None => format!("remove it, or add `[services.{name}]` with {}", show::assignment("kind", &json!("process"))),
    };
    Finding::critical(VALIDATOR, Category::Configuration, format!("there is no service `{name}`{guess}"))
        .details(format!("the file has {}", all(known.iter().copied())))
        .recommendation(recommendation)
}
