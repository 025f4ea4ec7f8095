//! What file work may use of the processor, so that a transfer leaves room for what serves: each thread rests until its
//! own processor time is within its share of the time that has passed.
//!
//! Not here: builds, whose processes are bounded by the machine (`targets`).

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// The longest rest at a time.
const REST_MS_MAX: u64 = 200;

/// The share of one core that a thread of file work may use; not bounded when absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share(Option<f64>);

/// Where the work of a thread began.
#[derive(Clone, Copy)]
struct Begun {
    share: f64,
    at: Instant,
    used: Duration,
}

thread_local! {
    static BEGUN: Cell<Option<Begun>> = const { Cell::new(None) };
}

impl Share {
    /// A share of one core, above 0. One and more bounds nothing: a thread has no more than one.
    pub fn of_core(share: f64) -> Self {
        Self((share > 0.0 && share < 1.0).then_some(share))
    }

    /// Does work on this thread within the share.
    pub(crate) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        let begun = self.0.map(|share| Begun { share, at: Instant::now(), used: used() });
        BEGUN.set(begun);
        let done = work();
        BEGUN.set(None);
        done
    }
}

/// Rests as long as this thread has used more than its share. File work calls it after each file or piece.
pub(crate) fn rest() {
    let Some(begun) = BEGUN.get() else { return };
    let due = used().saturating_sub(begun.used).div_f64(begun.share);
    let ahead = due.saturating_sub(begun.at.elapsed());
    if !ahead.is_zero() {
        std::thread::sleep(ahead.min(Duration::from_millis(REST_MS_MAX)));
    }
}

/// The processor time of this thread.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work_for(share: Share, processor: Duration) -> (Duration, Duration) {
        let (from, begun) = (used(), Instant::now());
        share.within(|| {
            while used().saturating_sub(from) < processor {
                std::hint::black_box((0..1000).sum::<u64>());
                rest();
            }
            rest();
        });
        (used().saturating_sub(from), begun.elapsed())
    }

    #[test]
    fn a_thread_keeps_within_its_share() {
        let (used, passed) = work_for(Share::of_core(0.25), Duration::from_millis(30));
        // However busy the machine is, time can only pass longer than the share asks for.
        assert!(passed >= used.mul_f64(3.0), "{used:?} of {passed:?}");
    }

    #[test]
    fn a_whole_core_bounds_nothing() {
        for share in [1.0, 4.0, 0.0, -1.0] {
            assert!(Share::of_core(share).0.is_none());
        }
    }
}
