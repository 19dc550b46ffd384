//! The command line as typed.
//!
//! Described with clap's builder: its derive macro needs more of syn than serde's does, and so cargo would build serde,
//! and all that stands on it, once for this program and once more for the exercises.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, value_parser};

/// What was typed.
#[derive(Debug)]
pub(crate) struct Args {
    /// No colour, and ASCII only.
    pub(crate) plain: bool,
    /// None: where you are.
    pub(crate) command: Option<Command>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Check { exercise: Option<String>, json: bool },
    Hint { exercise: Option<String> },
    Diff { exercise: Option<String>, yes: bool },
    Start { exercise: String },
    Replay { which: Vec<PathBuf>, html: bool },
    Break { exercise: String, attempt: Option<String> },
    Doctor,
    Verify { exercises: Vec<String>, deep: bool, refresh: bool },
}

/// What was typed. Ends the program where that is help, or a mistake.
pub(crate) fn parse() -> Args {
    read(&description().get_matches())
}

fn description() -> Clap {
    let current =
        || Arg::new("exercise").value_name("NN").help("The exercise, such as 03; without it, the current one");
    let one = || Arg::new("exercise").value_name("NN").help("The exercise, such as 03").required(true);
    let flag = |name, help| Arg::new(name).long(name).help(help).action(ArgAction::SetTrue);
    let command = |name, about| Clap::new(name).about(about);
    Clap::new("cargo workshop")
        .bin_name("cargo workshop")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Leads through the workshop's exercises. Without a command: where you are, and what to type next.")
        .after_help("Exit codes: 0 holds, 1 violated, 2 could not decide or could not run.")
        .max_term_width(100)
        .arg(flag("plain", "No colour, and ASCII only").global(true))
        .subcommand(
            command("check", "Build and explore one exercise")
                .arg(current())
                .arg(flag("json", "One JSON object on standard output")),
        )
        .subcommand(command("hint", "One hint more at each call, three in all").arg(current()))
        .subcommand(
            command("diff", "Your file against the solution; asks twice before it spoils")
                .arg(current())
                .arg(flag("yes", "Do not ask")),
        )
        .subcommand(
            command("start", "Put an exercise's starting point back; your file is kept beside it")
                .visible_alias("reset")
                .arg(one()),
        )
        .subcommand(
            command("replay", "Step through the last violation")
                .arg(
                    Arg::new("which")
                        .value_name("NN|FILE")
                        .help("The exercise, such as 03, or a schedule file; without it, the last violation")
                        .num_args(0..=2)
                        .value_parser(value_parser!(PathBuf)),
                )
                .arg(flag("html", "Where the violation's page is, for a browser")),
        )
        .subcommand(
            command("break", "List the wrong attempts of an exercise, or explore one")
                .arg(one())
                .arg(Arg::new("attempt").value_name("ATTEMPT").help("A wrong attempt, or another correct answer")),
        )
        .subcommand(command("doctor", "What is installed, what is missing, and what each missing thing would give you"))
        .subcommand(
            command("verify", "For maintainers: prove that every exercise teaches what it says")
                .arg(
                    Arg::new("exercises")
                        .value_name("NN")
                        .help("The exercises, such as 01 02; without them, all")
                        .action(ArgAction::Append)
                        .num_args(0..),
                )
                .arg(flag("deep", "Let solutions also climb the larger worlds of each story: minutes"))
                .arg(flag(
                    "refresh",
                    "First write what is derived: each start.rs from the exercise's src/lib.rs, and README.md's table",
                )),
        )
}

fn read(typed: &ArgMatches) -> Args {
    let text = |typed: &ArgMatches, name: &str| typed.get_one::<String>(name).cloned();
    let command = typed.subcommand().and_then(|(name, typed)| {
        let exercise = || text(typed, "exercise");
        Some(match name {
            "check" => Command::Check { exercise: exercise(), json: typed.get_flag("json") },
            "hint" => Command::Hint { exercise: exercise() },
            "diff" => Command::Diff { exercise: exercise(), yes: typed.get_flag("yes") },
            "start" => Command::Start { exercise: exercise()? },
            "replay" => {
                let which = typed.get_many::<PathBuf>("which").into_iter().flatten().cloned().collect();
                Command::Replay { which, html: typed.get_flag("html") }
            }
            "break" => Command::Break { exercise: exercise()?, attempt: text(typed, "attempt") },
            "doctor" => Command::Doctor,
            "verify" => Command::Verify {
                exercises: typed.get_many::<String>("exercises").into_iter().flatten().cloned().collect(),
                deep: typed.get_flag("deep"),
                refresh: typed.get_flag("refresh"),
            },
            _ => return None,
        })
    });
    Args { plain: typed.get_flag("plain"), command }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Args {
        read(&description().try_get_matches_from(format!("workshop {line}").split_whitespace()).unwrap())
    }

    #[test]
    fn every_command_is_read_as_typed() {
        description().debug_assert();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(typed("").command, None);
        assert!(typed("check --plain").plain);
        assert_eq!(typed("check 03 --json").command, Some(Command::Check { exercise: some("03"), json: true }));
        assert_eq!(typed("hint").command, Some(Command::Hint { exercise: None }));
        assert_eq!(typed("diff 03 --yes").command, Some(Command::Diff { exercise: some("03"), yes: true }));
        assert_eq!(typed("reset 03").command, Some(Command::Start { exercise: "03".into() }));
        assert_eq!(
            typed("replay 03 a.schedule").command,
            Some(Command::Replay { which: vec!["03".into(), "a.schedule".into()], html: false })
        );
        assert_eq!(
            typed("break 03 send_first").command,
            Some(Command::Break { exercise: "03".into(), attempt: some("send_first") })
        );
        assert_eq!(typed("doctor").command, Some(Command::Doctor));
        assert_eq!(
            typed("verify 01 02 --deep").command,
            Some(Command::Verify { exercises: vec!["01".into(), "02".into()], deep: true, refresh: false })
        );
        assert!(description().try_get_matches_from(["workshop", "start"]).is_err(), "start names its exercise");
    }

    #[test]
    fn every_command_of_the_description_is_read() {
        for command in description().get_subcommands() {
            assert!(typed(&format!("{} 03", command.get_name()).replace("doctor 03", "doctor")).command.is_some());
        }
    }
}
