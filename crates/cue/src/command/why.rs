//! `why`: where values come from.
//!
//! Not here: how that is found out (that is [`crate::provenance`]).

use clap::Args;

use super::input::{Input, expressions};
use super::output::print;
use super::{Failure, Streams};
use crate::Limits;
use crate::encode;
use crate::provenance::{json, text};

/// The formats of what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Say where values come from: what was written of them, where, and what decided
///
/// Each line is one thing that was said of the value: its place, what it says, and the way by which it came (`via`).
/// An arrow marks what decided. What was computed is followed by the values that it was computed from.
#[derive(Args, Clone, Debug)]
pub struct Why {
    #[command(flatten)]
    input: Input,
    /// The value to explain, or all values below it; may be given several times
    #[arg(short = 'e', long = "expression", value_name = "EXPR")]
    expressions: Vec<String>,
    /// The format of what is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    out: Format,
}

impl Why {
    pub(super) fn for_programs(self) -> Self {
        Self { out: Format::Json, ..self }
    }

    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut build = self.input.load(streams)?;
        let wanted = expressions(&mut build, &self.expressions, "-e")?;
        let mut values = Vec::new();
        for file in &build.data {
            values.extend(file.values.iter().cloned());
        }
        let mut found = Vec::new();
        for main in &build.instances {
            let explained = build.instance(*main, &values, Limits::default()).and_then(|instance| {
                let named = wanted.iter().zip(&self.expressions);
                let each = named.map(|(expr, text)| instance.why(Some(expr), text));
                let whole = wanted.is_empty().then(|| instance.why(None, ""));
                each.chain(whole).collect::<Result<Vec<_>, _>>()
            });
            found.extend(explained.map_err(|errors| Failure::new(errors, &build.sources))?.into_iter().flatten());
        }
        let out = match self.out {
            Format::Text => text(&found, &build.sources),
            Format::Json => format!("{}\n", encode::json(&json(&found, &build.sources), "    ", false)),
        };
        print(streams, out.as_bytes())
    }
}
