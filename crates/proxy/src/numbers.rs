//! One core's counters by pool and release. Plain cells: nobody else writes to them, so counting costs no shared cache
//! line; they are merged when somebody asks.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use shipway_core::{
    id::ReleaseId,
    ports::{LATENCY_BOUNDS_MS, ReleaseTraffic},
};

use crate::limits::NUMBERS_KEYS_MAX;

const CLASSES: usize = LATENCY_BOUNDS_MS.len() + 1;

/// The counters of one release.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    requests: Cell<u64>,
    failed: Cell<u64>,
    server_errors: Cell<u64>,
    bytes_sent: Cell<u64>,
    latency: [Cell<u64>; CLASSES],
    /// The count of tables that had been followed when this key was last in one.
    last_in_table: Cell<u64>,
}

/// What one request adds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) failed: bool,
    pub(crate) server_error: bool,
    pub(crate) bytes_sent: u64,
    /// From arrival to the head of the answer; none when the client left before.
    pub(crate) latency: Option<Duration>,
}

impl Numbers {
    pub(crate) fn add(&self, tally: Tally) {
        self.requests.update(|count| count + 1);
        self.failed.update(|count| count + u64::from(tally.failed));
        self.server_errors.update(|count| count + u64::from(tally.server_error));
        self.bytes_sent.update(|count| count + tally.bytes_sent);
        if let Some(latency) = tally.latency {
            self.latency[latency_class(latency)].update(|count| count + 1);
        }
    }
}

fn latency_class(latency: Duration) -> usize {
    // "At most n milliseconds": 1.2 ms is in the class of 2.
    let ms = latency.as_micros().div_ceil(1_000) as u64;
    LATENCY_BOUNDS_MS.partition_point(|bound| *bound < ms)
}

/// Pool and release.
pub(crate) type NumbersKey = (Arc<str>, ReleaseId);

/// All counters of a core.
#[derive(Debug, Default)]
pub(crate) struct NumbersBook {
    by_key: RefCell<HashMap<NumbersKey, Rc<Numbers>>>,
    tables: Cell<u64>,
}

impl NumbersBook {
    /// Begins another table; what isn't asked for from here on has left it.
    pub(crate) fn begin_table(&self) {
        self.tables.update(|count| count + 1);
    }

    /// The counters of a key of the table that has begun.
    pub(crate) fn of(&self, pool: &Arc<str>, release: &ReleaseId) -> Rc<Numbers> {
        let mut by_key = self.by_key.borrow_mut();
        let numbers = by_key.entry((pool.clone(), release.clone())).or_default().clone();
        numbers.last_in_table.set(self.tables.get());
        numbers
    }

    /// Ends the table: of those that left, the longest gone are forgotten past the bound.
    pub(crate) fn end_table(&self) {
        let mut by_key = self.by_key.borrow_mut();
        let excess = by_key.len().saturating_sub(NUMBERS_KEYS_MAX);
        if excess == 0 {
            return;
        }
        let now = self.tables.get();
        let mut gone: Vec<_> = by_key.iter().map(|(key, numbers)| (numbers.last_in_table.get(), key.clone())).collect();
        gone.retain(|(last, _)| *last < now);
        gone.sort();
        for (_, key) in gone.into_iter().take(excess) {
            by_key.remove(&key);
        }
    }

    /// A copy of all counters.
    pub(crate) fn report(&self) -> Vec<(NumbersKey, ReleaseTraffic)> {
        self.by_key.borrow().iter().map(|(key, numbers)| (key.clone(), copy(key, numbers))).collect()
    }
}

fn copy((pool, release): &NumbersKey, numbers: &Numbers) -> ReleaseTraffic {
    ReleaseTraffic {
        pool: pool.to_string(),
        release: release.to_string(),
        requests: numbers.requests.get(),
        failed: numbers.failed.get(),
        server_errors: numbers.server_errors.get(),
        bytes_sent: numbers.bytes_sent.get(),
        latency: numbers.latency.iter().map(Cell::get).collect(),
    }
}

/// The sums over all cores.
pub(crate) fn merge(reports: Vec<Vec<(NumbersKey, ReleaseTraffic)>>) -> Vec<ReleaseTraffic> {
    let mut sums: BTreeMap<NumbersKey, ReleaseTraffic> = BTreeMap::new();
    for (key, part) in reports.into_iter().flatten() {
        match sums.get_mut(&key) {
            Some(sum) => add(sum, &part),
            None => drop(sums.insert(key, part)),
        }
    }
    // Releases that nobody asked for say nothing.
    sums.into_values().filter(|sum| sum.requests > 0).collect()
}

fn add(sum: &mut ReleaseTraffic, part: &ReleaseTraffic) {
    sum.requests += part.requests;
    sum.failed += part.failed;
    sum.server_errors += part.server_errors;
    sum.bytes_sent += part.bytes_sent;
    for (all, one) in sum.latency.iter_mut().zip(&part.latency) {
        *all += one;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_classes_hold_their_upper_bounds() {
        let class = |micros| latency_class(Duration::from_micros(micros));
        assert_eq!([class(0), class(1_000), class(1_001), class(10_000_000)], [0, 0, 1, CLASSES - 2]);
        assert_eq!(class(10_000_001), CLASSES - 1);
    }

    #[test]
    fn sums_are_over_all_cores() {
        let book = NumbersBook::default();
        book.begin_table();
        book.of(&"p".into(), &"r".into()).add(Tally {
            failed: true,
            latency: Some(Duration::ZERO),
            ..Tally::default()
        });
        book.of(&"p".into(), &"quiet".into());
        let merged = merge(vec![book.report(), book.report()]);
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].requests, merged[0].failed, merged[0].latency[0]), (2, 2, 2));
    }

    #[test]
    fn numbers_of_releases_that_left_are_kept_up_to_a_bound() {
        let book = NumbersBook::default();
        book.begin_table();
        book.of(&"p".into(), &"first".into());
        book.end_table();
        for at in 0..NUMBERS_KEYS_MAX {
            book.begin_table();
            book.of(&"p".into(), &ReleaseId::new(format!("{at}")));
            book.end_table();
        }
        let report = book.report();
        assert_eq!(report.len(), NUMBERS_KEYS_MAX);
        assert!(!report.iter().any(|((_, release), _)| release.as_str() == "first"));
    }
}
