//! Names in braces that stand for something: `{project}`, `{environment}`, `{service}`, `{release}`,
//! `{settings.a.b}`, `{variables.NAME}`. They work in the texts of variables and settings.
//!
//! Anything else in braces stays as it is; `{{environment}}` is the text `{environment}`. `{release}` stays symbolic
//! until an instance starts, because a release's id is made of its configuration.
//!
//! Not here: where a fault stands in a file (crate `config`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::value::join;

/// How deep values may name each other.
const DEPTH_MAX: usize = 32;
/// How long a text may become, in bytes: values that name each other twice double with every step.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The tables whose texts are templates.
const TABLES: [&str; 2] = ["settings", "variables"];
const RELEASE: &str = "{release}";
const RELEASE_ITSELF: &str = "{{release}}";

/// The names that a text may use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The project.
    pub project: &'a str,
    /// The environment.
    pub environment: &'a str,
    /// The service.
    pub service: &'a str,
}

/// A template that can't be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// The value that holds it: `variables.URL`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Whether nothing is wrong but that a value is not there.
    pub is_missing: bool,
}

/// What came of filling in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Paths of texts in which `{release}` still stands, as JSON pointers: `/variables/NAME`.
    pub symbolic: Vec<String>,
    /// What couldn't be filled in, all at once.
    pub faults: Vec<TemplateFault>,
}

/// Fills in every template in the variables and settings of a service.
pub fn fill(service: &mut Value, names: Names<'_>) -> Filled {
    let mut work = Work { tree: service.clone(), names, known: BTreeMap::new() };
    let mut filled = Filled::default();
    for table in TABLES {
        let Some(tree) = service.get_mut(table) else { continue };
        visit(tree, table, &format!("/{table}"), &mut |key, pointer, text| {
            if !text.contains('{') {
                return;
            }
            match work.text_at(pointer, text, &mut vec![key.to_owned()]) {
                Ok(parts) => {
                    if parts.contains(&Part::Release) {
                        filled.symbolic.push(pointer.to_owned());
                    }
                    *text = written(&parts);
                }
                Err(Wrong { message, advice, is_missing }) => {
                    filled.faults.push(TemplateFault { key: key.to_owned(), message, advice, is_missing });
                }
            }
        });
    }
    filled
}

/// A text in which `{release}` still stands, with the release's id in its place.
pub fn with_release(text: &str, release: &str) -> String {
    // Pieces between the escaped ones hold no escape.
    let pieces: Vec<String> = text.split(RELEASE_ITSELF).map(|piece| piece.replace(RELEASE, release)).collect();
    pieces.join(RELEASE)
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Release,
}

struct Wrong {
    message: String,
    advice: String,
    is_missing: bool,
}

impl Wrong {
    fn new(message: String, advice: impl Into<String>) -> Self {
        Self { message, advice: advice.into(), is_missing: false }
    }
}

struct Work<'a> {
    /// As the layers left it: templates name values, not what became of them.
    tree: Value,
    names: Names<'a>,
    known: BTreeMap<String, Vec<Part>>,
}

impl Work<'_> {
    /// `on_the_way` names the values that led here, the last one being this.
    fn text_at(&mut self, pointer: &str, text: &str, on_the_way: &mut Vec<String>) -> Result<Vec<Part>, Wrong> {
        if let Some(known) = self.known.get(pointer) {
            return Ok(known.clone());
        }
        if on_the_way.len() > DEPTH_MAX {
            let message = format!("values name each other more than {DEPTH_MAX} deep");
            return Err(Wrong::new(message, "name the last of them directly"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            push(&mut parts, &rest[..at]);
            rest = &rest[at..];
            match named(rest) {
                Some((name, taken, true)) => {
                    push(&mut parts, &format!("{{{name}}}"));
                    rest = &rest[taken..];
                }
                Some((name, taken, false)) => {
                    self.add(name, on_the_way, &mut parts)?;
                    rest = &rest[taken..];
                }
                None => {
                    push(&mut parts, "{");
                    rest = &rest[1..];
                }
            }
            refuse_long(&parts)?;
        }
        push(&mut parts, rest);
        self.known.insert(pointer.to_owned(), parts.clone());
        Ok(parts)
    }

    fn add(&mut self, name: &str, on_the_way: &mut Vec<String>, parts: &mut Vec<Part>) -> Result<(), Wrong> {
        match name {
            "project" => push(parts, self.names.project),
            "environment" => push(parts, self.names.environment),
            "service" => push(parts, self.names.service),
            "release" => parts.push(Part::Release),
            path => {
                for part in self.value_at(path, on_the_way)? {
                    match part {
                        Part::Text(text) => push(parts, &text),
                        Part::Release => parts.push(Part::Release),
                    }
                }
            }
        }
        Ok(())
    }

    fn value_at(&mut self, path: &str, on_the_way: &mut Vec<String>) -> Result<Vec<Part>, Wrong> {
        if let Some(begin) = on_the_way.iter().position(|key| key == path) {
            let circle: Vec<_> = on_the_way[begin..].iter().map(String::as_str).chain([path]).collect();
            let message = format!("values name each other in a circle: {}", circle.join(" → "));
            return Err(Wrong::new(message, "give one of them a text of its own"));
        }
        let pointer = format!("/{}", path.split('.').collect::<Vec<_>>().join("/"));
        match self.tree.pointer(&pointer).cloned() {
            Some(Value::String(text)) => {
                on_the_way.push(path.to_owned());
                let parts = self.text_at(&pointer, &text, on_the_way);
                on_the_way.pop();
                parts
            }
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(vec![Part::Text(value.to_string())]),
            Some(_) => Err(Wrong::new(format!("`{{{path}}}` is a table or a list"), "name one value within it")),
            None => Err(Wrong {
                is_missing: true,
                message: format!("`{{{path}}}` stands for nothing: there is no such value"),
                advice: format!("set `{path}`, or write `{{{{{path}}}}}` for the text itself"),
            }),
        }
    }
}

/// The name in braces at the beginning of a text, how long all of it is, and whether it stands for itself.
fn named(text: &str) -> Option<(&str, usize, bool)> {
    let is_itself = text.starts_with("{{");
    let (begin, close) = if is_itself { (2, "}}") } else { (1, "}") };
    let end = begin + text[begin..].find('}')?;
    let name = &text[begin..end];
    let is_path = |name: &str| TABLES.iter().any(|table| name.strip_prefix(table).is_some_and(is_below));
    let is_name = ["project", "environment", "service", "release"].contains(&name) || is_path(name);
    (is_name && text[end..].starts_with(close)).then_some((name, end + close.len(), is_itself))
}

fn is_below(rest: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    rest.strip_prefix('.').is_some_and(|path| path.split('.').all(is_plain))
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn refuse_long(parts: &[Part]) -> Result<(), Wrong> {
    let bytes = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
    if parts.iter().map(bytes).sum::<usize>() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the text becomes longer than {TEXT_BYTES_MAX} bytes");
    Err(Wrong::new(message, "name fewer values in it"))
}

/// The text, with what looks like a release and is none escaped where a release stands beside it.
fn written(parts: &[Part]) -> String {
    let is_symbolic = parts.contains(&Part::Release);
    let write = |part: &Part| match part {
        Part::Text(text) if is_symbolic => text.replace(RELEASE, RELEASE_ITSELF),
        Part::Text(text) => text.clone(),
        Part::Release => RELEASE.into(),
    };
    parts.iter().map(write).collect()
}

/// Every text of a tree, with its path in two forms.
fn visit(tree: &mut Value, key: &str, pointer: &str, see: &mut dyn FnMut(&str, &str, &mut String)) {
    match tree {
        Value::String(text) => see(key, pointer, text),
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                visit(item, &format!("{key}[{at}]"), &format!("{pointer}/{at}"), see);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                visit(value, &join(key, name), &format!("{pointer}/{escaped}"), see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
