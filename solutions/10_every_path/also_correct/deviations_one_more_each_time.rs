//! Also correct: first the run without any choice other than 0, then those with one, with two, and so on, until there
//! are no more
//! Why: this is how context bounding goes on: the simple runs first, but all of them in the end.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut now, mut runs) = (vec![Vec::new()], 0);
    while !now.is_empty() {
        let mut one_more = Vec::new();
        for prefix in &now {
            let trace = run(prefix);
            runs += 1;
            if let Verdict::Violated(_) = trace.verdict {
                return Explored { runs, violated: Some(trace.choices) };
            }
            for at in prefix.len()..trace.arity.len().min(bound) {
                for choice in 1..trace.arity[at] {
                    one_more.push([&trace.choices[..at], &[choice]].concat());
                }
            }
        }
        now = one_more;
    }
    Explored { runs, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
