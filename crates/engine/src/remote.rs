//! Values that are kept elsewhere: asked for when a release is made, remembered, and laid as layers of their own.
//!
//! What was asked for is remembered only once the environment is valid with it. Who only looks (`config show`,
//! comparisons, notifications) sees what is remembered, and asks nobody.
//!
//! Not here: what an answer must be (`core::config::remote`), HTTP and files (the port), who wins (`config::layers`).

mod calls;

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream,
};
use serde_json::{Value, json};
use shipway_config::{
    read::Source as Text,
    resolve::{Layer, remotes},
};
use shipway_core::{
    config::{
        origin::Origin,
        remote::{RemoteStanding, RemoteValue, taken},
        value::join,
    },
    finding::{Category, Finding, blocks},
    id::{EnvironmentName, ProjectId},
    ports::Fault,
    project::Project,
    spec::{IfUnavailable, RemoteSpec},
    store::Commit,
};

use self::calls::{Answered, Why};
use crate::{Engine, Refusal, spec};

/// The validator that this room's findings name.
pub(crate) const VALIDATOR: &str = "remote";
/// Remotes that are asked at a time.
const ASKED_MAX: usize = 8;

/// What the remotes of an environment said.
#[derive(Default)]
pub(crate) struct Answers {
    /// A layer for each that said something, or may say nothing; the weakest first.
    pub(crate) layers: Vec<Layer>,
    /// What couldn't be read, and what that means.
    pub(crate) findings: Vec<Finding>,
    /// How it went, for people.
    standings: Vec<RemoteStanding>,
    /// What is remembered once the environment is valid with it.
    fresh: Vec<RemoteValue>,
}

/// Where remotes are asked for.
#[derive(Clone, Copy)]
struct Place<'a> {
    engine: &'a Engine,
    source: &'a Text,
    project: &'a ProjectId,
    environment: &'a EnvironmentName,
}

/// What came of asking one.
struct Asked {
    name: String,
    declared: RemoteSpec,
    known: Option<RemoteValue>,
    answer: Result<RemoteValue, Why>,
}

/// What is remembered of an environment's remotes, as layers.
pub(crate) async fn remembered(
    engine: &Engine,
    source: &Text,
    project: &ProjectId,
    environment: &EnvironmentName,
) -> Result<Vec<Layer>, Fault> {
    if remotes(source, environment).is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<RemoteValue> = engine.ports.store.below(&format!("{project}/{environment}")).await?;
    Ok(layers_of(source, environment, &known))
}

/// The layers that remembered values make.
pub(crate) fn layers_of(source: &Text, environment: &EnvironmentName, known: &[RemoteValue]) -> Vec<Layer> {
    let layer = |(name, declared): (String, RemoteSpec)| {
        let value = known
            .iter()
            .find(|value| value.name == name && value.environment == *environment && value.is_of(&declared))?;
        Some(layer_of(&declared, value))
    };
    remotes(source, environment).into_iter().filter_map(layer).collect()
}

fn layer_of(declared: &RemoteSpec, value: &RemoteValue) -> Layer {
    let (name, source) = (value.name.clone(), declared.place());
    let origin = Origin::Remote { name, source, etag: value.etag.clone(), at: value.at };
    Layer::remote(&value.name, declared, &value.values, origin)
}

/// Asks all remotes of an environment, side by side. A spec whose remotes are not as they are registered asks nobody:
/// who may only draw a plan would have secrets sent to wherever they please.
pub(crate) async fn ask(
    engine: &Engine,
    source: &Text,
    registered: &Project,
    environment: &EnvironmentName,
) -> Result<Answers, Fault> {
    let declared = remotes(source, environment);
    if declared.is_empty() {
        return Ok(Answers::default());
    }
    let spec = engine.understood.of(registered);
    if !spec.is_ok_and(|spec| !differ(&spec.source.tree, &source.tree)) {
        return Ok(Answers { findings: vec![unregistered(source)], ..Answers::default() });
    }
    let place = Place { engine, source, project: &registered.id, environment };
    let asked = declared.into_iter().map(|(name, declared)| place.ask_one(name, declared));
    let asked: Vec<Result<Asked, Fault>> = stream::iter(asked).buffered(ASKED_MAX).collect().await;
    let mut answers = Answers::default();
    for asked in asked {
        answers.add(place, asked?);
    }
    Ok(answers)
}

/// Remembers what was asked for.
pub(crate) async fn remember(engine: &Engine, answers: &Answers) -> Result<(), Fault> {
    if answers.fresh.is_empty() {
        return Ok(());
    }
    let commit = Commit::at(engine.ports.clock.now());
    let commit = answers.fresh.iter().fold(commit, |commit, value| commit.put(value));
    engine.ports.store.commit(commit).await.map(drop)
}

impl Place<'_> {
    async fn ask_one(self, name: String, declared: RemoteSpec) -> Result<Asked, Fault> {
        let Self { engine, project, environment, .. } = self;
        let known = engine.ports.store.find(&format!("{project}/{environment}/{name}")).await?;
        let known = known.filter(|known: &RemoteValue| known.is_of(&declared));
        let etag = known.as_ref().and_then(|known| known.etag.clone());
        let call = Box::pin(calls::call(engine, (project, environment), &declared, etag));
        let answered = match select(call, engine.ports.clock.sleep_ms(declared.timeout.ms)).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => Err(Why::Unavailable(format!("no answer within {}", declared.timeout))),
        };
        let answer = answered.and_then(|answered| self.read(&name, &declared, known.clone(), answered));
        Ok(Asked { name, declared, known, answer })
    }

    /// The values of an answer.
    fn read(
        self,
        name: &str,
        declared: &RemoteSpec,
        known: Option<RemoteValue>,
        answered: Answered,
    ) -> Result<RemoteValue, Why> {
        let now = self.engine.ports.clock.now();
        match (answered, known) {
            (Answered::Unchanged, Some(known)) => {
                Ok(RemoteValue { declared: declared.clone(), confirmed_at: now, ..known })
            }
            (Answered::Unchanged, None) => {
                Err(Why::Unavailable("it answered that nothing has changed since nothing".into()))
            }
            (Answered::Whole { body, etag }, _) => Ok(RemoteValue {
                project: self.project.clone(),
                environment: self.environment.clone(),
                name: name.to_owned(),
                declared: declared.clone(),
                values: taken(declared, &body).map_err(Why::Unavailable)?,
                etag,
                at: now,
                confirmed_at: now,
            }),
        }
    }

    /// A finding about a remote, where it is declared.
    fn at(self, name: &str, finding: Finding) -> Finding {
        let field = join("remote", name);
        let place = self.source.place(&field);
        finding.file_line(&*place.file, place.line).field(field)
    }
}

impl Answers {
    fn add(&mut self, place: Place<'_>, asked: Asked) {
        let Asked { name, declared, known, answer } = asked;
        let why = match answer {
            Ok(value) => {
                self.layers.push(layer_of(&declared, &value));
                self.standings.push(standing(&name, &declared, Some(&value), None));
                self.fresh.push(value);
                return;
            }
            Err(why) => why,
        };
        let said = format!("{}: {}", declared.place(), why.words());
        let holds = known.filter(|_| declared.if_unavailable == IfUnavailable::LastGood && why.may_pass());
        self.standings.push(standing(&name, &declared, holds.as_ref(), Some(why.words())));
        let finding = match (&holds, declared.if_unavailable) {
            (Some(known), _) => {
                self.layers.push(layer_of(&declared, known));
                let message = format!("remote `{name}` can't be read, so what it said at {} holds", known.at);
                Finding::warning(VALIDATOR, Category::Network, message).recommendation("see why it doesn't answer")
            }
            (None, IfUnavailable::Skip) if why.may_pass() => {
                let source = declared.place();
                let origin = Origin::Remote { name: name.clone(), source, etag: None, at: Default::default() };
                self.layers.push(Layer::remote(&name, &declared, &json!({}), origin));
                let message = format!("remote `{name}` can't be read, so the layers below it hold");
                Finding::warning(VALIDATOR, Category::Network, message).recommendation("see why it doesn't answer")
            }
            (None, otherwise) => {
                let message = match otherwise == IfUnavailable::LastGood && why.may_pass() {
                    true => format!("remote `{name}` can't be read, and never was"),
                    false => format!("remote `{name}` can't be read: {}", why.words()),
                };
                let category = if why.may_pass() { Category::Network } else { Category::Configuration };
                Finding::critical(VALIDATOR, category, message).recommendation(why.advice())
            }
        };
        self.findings.push(place.at(&name, finding.details(said)));
    }
}

fn standing(name: &str, declared: &RemoteSpec, value: Option<&RemoteValue>, error: Option<&str>) -> RemoteStanding {
    RemoteStanding {
        name: name.to_owned(),
        source: declared.place(),
        into: declared.into.clone(),
        values: value.map(|value| value.values.clone()),
        etag: value.and_then(|value| value.etag.clone()),
        at: value.map(|value| value.at),
        error: error.map(str::to_owned),
    }
}

fn unregistered(source: &Text) -> Finding {
    let message = "the remotes of this spec are not those of the registered one, so none of them is asked";
    let place = source.place("remote");
    Finding::critical(VALIDATOR, Category::Security, message)
        .field("remote")
        .file_line(&*place.file, place.line)
        .recommendation("register the spec first, as `shipway deploy` does: it takes the right to configure")
}

impl Engine {
    /// Asks the remotes of an environment, and remembers what they say when the environment is valid with it.
    ///
    /// # Errors
    /// There is no such environment, or it isn't valid.
    pub(crate) async fn fetch_remotes(
        &self,
        project: &ProjectId,
        environment: &EnvironmentName,
    ) -> Result<Vec<RemoteStanding>, Refusal> {
        let registered = self.known_project(project).await?;
        let newest = spec::newest(self, &registered).await?;
        self.known_environment(&newest, environment)?;
        let understood = self.understood.of(&newest).map_err(Refusal::Findings)?;
        let answers = ask(self, &understood.source, &registered, environment).await?;
        let refused = answers.standings.is_empty() && blocks(&answers.findings);
        if refused {
            return Err(Refusal::Findings(answers.findings));
        }
        // What can't be read now is laid as it was read last, so that the others are seen beside it.
        let mut layers = answers.layers.clone();
        for layer in remembered(self, &understood.source, project, environment).await? {
            if layers.iter().all(|known| known.name != layer.name) {
                layers.push(layer);
            }
        }
        let layers = spec::above(self, layers, project, environment, None).await?;
        understood.environment(environment, &layers).map_err(Refusal::Findings)?;
        remember(self, &answers).await?;
        Ok(answers.standings)
    }
}

/// What two specs say of remotes differs.
pub(crate) fn differ(one: &Value, other: &Value) -> bool {
    let said = |tree: &Value| tree.get("remote").cloned().unwrap_or(Value::Null);
    said(one) != said(other)
}
