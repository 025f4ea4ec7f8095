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
use crate::hash::NumberMap;

/// The ways, and which alternative each of them leads to.
pub(super) struct Ways<'a> {
    pub ways: Vec<&'a Way>,
    /// By number; several ways may lead to one.
    pub leads_to: Vec<usize>,
}

/// Which disjunctions, by number, have alternatives with defaults of their own.
type Inside = NumberMap<u32, bool>;

/// What is known of one way while disjunctions are taken into account.
#[derive(Clone, Copy)]
struct Standing {
    mode: DefaultMode,
    /// The mark of the alternative that was picked last.
    mark: DefaultMode,
    /// Ways that picked the same so far have the same number.
    prefix: usize,
}

/// Which of the alternatives that are left are defaults. `None`: it depends on the order in which disjunctions are
/// taken, or CUE takes others for defaults than the specification does.
pub(super) fn defaults(ways: &Ways<'_>) -> Option<Vec<bool>> {
    if !ways.have_marks() {
        return Some(vec![false; ways.ends()]);
    }
    let forwards = ways.lead_to_defaults(false);
    let pairs = ways.by_pairs();
    let as_specified = pairs == forwards || (!pairs.contains(&true) && ways.are_simple());
    (as_specified && forwards == ways.lead_to_defaults(true)).then_some(forwards)
}

impl Ways<'_> {
    /// How many alternatives the ways lead to.
    fn ends(&self) -> usize {
        self.leads_to.iter().max().map_or(0, |last| last + 1)
    }

    /// Whether an alternative was marked anywhere on the ways, or beside one.
    fn have_marks(&self) -> bool {
        self.ways.iter().flat_map(|way| way.iter()).any(|pick| pick.mode != DefaultMode::Maybe)
    }

    /// Which of the alternatives at the ends of the ways are defaults.
    fn lead_to_defaults(&self, backwards: bool) -> Vec<bool> {
        let all: Vec<usize> = (0..self.ways.len()).collect();
        let start = Standing { mode: DefaultMode::Maybe, mark: DefaultMode::Maybe, prefix: 0 };
        let ended = self.level(&all, 0, &vec![start; all.len()], backwards);
        let mut ends = vec![false; self.ends()];
        for (end, standing) in self.leads_to.iter().zip(ended) {
            ends[*end] |= standing.mode == DefaultMode::Yes;
        }
        ends
    }

    /// Whether nothing that fell on the way can count: there are at most two disjunctions, none inside the other; or
    /// there is one, and what is inside an alternative of it comes to one value.
    fn are_simple(&self) -> bool {
        let flat = |way: &&Way| way.len() <= 2 && way.iter().all(|pick| pick.parent == 0);
        let outer =
            |way: &Way| way.iter().filter(|pick| pick.parent == 0).map(|pick| pick.alternative).collect::<Vec<_>>();
        let pairs = || self.ways.iter().zip(&self.leads_to).map(|(way, end)| (outer(way), end));
        let comes_to_one = |(picks, end): (Vec<usize>, &usize)| {
            picks.len() == 1 && pairs().all(|(others, other)| others != picks || other == end)
        };
        self.ways.iter().all(flat) || pairs().all(comes_to_one)
    }

    /// Which of the alternatives are defaults by the specification alone: the pairs of a value and its default are
    /// combined side by side, and a default that is none is gone.
    fn by_pairs(&self) -> Vec<bool> {
        let mut ends = vec![false; self.ends()];
        let mut inside = Inside::default();
        for (end, way) in self.leads_to.iter().zip(&self.ways) {
            ends[*end] |= self.side_by_side(way, 0, &mut inside) == Some(true);
        }
        ends
    }

    /// Whether the picks of one level are defaults together; `None` where nothing is said of defaults.
    fn side_by_side(&self, way: &Way, parent: u32, known: &mut Inside) -> Option<bool> {
        let mut all: Option<bool> = None;
        for pick in way.iter().filter(|pick| pick.parent == parent) {
            if let Some(is_default) = self.is_default_pick(way, pick, known) {
                all = Some(all.unwrap_or(true) && is_default);
            }
        }
        all
    }

    fn is_default_pick(&self, way: &Way, pick: &Pick, known: &mut Inside) -> Option<bool> {
        let inside = self.side_by_side(way, pick.number, known);
        match pick.mode {
            DefaultMode::Yes => Some(inside.unwrap_or(true)),
            DefaultMode::No => Some(false),
            DefaultMode::Maybe => inside.or_else(|| self.has_default_inside(pick.number, known).then_some(false)),
        }
    }

    /// Whether an alternative of a disjunction has a default of its own.
    fn has_default_inside(&self, number: u32, known: &mut Inside) -> bool {
        if let Some(has) = known.get(&number) {
            return *has;
        }
        let has = self.ways.iter().any(|way| self.side_by_side(way, number, known).is_some());
        known.insert(number, has);
        has
    }

    /// Takes the disjunctions of one level into account for some of the ways; gives the standings of all.
    fn level(&self, these: &[usize], parent: u32, start: &[Standing], backwards: bool) -> Vec<Standing> {
        let mut standings = start.to_vec();
        let mut numbers: Vec<u32> = Vec::new();
        for pick in these.iter().flat_map(|way| self.ways[*way]).filter(|pick| pick.parent == parent) {
            if !numbers.contains(&pick.number) {
                numbers.push(pick.number);
            }
        }
        if backwards {
            numbers.reverse();
        }
        for number in numbers {
            let has_it = |way: &usize| picked(self.ways[*way], number).is_some();
            let among: Vec<usize> = these.iter().copied().filter(has_it).collect();
            self.take(&among, number, &mut standings, backwards);
        }
        standings
    }

    /// Takes one disjunction into account.
    fn take(&self, these: &[usize], number: u32, standings: &mut [Standing], backwards: bool) {
        let before = standings.to_vec();
        let mark = |way: usize| picked(self.ways[way], number).map_or(DefaultMode::Maybe, |pick| pick.mode);
        let is_default = |way: &usize| [before[*way].mode, before[*way].mark].contains(&DefaultMode::Yes);
        let left_drops = !these.iter().any(is_default);
        let right_drops = !these.iter().any(|way| mark(*way) == DefaultMode::Yes);
        let mut marked = false;
        for group in self.groups(these, number, &before) {
            let of = mark(group[0]);
            let start: Vec<Standing> = before.iter().map(|standing| Standing { mark: of, ..*standing }).collect();
            let inner = self.level(&group, number, &start, backwards);
            let one = group.iter().all(|way| self.leads_to[*way] == self.leads_to[group[0]]);
            let any_default = group.iter().any(|way| inner[*way].mode == DefaultMode::Yes);
            for way in group {
                let (mode, mark) = if one {
                    let mode = if any_default { DefaultMode::Yes } else { inner[way].mode };
                    (combine(dropped(mode, left_drops), dropped(of, right_drops)), of)
                } else if inner_picks(self.ways[way], number).is_empty() {
                    (combine(dropped(before[way].mode, left_drops), dropped(of, right_drops)), of)
                } else {
                    let mode = combine(dropped(before[way].mode, left_drops), combine(of, inner[way].mode));
                    marked |= mode != DefaultMode::Maybe;
                    (mode, inner[way].mark)
                };
                standings[way] = Standing { mode, mark, prefix: before[way].prefix };
            }
        }
        if marked {
            these.iter().for_each(|way| standings[*way].mode = at_least_no(standings[*way].mode));
        }
        self.refine(these, number, standings);
    }

    /// The ways that picked the same so far, and the same alternative of a disjunction.
    fn groups(&self, these: &[usize], number: u32, before: &[Standing]) -> Vec<Vec<usize>> {
        let mut groups: Vec<((usize, usize), Vec<usize>)> = Vec::new();
        for way in these {
            let Some(pick) = picked(self.ways[*way], number) else { continue };
            let key = (before[*way].prefix, pick.alternative);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push(*way),
                None => groups.push((key, vec![*way])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Ways that picked something else have another prefix from here on.
    fn refine(&self, these: &[usize], number: u32, standings: &mut [Standing]) {
        let mut known: Vec<(usize, Vec<(u32, usize)>)> = Vec::new();
        for way in these {
            let mut picks = inner_picks(self.ways[*way], number);
            picks.extend(picked(self.ways[*way], number).map(|pick| (number, pick.alternative)));
            let key = (standings[*way].prefix, picks);
            let at = known.iter().position(|one| *one == key).unwrap_or_else(|| {
                known.push(key);
                known.len() - 1
            });
            standings[*way].prefix = at;
        }
    }
}

/// What was picked in disjunctions inside an alternative.
fn inner_picks(way: &Way, number: u32) -> Vec<(u32, usize)> {
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

fn at_least_no(mode: DefaultMode) -> DefaultMode {
    if mode == DefaultMode::Maybe { DefaultMode::No } else { mode }
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
