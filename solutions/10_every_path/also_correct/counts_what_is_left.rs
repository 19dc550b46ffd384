//! Also correct: is_quiescent adds up all that can still happen; and the search keeps its place in one vector of
//! choices with their numbers
//! Why: a sum of zero says the same as six questions.

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut way, mut runs): (Vec<(usize, usize)>, u64) = (Vec::new(), 0);
    loop {
        let choices: Vec<usize> = way.iter().map(|(choice, _)| *choice).collect();
        let trace = run(&choices);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        way = trace.choices.into_iter().zip(trace.arity).take(bound).collect();
        while way.pop_if(|(choice, many)| *choice + 1 == *many).is_some() {}
        match way.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return Explored { runs, violated: None },
        }
    }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    let copies: usize = world.queues.iter().map(|queue| queue.visible + queue.locked + queue.delayed).sum();
    let busy = world.workers.iter().filter(|worker| worker.doing != Doing::Idle).count();
    copies + busy + world.timers == 0
}
