//! Where a deployment starts, where it goes, and how: its large part, stored beside it. Not here: how far it got
//! (`step`).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use crate::{
    id::ServiceName,
    plan::{PLAN_VERSION, PLAN_VERSION_OLDEST, Plan},
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
    #[serde(default, deserialize_with = "in_its_form")]
    pub plan: Option<Plan>,
    /// The plan of the way back.
    #[serde(default, deserialize_with = "in_its_form")]
    pub unwind: Option<Plan>,
}

/// Of a plan in a form that isn't known here, only the form is read: its steps may be such that nobody here can, and a
/// server that can't read one deployment would not start for all the others.
fn in_its_form<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Plan>, D::Error> {
    let Some(plan) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let version = plan.get("version").map_or(Ok(0), u32::deserialize).map_err(D::Error::custom)?;
    match version {
        PLAN_VERSION_OLDEST..=PLAN_VERSION => serde_json::from_value(plan).map(Some).map_err(D::Error::custom),
        _ => Ok(Some(Plan::unread(version))),
    }
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
