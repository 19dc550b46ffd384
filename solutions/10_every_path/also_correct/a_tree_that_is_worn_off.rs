//! Also correct: a tree of all that was met: the first path in it that is not done is the next, until the root is done

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut root, mut runs) = (Node::default(), 0);
    while !root.done {
        let mut prefix = Vec::new();
        let mut at = &root;
        while let Some((choice, next)) = at.open() {
            prefix.push(choice);
            at = next;
        }
        let trace = run(&prefix);
        runs += 1;
        if trace.verdict != Verdict::Holds {
            return Explored { runs, violated: Some(prefix) };
        }
        root.learn(&trace.arity[..trace.arity.len().min(bound)], &trace.choices);
    }
    Explored { runs, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}

#[derive(Default)]
struct Node {
    done: bool,
    below: Vec<Node>,
}

impl Node {
    fn open(&self) -> Option<(usize, &Node)> {
        self.below.iter().enumerate().find(|(_, node)| !node.done)
    }

    fn learn(&mut self, arity: &[usize], choices: &[usize]) {
        match (arity, choices) {
            ([many, arity @ ..], [choice, choices @ ..]) => {
                self.below.resize_with(*many, Node::default);
                self.below[*choice].learn(arity, choices);
                self.done = self.below.iter().all(|node| node.done);
            }
            _ => self.done = true,
        }
    }
}
