//! What must hold among the members of a deployment while it moves: they are switched as one, they grow as one, and
//! each meets its own side. Not here: what must hold of each slot by itself (`watcher`).

use shipway_core::{
    deployment::Deployment,
    id::{ReleaseId, SlotKey},
    route::{Pool, RouteTable, link_address},
    slot::{Serving, Share, Slot},
};

use crate::watcher::Watcher;

/// A slot that a deployment moves.
#[derive(Clone)]
pub struct Member {
    key: SlotKey,
    from: Option<Serving>,
    to: Option<Serving>,
}

/// On which side a member stands.
#[derive(PartialEq, Eq)]
enum Side {
    Old,
    New,
    Between,
}

impl Member {
    /// Those that a deployment changes.
    pub fn all(deployment: &Deployment) -> Vec<Self> {
        let member = |parent: &Slot| {
            let to = deployment.course.goal.get(&parent.key.service).cloned().flatten();
            Self { key: parent.key.clone(), from: parent.live.clone(), to }
        };
        deployment.course.parents.iter().map(member).filter(|member| member.from != member.to).collect()
    }

    fn side(&self, slot: &Slot) -> Side {
        let release = |serving: &Option<Serving>| serving.as_ref().map(|serving| serving.release.clone());
        let is = |side: &Option<Serving>| match release(&self.from) == release(&self.to) {
            true => slot.live == *side,
            // Batch by batch there are fewer and fewer of the old.
            false => release(&slot.live) == release(side),
        };
        match slot.hold {
            Some(_) => Side::Between,
            None if is(&self.to) && slot.candidate.is_none() => Side::New,
            None if is(&self.from) => Side::Old,
            None => Side::Between,
        }
    }
}

impl Watcher {
    /// No member is on the new side while another is on the old, and all shares of a canary are the same.
    pub(crate) fn move_as_one(&mut self) {
        let mut broken = None;
        for (id, watched) in self.deployments.iter().filter(|(_, watched)| watched.moves() && !watched.given_up) {
            let stored = watched.members.iter().filter_map(|member| Some((member, self.slots.get(&member.key)?)));
            let (mut old, mut new, mut shares) = (None, None, Vec::new());
            for (member, slot) in stored {
                match member.side(slot) {
                    Side::Old => old = Some(&member.key.service),
                    Side::New => new = Some(&member.key.service),
                    Side::Between => {}
                }
                let share = slot.candidate.as_ref().filter(|candidate| candidate.deployment == *id);
                shares.extend(share.map(|one| one.share).filter(|share| matches!(share, Share::Percent(_))));
            }
            if let (Some(old), Some(new)) = (old, new) {
                broken = Some(format!("{id} has switched {new}, and {old} is as it was"));
            }
            if shares.windows(2).any(|pair| pair[0] != pair[1]) {
                broken = Some(format!("the members of {id} have other shares: {shares:?}"));
            }
        }
        let holds = broken.is_none() || self.restored;
        self.check("I13", holds, || broken.unwrap_or_default());
    }

    /// The table weighs the releases as the slots say, and links lead to the caller's own side.
    pub(crate) fn follow_the_slots(&mut self, table: &RouteTable) {
        let broken = self.slots.values().filter(|slot| self.is_newest(slot, table)).find_map(|slot| {
            let pool = table.pools.get(&slot.key.to_string());
            let weighed = pool.filter(|pool| !are_weighed_right(slot, pool));
            let weighed = weighed.map(|pool| format!("{} is weighed otherwise: {:?}", slot.key, pool.backends));
            weighed.or_else(|| self.crossing(slot, table))
        });
        self.check("I14", broken.is_none(), || broken.unwrap_or_default());
    }

    /// Whether nothing of a slot was written since the commit that a table is of.
    fn is_newest(&self, slot: &Slot, table: &RouteTable) -> bool {
        self.moved_at.get(&slot.key).is_none_or(|moved| *moved <= table.generation)
    }

    /// A link that leads to the other side.
    fn crossing(&self, slot: &Slot, table: &RouteTable) -> Option<String> {
        let coming = slot.candidate.as_ref()?;
        let links = |caller: &ReleaseId, new: bool| {
            let called = self.releases.get(caller)?.serve.depends_on.iter();
            called.into_iter().find_map(|service| {
                let key = SlotKey { service: service.clone(), ..slot.key.clone() };
                let other = self.slots.get(&key).filter(|other| self.is_newest(other, table))?;
                let its = other.candidate.as_ref().filter(|its| its.deployment == coming.deployment)?;
                let wanted = match new {
                    true => &its.release,
                    // Batch by batch, both sides meet both.
                    false if its.share == Share::ByInstances => return None,
                    false => &other.live.as_ref()?.release,
                };
                let link = table.links.get(&link_address(caller, service)).and_then(|link| link.release.as_ref());
                (link != Some(wanted))
                    .then(|| format!("{} of {} calls {link:?} of {service}", caller.short(), slot.key))
            })
        };
        links(&coming.release, true).or_else(|| links(&slot.live.as_ref()?.release, false))
    }
}

fn are_weighed_right(slot: &Slot, pool: &Pool) -> bool {
    let weight = |candidate: bool, release: &ReleaseId| {
        let mut mine = pool.backends.iter().filter(|one| one.candidate == candidate && one.release == *release);
        mine.next().map_or(0, |backend| u64::from(backend.weight))
    };
    let live = slot.live.as_ref().map(|live| weight(false, &live.release));
    let Some(coming) = &slot.candidate else { return live.is_none_or(|live| live > 0) };
    let (old, new) = (live.unwrap_or(0), weight(true, &coming.release));
    match coming.share {
        Share::Lane => new == 0 && live.is_none_or(|live| live > 0),
        Share::Percent(percent) => new * u64::from(100 - percent) == old * u64::from(percent) && new + old > 0,
        Share::ByInstances => {
            let instances = slot.live.as_ref().map_or(0, |live| u64::from(live.instances));
            new * instances == old * u64::from(coming.instances)
        }
    }
}
