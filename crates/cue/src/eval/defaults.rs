//! Which of the alternatives that are left are defaults.
//!
//! An alternative of several disjunctions knows its way: what was picked in each. Disjunctions are taken one after
//! another; where no default of those before, or none of the next one, is left, that side has no say. A disjunction
//! inside a picked alternative is decided within it.
//!
//! Source of the rules: the language specification, "Default values", and what CUE v0.17 does where a default is left
//! over in none of the results.
//!
//! Not here: which alternatives fail (`disjunction`).

use super::graph::{DefaultMode, Pick, Way};

/// What is known of one way while disjunctions are taken into account.
#[derive(Clone, Copy)]
struct Standing {
    mode: DefaultMode,
    /// The mark of the alternative that was picked last.
    mark: DefaultMode,
}

/// Whether each way leads to a default. `None`: it depends on the order in which disjunctions are taken.
pub(super) fn defaults(ways: &[&Way]) -> Option<Vec<bool>> {
    let all: Vec<usize> = (0..ways.len()).collect();
    let start = vec![Standing { mode: DefaultMode::Maybe, mark: DefaultMode::Maybe }; ways.len()];
    let are = |backwards: bool| -> Vec<bool> {
        let ended = level(ways, &all, 0, &start, backwards);
        ended.iter().map(|standing| standing.mode == DefaultMode::Yes).collect()
    };
    let forwards = are(false);
    (forwards == are(true)).then_some(forwards)
}

/// Takes the disjunctions of one level into account for some of the ways; gives the standings of all.
fn level(ways: &[&Way], these: &[usize], parent: u32, start: &[Standing], backwards: bool) -> Vec<Standing> {
    let mut standings = start.to_vec();
    let mut numbers: Vec<u32> = Vec::new();
    for pick in these.iter().flat_map(|way| ways[*way].iter()).filter(|pick| pick.parent == parent) {
        if !numbers.contains(&pick.number) {
            numbers.push(pick.number);
        }
    }
    if backwards {
        numbers.reverse();
    }
    for number in numbers {
        let among: Vec<usize> = these.iter().copied().filter(|way| picked(ways[*way], number).is_some()).collect();
        take(ways, &among, number, &mut standings, backwards);
    }
    standings
}

/// Takes one disjunction into account.
fn take(ways: &[&Way], these: &[usize], number: u32, standings: &mut [Standing], backwards: bool) {
    let before = standings.to_vec();
    let has_default = |standing: &Standing| [standing.mode, standing.mark].contains(&DefaultMode::Yes);
    let left_drops = !these.iter().any(|way| has_default(&before[*way]));
    let mark = |way: usize| picked(ways[way], number).map_or(DefaultMode::Maybe, |pick| pick.mode);
    let right_drops = !these.iter().any(|way| mark(*way) == DefaultMode::Yes);
    let mut marked = false;
    for group in groups(ways, these, number) {
        let of = mark(group[0]);
        let inner = within(ways, &group, number, of, &before, backwards);
        let several = group.iter().any(|way| inside(ways[*way], number) != inside(ways[group[0]], number));
        for way in group {
            let mode = if several {
                let mode = combine(dropped(before[way].mode, left_drops), combine(of, inner[way].mode));
                marked |= mode != DefaultMode::Maybe;
                mode
            } else {
                combine(dropped(inner[way].mode, left_drops), dropped(of, right_drops))
            };
            standings[way] = Standing { mode, mark: of };
        }
    }
    if marked {
        for way in these.iter().filter(|way| standings[**way].mode == DefaultMode::Maybe).copied().collect::<Vec<_>>() {
            standings[way].mode = DefaultMode::No;
        }
    }
}

/// The standings after the disjunctions inside an alternative.
fn within(
    ways: &[&Way],
    group: &[usize],
    number: u32,
    mark: DefaultMode,
    before: &[Standing],
    backwards: bool,
) -> Vec<Standing> {
    let start: Vec<Standing> = before.iter().map(|standing| Standing { mark, ..*standing }).collect();
    level(ways, group, number, &start, backwards)
}

/// The ways that picked the same alternative of a disjunction.
fn groups(ways: &[&Way], these: &[usize], number: u32) -> Vec<Vec<usize>> {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for way in these {
        let Some(pick) = picked(ways[*way], number) else { continue };
        match groups.iter_mut().find(|(alternative, _)| *alternative == pick.alternative) {
            Some((_, group)) => group.push(*way),
            None => groups.push((pick.alternative, vec![*way])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What was picked in disjunctions inside an alternative.
fn inside(way: &Way, number: u32) -> Vec<(u32, usize)> {
    let mut parents = vec![number];
    let mut picks = Vec::new();
    for pick in way {
        if parents.contains(&pick.parent) {
            parents.push(pick.number);
            picks.push((pick.number, pick.alternative));
        }
    }
    picks
}

fn picked(way: &Way, number: u32) -> Option<&Pick> {
    way.iter().find(|pick| pick.number == number)
}

fn dropped(mode: DefaultMode, drops: bool) -> DefaultMode {
    if drops { DefaultMode::Maybe } else { mode }
}

/// What is no default on either side is none.
fn combine(a: DefaultMode, b: DefaultMode) -> DefaultMode {
    a.max(b)
}
