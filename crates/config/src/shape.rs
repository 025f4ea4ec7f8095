//! The JSON Schema as a tree of shapes, ready to be walked beside a value. Not here: the walk (`check`).

use std::sync::LazyLock;

use serde_json::{Map, Value};
use shipway_core::{command_line::CommandLine, strategy::CanarySteps, time::Span};

use crate::schema;

/// What a value may be.
#[derive(Clone)]
pub(crate) enum Shape {
    Any,
    Text,
    Flag,
    Whole(Bounds),
    Number(Bounds),
    Words(Vec<String>),
    /// A form that one of the domain's types reads itself.
    Parsed(Parsed),
    List(Box<Shape>),
    Map(Box<Shape>),
    Table(Table),
    Either(Vec<Shape>),
}

/// The smallest and the largest number, as they are to be shown.
#[derive(Clone, Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<serde_json::Number>,
    pub(crate) max: Option<serde_json::Number>,
}

/// A form with a reader of its own.
#[derive(Clone, Copy)]
pub(crate) struct Parsed {
    pub(crate) what: &'static str,
    pub(crate) example: &'static str,
    pub(crate) read: fn(&Value) -> Result<(), String>,
}

/// A table whose keys are known.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) members: Vec<Member>,
}

/// One key of a table.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
}

impl Table {
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }
}

/// The whole file.
pub(crate) static FILE: LazyLock<Shape> = LazyLock::new(|| Compiler::new().definition(None));

/// One service.
pub(crate) static SERVICE: LazyLock<Shape> = LazyLock::new(|| Compiler::new().definition(Some("ServiceSpec")));

/// A layer above the file: what of an environment may be set through the API, or by a deployment.
pub(crate) static LAYER: LazyLock<Shape> = LazyLock::new(layer);

/// The keys of an environment that a layer may have.
const LAYER_KEYS: [&str; 10] = [
    "variables",
    "settings",
    "services",
    "region",
    "provider",
    "target",
    "labels",
    "network",
    "policies",
    "monitoring",
];

fn layer() -> Shape {
    let Shape::Table(environment) = relaxed(Compiler::new().definition(Some("EnvironmentSpec"))) else {
        return Shape::Any;
    };
    let members = environment.members.into_iter().filter(|member| LAYER_KEYS.contains(&member.name.as_str()));
    Shape::Table(Table { members: members.collect() })
}

struct Compiler {
    schema: Value,
}

impl Compiler {
    fn new() -> Self {
        Self { schema: schema::json_schema() }
    }

    fn definition(&self, name: Option<&str>) -> Shape {
        match name {
            None => self.compile(&self.schema),
            Some("Span") => Shape::Parsed(SPAN),
            Some("CanarySteps") => Shape::Parsed(CANARY_STEPS),
            Some("CommandLine") => Shape::Parsed(COMMAND_LINE),
            Some("ServicePatch") => relaxed(self.compile(&self.schema["$defs"]["ServicePatch"])),
            Some(name) => self.compile(&self.schema["$defs"][name]),
        }
    }

    fn compile(&self, schema: &Value) -> Shape {
        if let Some(target) = schema["$ref"].as_str() {
            return self.definition(target.strip_prefix("#/$defs/"));
        }
        if let Some(branches) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return either(branches.iter().map(|branch| self.compile(branch)).collect());
        }
        if let Some(word) = schema["const"].as_str() {
            return Shape::Words(vec![word.to_owned()]);
        }
        if let Some(words) = schema["enum"].as_array() {
            return Shape::Words(words.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        match schema["type"].as_str() {
            Some("string") => Shape::Text,
            Some("boolean") => Shape::Flag,
            Some("integer") => Shape::Whole(bounds(schema)),
            Some("number") => Shape::Number(bounds(schema)),
            Some("array") => Shape::List(Box::new(self.compile(&schema["items"]))),
            Some("object") => self.object(schema),
            _ => Shape::Any,
        }
    }

    fn object(&self, schema: &Value) -> Shape {
        match (schema["properties"].as_object(), &schema["additionalProperties"]) {
            (Some(properties), _) => Shape::Table(self.table(schema, properties)),
            (None, values @ Value::Object(_)) => Shape::Map(Box::new(self.compile(values))),
            (None, _) => Shape::Map(Box::new(Shape::Any)),
        }
    }

    fn table(&self, schema: &Value, properties: &Map<String, Value>) -> Table {
        let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
        let member = |(name, property): (&String, &Value)| Member {
            name: name.clone(),
            shape: self.compile(property),
            required: required(name),
            default: property.get("default").cloned(),
        };
        Table { members: properties.iter().map(member).collect() }
    }
}

fn bounds(schema: &Value) -> Bounds {
    let bound = |name: &str| schema[name].as_number().cloned();
    Bounds { min: bound("minimum"), max: bound("maximum") }
}

/// Words that may stand for each other are one shape.
fn either(mut branches: Vec<Shape>) -> Shape {
    if branches.iter().all(|branch| matches!(branch, Shape::Words(_))) {
        let words = |branch: Shape| {
            if let Shape::Words(words) = branch { words } else { Vec::new() }
        };
        return Shape::Words(branches.into_iter().flat_map(words).collect());
    }
    // One level: a choice of choices is a choice.
    let nested = |branch: Shape| {
        if let Shape::Either(inner) = branch { inner } else { vec![branch] }
    };
    branches = branches.into_iter().flat_map(nested).collect();
    Shape::Either(branches)
}

/// Lists whose items merge by name: an item may be a part of one, or take one away.
const NAMED: [&str; 2] = ["checks", "hooks"];

fn relaxed_items(list: Shape) -> Shape {
    let Shape::List(item) = list else { return relaxed(list) };
    let mut item = relaxed(*item);
    if let Shape::Table(table) = &mut item {
        table.members.push(Member { name: "unset".into(), shape: Shape::Flag, required: false, default: None });
    }
    Shape::List(Box::new(item))
}

/// The same with nothing required: it is laid over a whole one. Other lists replace, so their items stay as they are.
fn relaxed(shape: Shape) -> Shape {
    match shape {
        Shape::Table(table) => {
            let relax = |member: Member| Member {
                shape: if NAMED.contains(&member.name.as_str()) {
                    relaxed_items(member.shape)
                } else {
                    relaxed(member.shape)
                },
                required: false,
                ..member
            };
            Shape::Table(Table { members: table.members.into_iter().map(relax).collect() })
        }
        Shape::Either(branches) => Shape::Either(branches.into_iter().map(relaxed).collect()),
        other => other,
    }
}

const SPAN: Parsed = Parsed { what: "a length of time", example: "\"30s\"", read: read::<Span> };
const CANARY_STEPS: Parsed =
    Parsed { what: "the steps of a canary", example: "\"5% 30s, 25% 1m, 100%\"", read: read::<CanarySteps> };
const COMMAND_LINE: Parsed =
    Parsed { what: "a command: a text, or a list of texts", example: "\"bin/app --fast\"", read: read_command };

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<(), String> {
    match value {
        Value::String(_) => T::deserialize(value).map(drop).map_err(|error| error.to_string()),
        _ => Err(String::new()),
    }
}

fn read_command(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => CommandLine::parse(text).map(drop),
        Value::Array(words) if words.iter().all(Value::is_string) => {
            serde_json::from_value::<CommandLine>(value.clone()).map(drop).map_err(|error| error.to_string())
        }
        _ => Err(String::new()),
    }
}
