//! A program and its arguments as data. No shell reads it: `$`, `;`, `*` and quotes in values mean nothing.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A program and its arguments, never passed through a shell.
///
/// In the spec it is a list (`["bin/app", "--fast"]`) or a text that is cut at blanks, where `'…'` and `"…"` hold
/// a word together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// A command from its words. Fails on an empty list or an empty program.
    pub fn new(words: Vec<String>) -> Result<Self, String> {
        match words.first() {
            None => Err("a command needs at least the program".into()),
            Some(program) if program.is_empty() => Err("the program of a command is empty".into()),
            Some(_) => Ok(Self(words)),
        }
    }

    /// Cuts a text into words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote: Option<char> = None;
        for c in text.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => word.get_or_insert_default().push(c),
                None if c == '\'' || c == '"' => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                None if c.is_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(c),
            }
        }
        if let Some(open) = quote {
            return Err(format!("a {open} is opened and never closed in `{text}`"));
        }
        words.extend(word);
        Self::new(words)
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            if word.is_empty() || word.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
                write!(f, "{blank}{word:?}")?;
            } else {
                write!(f, "{blank}{word}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Words(Vec<String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Self::parse(&text),
            Form::Words(words) => Self::new(words),
        }
        .map_err(D::Error::custom)
    }
}

impl JsonSchema for CommandLine {
    fn schema_name() -> Cow<'static, str> {
        "CommandLine".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A program and its arguments: a list, or a text that is cut at blanks. No shell reads it.",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_and_nothing_is_expanded() {
        let line = CommandLine::parse(r#"run 'two words' "a;b" $HOME ""  *.txt"#).expect("a command");
        assert_eq!(line.words(), ["run", "two words", "a;b", "$HOME", "", "*.txt"]);
        assert!(CommandLine::parse("  ").is_err());
        assert!(CommandLine::parse("run 'open").is_err());
        assert!(serde_json::from_str::<CommandLine>("[]").is_err());
    }
}
