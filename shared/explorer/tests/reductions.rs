//! No reduction changes what is found: each alone, and all together, against none of them, on worlds written by
//! hand. (`differential.rs` does the same on random ones.)

mod worlds;

use explorer::schedule::Schedule;
use explorer::{Reductions, Trace, Verdict};
use worlds::World;

/// Each reduction by its name, then all of them.
fn switched_on() -> [(&'static str, Reductions); 7] {
    let none = Reductions::NONE;
    [
        ("copies", Reductions { copies: true, ..none }),
        ("finished", Reductions { finished: true, ..none }),
        ("returns", Reductions { returns: true, ..none }),
        ("workers", Reductions { workers: true, ..none }),
        ("versions", Reductions { versions: true, ..none }),
        ("budgets", Reductions { budgets: true, ..none }),
        ("all", Reductions::ALL),
    ]
}

/// What is violated, and with how many faults; `None` if all holds.
fn found(world: &World, reductions: Reductions) -> Option<(String, u8)> {
    match world.explore(reductions).verdict {
        Verdict::Holds => None,
        Verdict::Violated(violation) => Some((violation.property, violation.faults)),
        other => panic!("{}: {other:?}", world.name),
    }
}

/// Each world says what is to be found in it.
#[test]
fn without_reductions_each_world_is_what_it_says() {
    for world in worlds::all() {
        let expected = world.violated.map(|(property, faults)| (property.to_owned(), faults));
        assert_eq!(found(&world, Reductions::NONE), expected, "{}", world.name);
    }
}

#[test]
fn no_reduction_changes_the_property_or_the_least_faults() {
    for world in worlds::all() {
        let expected = world.violated.map(|(property, faults)| (property.to_owned(), faults));
        for (name, reductions) in switched_on() {
            assert_eq!(found(&world, reductions), expected, "{} with {name}", world.name);
        }
    }
}

/// Whatever is merged on the way, the ends are the same.
#[test]
fn no_reduction_changes_how_a_world_can_end() {
    for world in worlds::all() {
        let expected = world.ends(Reductions::NONE);
        assert!(expected.len() <= 100 && !expected.is_empty(), "{}: {} ends", world.name, expected.len());
        for (name, reductions) in switched_on() {
            assert_eq!(world.ends(reductions), expected, "{} with {name}", world.name);
        }
    }
}

/// A reduction that never reduced anything would be tested in vain.
#[test]
fn each_reduction_makes_some_world_smaller_and_none_larger() {
    let right: Vec<World> = worlds::all().into_iter().filter(|world| world.violated.is_none()).collect();
    for (name, reductions) in switched_on() {
        let mut smaller = 0;
        for world in &right {
            let without = world.explore(Reductions::NONE).counts.states;
            let with = world.explore(reductions).counts.states;
            assert!(with <= without, "{} with {name}: {with} states, without {without}", world.name);
            smaller += u32::from(with < without);
        }
        assert!(smaller > 0, "{name}");
    }
}

/// With merged steps too, what is shown is a schedule that violates the same property when it is followed.
#[test]
fn with_every_reduction_the_schedule_replays() {
    for world in worlds::all().into_iter().filter(|world| world.violated.is_some()) {
        for (name, reductions) in switched_on() {
            let violation = world.violation(reductions);
            let schedule = Schedule::of(&violation.trace, Vec::new());
            let replayed = world.replay(reductions, &schedule);
            let replayed = replayed.unwrap_or_else(|error| panic!("{} with {name}: {error}", world.name));
            let lines = |trace: &Trace| trace.steps.iter().map(|step| step.line.clone()).collect::<Vec<_>>();
            assert_eq!(lines(&replayed.trace), lines(&violation.trace), "{} with {name}", world.name);
            let violated = replayed.violated.map(|(claim, _)| claim);
            assert_eq!(violated, Some(violation.property), "{} with {name}", world.name);
        }
    }
}
