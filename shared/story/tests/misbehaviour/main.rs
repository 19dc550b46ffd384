//! Handlers that misbehave get an answer, never a hang: the table of misbehaviours, one test a row.
//!
//! Each test has a story of `stories.rs` told by this binary in a process of its own, with the environment in which
//! it is to fail, and reads what it left. To see what a reader sees:
//! `STORY_TEST_SHOW=1 cargo test -p story --test misbehaviour -- --nocapture NAME`.

mod handlers;
mod stage;
mod stories;

use stage::{Staged, tell, tell_and_replay, tell_deep, tell_deep_and_replay};
use story::report::VerdictName;

/// Tells a story that is to end with this verdict about this property; returns its text.
fn told(name: &str, verdict: VerdictName, property: &str) -> String {
    let Staged { told, terminal, passed } = tell(name);
    assert_eq!((told.report.verdict, told.report.property.as_str()), (verdict, property), "{terminal}");
    assert_eq!(told.report.story, name);
    assert_eq!(passed, verdict == VerdictName::Holds, "{terminal}");
    assert!(terminal.contains(&told.text), "the terminal shows something else:\n{terminal}");
    for line in told.text.lines() {
        assert!(line.chars().count() <= 100 || line.contains("  page "), "a line of more than 100 columns: {line}");
    }
    // Backtraces were asked for, and there are none.
    for noise in ["stack backtrace", "thread 'stories::", "RUST_BACKTRACE"] {
        assert!(!terminal.contains(noise), "{noise} in\n{terminal}");
    }
    told.text
}

fn violated(name: &str, property: &str) -> String {
    told(name, VerdictName::Violated, property)
}

/// Whether a text says all of this, in this order, wherever its lines break.
fn assert_says(text: &str, words: &[&str]) {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = one_line.as_str();
    for word in words {
        match rest.split_once(word) {
            Some((_, after)) => rest = after,
            None => panic!("`{word}` is missing, or in another place, in\n{text}"),
        }
    }
}

/// The line on which a handler of `handlers.rs` says this, as messages have it.
fn place_of(words: &str) -> String {
    let source = include_str!("handlers.rs");
    let at = source.lines().position(|line| line.contains(words)).expect("some handler says so");
    format!("{}:{}", handlers::FILE, at + 1)
}

// ---- not written yet

/// The exercise before anybody touched it.
#[test]
fn todo_is_not_written_yet() {
    let text = told("not_written", VerdictName::NotWritten, "");
    assert_says(&text, &["✎ an order is charged once", "not written yet at ", &place_of("todo!()")]);
}

/// Somebody wrote the first half.
#[test]
fn unimplemented_is_not_written_yet() {
    let text = told("half_written", VerdictName::NotWritten, "");
    assert_says(&text, &["not written yet at ", &place_of("unimplemented!("), ": charge the card"]);
}

// ---- panics, and worse

/// The first delivery goes well, the ack is lost, and the second finds what the first has left.
#[test]
fn a_panic_is_a_violation_with_the_schedule_that_leads_there() {
    let text = violated("panics", "the handler does not panic");
    let steps = ["deliver m1", "put charges", "✗ ack lost", "deliver m1", "get charges"];
    assert_says(&text, &[&["violated with 1 fault in 7 steps"], &steps[..]].concat());
    let place = place_of("assert!(charges.is_none()");
    assert_says(&text, &["it panicked at ", &place, ": the card was charged before"]);
}

/// The process dies with it; another one finds out where.
#[test]
fn an_overflow_of_the_stack_is_a_violation_with_the_schedule_that_leads_there() {
    let text = violated("overflows_its_stack", "the handler does not panic");
    let answer = "then `get charges` is answered: nothing there";
    assert_says(&text, &["deliver m1", answer, "after that, the handler overflows its stack"]);
}

/// Even with a success.
#[test]
fn ending_the_process_is_a_violation() {
    let text = violated("ends_the_process", "the handler does not panic");
    let answer = "then `get charges` is answered: nothing there";
    assert_says(&text, &["deliver m1", answer, "after that, the handler ends the process"]);
}

/// The attendee's `view` is judged as the handlers are.
#[test]
fn a_view_that_panics_is_a_violation() {
    let text = violated("has_a_view_that_panics", "a story can read what the code shows and sends");
    assert_says(&text, &["put charge-m1", "it panicked at ", "the document under key \"charge-m1\" is not a "]);
}

// ---- does not finish

/// The watchdog's part: between two operations nobody else has a say.
#[test]
fn a_loop_without_an_await_does_not_finish() {
    let text = violated("loops_without_awaiting", "the handler finishes");
    let steps = ["deliver m1", "get charges", "then `put charges` is answered: ok", "after that, the handler computes"];
    assert_says(&text, &steps);
}

/// Two hundred operations are more than any handler here needs. Steps that repeat are one line.
#[test]
fn a_loop_around_operations_does_not_finish() {
    let text = violated("asks_again_and_again", "the handler finishes");
    assert_says(&text, &["get gate", "… the same, 199 more times", "it asked for 201 operations in one go"]);
    assert!(text.lines().count() < 12, "{text}");
}

/// A loop around `yield_now`.
#[test]
fn a_handler_that_only_yields_does_not_finish() {
    let text = violated("yields_for_ever", "the handler finishes");
    assert_says(&text, &["put charges", "it asks to be polled again and again, and waits for no answer"]);
}

// ---- is not deterministic

fn differs(name: &str, asked: &str) -> String {
    let text = violated(name, "the handler is deterministic");
    assert_says(&text, &["it first asked for", asked, "and then for", asked]);
    assert_says(&text, &["cx.fresh_id()", "cx.now()", "cx.rng()", "BTreeMap", "static"]);
    let (first, second) = text.split_once("and then for\n").expect("both are there");
    let first = first.lines().last().unwrap_or_default();
    assert_ne!(Some(first), second.lines().next(), "the two do not differ in\n{text}");
    text
}

#[test]
fn an_id_from_the_system_is_not_deterministic() {
    differs("takes_an_id_from_the_system", "send Receipt receipt-");
}

#[test]
fn the_clock_on_the_wall_is_not_deterministic() {
    differs("looks_at_the_clock_on_the_wall", "put charged-at ");
}

#[test]
fn the_order_of_a_hash_map_is_not_deterministic() {
    differs("writes_in_the_order_of_a_hash_map", "put lines [");
}

#[test]
fn a_static_is_not_deterministic() {
    let text = differs("counts_in_a_static", "put charges");
    assert_says(&text, &["put charges 1", "put charges 2"]);
}

/// Twice in a row it does the same; what is compared later, on the way to another answer, shows it.
#[test]
fn a_static_is_found_out_later_too() {
    let text = differs("counts_in_a_static_slowly", "put charges");
    assert_says(&text, &["put charges 0", "put charges 1"]);
}

/// What it asks for is the same each time: then it is told in what it differs.
#[test]
fn an_id_that_is_drawn_only_once_is_found_out() {
    let text = differs("draws_an_id_once", "put charges 1, and it waits for 1 answer, gave up 0 operations, drew ");
    assert_says(&text, &["drew 1 id", "and then for", "drew 0 ids"]);
}

// ---- keeps memory

/// Every delivery gets a new endpoint, as it would on another node.
#[test]
fn memory_between_deliveries_does_not_hide_the_duplicate() {
    let text = violated("remembers_in_itself", "an order is charged at most once");
    assert_says(&text, &["no duplicated processing", "put charges", "✗ ack lost", "deliver m1", "put charges"]);
    assert_says(&text, &["before charges = 1", "after charges = 2"]);
}

// ---- prints

/// Of all that was printed while it was explored, only what belongs to the schedule is shown.
#[test]
fn the_output_of_the_failing_schedule_is_shown_and_no_other() {
    let text = violated("talks", "an order is charged at most once");
    let (_, printed) = text.split_once("what the code printed in this schedule\n").expect("it is shown");
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    let said = ["handling m1", "there were 0 charges", "handling m1", "there were 1 charges", "charged", "charged"];
    assert_eq!(lines, said);
}

/// Two hundred lines for each run, and thousands of bytes.
#[test]
fn much_output_does_not_flood_the_terminal() {
    let text = violated("talks_a_lot", "an order is charged at most once");
    assert_says(&text, &["line 0 of a hundred", "line 12 of a hundred", "… and more"]);
    assert!(text.lines().count() <= 65, "{} lines", text.lines().count());
}

#[test]
fn a_passing_story_shows_nothing_that_its_code_printed() {
    let text = told("talks_a_lot_and_is_right", VerdictName::Holds, "");
    assert_eq!(text.lines().count(), 2);
    let Staged { terminal, .. } = tell("talks_a_lot_and_is_right");
    assert!(!terminal.contains("of a hundred") && !terminal.contains("error "), "{terminal}");
}

// ---- waits for something else

/// The last step is the operation before it.
#[test]
fn a_future_of_somebody_else_is_outside_of_the_world() {
    let text = violated("waits_for_nobody", "the handler waits only on Cx");
    assert_says(&text, &["put charges", "it waits for something outside the workshop's world"]);
}

// ---- several operations in flight

/// One of the two orders is wrong; whichever the story calls wrong, it is found.
#[test]
fn both_orders_of_two_joined_operations_are_explored() {
    let text = violated("charges_before_it_reserves", "what is charged is reserved");
    assert_says(&text, &["deliver m1", "put charges"]);
    assert!(!text.contains("put reserved"), "{text}");
    let text = violated("reserves_before_it_charges", "what is reserved is charged");
    assert_says(&text, &["deliver m1", "put reserved"]);
    assert!(!text.contains("put charges"), "{text}");
}

/// Each of the six orders is a witness of the story: without it, the story would be vacuous.
#[test]
fn every_order_of_an_unordered_set_of_operations_is_explored() {
    told("sends_three_at_once", VerdictName::Holds, "");
}

/// Three witnesses: heard of in time; dropped, and done all the same; dropped, and not done.
#[test]
fn an_operation_that_is_dropped_took_effect_or_did_not() {
    told("gives_up_after_a_second", VerdictName::Holds, "");
}

// ---- the other verdicts

/// In a world where nothing fails, nothing is redelivered.
#[test]
fn a_witness_that_is_never_met_fails_the_story() {
    let text = told("is_never_redelivered", VerdictName::Vacuous, "a message is redelivered");
    assert_says(&text, &["✗ an order is charged once", "vacuous: never in 4 states: a message is redelivered"]);
}

/// The scenario's bounds allow a thousand states, and there are more.
#[test]
fn an_exploration_that_did_not_end_fails_the_story_and_says_what_to_shrink() {
    let text = told("is_too_large", VerdictName::Unrefuted, "");
    assert_says(
        &text,
        &["undecided after ", "its bounds allow 1000 states", "something new at every try", "shrink the story's world"],
    );
    assert_says(&text, &["in the world with", "2 workers", "up to 3 faults"]);
}

#[test]
fn a_right_handler_holds_in_all_states() {
    let text = told("right", VerdictName::Holds, "");
    assert_says(&text, &["✓ an order is charged once", "holds in all ", " states, up to 1 fault"]);
}

// ---- the larger worlds, which `verify --deep` adds

#[test]
fn a_story_that_names_no_larger_world_has_one() {
    let (ladder, deep) = (tell("right").told.report, tell_deep("right").told.report);
    assert_eq!((ladder.verdict, ladder.larger_worlds), (VerdictName::Holds, 0));
    assert_eq!((deep.verdict, deep.larger_worlds), (VerdictName::Holds, 1));
    assert!(deep.states > ladder.states);
}

#[test]
fn a_story_climbs_the_larger_worlds_that_it_names_and_no_other() {
    assert_eq!(tell("names_larger_worlds").told.report.larger_worlds, 0);
    assert_eq!(tell_deep("names_larger_worlds").told.report.larger_worlds, 2);
    assert_eq!(tell_deep("names_no_larger_world").told.report.larger_worlds, 0);
}

/// The schedule is followed in the world where it was found, also by those who would not climb so far.
#[test]
fn a_violation_in_a_larger_world_says_so_and_is_followed() {
    assert_eq!(tell("is_violated_in_a_larger_world").told.report.verdict, VerdictName::Holds);
    let report = tell_deep("is_violated_in_a_larger_world").told.report;
    assert_eq!((report.verdict, report.larger_worlds), (VerdictName::Violated, 1));
    assert_eq!(report.world, "2 messages, 1 copy each, 1 worker, no fault");
    let (terminal, passed) = tell_deep_and_replay("is_violated_in_a_larger_world");
    assert_says(&terminal, &["✗ one order is charged, or none", "still violated without any fault"]);
    assert!(!passed);
}

/// Not a handler's fault, so neither a violation nor a hang.
#[test]
fn a_story_that_breaks_says_where() {
    let text = told("breaks_itself", VerdictName::Error, "");
    assert_says(&text, &["the story itself broke", "stories.rs:", "no such world"]);
}

// ---- a trial judges code that is no handler

#[test]
fn a_trial_says_what_it_covered() {
    let text = told("a_trial_of_right_code", VerdictName::Holds, "");
    assert_eq!(text, "  ✓ an attendee's code is judged\n    it came back");
}

#[test]
fn a_trial_says_what_is_wrong() {
    let text = violated("a_trial_of_wrong_code", "two is more than one");
    assert_says(&text, &["✗ two is more than one", "it is less"]);
}

#[test]
fn code_in_a_trial_may_be_not_written_yet() {
    let text = told("a_trial_of_code_that_is_not_written", VerdictName::NotWritten, "");
    assert_says(&text, &["✎ an attendee's code is judged", "not written yet at ", "stories.rs:", ": search"]);
}

#[test]
fn a_panic_in_a_trial_is_a_violation() {
    let text = violated("a_trial_of_code_that_panics", "the code does not panic");
    assert_says(&text, &["it panicked at ", "stories.rs:", ": the third time is too much"]);
}

/// The watchdog's part again: it came back once, and not the second time.
#[test]
fn code_in_a_trial_that_never_returns_does_not_finish() {
    let text = violated("a_trial_of_code_that_never_returns", "the code finishes");
    assert_says(&text, &["an attendee's code is judged: the code "]);
}

#[test]
fn an_overflow_of_the_stack_in_a_trial_is_a_violation() {
    let text = violated("a_trial_of_code_that_overflows_its_stack", "the code does not panic");
    assert_says(&text, &["the code overflows its stack"]);
}

#[test]
fn ending_the_process_in_a_trial_is_a_violation() {
    let text = violated("a_trial_of_code_that_ends_the_process", "the code does not panic");
    assert_says(&text, &["the code ends the process"]);
}

/// Slow is not stuck.
#[test]
fn a_trial_may_take_longer_than_each_piece_of_it() {
    told("a_trial_of_slow_code", VerdictName::Holds, "");
}

#[test]
fn a_panic_in_the_idea_of_when_a_run_is_over_is_a_violation() {
    let text = violated("a_search_with_an_over_that_panics", "the code does not panic");
    assert_says(&text, &["it panicked at ", "stories.rs:", "index out of bounds"]);
}

#[test]
fn an_idea_of_when_a_run_is_over_that_never_returns_does_not_finish() {
    violated("a_search_with_an_over_that_never_returns", "the code finishes");
}

#[test]
fn a_handler_that_panics_makes_a_run_wrong() {
    let text = violated("a_search_of_a_handler_that_panics", "a run is right");
    assert_says(&text, &["the handler does not panic: it panicked at ", ": it never charges"]);
}

#[test]
fn a_search_of_a_right_handler_says_how_a_run_ended() {
    let text = told("a_search_of_a_right_handler", VerdictName::Holds, "");
    assert_says(&text, &["✓ an attendee searches", "Over"]);
}

// ---- is to be violated

/// The story passes, says so, and keeps what a red one keeps.
#[test]
fn a_violation_that_is_expected_passes_and_is_told() {
    let Staged { told, terminal, passed } = tell("is_violated_as_expected");
    assert!(passed, "{terminal}");
    assert_eq!((told.report.verdict, told.report.property.as_str()), (VerdictName::Holds, ""), "{terminal}");
    assert!(told.report.schedule.is_some() && told.report.page.is_some());
    let words = ["✓ nobody is charged twice", "at most once: violated as expected, with 1 fault in 7 steps", "page"];
    assert_says(&told.text, &words);
}

/// Followed again, its schedule is no failure either.
#[test]
fn an_expected_violation_is_followed_to_the_same_end() {
    let (terminal, passed) = tell_and_replay("is_violated_as_expected", |schedule| schedule);
    assert_says(
        &terminal,
        &["✓ an order is charged at most once", "still violated with 1 fault in 7 steps, as expected"],
    );
    assert!(passed);
}

#[test]
fn a_violation_that_is_expected_and_does_not_come_fails_the_story() {
    let words = "an order is charged at most once";
    let text = told("keeps_what_was_to_be_violated", VerdictName::Vacuous, words);
    assert_says(&text, &["✗ an order is charged at most once", "was to be violated, and holds in all ", " states"]);
}

/// Where the story allows for it, whoever keeps the property has a word of its own.
#[test]
fn a_violation_that_is_expected_may_be_allowed_not_to_come() {
    let text = told("may_keep_what_was_to_be_violated", VerdictName::Holds, "");
    assert_says(&text, &["was to be violated, and holds in all ", "It charges each order under its own key."]);
}

#[test]
fn another_violation_than_the_expected_one_fails_the_story() {
    violated("is_violated_by_something_else", "nothing is charged");
}

#[test]
#[should_panic(expected = "a property of its own, and \"tea is served\" is none")]
fn only_a_claim_of_the_story_can_be_expected() {
    let _ = story::Story::new("tea is served").can_finish("tea is made").expects("tea is served");
}

// ---- told again

/// The schedule that a red story leaves is a regression test.
#[test]
fn a_schedule_is_followed_to_the_same_violation() {
    let (terminal, passed) = tell_and_replay("remembers_in_itself", |schedule| schedule);
    assert_says(&terminal, &["✗ an order is charged at most once", "still violated with 1 fault in 7 steps"]);
    assert!(!passed);
}

/// Somebody changes a step of it.
#[test]
fn a_schedule_that_does_not_fit_says_which_step() {
    let (terminal, passed) = tell_and_replay("remembers_in_itself", |schedule| {
        schedule.replace("Billing acks m1: the ack is lost", "Billing acks m2: the ack is lost")
    });
    let words = "step 4 cannot happen there: Billing acks m2: the ack is lost";
    assert_says(
        &terminal,
        &["the schedule no longer fits the code", words, "what can happen there:", "Billing acks m1"],
    );
    assert!(!passed);
}
