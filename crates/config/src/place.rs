//! Which line of the file a field of a laid-over environment comes from. Not here: laying over (`resolve`).

use serde_json::Value;
use shipway_core::finding::Finding;

use crate::{
    field::{Field, Segment},
    named::Item,
    read::{Source, Written},
    resolve::Layer,
};

/// Where to look for a field.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) source: &'a Source,
    /// The environment whose values count.
    pub(crate) environment: Option<&'a str>,
    pub(crate) layers: &'a [Layer],
}

impl<'a> Place<'a> {
    /// The file alone.
    pub(crate) fn file(source: &'a Source) -> Self {
        Self { source, environment: None, layers: &[] }
    }

    /// The finding, told where its field was written.
    pub(crate) fn put(&self, finding: Finding, field: &Field) -> Finding {
        let named = Item::of(self, field).and_then(|item| self.named(&item));
        let written = match named {
            Some(Named::Layer(layer, field)) => {
                return Finding { file: Some(layer.name.clone()), ..finding.field(field.to_string()) };
            }
            Some(Named::File(field)) => field,
            None => {
                if let Some(layer) = self.layers.iter().rev().find(|layer| says(&layer.tree, field)) {
                    return Finding { file: Some(layer.name.clone()), ..finding.field(field.to_string()) };
                }
                self.written(field)
            }
        };
        let place = self.line(&written);
        let finding = finding.field(written.to_string());
        match place {
            Some(place) => finding.file_line(&*place.file, place.line),
            None => Finding { file: Some(self.source.file.clone()), ..finding },
        }
    }

    /// Where an item of a list that merges by name says the field: the strongest place that does, or that at least has
    /// the item.
    fn named(&self, item: &Item) -> Option<Named<'a>> {
        let root = self.environment.map(|environment| Field::of(&["environments", environment]));
        let layers = self.layers.iter().rev();
        let layers =
            layers.filter_map(|layer| Some((&layer.tree, Named::Layer(layer, item.in_tree(&layer.tree, None)?))));
        let tree = &self.source.tree;
        let in_file = [root.as_ref(), None].into_iter().filter_map(|root| item.in_tree(tree, root));
        let all: Vec<_> = layers.chain(in_file.map(|field| (tree, Named::File(field)))).collect();
        let says =
            |(tree, named): &&(&Value, Named<'_>)| named.field().find(tree).is_some_and(|value| !value.is_null());
        all.iter().find(says).or(all.first()).map(|(_, named)| named.clone())
    }

    /// Whether a layer or the file says the field, wherever it may.
    pub(crate) fn is_written(&self, field: &Field) -> bool {
        self.layers.iter().any(|layer| says(&layer.tree, field))
            || self.written(field).find(&self.source.tree).is_some_and(|value| !value.is_null())
    }

    /// The field as the file writes it: where the strongest of its layers says it.
    fn written(&self, field: &Field) -> Field {
        let candidates = candidates(self.environment, field);
        // A list is written as a whole, so its items stand where the list does.
        let is_there = |field: &Field| field.up_to_list().find(&self.source.tree).is_some();
        if let Some(written) = candidates.iter().find(|candidate| is_there(candidate)) {
            return written.clone();
        }
        // What is missing in a table that only the environment has is missing there.
        let is_table_there = |field: &&Field| field.parent().is_some_and(|table| is_there(&table));
        let missing = Some(field).filter(|field| !is_table_there(field));
        missing.and_then(|_| candidates.iter().find(is_table_there)).unwrap_or(field).clone()
    }

    /// The place of a field, or of the nearest thing around it.
    fn line(&self, field: &Field) -> Option<&'a Written> {
        let mut at = Some(field.clone());
        while let Some(field) = at {
            if let Some(place) = self.source.lines.get(&field.to_string()) {
                return Some(place);
            }
            at = field.parent();
        }
        None
    }
}

/// Where an item of a list that merges by name is written.
#[derive(Clone)]
enum Named<'a> {
    Layer(&'a Layer, Field),
    File(Field),
}

impl Named<'_> {
    fn field(&self) -> &Field {
        match self {
            Self::Layer(_, field) | Self::File(field) => field,
        }
    }
}

/// Where the file may say something about a field, the strongest first.
fn candidates(environment: Option<&str>, field: &Field) -> Vec<Field> {
    let root = environment.map(|environment| Field::of(&["environments", environment]));
    let under = |field: &Field| root.as_ref().map(|root| field.under(root));
    let shared = general(field);
    let own = [under(field), Some(field.clone())];
    own.into_iter().flatten().chain(shared.as_ref().and_then(under)).chain(shared.clone()).collect()
}

/// `variables.NAME` for `services.X.variables.NAME`, and so with settings: a value for all services.
fn general(field: &Field) -> Option<Field> {
    match field.segments() {
        [Segment::Key(_), Segment::Key(_), Segment::Key(table), Segment::Key(_), ..]
            if table == "variables" || table == "settings" =>
        {
            Some(field.below(2))
        }
        _ => None,
    }
}

fn says(layer: &Value, field: &Field) -> bool {
    // A whole service is in no layer; only what a layer says below it is the layer's.
    let is_there = |field: &Field| field.up_to_list().find(layer).is_some_and(|value| !value.is_null());
    (field.segments().len() > 2 && is_there(field)) || general(field).is_some_and(|field| is_there(&field))
}
