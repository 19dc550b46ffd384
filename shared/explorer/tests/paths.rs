//! Paths: runs of a world by a list of choices, against walks, against the explorer's own search, and against runs that
//! begin anew.

mod worlds;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use explorer::paths::{PathEnd, Paths, Ran, paths};
use explorer::{Guide, Observation, Possible, Properties, Property, Reductions, Scenario, Trace, outcomes, walk};
use kit::When;
use kit::paths::{Doing, Queue, Verdict, World};
use kit::services::call;
use sim::{Fault, Faults, Service};
use worlds::{add_one, handler, msg};

const STEPS_MAX: usize = 60;

// ---- small worlds

/// Two workers, two messages, a counter without care: it can end in two ways.
fn two_workers() -> Scenario {
    let count = handler(|cx, _| async move { Ok(add_one(&cx, "sum", false).await?) });
    Scenario::new().handler("Counter", "orders", 2, count).message("orders", msg("m1"), 1).message(
        "orders",
        msg("m2"),
        1,
    )
}

/// A node may die with a message in its hands, and an ack may get lost.
fn crashing() -> Scenario {
    let write = handler(|cx, delivery| async move {
        cx.docs.put(delivery.id(), &1, When::Always).await?;
        Ok(())
    });
    Scenario::new()
        .handler("Writer", "orders", 2, write)
        .message("orders", msg("m1"), 2)
        .faults(Faults::upto(1).only(&[Fault::Crash, Fault::AckLost]))
}

/// It acks, sends a message that is due later to itself and to others, sleeps, and writes.
fn waiting() -> Scenario {
    let first = handler(|cx, delivery| async move {
        delivery.ack(&cx).await?;
        cx.bus.send_later("others", msg("m2"), Duration::from_secs(3_600)).await?;
        cx.sleep(Duration::from_secs(60)).await;
        cx.docs.put("first", &1, When::Always).await?;
        Ok(())
    });
    let other = handler(|cx, _| async move {
        let slept = cx.docs.get::<u64>("first").await?.is_some();
        cx.docs.put("other", &slept, When::Always).await?;
        Ok(())
    });
    Scenario::new().handler("First", "orders", 1, first).handler("Other", "others", 1, other).message(
        "orders",
        msg("m1"),
        1,
    )
}

/// A system acts on its own, twice, after it was called.
fn acting_alone() -> Scenario {
    let alarm = Service::new("alarm", "0", |_, _| ("2".to_owned(), "null".to_owned()))
        .with_timer(|left| left.parse::<u8>().ok()?.checked_sub(1).map(|left| left.to_string()));
    let calls = handler(|cx, _| async move {
        call::<_, ()>(&cx, "alarm", "").await?;
        Ok(())
    });
    Scenario::new().handler("Caller", "orders", 1, calls).message("orders", msg("m1"), 1).service(alarm)
}

/// Its message is gone, and it sleeps.
fn asleep() -> Scenario {
    let sleeps = handler(|cx, delivery| async move {
        delivery.ack(&cx).await?;
        cx.sleep(Duration::from_secs(60)).await;
        Ok(())
    });
    Scenario::new().handler("Sleeper", "orders", 1, sleeps).message("orders", msg("m1"), 1)
}

fn nothing_happens() -> Scenario {
    let write = handler(|_, _| async move { Ok(()) });
    Scenario::new().handler("Writer", "orders", 1, write)
}

fn all() -> [(&'static str, Scenario); 6] {
    [
        ("two workers", two_workers()),
        ("crashing", crashing()),
        ("waiting", waiting()),
        ("acting alone", acting_alone()),
        ("asleep", asleep()),
        ("nothing happens", nothing_happens()),
    ]
}

/// The world whose workers have names of their own, as paths have it.
fn apart(scenario: &Scenario) -> Scenario {
    scenario.clone().reductions(Reductions { workers: false, ..Reductions::ALL })
}

fn is_over(world: &World) -> bool {
    world.queues.iter().all(|queue| queue.visible + queue.locked + queue.delayed == 0)
        && world.workers.iter().all(|worker| worker.doing == Doing::Idle)
        && world.timers == 0
}

/// Every run, by a search that begins each path's variations behind its prefix.
fn every_run(paths: &mut Paths<'_, '_>) -> Vec<Ran> {
    let (mut ahead, mut runs) = (vec![Vec::new()], Vec::new());
    while let Some(prefix) = ahead.pop() {
        let ran = paths.run(&prefix, &mut is_over, STEPS_MAX);
        for at in prefix.len()..ran.run.arity.len() {
            for choice in 1..ran.run.arity[at] {
                ahead.push([&ran.run.choices[..at], &[choice]].concat());
            }
        }
        runs.push(ran);
    }
    runs
}

fn with<T>(scenario: &Scenario, mut with: impl FnMut(&mut Paths<'_, '_>) -> T) -> T {
    paths(scenario, &Properties::default(), &mut with)
}

fn lines(trace: &Trace) -> Vec<String> {
    trace.steps.iter().map(|step| step.line.clone()).collect()
}

/// Takes these choices, then stops, and notes what can happen there.
struct Follows<'a> {
    choices: std::slice::Iter<'a, usize>,
    there: &'a RefCell<Vec<Possible>>,
}

impl Guide for Follows<'_> {
    fn next(&mut self, possible: &[Possible]) -> Option<usize> {
        *self.there.borrow_mut() = possible.to_vec();
        // A world that does not remember enough yet may offer less; what comes of that walk does not count.
        self.choices.next().copied().filter(|choice| *choice < possible.len())
    }
}

// ---- which paths there are

/// A walk tells what can happen behind each prefix; a path ends where nothing but faults can.
#[test]
fn every_path_of_a_world_is_one_that_a_walk_finds() {
    for (name, scenario) in all() {
        let found: BTreeSet<Vec<usize>> =
            with(&scenario, |paths| every_run(paths).into_iter().map(|ran| ran.run.choices).collect());
        let (mut ahead, mut walked) = (vec![Vec::new()], BTreeSet::new());
        while let Some(choices) = ahead.pop() {
            let there = RefCell::new(Vec::new());
            let guide = &mut || Follows { choices: choices.iter(), there: &there };
            walk(&apart(&scenario), &Properties::default(), guide);
            let possible = there.take();
            if possible.iter().all(|step| step.fault.is_some()) {
                walked.insert(choices);
            } else {
                ahead.extend((0..possible.len()).map(|next| [&choices[..], &[next]].concat()));
            }
        }
        assert_eq!(found, walked, "{name}");
        assert_eq!(found.len() > 1, name != "nothing happens" && name != "asleep", "{name}: {}", found.len());
    }
}

#[test]
fn no_path_comes_twice_and_each_ends_where_it_is_called_over() {
    for (name, scenario) in all() {
        let runs = with(&scenario, every_run);
        let different: BTreeSet<&Vec<usize>> = runs.iter().map(|ran| &ran.run.choices).collect();
        assert_eq!(different.len(), runs.len(), "{name}");
        assert!(runs.iter().all(|ran| ran.end == PathEnd::Over && ran.run.verdict == Verdict::Holds), "{name}");
    }
}

// ---- how paths end

fn documents(seen: &Observation<'_>) -> String {
    format!("{:?} {:?}", seen.docs().pairs().collect::<Vec<_>>(), seen.service("alarm"))
}

/// The explorer visits each state once, and the paths come to the same ends.
#[test]
fn the_ends_of_all_paths_are_the_outcomes_of_the_explorer() {
    for (name, scenario) in all() {
        let ends = Mutex::new(BTreeSet::new());
        let judge = |seen: &Observation<'_>| {
            ends.lock().expect("nobody panics").insert(documents(seen));
            Ok(())
        };
        let property = Property { claim: "the outcome can be told", why: "", judge: &judge };
        let properties = Properties { when_quiescent: vec![property], ..Properties::default() };
        let (lasts, finals, states) = paths(&scenario, &properties, &mut |paths| {
            ends.lock().expect("nobody panics").clear();
            let lasts: BTreeSet<_> = every_run(paths).into_iter().map(|ran| ran.last).collect();
            let (finals, states) = paths.finals();
            (lasts, finals, states)
        });
        let outcomes = outcomes(&scenario, &documents).expect("the world is small");
        assert_eq!(ends.into_inner().expect("nobody panics"), outcomes, "{name}");
        assert_eq!(lasts, finals, "{name}");
        assert!(states >= finals.len() as u64, "{name}");
        assert_eq!(outcomes.len(), if name == "two workers" || name == "waiting" { 2 } else { 1 }, "{name}");
    }
}

/// A run that violates something says what, also if that was on its way.
#[test]
fn a_run_is_judged_on_its_way_and_at_its_end() {
    let sum = |seen: &Observation<'_>| seen.docs().get::<u64>("sum").unwrap_or_default();
    let never = |seen: &Observation<'_>| if sum(seen) == 1 { Err("it is one".to_owned()) } else { Ok(()) };
    let both = |seen: &Observation<'_>| if sum(seen) == 2 { Ok(()) } else { Err(format!("sum {}", sum(seen))) };
    let at_the_end = Properties {
        when_quiescent: vec![Property { claim: "both count", why: "", judge: &both }],
        ..Properties::default()
    };
    let verdicts = |properties: &Properties<'_>| -> BTreeSet<String> {
        let runs = paths(&two_workers(), properties, &mut every_run);
        runs.into_iter().map(|ran| format!("{:?}", ran.run.verdict)).collect()
    };
    assert_eq!(verdicts(&at_the_end), ["Holds", "Violated(\"both count: sum 1\")"].map(str::to_owned).into());
    let on_the_way = Properties {
        always: vec![Property { claim: "the sum is never one", why: "", judge: &never }],
        ..Properties::default()
    };
    let wrong = "Violated(\"the sum is never one: it is one\")".to_owned();
    assert_eq!(verdicts(&on_the_way), [wrong].into());
}

// ---- worlds

/// Whether anything but a fault can happen, against what is visible, locked, delayed, at work or timed.
#[test]
fn a_world_is_over_when_nothing_is_left_in_it() {
    for (name, scenario) in all() {
        let scenario = scenario.reductions(Reductions { returns: false, ..Reductions::ALL });
        let worlds = with(&scenario, |paths| paths.worlds());
        for (world, over) in &worlds {
            assert_eq!(is_over(world), *over, "{name}: {world:?}");
        }
        assert!(worlds.iter().any(|(_, over)| *over), "{name}");
    }
}

/// Each of them alone is met, so that a rule which forgets one is wrong somewhere.
#[test]
fn each_reason_why_a_run_goes_on_is_met_alone() {
    let all = all().map(|(_, scenario)| scenario.reductions(Reductions { returns: false, ..Reductions::ALL }));
    let worlds: BTreeSet<(World, bool)> =
        all.iter().flat_map(|scenario| with(scenario, |paths| paths.worlds())).collect();
    let reasons = |world: &World| {
        let sum = |of: fn(&Queue) -> usize| world.queues.iter().map(of).sum::<usize>();
        let doing = |what| world.workers.iter().filter(|worker| worker.doing == what).count();
        [
            sum(|queue| queue.visible),
            sum(|queue| queue.locked),
            sum(|queue| queue.delayed),
            doing(Doing::Running),
            doing(Doing::Sleeping),
            world.timers,
        ]
    };
    for reason in 0..6 {
        let alone = |(world, _): &&(World, bool)| {
            reasons(world).iter().enumerate().all(|(at, count)| (*count > 0) == (at == reason))
        };
        let met: Vec<_> = worlds.iter().filter(alone).collect();
        assert!(met.iter().all(|(_, over)| !over), "{reason}: {met:?}");
        assert!(met.iter().any(|(world, _)| world.quiet_for == Duration::from_secs(24 * 3600)), "{reason}");
    }
    for (world, _) in worlds.iter().filter(|(_, over)| *over) {
        assert_eq!((reasons(world), world.quiet_for), ([0; 6], Duration::from_secs(3600)));
    }
}

#[test]
fn workers_of_one_endpoint_have_letters() {
    let worlds = with(&crashing(), |paths| paths.worlds());
    let (world, _) = worlds.first().expect("there is a world");
    let names: Vec<&str> = world.workers.iter().map(|worker| worker.name.as_str()).collect();
    assert_eq!(names, ["Writer A", "Writer B"]);
    assert_eq!(world.queues[0].name, "orders");
}

// ---- choices

/// Whatever was run before, and whatever is remembered of that.
#[test]
fn a_run_after_others_is_the_run_that_begins_anew() {
    let mut random: u64 = 7;
    let mut draw = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for (name, scenario) in all() {
        let lists: Vec<Vec<usize>> = (0..200).map(|_| (0..draw(12)).map(|_| draw(5)).collect()).collect();
        let told = |paths: &mut Paths<'_, '_>, list: &[usize]| {
            let ran = paths.run(list, &mut is_over, STEPS_MAX);
            let trace = paths.trace(&ran.run.choices);
            (ran.run, ran.end, lines(&trace))
        };
        let one_after_the_other: Vec<_> = with(&scenario, |paths| lists.iter().map(|list| told(paths, list)).collect());
        for (list, ran) in lists.iter().zip(one_after_the_other) {
            assert_eq!(ran, with(&scenario, |paths| told(paths, list)), "{name}: {list:?}");
        }
    }
}

#[test]
fn a_choice_that_is_too_large_counts_from_the_beginning_again() {
    for (name, scenario) in all() {
        with(&scenario, |paths| {
            for ran in every_run(paths) {
                let larger: Vec<usize> =
                    ran.run.choices.iter().zip(&ran.run.arity).map(|(choice, many)| choice + 3 * many).collect();
                assert_eq!(paths.run(&larger, &mut is_over, STEPS_MAX), ran, "{name}");
            }
        });
    }
}

/// A run takes choice 0 behind its choices, and does not use those that are left over.
#[test]
fn choices_may_be_too_few_or_too_many() {
    for (name, scenario) in all() {
        with(&scenario, |paths| {
            for ran in every_run(paths) {
                let used = ran.run.choices.iter().rposition(|choice| *choice > 0).map_or(0, |at| at + 1);
                assert_eq!(paths.run(&ran.run.choices[..used], &mut is_over, STEPS_MAX), ran, "{name}");
                let more = [&ran.run.choices[..], &[1, 2, 3]].concat();
                assert_eq!(paths.run(&more, &mut is_over, STEPS_MAX), ran, "{name}");
            }
        });
    }
}

// ---- ends that are none

#[test]
fn who_calls_a_run_over_too_early_hears_where() {
    let ran = with(&two_workers(), |paths| paths.run(&[], &mut |_| true, STEPS_MAX));
    let PathEnd::Early(world) = ran.end else { panic!("{:?}", ran.end) };
    assert_eq!((world.queues[0].visible, ran.run.choices.len()), (2, 0));
    let in_between = |world: &World| world.queues[0].locked == 2;
    let ran = with(&two_workers(), |paths| paths.run(&[], &mut { in_between }, STEPS_MAX));
    let PathEnd::Early(world) = ran.end else { panic!("{:?}", ran.end) };
    assert_eq!(world.queues[0].locked, 2);
}

#[test]
fn who_never_calls_a_run_over_hears_where_nothing_follows() {
    let ran = with(&two_workers(), |paths| paths.run(&[], &mut |_| false, STEPS_MAX));
    let PathEnd::NotCalled(world) = ran.end else { panic!("{:?}", ran.end) };
    assert!(is_over(&world), "{world:?}");
}

#[test]
fn a_run_has_its_most_steps() {
    for steps_max in [0, 1, 4] {
        let ran = with(&two_workers(), |paths| paths.run(&[], &mut is_over, steps_max));
        assert_eq!((ran.end, ran.run.choices.len(), ran.run.arity.len()), (PathEnd::TooLong, steps_max, steps_max));
    }
    let whole = with(&two_workers(), |paths| paths.run(&[], &mut is_over, STEPS_MAX));
    let just = with(&two_workers(), |paths| paths.run(&[], &mut is_over, whole.run.choices.len()));
    assert_eq!((just.run, just.end), (whole.run, PathEnd::Over));
}

// ---- told

/// Step by step what a walk by the same choices tells.
#[test]
fn the_trace_of_a_run_is_that_of_the_walk_by_its_choices() {
    for (name, scenario) in all() {
        let traces = with(&scenario, |paths| {
            let runs = every_run(paths);
            runs.iter().map(|ran| (ran.run.choices.clone(), paths.trace(&ran.run.choices))).collect::<Vec<_>>()
        });
        for (choices, trace) in traces {
            let there = RefCell::new(Vec::new());
            let guide = &mut || Follows { choices: choices.iter(), there: &there };
            let (walked, _) = walk(&apart(&scenario), &Properties::default(), guide);
            assert_eq!(lines(&trace), lines(&walked.trace), "{name}: {choices:?}");
            assert_eq!((trace.steps.len(), trace.quiescent), (choices.len(), true), "{name}: {choices:?}");
        }
    }
}
