//! What is kept to recognise duplicates, as the lecture shows it: the messages of a year, ten of them, and a thousand.
//!
//! Everything comes once and in order, the best that can happen. Ada earns ten points, and spends them again, so that the
//! account itself stays as long as it is.

use figures::{Axis, Calm, Handled, Line, Plot, fresh};
use kit::tokens::TOKEN;
use kit::{Cx, Delivery, Endpoint, Logic, Msg, Retry};
use solution_15::{Tokens, view};
use story::logics::{Silent, Talkative, message};

/// The starting point: exercise 13's answer, which keeps the ids.
#[allow(dead_code, unreachable_pub, missing_docs, clippy::all)]
#[path = "../start.rs"]
mod start;

/// A year of one customer: about three messages a day.
const YEAR: usize = 1_000;
/// Points drawn: one for so many messages.
const STRIDE: usize = 20;
/// Bytes.
const KB: f64 = 1024.0;

const LECTURE: &str = "lectures/15_tokens.md";
const FIGURE: &str = "15_footprint.svg";

/// Whoever sends a message creates its token first.
#[derive(Default)]
struct Sender;

impl Endpoint for Sender {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        Ok(cx.tokens.create(&delivery.msg.headers[TOKEN]).await?)
    }
}

/// The `at`-th message of the year, from 1.
fn msg(at: usize) -> Msg {
    let points = if at % 2 == 1 { 10 } else { -10 };
    let mut msg = message(&format!("message-{at:04}"), "Add", "ada", points);
    msg.headers.insert(TOKEN.to_owned(), format!("token-{at:04}"));
    msg
}

fn ok(handled: Handled) -> Handled {
    assert!(handled.outcome.is_ok(), "nothing fails here: {:?}", handled.outcome);
    handled
}

/// What is left after each message, from none to so many. Unit: bytes of keys and documents.
fn with_tokens<L: Logic>(messages: usize) -> (Vec<usize>, Calm) {
    let mut calm = Calm::default();
    let mut left = vec![0];
    for at in 1..=messages {
        let _ = ok(calm.handle::<Sender>("", msg(at)));
        let handled = ok(calm.handle::<Tokens<L>>("points", msg(at)));
        // Whoever receives what was sent works in the same way, and has it behind it.
        let read = handled.sent.into_iter().map(|(queue, msg)| ok(calm.handle::<Tokens<Reader>>(&queue, msg)));
        left.push(read.last().map_or(handled.bytes, |last| last.bytes));
    }
    (left, calm)
}

/// The same for the ids.
fn with_ids(messages: usize) -> Vec<usize> {
    let mut calm = Calm::default();
    let left = (1..=messages).map(|at| ok(calm.handle::<start::Tokens<Silent>>("points", msg(at))).bytes);
    std::iter::once(0).chain(left).collect()
}

/// Reads what is said to it, and forgets it.
#[derive(Default)]
struct Reader;

impl Logic for Reader {
    type State = ();

    fn key(msg: &Msg) -> String {
        format!("reader-of-{}", msg.kind)
    }

    fn handle(&self, (): &mut (), _: &Msg, _: &mut kit::Out) -> Result<(), kit::Reject> {
        Ok(())
    }
}

fn line(name: &str, bytes: &[usize]) -> Line {
    let points = bytes.iter().enumerate().step_by(STRIDE);
    Line { name: name.into(), points: points.map(|(messages, bytes)| (messages as f64, *bytes as f64 / KB)).collect() }
}

/// Ten messages and a thousand leave the same, whether they say something or not.
#[test]
fn ten_messages_and_a_thousand_leave_equal_footprints() {
    let (silent, _) = with_tokens::<Silent>(YEAR);
    assert_eq!(silent[10], silent[YEAR]);
    let (talkative, calm) = with_tokens::<Talkative>(YEAR);
    assert_eq!(talkative[10], talkative[YEAR]);
    let tokens = calm.docs().pairs().filter(|(key, _)| key.starts_with(&kit::tokens::key(""))).count();
    assert_eq!(tokens, 0, "every token was used up");
}

/// The first message of the year once more, on the last day.
#[test]
fn a_copy_that_comes_a_year_late_finds_no_token() {
    let (left, mut calm) = with_tokens::<Silent>(YEAR);
    let late = ok(calm.handle::<Tokens<Silent>>("points", msg(1)));
    assert_eq!((view::<Silent>(&calm.docs(), "ada").points, late.bytes), (0, left[YEAR]));
}

/// The lecture shows both.
#[test]
fn the_lecture_shows_what_a_year_of_messages_leaves() {
    let (tokens, _) = with_tokens::<Silent>(YEAR);
    let ids = with_ids(YEAR);
    assert!(ids[1..].is_sorted_by(|a, b| a < b), "every message is one more id");
    let kb = |bytes: usize| format!("{:.1} KB", bytes as f64 / KB);
    let description = format!(
        "Two lines over the messages of a year, from 0 to 1,000. With the ids of the handled messages, what is kept grows \
         evenly with every message, to {}. With tokens it stays level, at {} bytes.",
        kb(ids[YEAR]),
        tokens[YEAR]
    );
    let plot = Plot {
        title: "What is left after each of a year's 1,000 messages".into(),
        description: description.clone(),
        x: Axis { name: "messages handled".into() },
        y: Axis { name: "KB (1,024 bytes)".into() },
        lines: vec![line("the ids of handled messages", &ids), line("tokens", &tokens)],
    };
    fresh::file(&format!("lectures/figures/{FIGURE}"), &plot.svg());
    fresh::passage(LECTURE, &format!("![{description}](figures/{FIGURE})"));
    fresh::passage(
        LECTURE,
        &format!(
            "After ten messages the ids and the account take {} bytes, after 1,000 they take {}. With tokens it is {} bytes \
             both times: the account, and nothing else.",
            ids[10],
            kb(ids[YEAR]),
            tokens[YEAR]
        ),
    );
}
