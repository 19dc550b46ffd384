//! Exercise 10 · Every path
//!
//! Lecture  lectures/10_every_path.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-10
//! Hint     cargo workshop hint 10
//!
//! The suite is red on Fridays, and green when somebody looks. It runs each test a thousand times, at random, and
//! takes a run for over when the queues are empty. Most paths are never run, so the story ends in
//!
//!     violated  "every path is run"
//!
//! Your task: search. A run is a list of choices: at each step, which of the things that can happen does happen. `run`
//! follows the choices that you give it, then takes choice 0 until the run is over, and tells how many choices there
//! were at each step. Let `explore` run every path, and `is_quiescent` tell when a run is over.
//!
//! Source: Godefroid, "Model Checking for Programming Languages using VeriSoft", POPL 1997: search without states.

use kit::paths::{Explored, Trace, Verdict, World};

/// Runs every path whose choices after the first `bound` are all 0, and stops at the first that violates something.
pub fn explore(bound: usize, run: &mut dyn FnMut(&[usize]) -> Trace) -> Explored {
    // TODO(10): a thousand runs, at random. How many paths are there? Which of them are these?
    let mut random: u64 = 42;
    for runs in 1..=1_000 {
        let choices: Vec<usize> = (0..bound)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize // a choice that is too large counts from the beginning again
            })
            .collect();
        let trace = run(&choices);
        if let Verdict::Violated(_) = trace.verdict {
            return Explored { runs, violated: Some(trace.choices) };
        }
    }
    Explored { runs: 1_000, violated: None }
}

/// Whether a run is over: nothing will happen any more, whatever we wait for.
pub fn is_quiescent(world: &World) -> bool {
    // TODO(10): who still holds a message? What comes back by itself?
    world.queues.iter().all(|queue| queue.visible == 0)
}
