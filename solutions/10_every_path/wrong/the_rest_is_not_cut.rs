//! Dies by: every path is run
//! Why: the last choice that can grow grows, but what came after it stays as it was: at its end. So the choices
//! behind it are never tried again from the beginning.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut choices, mut runs): (Vec<usize>, u64) = (Vec::new(), 0);
    loop {
        let trace = run(&choices);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        let length = trace.choices.len().min(bound);
        let grows = (0..length).rev().find(|at| trace.choices[*at] + 1 < trace.arity[*at]);
        choices = trace.choices;
        match grows {
            Some(at) => choices[at] += 1,
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
