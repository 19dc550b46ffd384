//! Dies by: every path is run
//! Why: the first run tells how many choices there are at each step. Where an earlier choice decides on that, later
//! runs are missed.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let arity = run(&[]).arity;
    let length = arity.len().min(bound);
    let (mut choices, mut runs) = (vec![0; length], 1);
    loop {
        let trace = run(&choices);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        match (0..length).rev().find(|at| choices[*at] + 1 < arity[*at]) {
            Some(at) => {
                choices[at] += 1;
                choices[at + 1..].fill(0);
            }
            None => return Explored { runs, violated: None },
        }
    }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
