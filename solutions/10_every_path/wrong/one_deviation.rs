//! Dies by: every path is run
//! Why: one choice differs from 0 at a time. Two rare things in one run never happen.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let first = run(&[]);
    let mut runs = 1;
    if let Verdict::Violated(_) = first.verdict {
        return Explored { runs, violated: Some(first.choices) };
    }
    for (at, many) in first.arity.iter().enumerate().take(bound) {
        for choice in 1..*many {
            let trace = run(&[vec![0; at], vec![choice]].concat());
            runs += 1;
            if let Verdict::Violated(_) = trace.verdict {
                return Explored { runs, violated: Some(trace.choices) };
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
