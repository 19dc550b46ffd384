//! Dies by: the code does not panic
//! Why: in every world something happens, it thinks. Where nothing can happen the run is over before its first step.

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
        choices = trace.choices;
        choices.truncate(bound);
        let mut at = choices.len() - 1;
        while choices[at] + 1 == trace.arity[at] {
            if at == 0 {
                return Explored { runs, violated: None };
            }
            at -= 1;
        }
        choices.truncate(at + 1);
        choices[at] += 1;
    }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
