//! Where a deployment starts, where it goes, and how: its large part, stored beside it. Not here: how far it got
//! (`step`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    id::ServiceName,
    plan::Plan,
    slot::{Serving, Slot},
};

/// Where a deployment starts, where it goes, and how. It is large and seldom changes, while the rest changes with every
/// step: so it is stored beside the deployment, under a number of its own, and shared in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// Raised by every change; what is stored under a number never changes. 0 is one that nothing was decided of.
    pub number: u64,
    /// The slots as they were.
    pub parents: Vec<Slot>,
    /// What the slots should serve; none empties one.
    pub goal: BTreeMap<ServiceName, Option<Serving>>,
    /// The plan that runs or ran.
    pub plan: Option<Plan>,
    /// The plan of the way back.
    pub unwind: Option<Plan>,
}

/// A deployment names its course; whoever reads the deployment from the store gets the course with it.
pub(super) mod by_number {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Course;

    pub(crate) fn serialize<S: Serializer>(course: &Arc<Course>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(course.number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Course>, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Ok(Arc::new(Course { number, ..Course::default() }))
    }
}
