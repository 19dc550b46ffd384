//! The explorer against an independent brute-force search, on small random worlds with generated handlers: the same
//! verdict, states, observables, least faults and least steps. See `differential/brute.rs`.
//!
//! Other seeds: `DIFFERENTIAL_SEEDS=17` or `DIFFERENTIAL_SEEDS=600..6000`, with
//! `cargo test -p explorer --test differential seeds`.

#[path = "differential/actions.rs"]
mod actions;
#[path = "differential/brute.rs"]
mod brute;
#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/reference.rs"]
mod reference;
#[path = "differential/sides.rs"]
mod sides;
#[path = "differential/spec.rs"]
mod spec;

use std::ops::Range;
use std::panic::AssertUnwindSafe;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use sides::{Case, any_reductions, every_reduction, no_reduction, some_reductions};

/// Seeds that are tried; worlds with too many states are passed over.
const SEEDS: u64 = 400;
/// States of the largest world that is compared.
const STATES_MAX: usize = 1_000;

/// Compares both sides on the world of one seed; `None` if that world is too large.
fn compare(seed: u64) -> Option<Result<(), String>> {
    let case = Case::new(generate::spec(seed), STATES_MAX)?;
    let compare = || {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut with = every_reduction();
        with.push(any_reductions(&mut rng));
        case.compare_spaces(&with)?;
        case.compare_events()?;
        for question in case.questions(seed) {
            for (name, reductions) in [no_reduction(), any_reductions(&mut rng), some_reductions(u32::MAX)] {
                let compared = case.compare_answer(&question, reductions);
                compared.map_err(|error| format!("{question:?} with {name}: {error}"))?;
            }
        }
        case.compare_outcomes()
    };
    let compared = std::panic::catch_unwind(AssertUnwindSafe(compare)).unwrap_or(Err("it panics: see above".into()));
    Some(compared.map_err(|error| format!("seed {seed}, {} states:\n{}{error}\n", case.space.nodes.len(), case.spec)))
}

/// Compares the worlds of these seeds, and says how they differ where they do; at least `least` must be small enough.
fn compare_all(seeds: impl Iterator<Item = u64>, least: usize) {
    let compared: Vec<(u64, Result<(), String>)> = seeds.filter_map(|seed| Some((seed, compare(seed)?))).collect();
    let differ = || compared.iter().filter_map(|(seed, compared)| Some((seed, compared.as_ref().err()?)));
    let which: Vec<&u64> = differ().map(|(seed, _)| seed).collect();
    let shown: Vec<&str> = differ().map(|(_, error)| error.as_str()).take(3).collect();
    assert!(which.is_empty(), "of {} worlds, these differ: {which:?}\n\n{}", compared.len(), shown.join("\n"));
    assert!(compared.len() >= least, "only {} worlds were small enough", compared.len());
}

/// The seeds that were asked for, such as `17` or `600..1200`.
fn asked() -> Option<Range<u64>> {
    let asked = std::env::var("DIFFERENTIAL_SEEDS").ok()?;
    let number = |text: &str| text.trim().parse().expect("DIFFERENTIAL_SEEDS is a seed, or a range of seeds");
    Some(match asked.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&asked)..number(&asked) + 1,
    })
}

// Two tests, for two cores.

#[test]
fn even_seeds() {
    let least = if asked().is_some() { 0 } else { 100 };
    compare_all(asked().unwrap_or(0..SEEDS).filter(|seed| seed % 2 == 0), least);
}

#[test]
fn odd_seeds() {
    let least = if asked().is_some() { 0 } else { 100 };
    compare_all(asked().unwrap_or(0..SEEDS).filter(|seed| seed % 2 == 1), least);
}

/// The brute-force search alone: it needs no explorer.
#[test]
fn brute_is_the_same_on_every_run() {
    for seed in 0..40 {
        let spaces = [Case::new(generate::spec(seed), 300), Case::new(generate::spec(seed), 300)];
        let counts = spaces.map(|case| case.map(|case| (case.space.nodes.len(), case.space.edges.len())));
        assert_eq!(counts[0], counts[1], "seed {seed}");
    }
}
