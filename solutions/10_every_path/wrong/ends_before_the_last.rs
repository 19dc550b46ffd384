//! Dies by: every path is run
//! Why: what is to be run next is worked out first, and where nothing is left the search ends: without having run the
//! last one.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let mut trace = run(&[]);
    let mut runs = 1;
    loop {
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        let next = next(bound, &trace);
        let Some(next) = next else { return Explored { runs, violated: None } };
        trace.choices.clone_from(&next);
        if self::next(bound, &trace).is_none() {
            return Explored { runs, violated: None };
        }
        trace = run(&next);
        runs += 1;
    }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}

fn next(bound: usize, trace: &Trace) -> Option<Vec<usize>> {
    let length = trace.choices.len().min(bound);
    let at = (0..length).rev().find(|at| trace.choices[*at] + 1 < trace.arity[*at])?;
    Some([&trace.choices[..at], &[trace.choices[at] + 1]].concat())
}
