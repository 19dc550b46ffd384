//! Also correct: a recursive function that runs a prefix, and then each of its variations behind the prefix
//! Why: each path is run once: it is the variation of exactly one other.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let mut explored = Explored { runs: 0, violated: None };
    explore_from(&[], bound, run, &mut explored);
    explored
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}

fn explore_from(prefix: &[usize], bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace, explored: &mut Explored) {
    let trace = run(prefix);
    explored.runs += 1;
    if let Verdict::Violated(_) = trace.verdict {
        explored.violated = Some(trace.choices);
        return;
    }
    for at in prefix.len()..trace.arity.len().min(bound) {
        for choice in 1..trace.arity[at] {
            explore_from(&[&trace.choices[..at], &[choice]].concat(), bound, run, explored);
            if explored.violated.is_some() {
                return;
            }
        }
    }
}
