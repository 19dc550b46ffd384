//! Also correct: a queue of prefixes that are still to be run, so that those with few choices other than 0 come first
//! Why: in which order paths are run does not matter for which are run. The bug that is found first is a simple one.

use std::collections::VecDeque;

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut ahead, mut runs) = (VecDeque::from([Vec::new()]), 0);
    while let Some(prefix) = ahead.pop_front() {
        let trace = run(&prefix);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        for at in prefix.len()..trace.arity.len().min(bound) {
            for choice in 1..trace.arity[at] {
                ahead.push_back([&trace.choices[..at], &[choice]].concat());
            }
        }
    }
    Explored { runs, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
