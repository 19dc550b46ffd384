//! Random walks: they find what exhaustive searches find, they accuse nobody who is innocent, and they prove nothing.

mod worlds;

use explorer::schedule::Schedule;
use explorer::{Reductions, Report, Scenario, Verdict, Walks};
use worlds::World;

const WALKS: Walks = Walks { seed: 1, walks: 400, steps_max: 300 };

fn all() -> impl Iterator<Item = World> {
    worlds::all().into_iter()
}

fn text(report: &Report) -> String {
    match &report.verdict {
        Verdict::Violated(violation) => {
            let lines: Vec<&str> = violation.trace.steps.iter().map(|step| step.line.as_str()).collect();
            format!("{}: {}", violation.property, lines.join("; "))
        }
        other => format!("{other:?}"),
    }
}

/// A walk's violation need not be the simplest, and another property may break first.
#[test]
fn walks_find_what_is_wrong() {
    for world in all().filter(|world| world.violated.is_some()) {
        let endless = matches!(world.violated, Some((worlds::CAN_FINISH, _)));
        let report = world.at_random(&WALKS);
        let found = matches!(report.verdict, Verdict::Violated(_));
        assert!(found || endless, "{}: {}", world.name, text(&report));
    }
}

#[test]
fn walks_accuse_nobody_who_is_innocent_and_prove_nothing() {
    for world in all().filter(|world| world.violated.is_none()) {
        let report = world.at_random(&WALKS);
        match report.verdict {
            Verdict::Unrefuted { reason } => assert!(reason.contains("prove nothing"), "{}: {reason}", world.name),
            _ => panic!("{}: {}", world.name, text(&report)),
        }
    }
}

#[test]
fn the_same_seed_takes_the_same_walks() {
    for world in all() {
        let [first, again] = [WALKS, WALKS].map(|walks| {
            let report = world.at_random(&walks);
            (text(&report), report.counts.states, report.counts.transitions)
        });
        assert_eq!(first, again, "{}", world.name);
        let other = world.at_random(&Walks { seed: 2, ..WALKS });
        let differs = |report: &Report| (report.counts.states, report.counts.transitions) != (first.1, first.2);
        assert!(first.1 < 40 || differs(&other), "{}: another seed, other walks", world.name);
    }
}

/// What a walk has found is a schedule like any other, and it is within the budget.
#[test]
fn what_a_walk_has_found_replays() {
    for world in all().filter(|world| world.violated.is_some()) {
        let Verdict::Violated(violation) = world.at_random(&WALKS).verdict else { continue };
        let schedule =
            Schedule { about: Vec::new(), steps: violation.trace.steps.iter().map(|step| step.line.clone()).collect() };
        let replayed =
            world.replay(Reductions::ALL, &schedule).unwrap_or_else(|error| panic!("{}: {error}", world.name));
        assert_eq!(replayed.violated.map(|(claim, _)| claim), Some(violation.property), "{}", world.name);
        let least = world.violation(Reductions::ALL).faults;
        assert!(violation.faults >= least, "{}: nobody needs fewer faults than the fewest", world.name);
    }
}

/// A world without a bound: queues that grow are no place to judge from.
#[test]
fn a_world_that_grows_without_end_is_left_alone() {
    use kit::Msg;
    let floods = worlds::handler(|cx, delivery| async move {
        let id = format!("{}'", delivery.msg.id);
        for copy in 0..2 {
            cx.bus.send("in", Msg::new(format!("{id}{copy}"), "More", &())).await?;
        }
        Ok(())
    });
    let scenario = Scenario::new().handler("Flood", "in", 1, floods).message("in", worlds::msg("m"), 1);
    let report = World::new("flood", scenario).at_random(&Walks { seed: 1, walks: 3, steps_max: 3_000 });
    let words = ["0 of them came to an end", "3 cut short by a queue of more than 256 copies"];
    assert!(matches!(report.verdict, Verdict::Unrefuted { .. }), "{}", text(&report));
    assert!(words.iter().all(|words| text(&report).contains(words)), "{}", text(&report));
}

/// Walks that cannot take a single step are no reason to be content.
#[test]
fn a_world_that_is_too_crowded_to_begin_with_is_vacuous() {
    let done = worlds::handler(|_, _| async { Ok(()) });
    let scenario = Scenario::new().handler("Worker", "in", 1, done).message("in", worlds::msg("m"), 2);
    let scenario = (0..200).fold(scenario, |scenario, at| scenario.message("in", worlds::msg(&format!("m{at}")), 2));
    let report = World::new("crowd", scenario).at_random(&Walks { seed: 1, walks: 3, steps_max: 3_000 });
    assert!(matches!(report.verdict, Verdict::Vacuous { .. }), "{}", text(&report));
}
