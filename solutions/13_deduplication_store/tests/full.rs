//! How fast a document is full that remembers every message, as the lecture tells it. The store's limit is the real one.

use figures::{Calm, Handled, fresh};
use kit::{Endpoint, Logic, Msg, Out, Reject};
use serde::{Deserialize, Serialize};
use sim::Limits;
use solution_13::Inbox;
use story::logics::{Talkative, message};

/// The starting point, which remembers in the entity.
#[allow(dead_code, unreachable_pub)]
#[path = "../start.rs"]
mod start;

const LECTURE: &str = "lectures/13_inbox.md";

/// A customer's messages.
const MESSAGES: usize = 400;

fn receipt(number: usize) -> Msg {
    message(&format!("receipt-2026-{number:06}"), "Add", "ada", 1)
}

/// What all documents take before any message, and after each. Unit: bytes.
fn bytes_of<E: Endpoint>(calm: &mut Calm) -> Vec<usize> {
    let handled = (1..=MESSAGES).map(|number| {
        let Handled { outcome, .. } = calm.handle::<E>("points", receipt(number));
        assert!(outcome.is_ok(), "nothing fails here: {outcome:?}");
        calm.docs().pairs().filter(|(key, _)| *key == "ada").map(|(key, body)| key.len() + body.len()).sum()
    });
    handled.collect()
}

/// Every message is another id in the entity; in the inbox it is not.
#[test]
fn the_lecture_says_when_a_document_is_full() {
    let (mut before, mut after) = (Calm::default(), Calm::default());
    let (ids, inbox) = (bytes_of::<start::Inbox<Talkative>>(&mut before), bytes_of::<Inbox<Talkative>>(&mut after));
    let last = |bytes: &[usize]| bytes[MESSAGES - 1];
    let each = ids[MESSAGES - 1] - ids[MESSAGES - 2];
    assert_eq!(ids[MESSAGES - 2] - ids[MESSAGES - 3], each, "every id takes the same");
    let full_after = MESSAGES + (Limits::DYNAMODB.item_bytes - last(&ids)) / each;
    assert_eq!(after.docs().pairs().filter(|(key, _)| key.starts_with("seen/")).count(), MESSAGES);
    fresh::passage(
        LECTURE,
        &format!(
            "After {MESSAGES} messages of one customer, exercise 12's document has {} bytes, and it gets {each} more with \
             each message: it is full after about {},000. The same customer's document in this exercise's solution has {} \
             bytes.",
            thousands(last(&ids)),
            (full_after + 500) / 1_000,
            last(&inbox)
        ),
    );
}

/// `12345` as `12,345`.
fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// A state that leaves a kilobyte of 400.
#[derive(Default)]
struct Album;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Photos(String);

impl Logic for Album {
    type State = Photos;

    fn key(_: &Msg) -> String {
        "ada".into()
    }

    fn handle(&self, state: &mut Photos, _: &Msg, _: &mut Out) -> Result<(), Reject> {
        state.0 = "x".repeat(Limits::DYNAMODB.item_bytes - 1_024);
        Ok(())
    }
}

/// The last messages before the real limit: the entity of exercise 12 takes some thirty, that of the inbox takes all.
#[test]
fn at_the_real_limit_only_the_inbox_goes_on() {
    fn taken<E: Endpoint>() -> usize {
        let mut calm = Calm::default();
        (1..=35).take_while(|number| calm.handle::<E>("points", receipt(*number)).outcome.is_ok()).count()
    }
    assert_eq!(taken::<Inbox<Album>>(), 35);
    assert!((10..35).contains(&taken::<start::Inbox<Album>>()));
}
