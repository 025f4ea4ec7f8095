//! What every layer said about a value, and who won: what `shipway config show --why` prints.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    origin::{Level, Origin, Said},
    value::{Node, What, join},
};

/// A value of the configuration, with everything that was said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Its path: `variables.LOG_LEVEL`.
    pub key: String,
    /// What holds, with templates filled in; none where it is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What was said, the weakest first. The last one won.
    pub chain: Vec<Link>,
}

/// What one layer said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The layer.
    pub level: Level,
    /// Who wrote it there.
    pub origin: Origin,
    /// What it said, before templates are filled in; none when it took the value away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl Explained {
    /// Something that nobody said, and holds by itself.
    pub fn by_default(key: String, value: Value) -> Self {
        let link = Link { level: Level::Default, origin: Origin::Default, value: Some(value.clone()) };
        Self { key, value: Some(value), chain: vec![link] }
    }

    /// Who won.
    pub fn winner(&self) -> Option<&Link> {
        self.chain.last()
    }
}

/// Every value of a tree, sorted by key, with its chain. A table is told by what is in it; what was taken away and
/// never there is not told.
pub fn explain(tree: &Node) -> Vec<Explained> {
    let mut told = Vec::new();
    tell(&past(tree), "", &mut told);
    told.retain(|one| one.chain.iter().any(|link| link.value.is_some()));
    told
}

/// A value and what stood there before it, the strongest first.
fn past(node: &Node) -> Vec<&Node> {
    std::iter::successors(Some(node), |node| node.below.as_deref()).collect()
}

fn tell(past_of: &[&Node], path: &str, told: &mut Vec<Explained>) {
    let Some(strongest) = past_of.first() else { return };
    match &strongest.what {
        What::Table(table) if !table.entries.is_empty() => {
            for entry in &table.entries {
                let children = past_of.iter().filter_map(|node| node.get(&entry.key)).flat_map(|node| past(node));
                tell(&children.collect::<Vec<_>>(), &join(path, &entry.key), told);
            }
        }
        _ => {
            let chain: Vec<Link> = past_of.iter().rev().map(|node| link(node)).collect();
            told.push(Explained { key: path.to_owned(), value: strongest.value(), chain });
        }
    }
}

fn link(node: &Node) -> Link {
    let said: &Arc<Said> = &node.said;
    Link { level: said.level, origin: said.origin.clone(), value: node.value() }
}
