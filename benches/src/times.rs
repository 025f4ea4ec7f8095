//! Times as the server writes them, beside the clock of the harness: both are the machine's.

use serde_json::Value;

const DAY_S: f64 = 86_400.0;

/// The seconds since midnight of a time in RFC 3339; NaN when it is none.
pub fn seconds_of_day(at: &Value) -> f64 {
    let text = at.as_str().unwrap_or_default();
    let time = text.split_once('T').map_or("", |(_, time)| time).trim_end_matches('Z');
    time.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap_or(f64::NAN))
}

/// The milliseconds from a time that the server wrote to one of the harness, in microseconds since 1970.
pub fn ms_until(from: &Value, until_us: u64) -> f64 {
    let until_s = (until_us as f64 / 1e6) % DAY_S;
    ((until_s - seconds_of_day(from)).rem_euclid(DAY_S)) * 1000.0
}

/// The milliseconds between two times that the server wrote.
pub fn ms_between(from: &Value, until: &Value) -> f64 {
    ((seconds_of_day(until) - seconds_of_day(from)).rem_euclid(DAY_S)) * 1000.0
}
