//! Instances that leave: drained and stopped, whoever calls before whom it calls, so that a request which one of them
//! has begun still finds what it needs. Not here: who leaves (`observed`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Step, builder::Builder, observed::View, order::line_up};
use crate::{
    id::{InstanceId, ReleaseId, ServiceName},
    spec::{Order, OrderName},
};

/// What leaves of a service.
pub(super) struct Leaving {
    service: ServiceName,
    instances: Vec<(ReleaseId, InstanceId)>,
    /// Instances that stand by: they get no new requests and stay, and what they have begun still calls.
    standing_by: Vec<(ReleaseId, InstanceId)>,
    /// The services that these instances call.
    calls: Vec<ServiceName>,
}

impl Leaving {
    pub(super) fn new(service: &ServiceName, instances: Vec<(ReleaseId, InstanceId)>, view: &View<'_>) -> Self {
        let leaving = Self { service: service.clone(), instances, standing_by: Vec::new(), calls: Vec::new() };
        leaving.beside(Vec::new(), view)
    }

    /// The same beside instances that stand by.
    pub(super) fn beside(self, standing_by: Vec<(ReleaseId, InstanceId)>, view: &View<'_>) -> Self {
        let all = self.instances.iter().chain(&standing_by);
        let releases = all.filter_map(|(release, _)| view.releases.get(release));
        let mut calls: Vec<_> = releases.flat_map(|release| release.serve.depends_on.iter().cloned()).collect();
        calls.sort();
        calls.dedup();
        Self { standing_by, calls, ..self }
    }
}

/// Drains and stops all of it. Only draining keeps the order: what is idle may stop beside others. Gives the steps that
/// stop, by service.
pub(super) fn leave(builder: &mut Builder, all: Vec<Leaving>) -> BTreeMap<ServiceName, Vec<usize>> {
    let mut callers_drained: BTreeMap<ServiceName, Vec<usize>> = BTreeMap::new();
    let mut stopped = BTreeMap::new();
    let leaves = |one: &&Leaving| one.instances.iter().any(|(_, instance)| !builder.stops(instance));
    let leaving: BTreeSet<_> = all.iter().filter(leaves).map(|one| one.service.clone()).collect();
    for one in callers_first(all, |one| &one.service, |one| one.calls.clone()) {
        let needs = callers_drained.get(&one.service).cloned().unwrap_or_default();
        let stop = |(release, instance): &_| builder.stop_after(&one.service, &needs, release, instance);
        let (mut drained, stops): (Vec<_>, Vec<_>) = one.instances.iter().filter_map(stop).unzip();
        if one.calls.iter().any(|called| leaving.contains(called)) {
            drained.extend(one.standing_by.iter().map(|(release, instance)| {
                let drain = Step::Drain { release: release.clone(), instance: instance.clone() };
                builder.after(&one.service, &needs, drain)
            }));
        }
        // What has nothing that leaves passes on what it would wait for.
        let drained = if drained.is_empty() { needs } else { drained };
        for called in one.calls {
            callers_drained.entry(called).or_default().extend(&drained);
        }
        stopped.insert(one.service, stops);
    }
    stopped
}

/// Whoever calls before whom it calls. In a circle there is no such order, and they stay as they come.
pub(super) fn callers_first<T>(
    all: Vec<T>,
    service: impl Fn(&T) -> &ServiceName,
    calls: impl Fn(&T) -> Vec<ServiceName>,
) -> Vec<T> {
    let all: Vec<_> = all.into_iter().map(|one| (service(&one).clone(), calls(&one), one)).collect();
    let named = all.iter().map(|(service, calls, _)| (service, calls.as_slice())).collect();
    let places = line_up(&named, &BTreeMap::new(), &Order::Named(OrderName::Parallel));
    let Ok(places) = places else { return all.into_iter().map(|(_, _, one)| one).collect() };
    let mut by_service: BTreeMap<_, _> = all.into_iter().map(|(service, _, one)| (service, one)).collect();
    places.into_iter().rev().filter_map(|place| by_service.remove(&place.service)).collect()
}
