//! Dies by: every path is run
//! Why: it begins with the paths that take choice 0 almost everywhere, which is a good order; and takes it for a bound.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut ahead, mut runs) = (vec![(Vec::new(), 0)], 0);
    while let Some((prefix, deviations)) = ahead.pop() {
        let trace = run(&prefix);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        if deviations == 8 {
            continue;
        }
        for at in prefix.len()..trace.arity.len().min(bound) {
            for choice in 1..trace.arity[at] {
                ahead.push(([&trace.choices[..at], &[choice]].concat(), deviations + 1));
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
