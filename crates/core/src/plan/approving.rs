//! What approvals bind to: what a plan does, told by a hash.
//!
//! It holds from what each slot goes to what, how traffic moves, and what is run and asked on the way. It doesn't hold
//! ids of deployments and instances, revisions, warm sets, and how instances come and go: a yes outlives that one of
//! them died and was replaced.

use serde_json::{Value, json};

use super::{Plan, PlannedStep, SlotWrite, Step};
use crate::slot::Slot;

/// Hexadecimal digits of the hash: 128 bits.
const HASH_DIGITS: usize = 32;

impl Plan {
    /// The hash that approvals bind to, for a plan that starts from these slots.
    pub fn approval_hash(&self, parents: &[Slot]) -> String {
        let from: Vec<Value> = parents.iter().map(|slot| json!([slot.key, slot.live])).collect();
        let mut steps: Vec<Value> = self.steps.iter().filter_map(told).collect();
        // One for each instance says the same again and again.
        steps.dedup();
        let told = json!({ "form": self.version, "strategy": self.strategy, "from": from, "steps": steps });
        blake3::hash(told.to_string().as_bytes()).to_hex()[..HASH_DIGITS].to_owned()
    }
}

fn told(planned: &PlannedStep) -> Option<Value> {
    let step = match &planned.step {
        Step::Stage { .. } | Step::Start { .. } | Step::Prove { .. } | Step::Drain { .. } | Step::Stop { .. } => {
            return None;
        }
        Step::Reload { release, .. } => json!({ "reload": release }),
        Step::Check { release, .. } => json!({ "check": release }),
        Step::Snapshot { release, .. } => json!({ "snapshot": release }),
        Step::Commit { writes, .. } => json!({ "commit": writes.iter().map(write).collect::<Vec<_>>() }),
        Step::Hooks { .. }
        | Step::RestoreData { .. }
        | Step::Migrate { .. }
        | Step::Interact { .. }
        | Step::Watch { .. } => json!(planned.step),
    };
    Some(json!([planned.phase, planned.service, step]))
}

fn write(write: &SlotWrite) -> Value {
    let slot = &write.slot;
    let candidate = slot.candidate.as_ref().map(|coming| json!([coming.release, coming.instances, coming.share]));
    json!([slot.key, slot.live, candidate, slot.hold, write.warm_for])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{DeploymentId, InstanceId, ReleaseId, SlotKey},
        phase::Phase,
        slot::{Candidate, Serving, Share, Warm},
        strategy::StrategyKind,
        time::Timestamp,
    };

    fn slot(revision: u64, by: &str, live: &str) -> Slot {
        let key = SlotKey { project: "shop".into(), environment: "live".into(), service: "web".into() };
        let live = Some(Serving { release: ReleaseId::new(live), instances: 2 });
        Slot { live, revision, written_by: Some(DeploymentId::new(by)), ..Slot::empty(key) }
    }

    /// A plan that brings a release by a deployment, and stops some instances of the old.
    fn plan(by: &str, comes: &str, revision: u64, stops: &[&str]) -> Plan {
        let step = |phase, step| PlannedStep { phase, service: Some("web".into()), needs: Vec::new(), step };
        let release = ReleaseId::new(comes);
        let (instances, share) = (2, Share::Lane);
        let candidate =
            Some(Candidate { release: release.clone(), instances, share, deployment: DeploymentId::new(by) });
        let coming = Slot { candidate, ..slot(revision, by, "old") };
        let writes = vec![SlotWrite { slot: coming, warm_for: None }];
        let mut steps = vec![
            step(Phase::Staging, Step::Stage { release }),
            step(Phase::Promoting, Step::Commit { writes, draining: Vec::new(), reloaded: Vec::new() }),
        ];
        let stop = |name: &&str| Step::Stop { release: ReleaseId::new("old"), instance: InstanceId::new(*name) };
        steps.extend(stops.iter().map(stop).map(|stop| step(Phase::Cleaning, stop)));
        Plan { version: 1, strategy: StrategyKind::BlueGreen, steps, notes: Vec::new() }
    }

    #[test]
    fn the_hash_holds_what_is_done_and_not_by_whom() {
        let first = plan("d1", "new", 4, &["web-1", "web-2"]).approval_hash(&[slot(3, "d0", "old")]);
        assert_eq!(first.len(), HASH_DIGITS);
        let warm = Warm { release: ReleaseId::new("older"), instances: 1, until: Timestamp(1) };
        let retired = Slot { warm: vec![warm], ..slot(7, "d9", "old") };
        let same = plan("d2", "new", 8, &["web-9"]).approval_hash(&[retired]);
        assert_eq!(first, same, "another id, another revision, other instances and warm sets");
        let others = [
            plan("d1", "newer", 4, &[]).approval_hash(&[slot(3, "d0", "old")]),
            plan("d1", "new", 4, &[]).approval_hash(&[slot(3, "d0", "other")]),
            Plan { strategy: StrategyKind::Canary, ..plan("d1", "new", 4, &[]) }.approval_hash(&[slot(3, "d0", "old")]),
        ];
        for other in others {
            assert_ne!(first, other);
        }
    }
}
