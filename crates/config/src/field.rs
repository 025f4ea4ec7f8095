//! Where a value stands in a spec: `services.web.checks[0].http`. Not here: lines (`place`).

use std::fmt;

use serde_json::Value;

/// One step from a value to a value within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}

/// A path from the root of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field(Vec<Segment>);

impl Field {
    pub(crate) fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).to_owned())).collect())
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    pub(crate) fn index(&self, at: usize) -> Self {
        self.with(Segment::Index(at))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The same without its last step; nothing at the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, front) = self.0.split_last()?;
        Some(Self(front.to_vec()))
    }

    /// The same path under another root.
    pub(crate) fn under(&self, root: &Self) -> Self {
        Self([root.0.as_slice(), &self.0].concat())
    }

    /// The path below its first `steps` steps.
    pub(crate) fn below(&self, steps: usize) -> Self {
        Self(self.0.get(steps..).unwrap_or_default().to_vec())
    }

    /// The path down to the first list on the way, or the whole path.
    pub(crate) fn up_to_list(&self) -> Self {
        let end = self.0.iter().position(|segment| matches!(segment, Segment::Index(_))).unwrap_or(self.0.len());
        Self(self.0[..end].to_vec())
    }

    pub(crate) fn starts_with(&self, front: &Self) -> bool {
        self.0.starts_with(&front.0)
    }

    /// The last key with the indices behind it, for sentences: `checks[0]`.
    pub(crate) fn label(&self) -> String {
        let from = self.0.iter().rposition(|segment| matches!(segment, Segment::Key(_))).unwrap_or(0);
        Self(self.0[from..].to_vec()).to_string()
    }

    /// What stands there in a tree.
    pub(crate) fn find<'a>(&self, tree: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(tree, |value, segment| match segment {
            Segment::Key(key) => value.get(key.as_str()),
            Segment::Index(at) => value.get(*at),
        })
    }

    /// Takes out of a tree what stands there.
    pub(crate) fn remove(&self, tree: &mut Value) {
        let Some((Segment::Key(last), front)) = self.0.split_last() else {
            return;
        };
        let holder = front.iter().try_fold(tree, |value, segment| match segment {
            Segment::Key(key) => value.get_mut(key.as_str()),
            Segment::Index(at) => value.get_mut(*at),
        });
        if let Some(table) = holder.and_then(Value::as_object_mut) {
            table.shift_remove(last);
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    let dot = if at == 0 { "" } else { "." };
                    if is_bare(key) { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

/// Whether TOML lets a key stand without quotes.
pub(crate) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_toml_writes_it() {
        let field = Field::of(&["services", "web", "checks"]).index(2).key("http");
        assert_eq!(field.to_string(), "services.web.checks[2].http");
        assert_eq!(field.label(), "http");
        assert_eq!(field.parent().expect("a parent").label(), "checks[2]");
        assert_eq!(field.up_to_list().to_string(), "services.web.checks");
        assert_eq!(Field::of(&["variables", "a.b"]).to_string(), "variables.\"a.b\"");
    }

    #[test]
    fn what_stands_at_a_path_can_be_taken_out() {
        let mut tree = serde_json::json!({"a": [{"b": 1, "c": 2}]});
        let field = Field::of(&["a"]).index(0).key("b");
        assert_eq!(field.find(&tree), Some(&serde_json::json!(1)));
        field.remove(&mut tree);
        assert_eq!(tree, serde_json::json!({"a": [{"c": 2}]}));
    }
}
