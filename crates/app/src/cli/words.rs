//! Times, spans and counts in words for people.

use std::time::{SystemTime, UNIX_EPOCH};

use shipway_core::{risk::Risk, time::Timestamp};

/// The time on this machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// An assessment in one line: `medium: 2 of 4 services change, with 6 instances; …`.
pub fn risk(risk: &Risk) -> String {
    format!("{}: {}", risk.level.name(), risk.reasons.join("; "))
}

/// How long something took: `38 ms`, `4.2 s`, `2 min 05 s`, `3 h 10 min`.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How long ago something was, in its largest unit.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since_ms(at) / 1000;
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// How much something holds: `312 bytes`, `4.2 KiB`, `17.0 MiB`.
pub fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..KIB => count(bytes, "byte"),
        KIB..MIB => format!("{} KiB", tenths(KIB)),
        _ => format!("{} MiB", tenths(MIB)),
    }
}

/// `1 request`, `2 requests`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_precision_that_a_person_reads() {
        for (ms, words) in [(38, "38 ms"), (4_250, "4.2 s"), (125_000, "2 min 05 s"), (11_400_000, "3 h 10 min")] {
            assert_eq!(span(ms), words);
        }
        assert_eq!(ago(Timestamp(0), Timestamp(7_200_000)), "2 h ago");
        assert_eq!(count(1, "request"), "1 request");
        for (bytes, words) in [(1, "1 byte"), (1023, "1023 bytes"), (4301, "4.2 KiB"), (17 << 20, "17.0 MiB")] {
            assert_eq!(size(bytes), words);
        }
    }
}
