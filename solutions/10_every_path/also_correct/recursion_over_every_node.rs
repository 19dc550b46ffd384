//! Also correct: a recursive function that runs every prefix, if only to hear how many choices there are next
//! Why: a path is run once for each of its steps. That is wasteful, and misses nothing.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let mut explored = Explored { runs: 0, violated: None };
    explore_from(&mut Vec::new(), bound, run, &mut explored);
    explored
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}

fn explore_from(
    prefix: &mut Vec<usize>,
    bound: usize,
    run: &mut dyn FnMut(&[usize]) -> Trace,
    explored: &mut Explored,
) {
    let trace = run(prefix);
    explored.runs += 1;
    if let Verdict::Violated(_) = trace.verdict {
        explored.violated = Some(trace.choices);
        return;
    }
    if prefix.len() == trace.arity.len().min(bound) {
        return;
    }
    for choice in 0..trace.arity[prefix.len()] {
        prefix.push(choice);
        explore_from(prefix, bound, run, explored);
        prefix.pop();
        if explored.violated.is_some() {
            return;
        }
    }
}
