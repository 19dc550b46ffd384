//! Dies by: every path is run
//! Why: runs at random, until five hundred in a row bring nothing new. The last paths are the rarest, so the search
//! ends just before them.

use std::collections::BTreeSet;

use kit::paths::{Doing, Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    let (mut random, mut runs, mut nothing_new): (u64, u64, u32) = (42, 0, 0);
    let mut known = BTreeSet::new();
    while nothing_new < 500 {
        let choices: Vec<usize> = (0..bound)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize
            })
            .collect();
        let trace = run(&choices);
        runs += 1;
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
        nothing_new = if known.insert(trace.choices) { 0 } else { nothing_new + 1 };
    }
    Explored { runs, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
