//! What a seed has in store between polls: crashes, clocks that jump, a store out of reach. Not here: faults that wait
//! for their step (`aim`, `mishap`).

use crate::random::Random;

/// The polls within which things happen on their own.
pub const PLOT_POLLS: u64 = 1500;

/// What happens at which poll, whatever is under way then.
#[derive(Default)]
pub struct Plot {
    /// At which polls the server crashes.
    pub crashes: Vec<u64>,
    /// At which poll the store is copied, when it is put back at a crash.
    pub copied_at: Option<u64>,
    /// At which polls a clock jumps.
    pub jumps: Vec<u64>,
    /// At which polls the store is out of reach for a while.
    pub cuts: Vec<u64>,
    /// At which polls the data plane starts again.
    pub reboots: Vec<u64>,
    /// At which poll one of many servers stands still, and for how long, in milliseconds.
    pub stands_still: Option<(u64, u64)>,
}

/// A server stands still for longer than it is believed to be there.
const STILL_MS: (u64, u64) = (15_000, 45_000);

impl Plot {
    /// Makes one up.
    pub fn draw(random: &mut Random) -> Self {
        let mut at = |share: u64, count: u64| -> Vec<u64> {
            if !random.per_mille(share) {
                return Vec::new();
            }
            let count = random.between(1, count);
            let mut polls: Vec<_> = (0..count).map(|_| random.between(40, PLOT_POLLS)).collect();
            polls.sort_unstable();
            polls
        };
        Self {
            crashes: at(800, 3),
            jumps: at(120, 2),
            cuts: at(200, 2),
            reboots: at(200, 2),
            copied_at: at(60, 1).first().copied(),
            stands_still: None,
        }
    }

    /// The same, and one server stands still for a while.
    pub fn with_a_stand_still(self, random: &mut Random) -> Self {
        let at = random.between(40, PLOT_POLLS);
        Self { stands_still: Some((at, random.between(STILL_MS.0, STILL_MS.1))), ..self }
    }
}
