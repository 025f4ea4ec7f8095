//! The layers of a project, laid over each other for one service in one environment.
//!
//! What holds for all services of an environment is laid once; a service shares it, and whatever it doesn't change.

use std::sync::Arc;

use super::{merge::merge, value::Node};

/// What is said of one service in one environment, the weakest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    laid: Option<Arc<Node>>,
}

impl Layers {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a stronger layer on top.
    #[must_use]
    pub fn with(&self, over: Option<&Arc<Node>>) -> Self {
        let Some(over) = over else { return self.clone() };
        let laid = self.laid.as_ref().map_or_else(|| over.clone(), |base| merge(base, over));
        Self { laid: Some(laid) }
    }

    /// What came out; none when no layer said anything.
    pub fn resolved(&self) -> Option<&Arc<Node>> {
        self.laid.as_ref()
    }
}
