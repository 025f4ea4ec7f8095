//! Which step needs which, seen from both ends. What runs when is not here.

/// Which steps need which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
}

/// A step that needs one that is not before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBefore {
    /// The step.
    pub step: usize,
    /// What it needs.
    pub needs: usize,
}

impl Graph {
    /// A graph from each step's needs. A step may need only earlier ones, so there can be no cycle.
    ///
    /// # Errors
    /// The first step that needs itself, a later one, or one that isn't there.
    pub fn new(mut needs: Vec<Vec<usize>>) -> Result<Self, NotBefore> {
        let mut needed_by = vec![Vec::new(); needs.len()];
        for (step, its_needs) in needs.iter_mut().enumerate() {
            if let Some(late) = its_needs.iter().find(|need| **need >= step) {
                return Err(NotBefore { step, needs: *late });
            }
            // Needs are counted down one by one, so each counts once.
            its_needs.sort_unstable();
            its_needs.dedup();
            for need in its_needs {
                needed_by[*need].push(step);
            }
        }
        Ok(Self { needs, needed_by })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// What a step needs, in ascending order, each once. Nothing for a step that isn't there.
    pub fn needs(&self, step: usize) -> &[usize] {
        self.needs.get(step).map_or(&[], Vec::as_slice)
    }

    /// Which steps need a step, in ascending order. Nothing for a step that isn't there.
    pub fn needed_by(&self, step: usize) -> &[usize] {
        self.needed_by.get(step).map_or(&[], Vec::as_slice)
    }
}
