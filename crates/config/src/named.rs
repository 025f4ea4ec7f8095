//! Items of lists that merge by name (`checks`, `hooks`): which item of the whole is which item of the file's lists and
//! of the layers'. Their places differ: an environment's only check may be the service's third.
//!
//! Not here: merging (`core::config`), lines (`place`).

use serde_json::Value;
use shipway_core::config::value::{What, is_named};

use crate::{
    field::{Field, Segment},
    layers::Ground,
    place::Place,
};

/// An item of such a list as a field of the whole names it.
pub(crate) struct Item {
    /// The list: `services.web.checks`.
    list: Field,
    /// The key of its items' names, and the name.
    name: (&'static str, String),
    /// What is meant within the item.
    rest: Field,
}

impl Item {
    /// The item that a field lies in; none when no list on its way merges by name.
    pub(crate) fn of(place: &Place<'_>, field: &Field) -> Option<Self> {
        let [Segment::Key(services), Segment::Key(service), Segment::Key(key), Segment::Index(at), ..] =
            field.segments()
        else {
            return None;
        };
        let (name_key, environment) = (is_named(key).filter(|_| services == "services")?, place.environment?);
        let laid = Ground::of(place.source, environment, place.layers).service(service)?;
        let What::Table(table) = &laid.get(key)?.what else { return None };
        let stands = table.entries.iter().filter(|entry| table.listed && entry.node.value().is_some());
        let name = stands.map(|entry| entry.key.to_string()).nth(*at)?;
        Some(Self { list: field.up_to_list(), name: (name_key, name), rest: field.below(4) })
    }

    /// Where a tree has the field, when its list is there: as an item of that list.
    pub(crate) fn in_tree(&self, tree: &Value, root: Option<&Field>) -> Option<Field> {
        let list = root.map_or_else(|| self.list.clone(), |root| self.list.under(root));
        let (key, name) = &self.name;
        let items = list.find(tree)?.as_array()?;
        let at = items.iter().position(|item| item.get(*key).and_then(Value::as_str) == Some(name))?;
        Some(self.rest.under(&list.index(at)))
    }
}
