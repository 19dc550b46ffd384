//! How fast a document is full that remembers every message, as the lecture tells it. The store's limit is the real one.

use std::collections::BTreeMap;

use figures::{Calm, Handled, fresh};
use kit::{Endpoint, Logic, Msg, Out, Reject, Retry, StoreErr};
use serde::{Deserialize, Serialize};
use sim::Limits;
use solution_13::Inbox;
use story::logics::{Account, Talkative, message};

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
    let room_for = MESSAGES + (Limits::DYNAMODB.item_bytes - last(&ids)) / each;
    let (taken, bytes) = until_too_large(&before, room_for - 20);
    assert_eq!((taken + 500) / 1_000, 12, "the README says some 12,000");
    assert_eq!(after.docs().pairs().filter(|(key, _)| key.starts_with("seen/")).count(), MESSAGES);
    fresh::passage(
        LECTURE,
        &format!(
            "After {MESSAGES} messages of one customer, exercise 12's document has {} bytes, and it gets {each} more with \
             each message. With {} messages it has {}, and the next one is refused: too large. The same customer's document \
             in this exercise's solution has {} bytes.",
            thousands(last(&ids)),
            thousands(taken),
            thousands(bytes),
            last(&inbox)
        ),
    );
}

/// The document of exercise 12.
#[derive(Serialize, Deserialize)]
struct Doc {
    state: Account,
    slots: BTreeMap<String, String>,
}

/// How many messages the document has taken when the store refuses the next one, and its bytes then. To handle all of
/// them takes minutes: the ids of those up to `from` are put into the document, the others are handled.
fn until_too_large(calm: &Calm, from: usize) -> (usize, usize) {
    let mut doc: Doc = calm.docs().get("ada").expect("the document has the shape of exercise 12");
    for number in MESSAGES + 1..=from {
        doc.slots.insert(receipt(number).id.to_string(), "Dispatched".to_owned());
        doc.state.points += 1;
    }
    let mut full = Calm::default().with_document("ada", &doc);
    let mut handle = |number| full.handle::<start::Inbox<Talkative>>("points", receipt(number)).outcome;
    let refused = (from + 1..from + 50).find_map(|number| Some((number, handle(number).err()?)));
    let (number, why) = refused.expect("the limit is near");
    assert_eq!(why.reason(), Retry::from(StoreErr::TooLarge).reason());
    let bytes = full.docs().pairs().filter(|(key, _)| *key == "ada").map(|(key, body)| key.len() + body.len()).sum();
    (number - 1, bytes)
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
