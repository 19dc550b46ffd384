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
        // The next path in the order of a dictionary: the last choice that can still grow grows, and what came after it
        // begins again. What a thousand random runs miss is in between, see `a_bug_on_one_path_in_five_thousand_is_found`.
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
    // Locked, delayed, timed, running: all of them come back by themselves. Waiting for a while proves nothing, since a
    // lock may last longer, see `a_run_is_over_when_nothing_can_happen_any_more`.
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}
