//! The commands as people type them, in a toy clone whose stories are a few lines each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CATALOGUE: &str = r#"
[part-1]
title = "One"
[exercise-03]
title = "Lost or ghost"
folder = "03_lost_or_ghost"
part = 1
day = 1
minutes = 15
story = "tests/story.rs"
fails_with = "an accepted cart is ordered"
wrong = 1
also_correct = 1
[exercise-05]
title = "Later"
folder = "05_later"
part = 1
day = 1
minutes = 15
story = "tests/story.rs"
status = "planned"
"#;

const README: &str = "# Lost or ghost\n\n## Surface\n\n`answer`\n
<details><summary>Hint 1</summary>\n\nWhich question?\n</details>
<details><summary>Hint 2</summary>\n\nWhich place?\n</details>
<details><summary>Hint 3</summary>\n\nWhich approach?\n</details>\n";

const START: &str = "//! Run   cargo test -p exercise-03\n//! Hint  cargo workshop hint 03\n//!\n\
//! violated  \"an accepted cart is ordered\"\n\n// TODO(03): two.\n/// The answer.\npub fn answer() -> u32 {\n    1\n}\n";

/// Says `holds` of an even answer, and otherwise is violated; 3 violates another property. Writes what a story writes.
const STORY: &str = r##"//! A toy story.

use lost_or_ghost::answer;

struct Story;

impl Story {
    fn check(self) {
        let reports = std::path::PathBuf::from(std::env::var_os("WORKSHOP_REPORTS").expect("the command line sets it"));
        std::fs::create_dir_all(&reports).unwrap();
        let (verdict, property) = match answer() {
            n if n % 2 == 0 => ("holds", ""),
            3 => ("violated", "nothing is ordered twice"),
            _ => ("violated", "an accepted cart is ordered"),
        };
        let schedule = reports.join("a_cart.schedule");
        let is_red = verdict == "violated";
        if is_red {
            let about = format!("exercise 03\nstory a_cart\nrung 0\nworld 1 client\nproperty {property}\n");
            let steps = "  1  shopper calls submit\n  2  the send is refused\n";
            std::fs::write(&schedule, format!("workshop schedule 1\n{about}\n{steps}")).unwrap();
        }
        let shape = if is_red { "1 call, 2 send (send refused)" } else { "" };
        let path = if is_red { format!("{:?}", schedule.display().to_string()) } else { "null".into() };
        let told = format!(
            r#"{{"exercise":"03","story":"a_cart","verdict":"{verdict}","property":"{property}","message":"m","states":7,
            "transitions":9,"faults":1,"millis":2,"shape":"{shape}","schedule":{path},"page":null,"text":"✗ {property} │ told\n  replay  cargo workshop replay 03",
            "grid":[{{"at":["src/lib.rs",8],"operation":"put cart","fault":"crash","struck":true}}]}}"#
        );
        std::fs::write(reports.join("a_cart.json"), told).unwrap();
        assert!(!is_red);
    }
}

#[test]
fn a_cart() {
    Story.check();
}

#[test]
fn a_plain_test() {
    assert!(answer() < 100, "{} is too much", answer());
}
"##;

/// A toy clone.
struct Clone {
    root: PathBuf,
}

impl Clone {
    fn new(name: &str) -> Clone {
        let root = std::env::temp_dir().join(format!("workshop-toy-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let clone = Clone { root };
        let package = |name: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n{rest}")
        };
        clone.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"exercises/03*\", \"solutions/03*\"]\n");
        clone.write("exercises/exercises.toml", CATALOGUE);
        let exercise = "exercises/03_lost_or_ghost";
        let lib = "[lib]\nname = \"lost_or_ghost\"\ntest = false\ndoctest = false\n";
        clone.write(&format!("{exercise}/Cargo.toml"), &package("exercise-03", lib));
        clone.write(&format!("{exercise}/README.md"), README);
        clone.write(&format!("{exercise}/src/lib.rs"), START);
        clone.write(&format!("{exercise}/tests/story.rs"), STORY);
        let solution = "solutions/03_lost_or_ghost";
        let attempts = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("attempts");
        let rest = format!(
            "[lib]\nname = \"solution_03\"\ntest = false\ndoctest = false\n[[test]]\nname = \"story\"\n\
             [[test]]\nname = \"attempts\"\ntest = false\n[build-dependencies]\nattempts = {{ path = {:?} }}\n",
            attempts.display().to_string()
        );
        clone.write(&format!("{solution}/Cargo.toml"), &package("solution-03", &rest));
        clone.write(&format!("{solution}/build.rs"), "fn main() {\n    attempts::build();\n}\n");
        clone.write(&format!("{solution}/NOTES.md"), "Two.\n");
        clone.write(&format!("{solution}/start.rs"), START);
        clone.write(&format!("{solution}/src/lib.rs"), &START.replace("    1\n", "    2\n"));
        let retold = "extern crate solution_03 as lost_or_ghost;\n\
                      #[path = \"../../../exercises/03_lost_or_ghost/tests/story.rs\"]\nmod story;\n";
        clone.write(&format!("{solution}/tests/story.rs"), retold);
        clone.write(
            &format!("{solution}/tests/attempts.rs"),
            "#![allow(dead_code, clippy::duplicate_mod)]\ninclude!(concat!(env!(\"OUT_DIR\"), \"/attempts.rs\"));\n",
        );
        clone.attempt("wrong/one", "Dies by: an accepted cart is ordered\n//! Why: one\n//! is odd.", 1);
        clone.attempt("also_correct/four", "Also correct: four.", 4);
        let table = "<!-- exercises: written by `cargo workshop verify --refresh` -->\n<!-- /exercises -->\n";
        clone.write("README.md", table);
        clone
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    fn answer(&self, answer: u32) {
        self.write("exercises/03_lost_or_ghost/src/lib.rs", &START.replace("    1\n", &format!("    {answer}\n")));
    }

    /// An attempt that reaches its own items by `crate::`.
    fn attempt(&self, name: &str, header: &str, answer: u32) {
        let text = format!(
            "//! {header}\n\n/// Its own.\npub fn own() -> u32 {{\n    {answer}\n}}\n\n/// The answer.\n\
             pub fn answer() -> u32 {{\n    crate::own()\n}}\n"
        );
        self.write(&format!("solutions/03_lost_or_ghost/{name}.rs"), &text);
    }

    /// Runs a command in a folder below the root.
    fn workshop(&self, typed: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
        command.args(typed.split_whitespace()).current_dir(self.root.join("exercises"));
        command.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_OFFLINE", "true").env("LC_ALL", "C.UTF-8");
        Said::of(command.output().unwrap())
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for words in words {
            assert!(self.out.contains(words) || self.err.contains(words), "`{words}` is missing in {self:#?}");
        }
    }
}

#[test]
fn an_attendee_goes_from_red_to_green() {
    let clone = Clone::new("attendee");
    clone
        .workshop("")
        .says(0, &["0 of 1 exercises done, 1 not here yet", "next  cargo workshop check 03", "not here yet"]);
    let red = clone.workshop("check");
    red.says(1, &["✗ an accepted cart is ordered │ told", "0 of 1 stories hold (7 states, 2 ms)", "hint 03"]);
    assert!(!red.out.contains('\u{1b}'), "no colour in a pipe");
    clone.workshop("check --plain").says(1, &["x an accepted cart is ordered | told"]);
    clone.workshop("").says(0, &["violated: an accepted cart is ordered"]);

    let json = clone.workshop("check 3 --json");
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&value["exercise"], &value["verdict"]), (&"03".into(), &"violated".into()));
    assert_eq!(value["stories"][0]["story"], "a_cart");

    clone.workshop("replay").says(1, &["  1  shopper calls submit\n  2  the send is refused\n", "1 client", "│ told"]);
    let file = "../target/workshop/03/a_cart.schedule";
    clone.workshop(&format!("replay 03 {file}")).says(1, &["  2  the send is refused"]);
    clone.workshop("replay ../Cargo.toml").says(2, &["is not a schedule", "workshop schedule 1"]);
    clone.workshop("replay 03 --html").says(2, &["a_cart.html, but it is not there"]);

    clone.workshop("hint 03").says(0, &["Hint 1 of 3", "Which question?", "2 hints are left"]);
    clone.workshop("hint 03").says(0, &["Hint 2 of 3", "Which place?", "1 hint is left"]);
    clone.workshop("hint").says(0, &["Hint 3 of 3", "Which approach?", "That was the last"]);
    clone.workshop("hint").says(0, &["Which question?", "Which approach?", "No hint is left"]);

    clone.workshop("diff 03").says(2, &["cargo workshop diff 03 --yes"]);
    clone.workshop("diff 03 --yes").says(0, &["-    1\n+    2\n", "NOTES.md"]);

    clone.write("exercises/03_lost_or_ghost/src/lib.rs", "pub fn answer() -> u32 {");
    clone.workshop("check 03").says(2, &["does not compile", "cargo workshop start 03"]);
    let json = clone.workshop("check 03 --json");
    json.says(2, &["\"verdict\": \"error\"", "\"stories\": []"]);

    clone.answer(2);
    clone.workshop("check 03").says(0, &["✓ exercise 03: the story holds (7 states, 2 ms)", "put cart  survived"]);
    clone.workshop("").says(0, &["✓ 03", "1 of 1 exercises done"]);
    clone.workshop("replay 03").says(2, &["has no violation to replay"]);
    clone.answer(102);
    clone.workshop("check 03").says(1, &["violated: a plain test", "102 is too much"]);

    clone.workshop("reset 03").says(0, &["lib.rs.saved-1 is what you had"]);
    assert_eq!(clone.read("exercises/03_lost_or_ghost/src/lib.rs"), START);
    assert!(clone.read("exercises/03_lost_or_ghost/src/lib.rs.saved-1").contains("    102\n"));
    clone.workshop("start 03").says(0, &["nothing was changed"]);
    clone.workshop("check 05").says(2, &["exercise 05 · Later is not here yet", "  03  Lost or ghost"]);
    clone.workshop("check 99").says(2, &["`99` is none of them", "  03  Lost or ghost"]);
}

#[test]
fn cargo_test_alone_ticks_too() {
    let clone = Clone::new("cargo-test");
    clone.answer(2);
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["test", "--offline", "-p", "exercise-03"]).current_dir(&clone.root).env_remove("CARGO_TARGET_DIR");
    command.env("WORKSHOP_REPORTS", clone.root.join("target/workshop/03"));
    assert!(command.output().unwrap().status.success());
    clone.workshop("").says(0, &["1 of 1 exercises done"]);
    clone.answer(1);
    fs::remove_dir_all(clone.root.join("target/workshop")).unwrap();
    clone.workshop("").says(0, &["1 of 1 exercises done"]);
}

#[test]
fn a_maintainer_proves_that_the_kit_teaches() {
    let clone = Clone::new("maintainer");
    let solution = "solutions/03_lost_or_ghost";
    clone.workshop("verify").says(1, &["README.md's table of exercises is stale"]);
    clone.workshop("verify --refresh").says(0, &["wrote README.md", "red as promised", "1 of 1 die", "1 of 1 hold"]);
    clone.workshop("break 03").says(0, &["one\n  dies by  an accepted cart is ordered\n  one is odd.\n"]);
    clone.workshop("break 03 on").says(
        1,
        &[
            "✗ an accepted cart is ordered",
            "0 of 1 stories hold",
            "replay target/workshop/break/03/one/a_cart.schedule",
        ],
    );
    clone.workshop("break 03 four").says(0, &["every story holds (1)"]);
    clone.workshop("break 03 none").says(2, &["`none` names none of them", "  wrong/one"]);

    // What fails as a wrong attempt does is recognised.
    clone.workshop("hint 03").says(0, &["Hint 1 of 3"]);
    clone.workshop("check 03");
    clone
        .workshop("hint 03")
        .says(0, &["A known idea fails in the same way; is it yours?\n\n  one: one is odd.\n\nHint 2"]);

    // A wrong attempt is made right, or dies by another property; a file is added, and removed.
    let header = "Dies by: an accepted cart is ordered\n//! Why: it is odd.";
    clone.attempt("wrong/one", header, 2);
    clone.workshop("verify 03").says(1, &["wrong/one.rs should violate", "but every story holds", "0 of 1 die"]);
    clone.attempt("wrong/one", header, 3);
    clone.workshop("verify 03").says(1, &["but \"nothing is ordered twice\" is violated"]);
    clone.attempt("wrong/one", header, 1);
    clone.attempt("wrong/five", header, 5);
    clone.workshop("verify 03").says(1, &["2 of 2 die", "solutions/03_lost_or_ghost/signatures.tsv is stale"]);
    clone.workshop("verify 03 --refresh").says(0, &["2 of 2 die"]);
    fs::remove_file(clone.root.join(solution).join("wrong/five.rs")).unwrap();
    clone.workshop("verify 03 --refresh").says(0, &["1 of 1 die"]);
    clone.attempt("also_correct/four", "Also correct: no.", 5);
    clone.workshop("verify 03").says(1, &["also_correct/four.rs should hold in all stories", "0 of 1 hold"]);
    clone.attempt("also_correct/four", "Also correct: four.", 4);

    // A property is renamed, a hint goes, a header goes.
    let story = "exercises/03_lost_or_ghost/tests/story.rs";
    clone.write(story, &STORY.replace("an accepted cart is ordered", "every accepted cart is ordered"));
    clone.workshop("verify 03").says(1, &["the starting point should first violate \"an accepted cart is ordered\""]);
    clone.write(story, STORY);
    clone.write("exercises/03_lost_or_ghost/README.md", &README.replace("Hint 3", "Answer"));
    clone.workshop("verify 03").says(1, &["expected 3 hints in exercises/03_lost_or_ghost/README.md, but there are 2"]);
    clone.write("exercises/03_lost_or_ghost/README.md", README);
    clone.attempt("wrong/one", "Why: it is odd.", 1);
    clone.workshop("verify 03").says(1, &["wrong/one.rs does not begin with `//! Dies by: <property>`"]);
    clone.attempt("wrong/one", header, 1);

    // The exercise is not the starting point any more; or it does not compile.
    clone.answer(2);
    clone.workshop("verify 03").says(1, &["is not the starting point any more", "not run"]);
    clone.answer(1);
    clone.write(&format!("{solution}/src/lib.rs"), "pub fn answer() -> u32 {");
    clone
        .workshop("verify 03")
        .says(1, &["red as promised", "tests/story.rs of solutions/03_lost_or_ghost do not compile"]);
}
