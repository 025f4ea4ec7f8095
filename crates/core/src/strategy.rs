//! The strategies: how traffic moves, and what each one promises. Not here: the steps (`plan`).

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::time::Span;

/// A strategy's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// All new instances beside the old, one swap.
    BlueGreen,
    /// Batch by batch.
    Rolling,
    /// A growing share of the clients.
    Canary,
    /// The old stops before the new starts.
    Recreate,
}

impl StrategyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BlueGreen, Self::Rolling, Self::Canary, Self::Recreate];

    /// The name as the spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlueGreen => "blue-green",
            Self::Rolling => "rolling",
            Self::Canary => "canary",
            Self::Recreate => "recreate",
        }
    }

    /// What the strategy promises.
    pub fn promise(self) -> Promise {
        match self {
            Self::BlueGreen => Promise { proven_before: "all of it", versions_mix: "no", way_back: "one swap" },
            Self::Rolling => Promise {
                proven_before: "batch by batch",
                versions_mix: "yes",
                way_back: "old instances are started again first, then one swap",
            },
            Self::Canary => Promise {
                proven_before: "all of it",
                versions_mix: "by cohort",
                way_back: "one swap, whatever weight was reached",
            },
            Self::Recreate => Promise {
                proven_before: "artifact and configuration only",
                versions_mix: "no",
                way_back: "a gap again: requests are held while it lasts",
            },
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a strategy promises, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Promise {
    /// How much of the new is proven before users see it.
    pub proven_before: &'static str,
    /// Whether users meet both versions at a time.
    pub versions_mix: &'static str,
    /// What going back takes.
    pub way_back: &'static str,
}

/// A strategy with its settings.
///
/// In the spec it is a name (`"blue-green"`) or a table with `kind` and the settings of that kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StrategySpec {
    /// All new instances beside the old, one swap.
    #[default]
    BlueGreen,
    /// Batch by batch.
    Rolling(Rolling),
    /// A growing share of the clients.
    Canary(Canary),
    /// The old stops before the new starts.
    Recreate(Recreate),
}

impl StrategySpec {
    /// The strategy's name.
    pub fn kind(&self) -> StrategyKind {
        match self {
            Self::BlueGreen => StrategyKind::BlueGreen,
            Self::Rolling(_) => StrategyKind::Rolling,
            Self::Canary(_) => StrategyKind::Canary,
            Self::Recreate(_) => StrategyKind::Recreate,
        }
    }

    /// A strategy of that name with the settings that it has when nothing is said.
    pub fn of_kind(kind: StrategyKind) -> Self {
        match kind {
            StrategyKind::BlueGreen => Self::BlueGreen,
            StrategyKind::Rolling => Self::Rolling(Rolling::default()),
            StrategyKind::Canary => Self::Canary(Canary::default()),
            StrategyKind::Recreate => Self::Recreate(Recreate::default()),
        }
    }
}

/// Batch by batch. The counts are of instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rolling {
    /// How many instances change at a time.
    #[schemars(range(min = 1, max = 64))]
    pub batch: u32,
    /// How many instances there may be above the wanted count.
    #[schemars(range(min = 0, max = 64))]
    pub max_surge: u32,
    /// How many instances may be missing from the wanted count.
    #[schemars(range(min = 0, max = 64))]
    pub max_unavailable: u32,
}

impl Default for Rolling {
    fn default() -> Self {
        Self { batch: 1, max_surge: 1, max_unavailable: 0 }
    }
}

/// A growing share of the clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// The shares and how long each is watched: `5% 30s, 25% 1m, 100%`; `manual` instead of a time waits for
    /// `shipway advance`.
    pub steps: CanarySteps,
}

impl Default for Canary {
    fn default() -> Self {
        let step = |percent, pause_s| CanaryStep { percent, pause: Pause::For(Span::seconds(pause_s)) };
        Self { steps: CanarySteps(vec![step(5, 30), step(25, 60), step(100, 0)]) }
    }
}

/// The old stops before the new starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recreate {
    /// How long the proxy holds a request during the gap, in milliseconds.
    #[schemars(range(min = 0, max = 120_000))]
    pub hold_ms_max: u64,
    /// How many requests the proxy holds.
    #[schemars(range(min = 0, max = 100_000))]
    pub held_requests_max: u32,
}

impl Default for Recreate {
    fn default() -> Self {
        Self { hold_ms_max: 30_000, held_requests_max: 10_000 }
    }
}

/// The steps of a canary, ending at 100 %.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanarySteps(Vec<CanaryStep>);

impl CanarySteps {
    /// The steps in order.
    pub fn steps(&self) -> &[CanaryStep] {
        &self.0
    }
}

/// One step of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryStep {
    /// The share of the clients, from 1 to 100.
    pub percent: u8,
    /// How long the share stays.
    pub pause: Pause,
}

/// How long a canary's share stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Pause {
    /// That long.
    For(Span),
    /// Until a person says so.
    Manual,
}

const CANARY_STEPS_MAX: usize = 50;

impl FromStr for CanarySteps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            steps.push(parse_step(part)?);
        }
        if steps.len() > CANARY_STEPS_MAX {
            return Err(format!("a canary may have {CANARY_STEPS_MAX} steps at most"));
        }
        if !steps.windows(2).all(|pair| pair[0].percent < pair[1].percent) {
            return Err(format!("the shares of a canary must grow from step to step: `{text}`"));
        }
        if steps.last().is_none_or(|last| last.percent != 100) {
            return Err(format!("the last step of a canary must be `100%`: `{text}`"));
        }
        Ok(Self(steps))
    }
}

fn parse_step(part: &str) -> Result<CanaryStep, String> {
    let fault = || format!("`{part}` is not a step of a canary: write it like `5% 30s`, `25% manual` or `100%`");
    let mut words = part.split_whitespace();
    let percent = words.next().and_then(|word| word.strip_suffix('%')).ok_or_else(fault)?;
    let percent: u8 = percent.parse().map_err(|_| fault())?;
    if !(1..=100).contains(&percent) {
        return Err(format!("the share in `{part}` must be from 1% to 100%"));
    }
    let pause = match words.next() {
        None if percent == 100 => Pause::For(Span::default()),
        None => return Err(format!("`{part}` says no time: write it like `{percent}% 30s` or `{percent}% manual`")),
        Some("manual") => Pause::Manual,
        Some(span) => Pause::For(span.parse()?),
    };
    if words.next().is_some() {
        return Err(fault());
    }
    Ok(CanaryStep { percent, pause })
}

impl fmt::Display for CanarySteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match step.pause {
                Pause::Manual => write!(f, "{comma}{}% manual", step.percent)?,
                Pause::For(span) if span.ms == 0 && step.percent == 100 => write!(f, "{comma}100%")?,
                Pause::For(span) => write!(f, "{comma}{}% {span}", step.percent)?,
            }
        }
        Ok(())
    }
}

impl Serialize for CanarySteps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CanarySteps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for CanarySteps {
    fn schema_name() -> Cow<'static, str> {
        "CanarySteps".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "For instance `5% 30s, 25% 1m, 100%`" })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[schemars(rename = "StrategyTable")]
enum StrategyTable {
    BlueGreen {},
    Rolling(Rolling),
    Canary(Canary),
    Recreate(Recreate),
}

impl<'de> Deserialize<'de> for StrategySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`: that would hide why a table doesn't fit.
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_string() {
            let kind: StrategyKind = serde_json::from_value(value).map_err(D::Error::custom)?;
            return Ok(Self::of_kind(kind));
        }
        let table: StrategyTable = serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(match table {
            StrategyTable::BlueGreen {} => Self::BlueGreen,
            StrategyTable::Rolling(settings) => Self::Rolling(settings),
            StrategyTable::Canary(settings) => Self::Canary(settings),
            StrategyTable::Recreate(settings) => Self::Recreate(settings),
        })
    }
}

impl JsonSchema for StrategySpec {
    fn schema_name() -> Cow<'static, str> {
        "Strategy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                generator.subschema_for::<StrategyKind>(),
                generator.subschema_for::<StrategyTable>(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canary_steps_read_and_write() {
        let steps: CanarySteps = "5% 30s, 25% 1m, 50% manual, 100%".parse().expect("steps");
        assert_eq!(steps.to_string(), "5% 30s, 25% 1m, 50% manual, 100%");
        for bad in
            ["", "5%", "5% 30s", "50% 1s, 25% 1s, 100%", "0% 1s, 100%", "101%", "5% soon, 100%", "5% 1s 2s, 100%"]
        {
            assert!(bad.parse::<CanarySteps>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_strategy_is_a_name_or_a_table() {
        let read = |text: &str| serde_json::from_str::<StrategySpec>(text);
        assert_eq!(read("\"recreate\"").expect("name"), StrategySpec::Recreate(Recreate::default()));
        let rolling = read(r#"{"kind":"rolling","batch":3}"#).expect("table");
        assert_eq!(rolling, StrategySpec::Rolling(Rolling { batch: 3, ..Rolling::default() }));
        assert_eq!(read(&serde_json::to_string(&rolling).expect("json")).expect("again"), rolling);
        assert!(read(r#"{"kind":"rolling","bach":3}"#).is_err());
        assert!(read("\"magic\"").is_err());
    }
}
