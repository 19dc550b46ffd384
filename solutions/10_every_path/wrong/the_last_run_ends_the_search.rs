//! Dies by: a bug on one path is found
//! Why: where no path is left the search is over, it thinks, and returns before it has looked at the run that it has made.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut choices, mut runs) = (Vec::new(), 0);
    loop {
        let trace = run(&choices);
        runs += 1;
        let Some(following) = next(bound, &trace) else { return Explored { runs, violated: None } };
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        choices = following;
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
