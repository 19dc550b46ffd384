//! The reference problem: an inline outbox, on which the explorer's counts and speed are compared with those of
//! model checkers.
//!
//! `cargo run --release -p explorer --example reference -- N D W F [--variant mark-before-send] [--no-reductions]`
//!
//! N messages, D copies of each, W workers, at most F faults. Prints one line of JSON: states, transitions,
//! seconds, verdict, steps.
//!
//! The handler gets the order; if the message's id is not in its outbox, it adds the item, remembers the event
//! under the id, and puts; if the event is still there, it sends it, clears it, and puts again. Get, put and send
//! may fail before the effect, put and send also after it; an ack may be lost.

mod outbox;

use explorer::{Reductions, Verdict};
use outbox::World;

const USAGE: &str =
    "usage: reference N D W F [--variant mark-before-send] [--no-reductions | --only copies,finished,...]
                 [--progress] [--tell]
  N messages, D copies of each, W workers, F faults: four whole numbers, such as 2 2 2 1";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let numbers: Vec<u8> = arguments.iter().map_while(|argument| argument.parse().ok()).collect();
    let [messages, copies, workers, faults] = numbers[..] else {
        eprintln!("{USAGE}\nbut the arguments were: {}", arguments.join(" "));
        std::process::exit(2);
    };
    let variant = arguments.iter().position(|argument| argument == "--variant").map(|at| arguments.get(at + 1));
    let mark_before_send = match variant {
        None => false,
        Some(Some(name)) if name == "mark-before-send" => true,
        Some(other) => {
            eprintln!("{USAGE}\nbut the variant was {other:?}");
            std::process::exit(2);
        }
    };
    let mut reductions = if has("--no-reductions") { Reductions::NONE } else { Reductions::ALL };
    if let Some(at) = arguments.iter().position(|argument| argument == "--only") {
        let names = arguments.get(at + 1).map_or("", String::as_str);
        let on = |name: &str| names.split(',').any(|other| other == name);
        reductions = Reductions {
            copies: on("copies"),
            finished: on("finished"),
            returns: on("returns"),
            workers: on("workers"),
            versions: on("versions"),
            budgets: on("budgets"),
        };
    }
    let world = World { mark_before_send, ..World::new([messages, copies, workers, faults]) };
    let report = world.explore(reductions, has("--progress"));
    let (verdict, steps) = match &report.verdict {
        Verdict::Holds => ("holds", 0),
        Verdict::Violated(violation) => ("violated", violation.trace.steps.len()),
        Verdict::Unrefuted { .. } => ("unrefuted", 0),
        Verdict::Vacuous { .. } => ("vacuous", 0),
        Verdict::NotWritten { .. } => ("not_written", 0),
    };
    let line = serde_json::json!({
        "states": report.counts.states,
        "transitions": report.counts.transitions,
        "runs": report.counts.runs,
        "seconds": (report.time.as_secs_f64() * 1e6).round() / 1e6,
        "verdict": verdict,
        "steps": steps,
    });
    println!("{line}");
    if has("--tell")
        && let Verdict::Violated(violation) = report.verdict
    {
        for step in violation.trace.steps {
            println!(
                "{}{}",
                step.line,
                if step.point_of_no_return { "   <-- from here on it cannot end well" } else { "" }
            );
        }
        println!("{}", violation.explanation);
    }
}
