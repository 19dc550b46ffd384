//! The explorer against an independent brute-force search, on small random worlds with generated handlers: the same
//! verdict, states, observables, least faults and least steps. See `differential/brute.rs`.
//!
//! One seed alone: `DIFFERENTIAL_SEED=17 cargo test -p explorer --test differential seeds`.

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

use std::panic::AssertUnwindSafe;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use sides::{Case, any_reductions, every_reduction, no_reduction, some_reductions};

/// Seeds that are tried; worlds with too many states are passed over.
const SEEDS: u64 = 600;
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

/// Compares the worlds of these seeds, and says of all that differ how; at least `least` must be small enough.
fn compare_all(seeds: impl Iterator<Item = u64>, least: usize) {
    let compared: Vec<Result<(), String>> = seeds.filter_map(compare).collect();
    let differ: Vec<&String> = compared.iter().filter_map(|compared| compared.as_ref().err()).collect();
    if let Ok(f) = std::env::var("DIFF_DUMP") {
        use std::io::Write as _;
        let mut f = std::fs::OpenOptions::new().create(true).append(true).open(f).unwrap();
        for d in &differ {
            writeln!(f, "=====\n{d}").unwrap();
        }
    }
    let shown: Vec<&str> = differ.iter().take(3).map(|error| error.as_str()).collect();
    assert!(differ.is_empty(), "{} of {} worlds differ\n\n{}", differ.len(), compared.len(), shown.join("\n"));
    assert!(compared.len() >= least, "only {} worlds were small enough", compared.len());
}

#[test]
fn seeds() {
    match std::env::var("DIFFERENTIAL_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => compare_all([seed].into_iter(), 1),
        None => compare_all((0..SEEDS).filter(|seed| seed % 2 == 0), 100),
    }
}

#[test]
fn other_seeds() {
    compare_all((0..SEEDS).filter(|seed| seed % 2 == 1), 100);
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
