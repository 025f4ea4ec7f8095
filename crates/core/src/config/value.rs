//! A tree in which every value knows who said it, and what stood there before. Subtrees are shared, never copied.
//!
//! Not here: laying one tree over another (`merge`).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::origin::Said;

/// Lists of named things, by the key that holds the list: each item has this key, and items of one name merge.
const NAMED: [(&str, &str); 2] = [("checks", "name"), ("hooks", "name")];
/// Tables of kinds: one that names its kind is a whole one, and takes nothing over from the layers below.
const KINDS: [(&str, &str); 1] = [("strategy", "kind")];
/// Tables that have exactly one of some keys: a layer that brings one takes the others away.
const PROBES: [&str; 3] = ["startup", "readiness", "liveness"];
const ASKED: [&str; 3] = ["http", "tcp", "command"];
/// Tables of a service whose keys are the project's own.
const FREE: [&str; 2] = ["settings", "variables"];
/// How an item of a named list says that it takes away the item of that name.
const UNSET: &str = "unset";

/// A value and its past.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Who said it.
    pub said: Arc<Said>,
    /// What it is.
    pub what: What,
    /// What stood there before it, said by weaker layers.
    pub below: Option<Arc<Node>>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Nothing: it takes away what stood there.
    Unset,
    /// A scalar or a list.
    Value(Arc<Value>),
    /// A table, or a list of named things.
    Table(Table),
}

/// A value by its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, or the name of an item.
    pub key: Arc<str>,
    /// The value.
    pub node: Arc<Node>,
}

impl Entry {
    pub(super) fn new(key: Arc<str>, node: Arc<Node>) -> Arc<Self> {
        Arc::new(Self { key, node })
    }
}

/// Values by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Sorted by key; in the order of appearance when it is a list. What a merge leaves alone is shared whole.
    pub entries: Vec<Arc<Entry>>,
    /// Whether nothing of the layers below shows through.
    pub cut: bool,
    /// Whether it is a list whose items are known by name.
    pub listed: bool,
}

impl Table {
    /// The value at a key.
    pub fn get(&self, key: &str) -> Option<&Arc<Node>> {
        if self.listed {
            return self.entries.iter().find(|entry| *entry.key == *key).map(|entry| &entry.node);
        }
        let at = self.entries.binary_search_by(|entry| (*entry.key).cmp(key)).ok()?;
        Some(&self.entries[at].node)
    }
}

/// Says who wrote what stands at a path of a layer.
pub type Author<'a> = &'a dyn Fn(&str) -> Arc<Said>;

/// What a layer says of a service. `path` is where it stands in the layer; a null is an unset.
pub fn plant_service(tree: &Value, path: &str, author: Author<'_>) -> Arc<Node> {
    plant(tree, "", path, true, author)
}

/// A free tree, in which no key means anything to Shipway: `settings`, `variables`.
pub fn plant_free(tree: &Value, path: &str, author: Author<'_>) -> Arc<Node> {
    plant(tree, "", path, false, author)
}

/// `declared`: whether the keys are those of the spec, so that some of them merge in their own way.
fn plant(tree: &Value, key: &str, path: &str, declared: bool, author: Author<'_>) -> Arc<Node> {
    let what = match tree {
        Value::Null => What::Unset,
        Value::Object(map) => What::Table(table(map, key, path, declared, author)),
        Value::Array(items) => match listed(items, key, path, author).filter(|_| declared) {
            Some(list) => What::Table(list),
            None => What::Value(Arc::new(tree.clone())),
        },
        other => What::Value(Arc::new(other.clone())),
    };
    Arc::new(Node { said: author(path), what, below: None })
}

fn table(map: &Map<String, Value>, key: &str, path: &str, declared: bool, author: Author<'_>) -> Table {
    let child = |(key, value): (&String, &Value)| {
        let declared = declared && !FREE.contains(&key.as_str());
        Entry::new(key.as_str().into(), plant(value, key, &join(path, key), declared, author))
    };
    let mut entries: Vec<_> = map.iter().map(child).collect();
    let says = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
    if declared && PROBES.contains(&key) && ASKED.iter().any(|asked| says(asked)) {
        let others = ASKED.iter().filter(|asked| !map.contains_key(**asked));
        let gone = |_| Arc::new(Node { said: author(path), what: What::Unset, below: None });
        entries.extend(others.map(|asked| Entry::new((*asked).into(), gone(asked))));
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let cut = declared && KINDS.iter().any(|(table, kind)| key == *table && says(kind));
    Table { entries, cut, listed: false }
}

/// A list as a table of its items by name, when it is declared so and every item has a name of its own.
fn listed(items: &[Value], key: &str, path: &str, author: Author<'_>) -> Option<Table> {
    let (_, name) = NAMED.iter().find(|(list, _)| *list == key)?;
    let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let called = item.get(*name)?.as_str()?;
        if entries.iter().any(|entry| *entry.key == *called) {
            return None;
        }
        let at = format!("{path}[{at}]");
        let is_gone = item.get(UNSET) == Some(&Value::Bool(true));
        let node = match is_gone {
            true => Arc::new(Node { said: author(&at), what: What::Unset, below: None }),
            false => plant(item, "", &at, true, author),
        };
        entries.push(Entry::new(called.into(), node));
    }
    Some(Table { entries, cut: false, listed: true })
}

/// The key of the items' names, when the list at a key of a service merges by them.
pub fn is_named(key: &str) -> Option<&'static str> {
    NAMED.iter().find(|(list, _)| *list == key).map(|(_, name)| *name)
}

/// A path and a key below it, as TOML writes it.
pub fn join(path: &str, key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let dot = if path.is_empty() { "" } else { "." };
    if is_bare { format!("{path}{dot}{key}") } else { format!("{path}{dot}{key:?}") }
}

impl Node {
    /// An empty table that nobody wrote: it changes nothing that it lies over.
    pub fn nothing(said: Arc<Said>) -> Arc<Self> {
        let what = What::Table(Table { entries: Vec::new(), cut: false, listed: false });
        Arc::new(Self { said, what, below: None })
    }

    /// A table of those values.
    pub fn table(said: Arc<Said>, values: impl IntoIterator<Item = (Arc<str>, Arc<Self>)>) -> Arc<Self> {
        let mut entries: Vec<_> = values.into_iter().map(|(key, node)| Entry::new(key, node)).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Arc::new(Self { said, what: What::Table(Table { entries, cut: false, listed: false }), below: None })
    }

    /// What holds there in the end; nothing where it is unset.
    pub fn value(&self) -> Option<Value> {
        match &self.what {
            What::Unset => None,
            What::Value(value) => Some((**value).clone()),
            What::Table(table) if table.listed => {
                Some(Value::Array(table.entries.iter().filter_map(|entry| entry.node.value()).collect()))
            }
            What::Table(table) => {
                let kept = table.entries.iter().filter_map(|entry| Some((entry.key.to_string(), entry.node.value()?)));
                Some(Value::Object(kept.collect()))
            }
        }
    }

    /// What stands at a key of a table.
    pub fn get(&self, key: &str) -> Option<&Arc<Self>> {
        match &self.what {
            What::Table(table) => table.get(key),
            What::Unset | What::Value(_) => None,
        }
    }
}
