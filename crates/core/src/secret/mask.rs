//! Finding the values of secrets in text, and putting a mask in their place. A safety net: nothing hands a value to a
//! log or an event on purpose, but an application may print what it was given.
//!
//! Not here: which values (`engine::secrets`).

use std::{borrow::Cow, collections::BTreeMap};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use super::{MASK, SecretText};

/// Shorter values are not looked for: `true` or `1234` would mask what has nothing to do with them.
pub const MASKED_CHARS_MIN: usize = 6;
/// How many texts are looked for, values and their other forms together.
pub const MASKED_TEXTS_MAX: usize = 20_000;
/// How many lines of one value are looked for by themselves.
const MASKED_LINES_MAX: usize = 200;

/// Finds values.
#[derive(Default)]
pub struct Masker {
    finder: Option<AhoCorasick>,
    masks: Vec<String>,
}

impl Masker {
    /// Looks for these values, each under a name. Past the bound the last ones are left out.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a SecretText)>) -> Self {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in values {
            let mask = format!("{MASK}{name}");
            let long_enough = |text: &String| text.chars().count() >= MASKED_CHARS_MIN;
            for form in forms(value.reveal()).into_iter().filter(long_enough) {
                if texts.len() < MASKED_TEXTS_MAX {
                    texts.entry(form).or_insert_with(|| mask.clone());
                }
            }
        }
        let (patterns, masks): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        let finder = (!patterns.is_empty())
            .then(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok())
            .flatten();
        Self { finder, masks }
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.finder.is_none()
    }

    /// The text with masks in the place of values.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.finder {
            Some(finder) if finder.is_match(text) => Cow::Owned(finder.replace_all(text, &self.masks)),
            _ => Cow::Borrowed(text),
        }
    }

    /// The same for each of these.
    pub fn lines(&self, lines: &mut [String]) {
        for line in lines {
            if let Cow::Owned(masked) = self.text(line) {
                *line = masked;
            }
        }
    }

    /// The same for every text in a tree, names included.
    pub fn tree(&self, tree: &mut Value) {
        match tree {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.text(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.tree(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.tree(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The forms in which a value may come up: as it is, line by line, and as encodings write it.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), value.trim().to_owned()];
    if value.contains('\n') {
        forms.extend(value.lines().map(str::trim).take(MASKED_LINES_MAX).map(str::to_owned));
    }
    for whole in [value, value.trim()] {
        forms.extend([base64(whole.as_bytes(), STANDARD), base64(whole.as_bytes(), FOR_URLS)]);
        forms.push(percent(whole));
        forms.push(Value::from(whole).to_string().trim_matches('"').to_owned());
    }
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 (RFC 4648) as far as it is the same with and without padding, and whatever follows: the last character of
/// what doesn't fill three bytes depends on what comes next, and is left out.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..chunk.len() + usize::from(chunk.len() == 3) {
            text.push(char::from(alphabet[(number >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker(values: &[(&str, &str)]) -> Masker {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, SecretText::new(*value))).collect();
        Masker::new(values.iter().map(|(name, value)| (*name, value)))
    }

    #[test]
    fn values_are_masked_in_every_form() {
        let masker = masker(&[("DB", "p&ss wörd=1"), ("KEY", "line one\nline two\n")]);
        for text in ["p&ss wörd=1", "cCZzcyB3w7ZyZD0x", "p%26ss%20w%C3%B6rd%3D1", "xline onex", "line two"] {
            let masked = masker.text(text);
            assert!(masked.contains("••••DB") || masked.contains("••••KEY"), "{text}: {masked}");
        }
        assert_eq!(masker.text("a p&ss wörd=1 b"), "a ••••DB b");
        assert_eq!(masker.text("nothing of it"), "nothing of it");
    }

    #[test]
    fn base64_of_any_length_is_found_padded_or_not() {
        // RFC 4648, section 10, without what depends on the end.
        assert_eq!(
            ["f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes(), STANDARD)),
            ["Z", "Zm", "Zm9v", "Zm9vY"]
        );
    }

    #[test]
    fn short_values_are_left_and_the_longest_match_wins() {
        let masker = masker(&[("SHORT", "true"), ("A", "secret-1"), ("B", "secret-12")]);
        assert_eq!(masker.text("true secret-12 secret-1"), "true ••••B ••••A");
    }

    #[test]
    fn trees_are_masked_all_through() {
        let mut tree = serde_json::json!({ "a": ["x secret-1"], "b": { "c": "secret-1", "d": 1 } });
        masker(&[("A", "secret-1")]).tree(&mut tree);
        assert_eq!(tree, serde_json::json!({ "a": ["x ••••A"], "b": { "c": "••••A", "d": 1 } }));
    }
}
