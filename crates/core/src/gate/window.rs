//! Change windows and freezes: spans of time on the clock on the wall of a zone.
//!
//! Where the clock is put forward or back: a window that begins in the missing hour opens at the first instant after;
//! one that begins in the doubled hour opens when it is shown first, and one that ends there closes when it is shown
//! last. Times are counted on the wall: 22:00 for 8h ends at 06:00 whatever the night does.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};

use super::{
    declared::WindowSpec,
    recurrence::{Occurrence, Recurrence},
    zone::Zone,
};
use crate::{
    id::{Actor, Role},
    time::Timestamp,
};

/// How long a window that comes again may last.
pub const WINDOW_MS_MAX: u64 = 31 * 24 * 3600 * 1000;
/// Windows that overlap or follow at once, that are looked through for the end of them all.
const MERGED_MAX: usize = 400;

/// A window that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// What it is called.
    pub name: String,
    /// Roles whose deployments it doesn't hold.
    pub except: BTreeSet<Role>,
    zone: Zone,
    when: When,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Again { every: Recurrence, lasts_ms: u64 },
    Once { from: DateTime, until: DateTime },
}

/// What is wrong with a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowFault {
    /// The key that it is about.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub advice: String,
}

fn fault(key: &'static str, message: impl Into<String>, advice: impl Into<String>) -> WindowFault {
    WindowFault { key, message: message.into(), advice: advice.into() }
}

impl Window {
    /// Understands a window, with its zone.
    ///
    /// # Errors
    /// What is wrong, and with which key.
    pub fn read(spec: &WindowSpec, zone: Zone) -> Result<Self, WindowFault> {
        let when = match (&spec.every, &spec.lasts, &spec.from, &spec.until) {
            (Some(every), Some(lasts), None, None) => again(spec, every, lasts.ms)?,
            (None, None, Some(from), Some(until)) => once(from, until)?,
            _ => {
                let advice = "write `every` and `for`, or `from` and `until`";
                return Err(fault("name", format!("it isn't clear when `{}` is", spec.name), advice));
            }
        };
        Ok(Self { name: spec.name.clone(), except: spec.except.clone(), zone, when })
    }

    /// Whether it holds deployments of somebody.
    pub fn is_for(&self, actor: &Actor) -> bool {
        self.except.is_disjoint(&actor.roles)
    }

    /// Whether it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opening(now).is_some()
    }

    /// When it opens next; none when it is open, or never opens again.
    pub fn opens_next(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_open(now) {
            return None;
        }
        match &self.when {
            When::Again { every, .. } => every.next_after(&self.zone, now),
            When::Once { from, .. } => self.zone.first(*from).filter(|from| *from > now),
        }
    }

    /// When it closes; none when it is closed, or when no end is in sight.
    pub fn closes_next(&self, now: Timestamp) -> Option<Timestamp> {
        let (mut newest, mut closes) = self.opening(now)?;
        let When::Again { every, lasts_ms } = &self.when else { return Some(closes) };
        for _ in 0..MERGED_MAX {
            let Some(next) = every.after(&self.zone, newest).filter(|next| next.at <= closes) else {
                return Some(closes);
            };
            newest = next.at;
            closes = closes.max(self.close(next, *lasts_ms)?);
        }
        None
    }

    /// When the opening began that is not over, and when it ends.
    fn opening(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, until) = match &self.when {
            When::Again { every, lasts_ms } => {
                let last = every.until(&self.zone, now)?;
                (last.at, self.close(last, *lasts_ms)?)
            }
            When::Once { from, until } => (self.zone.first(*from)?, self.zone.last(*until)?),
        };
        (from <= now && now < until).then_some((from, until))
    }

    fn close(&self, opening: Occurrence, lasts_ms: u64) -> Option<Timestamp> {
        let closes = self.zone.last(Zone::later(opening.wall, lasts_ms)?)?;
        // One that lies in the missing hour with all of its time would never be open.
        Some(if closes > opening.at { closes } else { opening.at.plus_ms(lasts_ms) })
    }
}

fn again(spec: &WindowSpec, every: &str, lasts_ms: u64) -> Result<When, WindowFault> {
    let every: Recurrence = every.parse().map_err(|why| fault("every", why, "write it like `weekday 09:00`"))?;
    if every.zone().is_some_and(|zone| zone != spec.zone) {
        let message = format!("`{every}` names another time zone than `zone = \"{}\"`", spec.zone);
        return Err(fault("every", message, "name the zone in `zone` alone"));
    }
    if lasts_ms == 0 || lasts_ms > WINDOW_MS_MAX {
        let message = format!("`{}` would be open for no time at all, or for more than 31 days", spec.name);
        return Err(fault("for", message, "write how long it lasts, for instance `for = \"8h\"`"));
    }
    Ok(When::Again { every, lasts_ms })
}

fn once(from: &str, until: &str) -> Result<When, WindowFault> {
    let advice = "write it like `2026-12-20` or `2026-12-20 18:00`";
    let read = |key, text: &str| moment(text).ok_or_else(|| fault(key, format!("`{text}` is no day or time"), advice));
    let (from, _) = read("from", from)?;
    let (until, is_day) = read("until", until)?;
    // A day that is named is part of it.
    let until = if is_day { until.tomorrow().unwrap_or(until) } else { until };
    if until <= from {
        return Err(fault("until", format!("it ends at {until}, and begins at {from}"), "let it end after it begins"));
    }
    Ok(When::Once { from, until })
}

/// A moment on the wall, and whether it is a whole day.
fn moment(text: &str) -> Option<(DateTime, bool)> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<DateTime>()
        && text.contains(':')
    {
        return Some((moment, false));
    }
    let day: Date = text.parse().ok()?;
    Some((day.to_datetime(jiff::civil::Time::midnight()), true))
}
