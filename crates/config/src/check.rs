//! Whether a file has the shape of a spec: every key known, every value of its type. Not here: what the values mean
//! together (`rules`).

use shipway_core::{finding::Finding, spec::SpecFile};

use crate::{
    fault::Fault, field::Field, layers::without_null, place::Place, read::Source, resolve::Layer, shape, walk,
};

/// What an environment of the file says of itself, and no layer above the file can change.
const OF_THE_FILE: [&str; 8] =
    ["type", "gates", "quota", "promotes_to", "promotion", "local", "notify", "rollback_limit"];

/// Everything that doesn't fit the spec's schema, all at once.
pub fn check(source: &Source) -> Vec<Finding> {
    let place = Place::file(source);
    let faults = walk::faults(&shape::FILE, &source.tree, &Field::default());
    if faults.is_empty() {
        return unread(source).into_iter().collect();
    }
    faults.iter().map(|fault| place.put(fault.finding(), &fault.field)).collect()
}

/// What the types refuse although the schema does not.
fn unread(source: &Source) -> Option<Finding> {
    use serde::Deserialize;
    let error = SpecFile::deserialize(without_null(&source.tree)).err()?;
    let recommendation = "compare the file with the annotated example of the documentation".to_owned();
    let fault = Fault::new(&Field::default(), format!("the spec can't be read: {error}"), recommendation);
    Some(Place::file(source).put(fault.finding(), &fault.field))
}

/// Everything in a layer that no environment may say. Null is allowed everywhere: it takes a value away.
pub fn check_layer(layer: &Layer) -> Vec<Finding> {
    let faults = walk::faults(&shape::LAYER, &layer.tree, &Field::default());
    let told = |fault: &Fault| {
        let field = fault.field.to_string();
        let finding = match OF_THE_FILE.contains(&field.as_str()) {
            true => fault.finding().recommendation(format!(
                "say it in the file, below `[environments.NAME]`, or when the environment is made: `{field}` is not set"
            )),
            false => fault.finding(),
        };
        Finding { file: Some(layer.name.clone()), ..finding.field(field) }
    };
    faults.iter().map(told).collect()
}
