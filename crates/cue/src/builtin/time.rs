//! The package `time`: instants as RFC 3339 text, durations as text and as nanoseconds.
//!
//! Not here: a clock, and zones with rules. A time knows its offset from UTC and nothing more.

mod calendar;
mod duration;
mod format;
mod layout;
mod parse;

use indexmap::IndexMap;

use super::arguments::{BOOL, INT, Outcome, STRUCT, TEXT, int, integer, text};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;
use calendar::Moment;

/// The layout of times as CUE writes them.
const RFC_3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// The farthest that a time is from 1970, in seconds: about a million years.
const MAX_SECONDS: u64 = 31_556_952_000_000;

pub(super) static PACKAGE: Package = Package {
    path: "time",
    functions: &[
        Builtin::new("Duration", &[TEXT], BOOL, |args| duration::parse(text(args, 0)?).map(|_| Data::Bool(true))),
        Builtin::new("FormatDuration", &[INT], TEXT, |args| Ok(Data::string(duration::format(integer(args, 0)?)))),
        Builtin::new("ParseDuration", &[TEXT], INT, |args| duration::parse(text(args, 0)?).map(int)),
        Builtin::new("Time", &[TEXT], BOOL, |args| is_of_layout(text(args, 0)?, RFC_3339_NANO)),
        Builtin::new("Format", &[TEXT, TEXT], BOOL, |args| is_of_layout(text(args, 0)?, text(args, 1)?)),
        Builtin::new("FormatString", &[TEXT, TEXT], TEXT, format_string),
        Builtin::new("Parse", &[TEXT, TEXT], TEXT, parse),
        Builtin::new("Unix", &[INT, INT], TEXT, unix),
        Builtin::new("ToUnix", &[TEXT], INT, |args| Ok(int(instant(args, 0)?.seconds))),
        Builtin::new("ToUnixNano", &[TEXT], INT, to_unix_nano),
        Builtin::new("Split", &[TEXT], STRUCT, split),
    ],
    constants: CONSTANTS,
};

const CONSTANTS: &[Constant] = &[
    Constant { name: "Nanosecond", cue: "1" },
    Constant { name: "Microsecond", cue: "1000" },
    Constant { name: "Millisecond", cue: "1000000" },
    Constant { name: "Second", cue: "1000000000" },
    Constant { name: "Minute", cue: "60000000000" },
    Constant { name: "Hour", cue: "3600000000000" },
    Constant { name: "ANSIC", cue: "\"Mon Jan _2 15:04:05 2006\"" },
    Constant { name: "UnixDate", cue: "\"Mon Jan _2 15:04:05 MST 2006\"" },
    Constant { name: "RubyDate", cue: "\"Mon Jan 02 15:04:05 -0700 2006\"" },
    Constant { name: "RFC822", cue: "\"02 Jan 06 15:04 MST\"" },
    Constant { name: "RFC822Z", cue: "\"02 Jan 06 15:04 -0700\"" },
    Constant { name: "RFC850", cue: "\"Monday, 02-Jan-06 15:04:05 MST\"" },
    Constant { name: "RFC1123", cue: "\"Mon, 02 Jan 2006 15:04:05 MST\"" },
    Constant { name: "RFC1123Z", cue: "\"Mon, 02 Jan 2006 15:04:05 -0700\"" },
    Constant { name: "RFC3339", cue: "\"2006-01-02T15:04:05Z07:00\"" },
    Constant { name: "RFC3339Nano", cue: "\"2006-01-02T15:04:05.999999999Z07:00\"" },
    Constant { name: "RFC3339Date", cue: "\"2006-01-02\"" },
    Constant { name: "Kitchen", cue: "\"3:04PM\"" },
    Constant { name: "Kitchen24", cue: "\"15:04\"" },
    Constant { name: "January", cue: "1" },
    Constant { name: "February", cue: "2" },
    Constant { name: "March", cue: "3" },
    Constant { name: "April", cue: "4" },
    Constant { name: "May", cue: "5" },
    Constant { name: "June", cue: "6" },
    Constant { name: "July", cue: "7" },
    Constant { name: "August", cue: "8" },
    Constant { name: "September", cue: "9" },
    Constant { name: "October", cue: "10" },
    Constant { name: "November", cue: "11" },
    Constant { name: "December", cue: "12" },
    Constant { name: "Sunday", cue: "0" },
    Constant { name: "Monday", cue: "1" },
    Constant { name: "Tuesday", cue: "2" },
    Constant { name: "Wednesday", cue: "3" },
    Constant { name: "Thursday", cue: "4" },
    Constant { name: "Friday", cue: "5" },
    Constant { name: "Saturday", cue: "6" },
];

/// The time that an argument is.
fn instant(args: &[Data], at: usize) -> Result<Moment, CallError> {
    parse::parse(RFC_3339_NANO, text(args, at)?)
}

fn is_of_layout(value: &str, layout: &str) -> Outcome {
    let parsed = parse::parse(layout, value);
    parsed
        .map(|_| Data::Bool(true))
        .map_err(|error| CallError::new(format!("invalid time {value:?}: {}", error.message)))
}

fn shown(moment: &Moment) -> Outcome {
    Ok(Data::string(format::format(&moment.in_utc(), RFC_3339_NANO)))
}

fn format_string(args: &[Data]) -> Outcome {
    Ok(Data::string(format::format(&instant(args, 1)?, text(args, 0)?)))
}

fn parse(args: &[Data]) -> Outcome {
    shown(&parse::parse(text(args, 0)?, text(args, 1)?)?)
}

fn unix(args: &[Data]) -> Outcome {
    let (seconds, nanoseconds) = (integer(args, 0)?, integer(args, 1)?);
    let seconds = seconds.checked_add(nanoseconds.div_euclid(1_000_000_000));
    let moment =
        seconds.map(|seconds| Moment { seconds, nanoseconds: nanoseconds.rem_euclid(1_000_000_000) as u32, offset: 0 });
    match moment.filter(|moment| moment.seconds.unsigned_abs() <= MAX_SECONDS) {
        Some(moment) => shown(&moment),
        None => Err(CallError::unsupported("times more than a million years away")),
    }
}

fn to_unix_nano(args: &[Data]) -> Outcome {
    let moment = instant(args, 0)?;
    let nanoseconds = i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanoseconds);
    // Go counts these in 64 bits, and what doesn't fit is anything.
    let counted = i64::try_from(nanoseconds).map_err(|_| CallError::unsupported("nanoseconds beyond 64 bits"))?;
    Ok(int(counted))
}

/// The parts of a time, as its own zone's clock shows them.
fn split(args: &[Data]) -> Outcome {
    let moment = instant(args, 0)?;
    let (civil, clock) = (moment.civil(), moment.clock());
    let parts = [
        ("year", civil.year),
        ("month", i64::from(civil.month)),
        ("day", i64::from(civil.day)),
        ("hour", i64::from(clock.hour)),
        ("minute", i64::from(clock.minute)),
        ("second", i64::from(clock.second)),
        ("nanosecond", i64::from(moment.nanoseconds)),
    ];
    let fields: IndexMap<_, _> = parts.into_iter().map(|(name, value)| (name.into(), int(value))).collect();
    Ok(Data::Struct(Box::new(fields)))
}
