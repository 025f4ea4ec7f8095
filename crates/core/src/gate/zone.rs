//! Time zones: from the clock on the wall to instants, and back. Not here: where the rules of a zone are read from
//! (`ports::Clock::zone`).

use std::collections::BTreeMap;

use jiff::{
    SignedDuration,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::time::Timestamp;

/// Characters of a zone's name.
const NAME_CHARS_MAX: usize = 64;

/// Whether a text may be a name of the zone database: it names a file, and must not lead anywhere else.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+".contains(c);
    let is_part = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(plain);
    text.len() <= NAME_CHARS_MAX && text.split('/').all(is_part)
}

/// How far after an instant its own transition is looked for, in milliseconds: the instant itself counts.
const JUST_AFTER_MS: u64 = 1;

/// A time zone with its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The zone without a summer.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }

    /// A zone that needs no file: `UTC`, or rules written out as POSIX has them, `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub fn written_out(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::utc());
        }
        TimeZone::posix(name).ok().map(|rules| Self { name: name.to_owned(), rules })
    }

    /// A zone of which only the name matters: it stands for one whose rules nobody has read.
    pub fn unread(name: &str) -> Self {
        Self { name: name.to_owned(), rules: TimeZone::UTC }
    }

    /// A zone from the bytes of its file, as `/usr/share/zoneinfo` has them.
    ///
    /// # Errors
    /// The bytes are no such file.
    pub fn from_file(name: &str, bytes: &[u8]) -> Result<Self, String> {
        match TimeZone::tzif(name, bytes) {
            Ok(rules) => Ok(Self { name: name.to_owned(), rules }),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Its name, as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clock on the wall shows.
    pub fn on_the_wall(&self, at: Timestamp) -> Option<DateTime> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(self.rules.to_datetime(at))
    }

    /// The first instant at which the clock on the wall shows a time; where it skips that time, the first instant
    /// after. None outside of the years that can be counted.
    pub fn first(&self, wall: DateTime) -> Option<Timestamp> {
        self.instant(wall, |before, _| before)
    }

    /// The last instant at which the clock on the wall shows a time; where it skips that time, the first instant after.
    pub fn last(&self, wall: DateTime) -> Option<Timestamp> {
        self.instant(wall, |_, after| after)
    }

    fn instant(
        &self,
        wall: DateTime,
        of_two: fn(jiff::tz::Offset, jiff::tz::Offset) -> jiff::tz::Offset,
    ) -> Option<Timestamp> {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(wall).ok().map(|at| Timestamp(at.as_millisecond()));
        match self.rules.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, after } => at(of_two(before, after)),
            // By the old offset the time lies after the clock was put forward, by no more than it was put forward.
            AmbiguousOffset::Gap { before, .. } => self.transition_until(at(before)?),
        }
    }

    /// The newest transition that is not after an instant.
    fn transition_until(&self, at: Timestamp) -> Option<Timestamp> {
        let just_after = jiff::Timestamp::from_millisecond(at.plus_ms(JUST_AFTER_MS).0).ok()?;
        let transition = self.rules.preceding(just_after).next()?;
        Some(Timestamp(transition.timestamp().as_millisecond()))
    }

    /// A time on the wall, some milliseconds later on the wall.
    pub(super) fn later(wall: DateTime, span_ms: u64) -> Option<DateTime> {
        let span = SignedDuration::from_millis(i64::try_from(span_ms).ok()?);
        wall.checked_add(span).ok()
    }
}

/// The zones that somebody could read, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zones(BTreeMap<String, Zone>);

impl Zones {
    /// Adds a zone.
    #[must_use]
    pub fn with(mut self, zone: Zone) -> Self {
        self.0.insert(zone.name.clone(), zone);
        self
    }

    /// A zone by its name, also one that is written out and was never added.
    pub fn find(&self, name: &str) -> Option<Zone> {
        self.0.get(name).cloned().or_else(|| Zone::written_out(name))
    }
}
