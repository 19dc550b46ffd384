//! Progress, decided backwards on the graph of free steps: which states can reach a good end?
//!
//! Free steps spend nothing, so each number of faults is a graph of its own, decided once it is complete. Edges
//! that lead to states with fewer faults lead to states that are known to finish.

use crate::visited::StateId;

/// The free steps among the states with one number of faults.
#[derive(Default)]
pub(crate) struct FreeSteps {
    states: Vec<StateId>,
    edges: Vec<(StateId, StateId)>,
    finished: Vec<StateId>,
}

impl FreeSteps {
    pub(crate) fn state(&mut self, state: StateId) {
        self.states.push(state);
    }

    pub(crate) fn edge(&mut self, from: StateId, to: StateId) {
        self.edges.push((from, to));
    }

    /// A state that is a good end, or has a step to one that is known to finish.
    pub(crate) fn finishes(&mut self, state: StateId) {
        self.finished.push(state);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.edges.capacity() * 8 + self.states.capacity() * 4
    }

    /// The states that cannot reach a good end, in the order in which they were expanded.
    pub(crate) fn stuck(self, states: usize) -> Vec<StateId> {
        const OUTSIDE: u32 = u32::MAX;
        let mut place = vec![OUTSIDE; states];
        for (at, state) in self.states.iter().enumerate() {
            place[*state as usize] = at as u32;
        }
        let mut can = vec![false; self.states.len()];
        let mut todo: Vec<u32> = Vec::new();
        for state in &self.finished {
            let at = place[*state as usize];
            if at != OUTSIDE && !std::mem::replace(&mut can[at as usize], true) {
                todo.push(at);
            }
        }
        // Edges by where they lead, as one array with an index: a counting sort.
        let mut starts = vec![0u32; self.states.len() + 1];
        for (_, to) in &self.edges {
            let at = place[*to as usize];
            if at != OUTSIDE {
                starts[at as usize + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut filled = starts.clone();
        let mut sources = vec![0u32; starts[self.states.len()] as usize];
        for (from, to) in &self.edges {
            let at = place[*to as usize];
            if at == OUTSIDE {
                // It leads to fewer faults, where everything finishes.
                let from = place[*from as usize];
                if !std::mem::replace(&mut can[from as usize], true) {
                    todo.push(from);
                }
            } else {
                sources[filled[at as usize] as usize] = place[*from as usize];
                filled[at as usize] += 1;
            }
        }
        while let Some(at) = todo.pop() {
            for source in &sources[starts[at as usize] as usize..starts[at as usize + 1] as usize] {
                if !std::mem::replace(&mut can[*source as usize], true) {
                    todo.push(*source);
                }
            }
        }
        self.states.iter().zip(can).filter(|(_, can)| !can).map(|(state, _)| *state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuck(edges: &[(u32, u32)], finished: &[u32], states: u32) -> Vec<u32> {
        let mut steps = FreeSteps::default();
        (0..states).for_each(|state| steps.state(state));
        edges.iter().for_each(|(from, to)| steps.edge(*from, *to));
        finished.iter().for_each(|state| steps.finishes(*state));
        steps.stuck(states as usize + 1)
    }

    #[test]
    fn a_cycle_without_a_way_out_is_stuck_and_what_leads_only_there_too() {
        assert_eq!(stuck(&[(0, 1), (1, 2), (2, 1), (0, 3)], &[3], 4), [1, 2]);
        assert_eq!(stuck(&[(0, 1), (1, 2), (2, 1)], &[3], 4), [0, 1, 2]);
    }

    #[test]
    fn a_step_to_a_state_with_fewer_faults_finishes() {
        let mut steps = FreeSteps::default();
        steps.state(1);
        steps.edge(1, 0);
        assert_eq!(steps.stuck(2), Vec::<u32>::new());
    }
}
