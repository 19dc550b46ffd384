//! Also correct: the same search within the bounds 0, 1, 2 and so on, until nothing is cut
//! Why: paths are run more than once, and a bug is found that needs only early choices before one that needs late
//! ones.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let mut runs = 0;
    for depth in 0..=bound {
        let (mut choices, mut cut) = (Vec::new(), false);
        'within: loop {
            let trace = run(&choices);
            runs += 1;
            if let Verdict::Violated(_) = trace.verdict {
                return Explored { runs, violated: Some(trace.choices) };
            }
            cut |= trace.arity.iter().skip(depth).any(|many| *many > 1);
            choices = trace.choices;
            choices.truncate(depth);
            loop {
                match choices.pop() {
                    Some(choice) if choice + 1 < trace.arity[choices.len()] => break choices.push(choice + 1),
                    Some(_) => {}
                    None => break 'within,
                }
            }
        }
        if !cut {
            break;
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
