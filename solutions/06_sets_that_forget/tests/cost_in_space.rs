//! What facts that only grow cost in space, as the lecture shows it: a family edits its list for a year.
//!
//! Everything comes once and in order, the best that can happen. What is kept grows all the same.

use std::collections::{BTreeMap, VecDeque};

use figures::{Axis, Calm, Line, Plot, fresh};
use kit::{Docs, Endpoint, Msg};
use sim::Limits;
use solution_06::{AddGift, Edits, RemoveGift, view};

/// The starting point, which forgets.
#[allow(dead_code, unreachable_pub)]
#[path = "../start.rs"]
mod start;

/// A year of one family: about three edits a day.
const EDITS: usize = 1_000;
/// How many gifts are on the list before anything is taken off it.
const ON_THE_LIST: usize = 12;
/// Points drawn: one for so many edits.
const STRIDE: usize = 20;
/// Bytes.
const KB: f64 = 1024.0;

const FAMILY: [&str; 4] = ["ada", "ben", "cem", "dora"];
const GIFTS: [&str; 16] = [
    "socks", "kite", "lamp", "car", "scarf", "puzzle", "drum", "globe", "teapot", "skates", "atlas", "whistle",
    "robot", "blanket", "compass", "paint",
];

const LECTURE: &str = "lectures/06_immutable_facts.md";
const FIGURE: &str = "06_cost_in_space.svg";

/// The edits of a year: gifts are added until the list is full, and then the oldest one gives way to each new one. No
/// gift is on the list twice, so the starting point's set shows the same.
fn a_year() -> Vec<Msg> {
    let mut on_the_list = VecDeque::new();
    let mut added = 0;
    let mut messages = Vec::new();
    while messages.len() < EDITS {
        let op = format!("{}-{}", FAMILY[messages.len() % FAMILY.len()], messages.len() + 1);
        if on_the_list.len() < ON_THE_LIST {
            let add = AddGift { op: op.clone(), sku: GIFTS[added % GIFTS.len()].to_owned() };
            added += 1;
            messages.push(Msg::new(op, "AddGift", &add));
            on_the_list.push_back(add);
        } else if let Some(AddGift { op: removes, sku }) = on_the_list.pop_front() {
            messages.push(Msg::new(op.clone(), "RemoveGift", &RemoveGift { op, removes, sku }));
        }
    }
    messages
}

/// What is kept after each edit, and what the list then shows. Unit: bytes.
struct Year {
    kept: Vec<usize>,
    shown: Vec<usize>,
}

fn year_of<E: Endpoint>(view: fn(&Docs) -> BTreeMap<String, usize>) -> (Year, Calm) {
    let mut calm = Calm::default();
    let mut year = Year { kept: vec![0], shown: vec![0] };
    for msg in a_year() {
        let handled = calm.handle::<E>("edits", msg);
        assert!(handled.outcome.is_ok(), "nothing fails here: {:?}", handled.outcome);
        year.kept.push(handled.bytes);
        year.shown.push(serde_json::to_string(&view(&calm.docs())).expect("a list is JSON").len());
    }
    (year, calm)
}

fn line(name: &str, bytes: &[usize]) -> Line {
    let points = bytes.iter().enumerate().step_by(STRIDE);
    Line { name: name.into(), points: points.map(|(edits, bytes)| (edits as f64, *bytes as f64 / KB)).collect() }
}

/// `54.31` as `54.3`.
fn kb(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / KB)
}

/// `7381` as `7,400`.
fn about(number: usize) -> String {
    let hundreds = (number + 50) / 100;
    if hundreds < 10 { format!("{hundreds}00") } else { format!("{},{}00", hundreds / 10, hundreds % 10) }
}

/// The facts grow with every edit; what the list shows does not, and neither does the set that forgets.
#[test]
fn the_lecture_shows_what_a_year_of_edits_costs() {
    let (facts, calm) = year_of::<Edits>(view);
    let (set, _) = year_of::<start::Edits>(start::view);
    let (kept, shown, forgot) = (facts.kept[EDITS], facts.shown[EDITS], set.kept[EDITS]);
    assert!(facts.kept.is_sorted_by(|a, b| a < b), "every edit is one more fact");
    assert_eq!(facts.shown, set.shown, "in order and without copies, a set knows enough");
    assert!(shown < 1024 && forgot < 1024, "the list is as long as before: {shown} bytes, {forgot} bytes");

    // How many edits fill a document, if a fact stays as long as in the second half of the year.
    let half = EDITS / 2;
    let bytes_each = (kept - facts.kept[half]) as f64 / half as f64;
    let full_after = EDITS + ((Limits::DYNAMODB.item_bytes - kept) as f64 / bytes_each) as usize;

    let gifts: usize = view(&calm.docs()).values().sum();
    let description = format!(
        "Three lines over the edits of a year, from 0 to 1,000. The facts that are kept grow evenly with every edit, to \
         {}. What the list shows stays level, at {shown} bytes in the end, and so does the set that forgets, at {forgot} \
         bytes.",
        kb(kept)
    );
    let plot = Plot {
        title: "A gift list after each of a year's 1,000 edits".into(),
        description: description.clone(),
        x: Axis { name: "edits handled".into() },
        y: Axis { name: "KB (1,024 bytes)".into() },
        lines: vec![
            line("the facts that are kept", &facts.kept),
            line("what the list shows", &facts.shown),
            line("the set that forgets", &set.kept),
        ],
    };
    fresh::file(&format!("lectures/figures/{FIGURE}"), &plot.svg());
    fresh::passage(LECTURE, &format!("![{description}](figures/{FIGURE})"));
    fresh::passage(
        LECTURE,
        &format!(
            "After 1,000 edits the list shows {gifts} gifts, in {shown} bytes; the facts take {}. Going on like this, the \
             document is full after about {} edits.",
            kb(kept),
            about(full_after)
        ),
    );
}
