//! The order that dependencies give, and the one that is asked for on top of it.

use std::collections::{BTreeMap, BTreeSet};

use super::PlanFault;
use crate::{
    id::ServiceName,
    spec::{Order, OrderName},
};

/// What services depend on. Names that are not in the map are not waited for.
pub(super) type DependsOn<'a> = BTreeMap<&'a ServiceName, &'a [ServiceName]>;

/// A member's place in the order in which members are proven.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) service: ServiceName,
    /// The members that it waits for.
    pub(super) after: Vec<ServiceName>,
    /// Who has a lower one is proven before; the same are proven side by side as far as `after` allows.
    pub(super) rank: usize,
}

/// The members with every dependency before its dependents, rank by rank.
///
/// A member also waits for those that it depends on through services that stay as they are (`beside`). These run
/// already, so a circle through them is no fault: then only the members' own dependencies count.
pub(super) fn line_up<'a>(
    members: &DependsOn<'a>,
    beside: &DependsOn<'a>,
    order: &Order,
) -> Result<Vec<Place>, PlanFault> {
    let plain = dependencies_first(members, members).map_err(PlanFault::Cycle)?;
    let whole = with_beside(members, beside);
    let mut places = match dependencies_first(members, &whole) {
        Ok(sorted) => waiting(members, &whole, &sorted),
        Err(_) => waiting(members, members, &plain),
    };
    rank(&mut places, members, order)?;
    places.sort_by_key(|place| place.rank);
    Ok(places)
}

/// The members, and everything that they depend on through what stays.
fn with_beside<'a>(members: &DependsOn<'a>, beside: &DependsOn<'a>) -> DependsOn<'a> {
    let mut whole = members.clone();
    let mut open: Vec<&[ServiceName]> = members.values().copied().collect();
    while let Some(dependencies) = open.pop() {
        for dependency in dependencies.iter().filter(|name| !members.contains_key(name)) {
            let Some((name, its)) = beside.get_key_value(dependency) else { continue };
            if whole.insert(name, its).is_none() {
                open.push(its);
            }
        }
    }
    whole
}

/// A place for each member, in the order of `sorted`, which holds dependencies first.
fn waiting<'a>(members: &DependsOn<'a>, whole: &DependsOn<'a>, sorted: &[&'a ServiceName]) -> Vec<Place> {
    let mut passed_on: BTreeMap<&ServiceName, BTreeSet<&ServiceName>> = BTreeMap::new();
    let mut places = Vec::new();
    for service in sorted {
        let mut after = BTreeSet::new();
        for dependency in whole.get(service).copied().unwrap_or_default() {
            match passed_on.get(dependency) {
                Some(through) => after.extend(through),
                None if members.contains_key(dependency) => drop(after.insert(dependency)),
                None => {}
            }
        }
        if members.contains_key(service) {
            let after = after.into_iter().cloned().collect();
            places.push(Place { service: (*service).clone(), after, rank: 0 });
        } else {
            passed_on.insert(service, after);
        }
    }
    places
}

fn rank(places: &mut [Place], members: &DependsOn<'_>, order: &Order) -> Result<(), PlanFault> {
    match order {
        Order::Named(OrderName::Parallel) => Ok(()),
        Order::Named(OrderName::Sequential) => {
            places.iter_mut().enumerate().for_each(|(at, place)| place.rank = at);
            Ok(())
        }
        Order::Waves(waves) => rank_by_wave(places, members, waves),
    }
}

fn rank_by_wave(places: &mut [Place], members: &DependsOn<'_>, waves: &[Vec<ServiceName>]) -> Result<(), PlanFault> {
    let mut wave_of: BTreeMap<&ServiceName, usize> = BTreeMap::new();
    for (at, service) in waves.iter().enumerate().flat_map(|(at, wave)| wave.iter().map(move |one| (at, one))) {
        wave_of.entry(service).or_insert(at);
    }
    let wave_of = |service: &ServiceName| wave_of.get(service).copied().unwrap_or(waves.len());
    for place in places {
        place.rank = wave_of(&place.service);
        let own = members.get(&place.service).copied().unwrap_or_default();
        let later = own.iter().find(|name| members.contains_key(name) && wave_of(name) > place.rank);
        if let Some(dependency) = later {
            let (service, dependency, later) = (place.service.clone(), dependency.clone(), wave_of(dependency) + 1);
            return Err(PlanFault::Order { service, wave: place.rank + 1, dependency, later });
        }
    }
    Ok(())
}

/// The roots and what they depend on, with every dependency before its dependents. Fails with the cycle written out,
/// its first member again at the end.
fn dependencies_first<'a>(
    roots: &DependsOn<'a>,
    depends_on: &DependsOn<'a>,
) -> Result<Vec<&'a ServiceName>, Vec<ServiceName>> {
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    for root in roots.keys().copied() {
        visit(root, depends_on, &mut seen, &mut ordered)?;
    }
    Ok(ordered)
}

/// Walks down from one service. The path is a list and no recursion: chains may be thousands long.
fn visit<'a>(
    root: &'a ServiceName,
    depends_on: &DependsOn<'a>,
    seen: &mut BTreeSet<&'a ServiceName>,
    ordered: &mut Vec<&'a ServiceName>,
) -> Result<(), Vec<ServiceName>> {
    let its = |name: &ServiceName| depends_on.get(name).copied().unwrap_or_default().iter();
    if !seen.insert(root) {
        return Ok(());
    }
    let mut path = vec![(root, its(root))];
    let mut on_path = BTreeSet::from([root]);
    while let Some((service, rest)) = path.last_mut() {
        let service = *service;
        let Some(dependency) = rest.next() else {
            ordered.push(service);
            on_path.remove(service);
            path.pop();
            continue;
        };
        let Some((name, _)) = depends_on.get_key_value(dependency) else { continue };
        if on_path.contains(name) {
            let circle = path.iter().map(|(on_path, _)| *on_path).skip_while(|on_path| on_path != name);
            return Err(circle.chain([*name]).cloned().collect());
        }
        if seen.insert(name) {
            on_path.insert(name);
            path.push((name, its(name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<ServiceName> {
        text.split_whitespace().map(ServiceName::new).collect()
    }

    /// `a: b c; b:` and so on.
    fn graph(text: &str) -> Vec<(ServiceName, Vec<ServiceName>)> {
        let pairs = text.split(';').filter_map(|one| one.split_once(':'));
        pairs.map(|(service, its)| (ServiceName::new(service.trim()), names(its))).collect()
    }

    fn lined(members: &str, beside: &str, order: &Order) -> Result<Vec<String>, PlanFault> {
        let (members, beside) = (graph(members), graph(beside));
        let map = |pairs: &'_ [(ServiceName, Vec<ServiceName>)]| -> BTreeMap<ServiceName, Vec<ServiceName>> {
            pairs.iter().cloned().collect()
        };
        let (members, beside) = (map(&members), map(&beside));
        let members = members.iter().map(|(name, its)| (name, its.as_slice())).collect();
        let beside = beside.iter().map(|(name, its)| (name, its.as_slice())).collect();
        let text = |place: &Place| {
            let after: Vec<_> = place.after.iter().map(ServiceName::as_str).collect();
            format!("{} {} {}", place.rank, place.service, after.join(","))
        };
        line_up(&members, &beside, order).map(|places| places.iter().map(text).collect())
    }

    #[test]
    fn dependencies_come_first() {
        let found = lined("a: c b; b: c x; c:; d:", "", &Order::default());
        assert_eq!(found, Ok(vec!["0 c ".into(), "0 b c".into(), "0 a b,c".into(), "0 d ".into()]));
    }

    #[test]
    fn a_member_waits_for_those_behind_what_stays() {
        let found = lined("a: x; z:", "x: y w; y: z; w: q", &Order::default());
        assert_eq!(found, Ok(vec!["0 z ".into(), "0 a z".into()]));
    }

    #[test]
    fn a_circle_through_what_stays_is_no_fault() {
        let found = lined("a: b; b: x", "x: a", &Order::default());
        assert_eq!(found, Ok(vec!["0 b ".into(), "0 a b".into()]));
        let found = lined("a: x", "x: y; y: x", &Order::default());
        assert_eq!(found, Ok(vec!["0 a ".into()]));
    }

    #[test]
    fn a_cycle_is_written_out() {
        let fault = lined("a: b; b: c; c: d; d: b", "", &Order::default()).unwrap_err();
        assert_eq!(fault.to_string(), "services depend on each other in a circle: b -> c -> d -> b");
        let fault = lined("a: a", "", &Order::default()).unwrap_err();
        assert_eq!(fault.to_string(), "services depend on each other in a circle: a -> a");
    }

    #[test]
    fn one_after_the_other() {
        let found = lined("a: b; b:; c:", "", &Order::Named(OrderName::Sequential));
        assert_eq!(found, Ok(vec!["0 b ".into(), "1 a b".into(), "2 c ".into()]));
    }

    #[test]
    fn waves_come_one_by_one_and_the_unnamed_last() {
        let order = Order::Waves(vec![names("c b elsewhere"), names("a")]);
        let found = lined("a: b; b:; c:; d:", "", &order);
        assert_eq!(found, Ok(vec!["0 b ".into(), "0 c ".into(), "1 a b".into(), "2 d ".into()]));
    }

    #[test]
    fn waves_against_dependencies_are_refused() {
        let order = Order::Waves(vec![names("a"), names("b")]);
        let fault = lined("a: b; b:", "", &order).unwrap_err();
        assert_eq!(fault.to_string(), "a is in wave 1, and depends on b in wave 2: put b first");
        // Behind what stays nobody is refused: that runs already, and the waves were asked for.
        let found = lined("a: x; b:", "x: b", &order);
        assert_eq!(found, Ok(vec!["0 a b".into(), "1 b ".into()]));
    }

    #[test]
    fn a_long_chain_overflows_nothing() {
        let name = |at: usize| format!("s{at:05}");
        let chain: Vec<_> = (0..20_000).map(|at| format!("{}: {}", name(at), name(at + 1))).collect();
        let found = lined(&chain.join(";"), "", &Order::default()).expect("no circle");
        assert_eq!(found.first().map(String::as_str), Some("0 s19999 "));
        assert_eq!(found.last().map(String::as_str), Some("0 s00000 s00001"));
    }
}
