//! What comes again and again: five fields as cron has them, or words such as `every weekday 09:00 Europe/Berlin`.
//!
//! A time that the clock on the wall skips comes at the first instant after; one that it shows twice comes once, the
//! first time.

use std::{fmt, str::FromStr};

use jiff::civil::{Date, DateTime, Time};

use super::zone::Zone;
use crate::time::Timestamp;

/// How many days a search looks at: the rarest of all, a 29th of February, comes within eight years and a day.
const LOOK_DAYS_MAX: u32 = 8 * 366;
const MINUTES: (u8, u8) = (0, 59);
const HOURS: (u8, u8) = (0, 23);
const DAYS: (u8, u8) = (1, 31);
const MONTHS: (u8, u8) = (1, 12);
/// Sunday is 0, and 7 too.
const WEEKDAYS: (u8, u8) = (0, 7);
const MONTH_NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAY_NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Times that come again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A day that either names is meant, when both are restricted: as cron has it.
    either_day: bool,
    zone: Option<String>,
}

/// One of the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) at: Timestamp,
    pub(super) wall: DateTime,
}

impl Recurrence {
    /// The zone that the words name.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The first time after an instant; none when no day within eight years fits.
    pub fn next_after(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        self.after(zone, after).map(|next| next.at)
    }

    pub(super) fn after(&self, zone: &Zone, after: Timestamp) -> Option<Occurrence> {
        // From the day before: a zone may have shown midnight twice.
        let mut date = zone.on_the_wall(after)?.date().yesterday().ok()?;
        for _ in 0..LOOK_DAYS_MAX {
            let mut times = self.times(date).filter_map(|time| occurrence(zone, date, time));
            if let Some(found) = times.find(|one| one.at > after) {
                return Some(found);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The last time that is not after an instant.
    pub(super) fn until(&self, zone: &Zone, until: Timestamp) -> Option<Occurrence> {
        let mut date = zone.on_the_wall(until)?.date().tomorrow().ok()?;
        for _ in 0..LOOK_DAYS_MAX {
            let mut times = self.times(date).rev().filter_map(|time| occurrence(zone, date, time));
            if let Some(found) = times.find(|one| one.at <= until) {
                return Some(found);
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The times of a day, the first first; none on a day that is not meant.
    fn times(&self, date: Date) -> impl DoubleEndedIterator<Item = Time> {
        let hours = if self.is_on(date) { self.hours } else { 0 };
        let minutes = self.minutes;
        let of_hour = move |hour: i8| (0..60i8).filter(move |minute| has(minutes, *minute)).map(move |m| (hour, m));
        let all = (0..24i8).filter(move |hour| has(hours, *hour)).flat_map(of_hour);
        all.map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
    }

    fn is_on(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let fits = if self.either_day { day || weekday } else { day && weekday };
        has(self.months, date.month()) && fits
    }
}

fn has(set: u64, member: i8) -> bool {
    set & (1 << member) != 0
}

fn occurrence(zone: &Zone, date: Date, time: Time) -> Option<Occurrence> {
    let wall = date.to_datetime(time);
    Some(Occurrence { at: zone.first(wall)?, wall })
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Recurrence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let is_cron = words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
        let read = if is_cron { of_fields(&words) } else { of_words(&words) };
        let read = read.map_err(|why| {
            format!("`{text}` is no recurrence: {why}; write it like `0 9 * * 1-5` or `every weekday 09:00`")
        })?;
        Ok(Self { text: text.trim().to_owned(), ..read })
    }
}

fn of_fields(words: &[String]) -> Result<Recurrence, String> {
    let (fields, zone) = match words {
        [fields @ .., zone] if words.len() == 6 => (fields, Some(zone.clone())),
        fields => (fields, None),
    };
    let [minutes, hours, days, months, weekdays] = fields else {
        return Err(format!("it has {} fields, and five are needed", fields.len()));
    };
    let names: Vec<&str> = WEEKDAY_NAMES.iter().map(|name| &name[..3]).collect();
    let sundays = set(weekdays, WEEKDAYS, &names, 0)?;
    Ok(Recurrence {
        text: String::new(),
        minutes: set(minutes, MINUTES, &[], 0)?,
        hours: set(hours, HOURS, &[], 0)?,
        days: set(days, DAYS, &[], 0)?,
        months: set(months, MONTHS, &MONTH_NAMES, 1)?,
        weekdays: if has(sundays, 7) { sundays | 1 } else { sundays },
        either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        zone,
    })
}

/// A field: `*`, numbers, ranges, each with `/step`, divided by commas.
fn set(field: &str, (min, max): (u8, u8), names: &[&str], first: u8) -> Result<u64, String> {
    let number = |text: &str| -> Result<u8, String> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let read = match named.and_then(|at| u8::try_from(at).ok()) {
            Some(at) => Some(at + first),
            None => text.parse().ok(),
        };
        read.filter(|n| (min..=max).contains(n)).ok_or_else(|| format!("`{text}` is not from {min} to {max}"))
    };
    let mut all = 0;
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (min, max),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step.is_some() => (number(range)?, max),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(format!("`{range}` goes backwards"));
        }
        let step = step.map_or(Ok(1), |step| step.parse::<u8>().map_err(|_| format!("`{step}` is no step")))?;
        if step == 0 {
            return Err("a step of 0 goes nowhere".into());
        }
        (from..=to).step_by(usize::from(step)).for_each(|member| all |= 1 << member);
    }
    Ok(all)
}

/// `[every] day|weekday|weekend|hour|monday and friday [HH:MM] [ZONE]`.
fn of_words(words: &[String]) -> Result<Recurrence, String> {
    let mut rest = words;
    if let [first, others @ ..] = rest
        && first.eq_ignore_ascii_case("every")
    {
        rest = others;
    }
    let (mut weekdays, mut hourly) = (0, false);
    while let [word, others @ ..] = rest {
        let word = word.trim_end_matches(',').to_ascii_lowercase();
        match word.as_str() {
            "and" => {}
            "hour" => hourly = true,
            _ => match days_of(&word) {
                Some(days) => weekdays |= days,
                None => break,
            },
        }
        rest = others;
    }
    if weekdays == 0 && !hourly {
        let first = rest.first().map_or("nothing", String::as_str);
        return Err(format!("`{first}` is no day; the days are day, weekday, weekend, and monday to sunday"));
    }
    let time = rest.first().and_then(|word| time(word));
    let rest = if time.is_some() { &rest[1..] } else { rest };
    let zone = match rest {
        [] => None,
        [zone] if !zone.contains(':') => Some(zone.clone()),
        [wrong, ..] => return Err(format!("`{wrong}` is neither a time from 00:00 to 23:59 nor a time zone")),
    };
    let (hour, minute) = time.unwrap_or((0, 0));
    let hours = if hourly { set("*", HOURS, &[], 0)? } else { 1 << hour };
    let weekdays = if weekdays == 0 { 0b111_1111 } else { weekdays };
    let (days, months) = (set("*", DAYS, &[], 0)?, set("*", MONTHS, &[], 1)?);
    let (minutes, text) = (1 << minute, String::new());
    Ok(Recurrence { text, minutes, hours, days, months, weekdays, either_day: false, zone })
}

fn days_of(word: &str) -> Option<u64> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    match singular {
        "day" => Some(0b111_1111),
        "weekday" => Some(0b011_1110),
        "weekend" => Some(0b100_0001),
        _ => WEEKDAY_NAMES.iter().position(|name| *name == singular || name[..3] == *word).map(|at| 1 << at),
    }
}

fn time(word: &str) -> Option<(u8, u8)> {
    let (hour, minute) = word.split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= HOURS.1 && minute <= MINUTES.1).then_some((hour, minute))
}
