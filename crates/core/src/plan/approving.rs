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
