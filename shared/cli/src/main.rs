//! `cargo workshop`: leads through the exercises, checks them, and proves to maintainers that each teaches.
//!
//! - [`args`]: the command line as typed.
//! - [`commands`]: one file a command.
//! - [`repo`]: where things are. [`catalogue`]: the eighteen exercises. [`progress`]: ticks and opened hints.
//! - [`cargo`]: builds stories. [`telling`]: runs them and reads what they say.
//! - [`starting_point`]: puts a starting point back. [`readme`]: hints and tables.
//! - [`screen`]: what a terminal can show.

mod args;
mod cargo;
mod catalogue;
mod commands;
mod exercise;
mod grid;
mod progress;
mod readme;
mod repo;
mod screen;
mod signatures;
mod starting_point;
mod telling;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::parse();
    screen::set_up(args.plain);
    match commands::run(args.command) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            screen::complain(&format!("{error:#}"));
            commands::Outcome::CouldNotRun.into()
        }
    }
}
