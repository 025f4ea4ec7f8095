//! Taking configuration over from one environment to another: which keys differ, which of them belong to the
//! environment and stay, and what has to be set so that the rest is equal.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Key, keys};
use crate::{
    id::ServiceName,
    spec::{EnvironmentPlan, ServeSpec},
};

/// Keys of services that are bound to an environment whatever the spec says: how much of it there is, who reaches it,
/// what it may use, and secrets.
pub const BOUND: [&str; 7] = ["instances", "routes", "limits", "run_as", "secrets", "secret_files", "data"];

/// What is to be taken over, of one service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Takeover {
    /// The keys that are taken over.
    pub taken: Vec<Key>,
    /// The keys that differ and stay.
    pub kept: Vec<Key>,
    /// What has to be set: in the shape of a service, a null where a key goes away.
    pub set: Value,
}

/// What has to be taken over so that `to` is configured like `from`, by service. `wanted` are keys with what is below
/// them, all when empty; what either environment calls local stays.
pub fn takeover(
    from: &EnvironmentPlan,
    to: &EnvironmentPlan,
    services: &[ServiceName],
    wanted: &[String],
) -> BTreeMap<ServiceName, Takeover> {
    let local = local(from, to);
    let both = from.services.iter().filter_map(|(name, spec)| Some((name, spec, to.services.get(name)?)));
    let chosen = both.filter(|(name, ..)| services.is_empty() || services.contains(name));
    let of = |(name, from, to): (&ServiceName, _, _)| {
        let tree = |spec: &crate::spec::ServiceSpec| serde_json::to_value(&spec.serve).unwrap_or_default();
        (name.clone(), of_service(&tree(from), &tree(to), &local, wanted))
    };
    chosen.map(of).filter(|(_, one)| !one.taken.is_empty() || !one.kept.is_empty()).collect()
}

/// The keys that stay in either environment.
fn local<'a>(from: &'a EnvironmentPlan, to: &'a EnvironmentPlan) -> Vec<&'a str> {
    from.local.iter().chain(&to.local).map(String::as_str).chain(BOUND).collect()
}

/// The keys in which what runs in `to` is not what `from` wants, but for those that stay.
pub fn not_live(
    from: &EnvironmentPlan,
    to: &EnvironmentPlan,
    service: &ServiceName,
    live: &ServeSpec,
    wanted: &[String],
) -> Vec<String> {
    let Some(spec) = from.services.get(service) else { return Vec::new() };
    let tree = |serve: &ServeSpec| serde_json::to_value(serve).unwrap_or_default();
    let found = of_service(&tree(&spec.serve), &tree(live), &local(from, to), wanted);
    found.taken.into_iter().map(|key| key.key).collect()
}

fn of_service(from: &Value, to: &Value, local: &[&str], wanted: &[String]) -> Takeover {
    let mut takeover = Takeover { set: Value::Object(Map::new()), ..Takeover::default() };
    for key in keys(from, to).into_iter().filter(Key::differs) {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| is_below(&key.key, wanted)) {
            continue;
        }
        if local.iter().any(|local| is_below(&key.key, local) || is_below(local, &key.key)) {
            takeover.kept.push(key);
        } else {
            takeover.taken.push(key);
        }
    }
    let taken: Vec<&str> = takeover.taken.iter().map(|key| key.key.as_str()).collect();
    set(&mut String::new(), Some(from), Some(to), &taken, &mut takeover.set);
    takeover
}

/// Whether a dotted path is another, or below it.
fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Writes the values of the taken keys. It walks the trees as `keys` does, so that a key with a dot in it stays one.
fn set(path: &mut String, from: Option<&Value>, to: Option<&Value>, taken: &[&str], into: &mut Value) {
    if taken.contains(&path.as_str()) {
        *into = from.cloned().unwrap_or(Value::Null);
        return;
    }
    let tables = [from, to].map(|tree| tree.and_then(Value::as_object));
    let names: std::collections::BTreeSet<_> = tables.into_iter().flatten().flat_map(Map::keys).collect();
    let length = path.len();
    for name in names {
        if length > 0 {
            path.push('.');
        }
        path.push_str(name);
        let concerns = taken.iter().any(|taken| is_below(taken, path));
        if concerns && let Some(into) = into.as_object_mut() {
            let below = into.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            let [old, new] = tables.map(|table| table.and_then(|table| table.get(name)));
            set(path, old, new, taken, below);
        }
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(from: Value, to: Value, local: &[&str], wanted: &[&str]) -> (Value, Vec<String>) {
        let wanted: Vec<_> = wanted.iter().map(|key| (*key).to_owned()).collect();
        let one = of_service(&from, &to, local, &wanted);
        (one.set, one.kept.into_iter().map(|key| key.key).collect())
    }

    #[test]
    fn what_differs_is_set_and_what_is_bound_stays() {
        let from = json!({ "instances": 1, "variables": { "A": "1", "URL": "s", "DOT.TED": "x" }, "warm_for": "1h" });
        let to = json!({ "instances": 4, "variables": { "A": "2", "URL": "p", "OLD": "y" }, "warm_for": "1h" });
        let (set, kept) = taken(from.clone(), to.clone(), &["instances", "variables.URL"], &[]);
        assert_eq!(set, json!({ "variables": { "A": "1", "DOT.TED": "x", "OLD": null } }));
        assert_eq!(kept, ["instances", "variables.URL"]);
        let (set, kept) = taken(from, to, &["instances"], &["variables.A"]);
        assert_eq!((set, kept), (json!({ "variables": { "A": "1" } }), Vec::new()));
    }

    #[test]
    fn lists_go_over_whole_and_a_bound_part_keeps_its_table() {
        let (set, _) = taken(json!({ "checks": [1, 2] }), json!({ "checks": [1] }), &[], &[]);
        assert_eq!(set, json!({ "checks": [1, 2] }));
        let (set, kept) = taken(json!({ "a": "word" }), json!({ "a": { "b": 1 } }), &["a.b"], &[]);
        assert_eq!((set, kept), (json!({}), vec!["a".to_owned()]), "it would take the bound part away");
    }

    #[test]
    fn a_path_is_below_whole_segments() {
        assert!(is_below("variables.URL", "variables") && is_below("a", "a"));
        assert!(!is_below("variables.URLS", "variables.URL"));
    }
}
