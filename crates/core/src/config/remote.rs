//! What remotes answered: what of it is taken, where it goes, and what is remembered.
//!
//! Not here: asking (the engine), which layer it makes (crate `config`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    id::{EnvironmentName, ProjectId},
    spec::{IfUnavailable, RemoteSpec},
    store::{DocumentKind, Stored},
    time::Timestamp,
};

/// The largest answer of a remote, in bytes.
pub const REMOTE_BYTES_MAX: usize = 256 * 1024;
/// Remotes that a project may have.
pub const REMOTES_MAX: usize = 32;
/// The table of variables, which are texts.
const VARIABLES: &str = "variables";

/// What a remote answered last that could be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteValue {
    /// The project.
    pub project: ProjectId,
    /// The environment that it was asked for.
    pub environment: EnvironmentName,
    /// The remote's name.
    pub name: String,
    /// What was declared of it then: another declaration makes this nobody's value.
    pub declared: RemoteSpec,
    /// The values that were taken.
    pub values: Value,
    /// What the answer called its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the values came.
    pub at: Timestamp,
    /// When they were confirmed last.
    pub confirmed_at: Timestamp,
}

impl RemoteValue {
    /// Whether a declaration asks for the same values: what holds when they can't be read is not part of that.
    pub fn is_of(&self, declared: &RemoteSpec) -> bool {
        let asks = |spec: &RemoteSpec| RemoteSpec {
            if_unavailable: IfUnavailable::default(),
            timeout: declared.timeout,
            ..spec.clone()
        };
        asks(&self.declared) == asks(declared)
    }
}

impl Stored for RemoteValue {
    const KIND: DocumentKind = DocumentKind::RemoteValue;
    fn key(&self) -> String {
        format!("{}/{}/{}", self.project, self.environment, self.name)
    }
    fn scope(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
}

/// How asking a remote went, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteStanding {
    /// The remote's name.
    pub name: String,
    /// Where its values come from, as the spec writes it.
    pub source: String,
    /// Where they go: `settings`, `variables`.
    pub into: String,
    /// The values that hold; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// What the answer called its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the values came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why it couldn't be read, when it couldn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The values that a declaration takes of an answer, or what is wrong with the answer. No value is repeated in that:
/// nobody knows yet what it is.
///
/// # Errors
/// In words, without whom it is about.
pub fn taken(declared: &RemoteSpec, answer: &[u8]) -> Result<Value, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it answered something that is no JSON: line {line}, column {column}")
    })?;
    let place = declared.at.as_deref().map_or_else(|| "the answer".to_owned(), |at| format!("`{at}` in the answer"));
    let path = declared.at.iter().flat_map(|at| at.split('.'));
    let found = path.into_iter().try_fold(&answer, |tree, key| tree.get(key));
    let found = found.ok_or_else(|| format!("there is no {place}"))?;
    let table = found.as_object().ok_or_else(|| format!("{place} is {}, not a table", kind_of(found)))?;
    let mut values = Map::new();
    for key in &declared.keys {
        let value = table.get(key).ok_or_else(|| format!("{place} has no `{key}`"))?;
        values.insert(key.clone(), value.clone());
    }
    if declared.keys.is_empty() {
        values.clone_from(table);
    }
    let no_text = values.iter().find(|(_, value)| !value.is_string() && !value.is_null());
    match no_text.filter(|_| declared.into == VARIABLES) {
        Some((key, value)) => Err(format!("`{key}` is {}: a variable is a text", kind_of(value))),
        None => Ok(Value::Object(values)),
    }
}

/// The values in the shape of an environment, where the declaration has them go.
pub fn laid(declared: &RemoteSpec, values: &Value) -> Value {
    let whole = declared.into.rsplit('.').fold(values.clone(), |below, key| json!({ key: below }));
    if declared.services.is_empty() {
        return whole;
    }
    let each = declared.services.iter().map(|service| (service.to_string(), whole.clone()));
    json!({ "services": each.collect::<Map<_, _>>() })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ServiceName;

    fn into(into: &str) -> RemoteSpec {
        RemoteSpec { into: into.into(), ..RemoteSpec::default() }
    }

    #[test]
    fn what_is_taken_of_an_answer() {
        let whole = into("settings");
        let part = RemoteSpec { at: Some("data.shop".into()), keys: vec!["max".into()], ..whole.clone() };
        let texts = into("variables");
        let nested = r#"{ "data": { "shop": { "max": 3, "min": 1 } } }"#;
        let cases: [(&RemoteSpec, &str, Result<Value, &str>); 11] = [
            (&whole, r#"{ "max": 3 }"#, Ok(json!({ "max": 3 }))),
            (&part, nested, Ok(json!({ "max": 3 }))),
            (&texts, r#"{ "A": "b", "GONE": null }"#, Ok(json!({ "A": "b", "GONE": null }))),
            (&texts, r#"{ "A": 1 }"#, Err("`A` is a number: a variable is a text")),
            (&whole, "<html>", Err("it answered something that is no JSON: line 1, column 1")),
            (&whole, "", Err("it answered something that is no JSON: line 1, column 0")),
            (&whole, "{} {}", Err("it answered something that is no JSON: line 1, column 4")),
            (&whole, "[1]", Err("the answer is a list, not a table")),
            (&part, r#"{ "data": {} }"#, Err("there is no `data.shop` in the answer")),
            (&part, r#"{ "data": { "shop": "x" } }"#, Err("`data.shop` in the answer is a text, not a table")),
            (&part, r#"{ "data": { "shop": {} } }"#, Err("`data.shop` in the answer has no `max`")),
        ];
        for (declared, answer, expected) in cases {
            assert_eq!(taken(declared, answer.as_bytes()), expected.map_err(str::to_owned), "{answer}");
        }
    }

    #[test]
    fn where_values_go() {
        let values = json!({ "max": 3 });
        assert_eq!(laid(&into("settings"), &values), json!({ "settings": { "max": 3 } }));
        assert_eq!(laid(&into("settings.scaling"), &values), json!({ "settings": { "scaling": { "max": 3 } } }));
        let one = RemoteSpec { services: vec![ServiceName::new("web")], ..into("variables") };
        assert_eq!(laid(&one, &values), json!({ "services": { "web": { "variables": { "max": 3 } } } }));
    }
}
