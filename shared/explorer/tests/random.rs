//! Random walks: they find what exhaustive searches find, they accuse nobody who is innocent, and they prove nothing.

mod worlds;

use explorer::schedule::Schedule;
use explorer::{Reductions, Report, Verdict, Walks};
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
    use explorer::Scenario;
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
    assert!(matches!(report.verdict, Verdict::Unrefuted { .. }), "{}", text(&report));
}
