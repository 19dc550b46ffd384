//! Dies by: every path is run
//! Why: each of the things that can happen first is tried, and what comes after it only once.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let first = run(&[]);
    let many = if bound == 0 { 1 } else { first.arity.first().copied().unwrap_or(1) };
    for choice in 0..many {
        let trace = run(&[choice]);
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs: choice as u64 + 2, violated: Some(trace.choices) };
        }
    }
    Explored { runs: many as u64 + 1, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
