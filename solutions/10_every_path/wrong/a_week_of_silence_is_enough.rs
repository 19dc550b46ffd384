//! Dies by: no run is judged before it is over
//! Why: whatever hangs for a week hangs for ever, it thinks. A message may be due in a month.

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
        choices.truncate(bound);
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
    (world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0)
        || world.quiet_for >= std::time::Duration::from_secs(7 * 24 * 3_600)
}
