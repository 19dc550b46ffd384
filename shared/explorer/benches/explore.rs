//! How fast the explorer is on the reference problem (see `examples/reference`), and how much memory it takes.
//!
//! `cargo bench -p explorer` runs a release build. The same in a test build: `cargo test -p explorer --bench explore`
//! (one round each), or any size by hand, one line of JSON each:
//! `cargo run -p explorer --example reference -- 3 2 2 1 --no-reductions --progress`.
//!
//! Each row is a process of its own, so that its memory is its own: the most that the process ever had, known on
//! Linux only.

#[path = "../examples/reference/outbox.rs"]
#[allow(dead_code, reason = "shared with tests, which need more of it")]
mod outbox;

use std::process::Command;

use explorer::{Reductions, Verdict};
use outbox::World;

struct Row {
    name: &'static str,
    world: [u8; 4],
    reductions: Reductions,
    /// Also decides whether the world can finish, for which every step between states is recorded.
    progress: bool,
}

const ROWS: [Row; 6] = [
    Row { name: "2 2 2 1", world: [2, 2, 2, 1], reductions: Reductions::ALL, progress: false },
    Row { name: "2 2 2 1 no reductions", world: [2, 2, 2, 1], reductions: Reductions::NONE, progress: false },
    Row { name: "3 2 2 1", world: [3, 2, 2, 1], reductions: Reductions::ALL, progress: false },
    Row { name: "3 2 2 1, progress", world: [3, 2, 2, 1], reductions: Reductions::ALL, progress: true },
    Row { name: "3 2 2 1 no reductions", world: [3, 2, 2, 1], reductions: Reductions::NONE, progress: false },
    Row { name: "3 2 2 1 none, progress", world: [3, 2, 2, 1], reductions: Reductions::NONE, progress: true },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, row, rounds] = &arguments[..]
        && word == "row"
    {
        let number = |text: &str| text.parse::<usize>().expect("a number");
        return measure(&ROWS[number(row)], number(rounds));
    }
    // Cargo says `--bench` when it is asked for a benchmark, and nothing when it is asked for a test.
    let rounds = if arguments.iter().any(|argument| argument == "--bench") { "5" } else { "1" };
    let build = if cfg!(debug_assertions) { "test build" } else { "release build" };
    println!("reference problem N D W F, one core, {build}, fastest of {rounds}\n");
    println!("world                       states  transitions   runs        ms   states/s   peak MB  bytes/state");
    let binary = std::env::current_exe().expect("a benchmark has a binary");
    for row in 0..ROWS.len() {
        let status = Command::new(&binary).args(["row", &row.to_string(), rounds]).status();
        assert!(status.expect("a benchmark can start itself").success(), "row {row} failed");
    }
}

fn measure(row: &Row, rounds: usize) {
    let Row { name, world, reductions, progress } = row;
    let explored = (0..rounds).map(|_| World::new(*world).explore(*reductions, *progress));
    let report = explored.min_by_key(|report| report.time).expect("at least one round");
    assert!(matches!(report.verdict, Verdict::Holds), "{name}: {:?}", report.verdict);
    let (counts, seconds) = (report.counts, report.time.as_secs_f64());
    let (states, per_second) = (counts.states, counts.states as f64 / seconds);
    print!("{name:<24} {states:>9} {:>12} {:>6} {:>9.1} ", counts.transitions, counts.runs, seconds * 1e3);
    match peak_bytes() {
        Some(bytes) => {
            println!("{per_second:>10.0} {:>9.1} {:>12.0}", bytes as f64 / 1e6, bytes as f64 / states as f64)
        }
        None => println!("{per_second:>10.0} {:>9} {:>12}", "-", "-"),
    }
}

/// The most memory that this process ever had (`VmHWM`), where the system says so.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
