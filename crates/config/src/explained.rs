//! The configuration of an environment, value by value, with everything that was said about each.
//!
//! Not here: what is wrong with it (`findings`).

use std::collections::BTreeMap;

use serde_json::Value;
use shipway_core::{
    config::{
        chain::{Explained, explain},
        version::values,
    },
    finding::Finding,
    id::{EnvironmentName, ServiceName},
};

use crate::{
    layers::Ground,
    read::Source,
    resolve::{self, Layer},
};

/// Every service of an environment with all of its values, sorted by key.
///
/// # Errors
/// All findings that block.
pub fn configuration(
    source: &Source,
    environment: &EnvironmentName,
    layers: &[Layer],
) -> Result<BTreeMap<ServiceName, Vec<Explained>>, Vec<Finding>> {
    let plan = resolve::environment(source, environment.as_str(), layers)?;
    let ground = Ground::of(source, environment.as_str(), layers);
    let explained = plan.services.iter().filter_map(|(name, spec)| {
        let laid = ground.service(name.as_str())?;
        let resolved = serde_json::to_value(spec).unwrap_or(Value::Null);
        Some((name.clone(), with_defaults(explain(&laid), &resolved)))
    });
    Ok(explained.collect())
}

/// Adds what nobody said and holds by itself, and fills in templates.
fn with_defaults(mut told: Vec<Explained>, resolved: &Value) -> Vec<Explained> {
    let resolved = values(resolved);
    for one in &mut told {
        let is_template = one.key.starts_with("variables.") || one.key.starts_with("settings.");
        if let Some(filled) = resolved.get(&one.key).filter(|_| is_template) {
            one.value = Some(filled.clone());
        }
    }
    let is_told = |key: &str| {
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        told.iter().any(|one| within(&one.key, key) || within(key, &one.key))
    };
    let is_something = |value: &Value| !matches!(value, Value::Null) && *value != Value::Object(Default::default());
    let by_default = resolved.iter().filter(|(key, value)| is_something(value) && *key != "symbolic" && !is_told(key));
    let by_default: Vec<_> = by_default.map(|(key, value)| Explained::by_default(key.clone(), value.clone())).collect();
    told.extend(by_default);
    told.sort_by(|a, b| a.key.cmp(&b.key));
    told
}
