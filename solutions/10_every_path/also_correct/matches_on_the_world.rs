//! Also correct: is_quiescent takes the world apart by its fields
//! Why: a field that is added later does not compile until somebody has thought of it.

use kit::paths::{Doing, Explored, Queue, Trace, Verdict, Worker, World};

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
    let World { queues, workers, timers, quiet_for: _ } = world;
    let empty = |queue: &Queue| matches!(queue, Queue { visible: 0, locked: 0, delayed: 0, name: _ });
    let at_rest = |worker: &Worker| match worker.doing {
        Doing::Idle => true,
        Doing::Running | Doing::Sleeping => false,
    };
    queues.iter().all(empty) && workers.iter().all(at_rest) && *timers == 0
}
