//! Which backend and which upstream a request goes to. Pure: chance and time are passed in.
//!
//! Not here: connecting (`connections`), counting (`account`).

use shipway_core::id::{DeploymentId, ReleaseId};

use crate::table::{BackendEntry, PoolEntry};

/// A client's stable 64-bit place within a deployment.
///
/// FNV-1a over both texts, finished with the mixer of SplitMix64: FNV alone leaves the low bits of similar texts alike,
/// and the place is taken modulo the weights. Not for secrets: a client may choose its id and so its side.
pub(crate) fn cohort_place(deployment: &DeploymentId, client: &str) -> u64 {
    let bytes = deployment.as_str().bytes().chain([0xff]).chain(client.bytes());
    mix(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// The finisher of SplitMix64: every bit of the input changes about half of the bits of the output.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// How a request's place among the backends is found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lot<'a> {
    /// One release by name, whatever its weight.
    Release(&'a ReleaseId),
    /// By a number: a client's place in a cohort, or chance. It is taken modulo the sum of the weights.
    Place(u64),
}

/// The backend that takes a request; none when no backend can answer.
///
/// Candidates come first on the scale, so that a client who is in at 5 % stays in at 25 %.
pub(crate) fn backend(pool: &PoolEntry, lot: Lot<'_>) -> Option<usize> {
    let place = match lot {
        Lot::Release(release) => {
            return pool.backends.iter().position(|backend| backend.release == *release && backend.can_answer());
        }
        Lot::Place(place) => place,
    };
    let total: u64 = pool.backends.iter().map(|backend| u64::from(backend.weight)).sum();
    let mut left = place.checked_rem(total)?;
    let candidates_first = [true, false];
    let on_scale = candidates_first.iter().flat_map(|side| backends_of(pool, *side));
    for (at, backend) in on_scale {
        match left.checked_sub(u64::from(backend.weight)) {
            // What the lot fell on can't answer: better the other release than no answer.
            None if !backend.can_answer() => break,
            None => return Some(at),
            Some(rest) => left = rest,
        }
    }
    pool.backends.iter().position(|backend| backend.weight > 0 && backend.can_answer())
}

fn backends_of(pool: &PoolEntry, candidate: bool) -> impl Iterator<Item = (usize, &BackendEntry)> {
    pool.backends.iter().enumerate().filter(move |(_, backend)| backend.candidate == candidate)
}

/// What is known of an upstream when one is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) in_flight: u64,
    /// It refused this request, or is ejected.
    pub(crate) avoid: bool,
}

/// The less busy of two that chance names, among those that are not to be avoided; any, when all are.
pub(crate) fn upstream(count: usize, standing: impl Fn(usize) -> Standing, chance: u64) -> Option<usize> {
    let start = (chance as usize).checked_rem(count)?;
    let other_start = ((chance >> 32) as usize) % count;
    let first = next_usable(count, start, &standing, None).unwrap_or(start);
    let second = next_usable(count, other_start, &standing, Some(first)).unwrap_or(first);
    Some(if standing(second).in_flight < standing(first).in_flight { second } else { first })
}

fn next_usable(
    count: usize,
    start: usize,
    standing: &impl Fn(usize) -> Standing,
    besides: Option<usize>,
) -> Option<usize> {
    (0..count).map(|step| (start + step) % count).find(|at| Some(*at) != besides && !standing(*at).avoid)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{table::TargetEntry, upstream::UpstreamState};

    fn backend_entry(release: &str, weight: u32, candidate: bool, instances: usize) -> BackendEntry {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let upstream = |at: usize| Arc::new(UpstreamState::new((format!("{release}-{at}").as_str().into(), address)));
        BackendEntry {
            release: release.into(),
            weight,
            candidate,
            target: TargetEntry::Instances((0..instances).map(upstream).collect()),
        }
    }

    fn pool(backends: Vec<BackendEntry>) -> PoolEntry {
        PoolEntry { name: "p".into(), cohort: None, hold: None, backends }
    }

    fn canary(percent: u32) -> PoolEntry {
        pool(vec![backend_entry("old", 100 - percent, false, 1), backend_entry("new", percent, true, 1)])
    }

    #[test]
    fn a_client_that_is_in_stays_in_while_the_share_grows() {
        let deployment = DeploymentId::new("d1");
        let place = |client: u32| cohort_place(&deployment, &format!("{client:032x}"));
        let mut inside = [0u32; 4];
        for client in 0..20_000 {
            let mut was_in = false;
            for (at, percent) in [5, 25, 50, 100].into_iter().enumerate() {
                let is_in = backend(&canary(percent), Lot::Place(place(client))) == Some(1);
                assert!(is_in || !was_in, "client {client} fell out at {percent} %");
                inside[at] += u32::from(is_in);
                was_in = is_in;
            }
        }
        for (count, share) in inside.into_iter().zip([0.05, 0.25, 0.5, 1.0]) {
            let got = f64::from(count) / 20_000.0;
            assert!((got - share).abs() < 0.01, "{got} for {share}");
        }
    }

    #[test]
    fn deployments_draw_their_cohorts_anew() {
        let both = (0..10_000)
            .map(|client| format!("{client:032x}"))
            .filter(|client| ["d1", "d2"].iter().all(|id| cohort_place(&DeploymentId::new(*id), client) % 100 < 10))
            .count();
        assert!((50..200).contains(&both), "{both} of 10000 clients are in both tenths");
    }

    #[test]
    fn what_cannot_answer_is_passed_over() {
        let dead_candidate = pool(vec![backend_entry("old", 50, false, 1), backend_entry("new", 50, true, 0)]);
        assert!((0..100).all(|place| backend(&dead_candidate, Lot::Place(place)) == Some(0)));
        let lane = pool(vec![backend_entry("old", 1, false, 0), backend_entry("new", 0, true, 1)]);
        assert_eq!(backend(&lane, Lot::Place(0)), None, "a lane is reached by name only");
        assert_eq!(backend(&lane, Lot::Release(&"new".into())), Some(1));
        assert_eq!(backend(&lane, Lot::Release(&"gone".into())), None);
        assert_eq!(backend(&pool(Vec::new()), Lot::Place(7)), None);
    }

    #[test]
    fn the_less_busy_of_two_is_taken_and_the_avoided_only_last() {
        let busy = [3, 0];
        let standing = |at: usize| Standing { in_flight: busy[at], avoid: false };
        assert!((0..64).all(|chance| upstream(2, standing, mix(chance)) == Some(1)));
        let avoid_second = |at: usize| Standing { in_flight: busy[at], avoid: at == 1 };
        assert!((0..64).all(|chance| upstream(2, avoid_second, mix(chance)) == Some(0)));
        let avoid_all = |at: usize| Standing { in_flight: busy[at], avoid: true };
        assert!((0..64).all(|chance| upstream(2, avoid_all, mix(chance)).is_some()));
        assert_eq!(upstream(0, standing, 1), None);
    }
}
