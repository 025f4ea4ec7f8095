//! What `--inject-vars` fills tags from: facts of the machine, by the names that CUE has for them.
//!
//! Source: CUE's `cue help injection`; the names of systems and processors are Go's.
//!
//! Not here: a clock. The time is handed in.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::load::Variables;

/// The variables of this machine: `now`, `os`, `arch`, `cwd`, `username`, `hostname` and, where the system gives
/// randomness, `rand`.
#[must_use]
pub fn variables(folder: &Path, now: SystemTime) -> Variables {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let known = [
        ("now", rfc3339(now.duration_since(UNIX_EPOCH).unwrap_or_default())),
        ("os", system(std::env::consts::OS).to_owned()),
        ("arch", processor(std::env::consts::ARCH).to_owned()),
        ("cwd", folder.display().to_string()),
        ("username", user),
        ("hostname", host),
    ];
    let random = random().map(|text| ("rand", text));
    Variables(known.into_iter().chain(random).map(|(name, value)| (name.to_owned(), value)).collect())
}

fn system(name: &str) -> &str {
    match name {
        "macos" => "darwin",
        other => other,
    }
}

fn processor(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A number of 128 random bits, as CUE's literal.
fn random() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("0x{:032x}", u128::from_be_bytes(bytes)))
}

/// RFC 3339 in UTC with as many digits of the second's fraction as it needs, from the time since 1970. The days are
/// counted in years that begin in March, so that a leap day is a year's last.
fn rfc3339(since_1970: Duration) -> String {
    let (days, seconds) = (since_1970.as_secs() / 86_400, since_1970.as_secs() % 86_400);
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let nanos = since_1970.subsec_nanos();
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
    let fraction = fraction.trim_end_matches('0');
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let table = [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_399, 0, "2000-02-28T23:59:59Z"),
            (951_782_400, 500_000_000, "2000-02-29T00:00:00.5Z"),
            (1_709_251_199, 1, "2024-02-29T23:59:59.000000001Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, nanos, expected) in table {
            assert_eq!(rfc3339(Duration::new(seconds, nanos)), expected);
        }
    }
}
