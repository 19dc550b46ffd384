//! Also correct: the greatest choice first, and down from there
//! Why: `run` takes choice 0 after what it is given, so the search has to ask again until it has given all that it
//! means.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut choices, mut runs): (Vec<usize>, u64) = (Vec::new(), 0);
    loop {
        let mut trace = run(&choices);
        runs += 1;
        while choices.len() < trace.arity.len().min(bound) {
            choices.push(trace.arity[choices.len()] - 1);
            trace = run(&choices);
            runs += 1;
        }
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        loop {
            match choices.pop() {
                Some(0) => {}
                Some(choice) => break choices.push(choice - 1),
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
