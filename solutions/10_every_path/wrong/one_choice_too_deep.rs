//! Dies by: no path is run beyond the bound
//! Why: off by one: the choice at the place `bound` is the first one after the first `bound` choices.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut choices, mut runs) = (Vec::new(), 0);
    loop {
        let trace = run(&choices);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        choices = trace.choices;
        choices.truncate(bound + 1);
        loop {
            match choices.pop() {
                Some(choice) if choice + 1 < trace.arity[choices.len()] => break choices.push(choice + 1),
                Some(_) => {}
                None => return Explored { runs, violated: None },
            }
        }
    }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
