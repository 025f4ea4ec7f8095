//! Which port an instance is given. Not here: whether the application managed to take it.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    ops::RangeInclusive,
};

use crate::fingerprint::fingerprint;

/// The ports of instances unless told otherwise: below the range that the kernel hands out by itself, so that no
/// outgoing connection takes one between the choice and the application's bind.
pub const INSTANCE_PORTS: RangeInclusive<u16> = 20_000..=29_999;

/// A free port. The search begins where the seed says, so that servers side by side on one machine rarely meet.
pub(crate) fn pick(range: &RangeInclusive<u16>, seed: &str, used: &BTreeSet<u16>) -> Option<u16> {
    let (first, size) = (u64::from(*range.start()), range.len() as u64);
    if size == 0 {
        return None;
    }
    let begin = fingerprint(seed) % size;
    (0..size)
        .filter_map(|step| u16::try_from(first + (begin + step) % size).ok())
        .find(|port| !used.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_and_taken_ports_are_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(pick(&(port..=port), "seed", &BTreeSet::new()), None);
        drop(taken);
        assert_eq!(pick(&(port..=port), "seed", &BTreeSet::from([port])), None);
        assert_eq!(pick(&(port..=port), "seed", &BTreeSet::new()), Some(port));
    }
}
