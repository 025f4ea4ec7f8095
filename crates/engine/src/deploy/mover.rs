//! What every step of a running plan reaches.

use std::sync::Arc;

use shipway_core::plan::Plan;

use super::Active;
use crate::Engine;

/// Does the steps of one plan; `perform` says how.
pub(super) struct Mover<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) active: &'a Active,
    pub(super) plan: &'a Plan,
    /// Whether it is the way back.
    pub(super) back: bool,
}
