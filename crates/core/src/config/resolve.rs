//! The layers of a project, laid over each other for one service in one environment.
//!
//! What holds for all services of an environment is laid once; a service shares it, and whatever it doesn't change.

use std::sync::Arc;

use super::{merge::merge, value::Node};

/// What is said of one service in one environment, the weakest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The weakest first.
    said: Vec<Arc<Node>>,
}

impl Layers {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a stronger layer on top.
    #[must_use]
    pub fn with(mut self, over: Option<&Arc<Node>>) -> Self {
        self.said.extend(over.cloned());
        self
    }

    /// What comes out; none when no layer said anything.
    ///
    /// The strongest are laid first: they say little, and what says most is then copied least often. Merging is
    /// associative, so nothing else comes of it.
    pub fn resolved(&self) -> Option<Arc<Node>> {
        let (strongest, weaker) = self.said.split_last()?;
        Some(weaker.iter().rfold(strongest.clone(), |over, base| merge(base, over)))
    }
}
