//! What a shop may rely on whose vouchers have random codes.
//!
//! The messages are in the queue `points` from the beginning, and a worker of Loyalty takes any of them at any moment.
//! The Postroom is the story's own: from each message in the queue `vouchers` it prints a letter, one for each id, as in
//! exercise 05, and files it under `letter/` and that id.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use kit::{StoreErr, When};
use say_what_you_said::{Account, Loyalty, PointsChanged, VoucherEarned, view};
use story::{
    CONSISTENT_OUTPUT, Client, Cx, Delivery, Docs, Endpoint, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING,
    NO_GARBAGE, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, Retry, Scenario, Seen, Size, Story, expect,
};

const ADA: &str = "ada";
/// His name begins like hers.
const ADAM: &str = "adam";

/// The bus refuses a send, or does not say what became of it; so does the store with a write, and it refuses a read; a
/// node dies between any two operations; a lock runs out while its worker lives; an ack gets lost; a queue holds a copy
/// too many; a weak read is behind.
const WHAT_FAILS: &[Fault] = &[
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::Crash,
    Fault::Duplicate,
    Fault::LockExpired,
    Fault::AckLost,
    Fault::WriteUnknown,
    Fault::WriteRefused,
    Fault::ReadRefused,
    Fault::StaleRead,
];

/// Whose points, and how many.
type Change = (&'static str, i64);

/// With two clients, a month may pass.
const ONE_MESSAGE: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.copies(2).clients(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.workers(2).faults(3),
    Size::ONE.copies(2).workers(2).faults(2),
];
const TWO_MESSAGES: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2),
    Size::ONE.messages(2).faults(2),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
];
const TWO_OF_A_KIND: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).workers(2).faults(1),
];
const THREE_MESSAGES: &[Size] = &[
    Size::ONE,
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(3),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).workers(2),
];

/// 110 points at once. Whatever fails, and whoever says it again: one voucher, with one code.
#[test]
fn a_voucher_has_one_code() {
    let mut story = Story::new("a voucher has one code")
        .worlds(ONE_MESSAGE, |size| {
            let world = shop(size, &[(ADA, 110)]);
            if size.clients > 1 { world.client(a_month()) } else { world }
        })
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for &fault in WHAT_FAILS.iter().filter(|fault| !matches!(fault, Fault::ReadRefused | Fault::StaleRead)) {
        story = story.sometimes(Event::Struck(fault));
    }
    story.rules_of(&[(ADA, 110)]).check();
}

/// 110 points, and 40 are taken back. Who comes first decides whether a voucher is earned. If it is, it arrives, even if
/// the points are gone meanwhile.
#[test]
fn an_earned_voucher_arrives() {
    const CHANGES: &[Change] = &[(ADA, 110), (ADA, -40)];
    Story::new("an earned voucher arrives")
        .worlds(TWO_MESSAGES, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .rules_of(CHANGES)
        .check();
}

/// 60, 40 and 50 points. The message that reaches 100 earns the voucher, and no other does.
#[test]
fn a_customer_earns_one_voucher() {
    const CHANGES: &[Change] = &[(ADA, 60), (ADA, 40), (ADA, 50)];
    Story::new("a customer earns one voucher")
        .worlds(THREE_MESSAGES, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .rules_of(CHANGES)
        .check();
}

/// 110 points, 40 taken back, 50 more: she may reach 100 twice. Only the first time earns a voucher.
#[test]
fn the_second_time_earns_nothing() {
    const CHANGES: &[Change] = &[(ADA, 110), (ADA, -40), (ADA, 50)];
    Story::new("the second time earns nothing")
        .worlds(THREE_MESSAGES, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .rules_of(CHANGES)
        .check();
}

/// 60 and 50 points, and 40 taken back: depending on the order, 100 is reached, or never.
#[test]
fn a_voucher_is_earned_or_not() {
    const CHANGES: &[Change] = &[(ADA, 60), (ADA, -40), (ADA, 50)];
    Story::new("a voucher is earned or not")
        .worlds(THREE_MESSAGES, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Redelivered)
        // The messages come in every order, and one of them stays below 100.
        .sometimes_seen("60, 40 taken back, and 50: a customer may stay below 100", |seen| {
            seen.acked("points").len() == CHANGES.len() && !seen.view().accounts[0].1.voucher
        })
        .rules_of(CHANGES)
        .check();
}

/// 60 points, and 60 points once more: two messages that say the same, and a voucher.
#[test]
fn equal_points_are_two_messages() {
    const CHANGES: &[Change] = &[(ADA, 60), (ADA, 60)];
    Story::new("equal points are two messages")
        .worlds(TWO_OF_A_KIND, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .rules_of(CHANGES)
        .check();
}

/// Ada and Adam earn a voucher each; nobody can pay with the other's.
#[test]
fn two_customers_get_two_codes() {
    const CHANGES: &[Change] = &[(ADA, 110), (ADAM, 110)];
    Story::new("two customers get two codes")
        .worlds(TWO_OF_A_KIND, |size| shop(size, CHANGES))
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .always(CONSISTENT_OUTPUT, "two customers have two codes", |seen| {
            let codes: BTreeMap<String, String> =
                vouchers(seen).map(|(_, earned)| (earned.customer, earned.code)).collect();
            let distinct: BTreeSet<&String> = codes.values().collect();
            expect(distinct.len() == codes.len(), || format!("{ADA} and {ADAM} have one code: {distinct:?}"))
        })
        .always(CONSISTENT_OUTPUT, "a code has at least eight letters and digits", |seen| {
            for (_, VoucherEarned { customer, code }) in vouchers(seen) {
                expect(code.chars().filter(|sign| sign.is_alphanumeric()).count() >= 8, || {
                    format!("the code {code:?} of {customer} is too short")
                })?;
            }
            Ok(())
        })
        .rules_of(CHANGES)
        .check();
}

/// A code is as good as money. Once its letter is on its way, the shop keeps it no longer.
#[test]
fn no_code_is_kept() {
    const CHANGES: &[Change] = &[(ADA, 110), (ADA, -40)];
    Story::new("no code is kept")
        .worlds(TWO_MESSAGES, |size| shop(size, CHANGES))
        .view(Docs::clone)
        .sometimes(Event::Redelivered)
        .when_quiescent(NO_GARBAGE, "when all is done, no document holds a code", |seen| {
            for VoucherEarned { code, .. } in seen.bodies::<VoucherEarned>("vouchers", "VoucherEarned") {
                for (key, body) in seen.view().pairs().filter(|(key, _)| !key.starts_with(LETTER)) {
                    expect(!holds(body, &code) && !holds(key, &code), || {
                        format!("the voucher {code} is sent, and the document {key:?} still holds the code")
                    })?;
                }
            }
            Ok(())
        })
        .check();
}

// The worlds.

/// As many of these changes as the size has messages, and so many workers of Loyalty. The Postroom has one.
fn shop(size: Size, changes: &[Change]) -> Scenario {
    let world = Scenario::new()
        .faults(Faults::upto(size.faults).only(WHAT_FAILS))
        .endpoint::<Loyalty>("Loyalty", "points", size.workers)
        .endpoint::<Postroom>("Postroom", "vouchers", 1);
    changes.iter().take(size.messages.into()).enumerate().fold(world, |world, (at, &(customer, points))| {
        let body = PointsChanged { customer: customer.into(), points };
        world.message("points", Msg::new(message_id(changes, at), "PointsChanged", &body), size.copies)
    })
}

/// The clock moves, once, at any moment.
fn a_month() -> Client {
    Client::new("a month", "Clock").calls("passes", |cx: Cx| async move {
        cx.sleep(Duration::from_secs(31 * 24 * 3600)).await;
        Ok::<(), Infallible>(())
    })
}

/// Where the letters are.
const LETTER: &str = "letter/";

/// Prints a letter for each id. A conflict says that this one is printed.
#[derive(Default)]
struct Postroom;

impl Endpoint for Postroom {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        if delivery.msg.kind != "VoucherEarned" {
            return Ok(());
        }
        let letter: VoucherEarned = delivery.body()?;
        match cx.docs.put(&format!("{LETTER}{}", delivery.id()), &letter, When::Absent).await {
            Ok(_) | Err(StoreErr::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

// What must hold.

/// What is to be seen of the shop.
struct Shop {
    accounts: [(&'static str, Account); 2],
    letters: Vec<VoucherEarned>,
}

fn the_shop(docs: &Docs) -> Shop {
    Shop {
        accounts: [ADA, ADAM].map(|customer| (customer, view(docs, customer))),
        letters: docs.list(LETTER).into_iter().map(|(_, letter)| letter).collect(),
    }
}

impl Shop {
    fn letters_to<'a>(&'a self, customer: &'a str) -> impl Iterator<Item = &'a VoucherEarned> {
        self.letters.iter().filter(move |letter| letter.customer == customer)
    }
}

/// What can have become of a customer, if messages change her account one after the other: her points, and whether 100
/// were ever reached. After all of these changes; each in every order.
fn after_all(changes: &[i64]) -> BTreeSet<(i64, bool)> {
    fn go_on(points: i64, earned: bool, left: &[i64], ends: &mut BTreeSet<(i64, bool)>) {
        if left.is_empty() {
            ends.insert((points, earned));
        }
        for at in 0..left.len() {
            let mut others = left.to_vec();
            let now = points + others.remove(at);
            go_on(now, earned || now >= 100, &others, ends);
        }
    }
    let mut ends = BTreeSet::new();
    go_on(0, false, changes, &mut ends);
    ends
}

/// The same, after some of these changes, or none.
fn after_some(changes: &[i64]) -> BTreeSet<(i64, bool)> {
    let mut ends = after_all(changes);
    for at in 0..changes.len() {
        ends.extend(after_some(&[&changes[..at], &changes[at + 1..]].concat()));
    }
    ends
}

/// The changes of one customer's points.
fn of(customer: &str, changes: &[Change]) -> Vec<i64> {
    changes.iter().filter(|(name, _)| *name == customer).map(|(_, points)| *points).collect()
}

trait Rules {
    fn rules_of(self, changes: &'static [Change]) -> Self;
}

impl Rules for Story<Shop> {
    /// What holds in every world of these changes, or of the first few of them.
    fn rules_of(self, changes: &'static [Change]) -> Self {
        let some = [ADA, ADAM].map(|customer| after_some(&of(customer, changes)));
        let some_again = some.clone();
        self.always(CONSISTENT_OUTPUT, "a voucher has one code", one_code)
            .always(NO_DUPLICATE_PROCESSING, "a customer earns at most one voucher", at_most_one)
            .always(NO_GHOST_MESSAGE, "nobody hears of a voucher that is not earned", no_ghost)
            .always(NO_DUPLICATE_PROCESSING, "each message counts once", move |seen| counts_once(seen, &some))
            .always(NO_GHOST_MESSAGE, "a voucher is earned with 100 points", move |seen| {
                is_earned_with_points(seen, &some_again)
            })
            .when_quiescent(NO_LOST_MESSAGE, "every message counts in the end, and 100 points earn a voucher", |seen| {
                all_count(seen, changes)
            })
            .when_quiescent(NO_LOST_MESSAGE, "an earned voucher arrives in the end", arrives)
            .as_if_serial("points, vouchers and letters are as if one message came after the other", |seen| {
                seen.view().accounts.clone().map(|(customer, Account { points, voucher })| {
                    (customer, points, voucher, seen.view().letters_to(customer).count())
                })
            })
            .can_finish("every message is handled, and every letter printed, in the end")
    }
}

/// The vouchers that became visible, each distinct message once, with its id.
fn vouchers<'a, V>(seen: &'a Seen<'_, V>) -> impl Iterator<Item = (&'a str, VoucherEarned)> {
    seen.sent("vouchers").into_iter().filter(|msg| msg.kind == "VoucherEarned").map(|msg| {
        let earned = msg.body().unwrap_or_else(|error| panic!("in queue vouchers: {error}"));
        (msg.id.as_str(), earned)
    })
}

/// Whoever hears of a voucher again hears the same.
fn one_code(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let mut said: BTreeMap<&str, VoucherEarned> = BTreeMap::new();
    for (id, earned) in vouchers(seen) {
        let before = said.entry(id).or_insert_with(|| earned.clone());
        expect(*before == earned, || {
            let [one, other] = [before, &earned].map(|earned| format!("{} for {}", earned.code, earned.customer));
            format!("under one id, {id}, the Postroom heard of {one}, and of {other}")
        })?;
    }
    Ok(())
}

fn at_most_one(seen: &Seen<'_, Shop>) -> Result<(), String> {
    for customer in [ADA, ADAM] {
        let ids: BTreeSet<&str> =
            vouchers(seen).filter(|(_, earned)| earned.customer == customer).map(|(id, _)| id).collect();
        expect(ids.len() <= 1, || format!("{customer} gets {} vouchers: {ids:?}", ids.len()))?;
    }
    Ok(())
}

fn no_ghost(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let sent: Vec<VoucherEarned> = vouchers(seen).map(|(_, earned)| earned).collect();
    for VoucherEarned { customer, code } in &sent {
        let earned = seen.view().accounts.iter().any(|(name, account)| name == customer && account.voucher);
        expect(earned, || format!("the Postroom hears of {code} for {customer}, whose account knows of no voucher"))?;
    }
    for letter in &seen.view().letters {
        expect(sent.contains(letter), || format!("there is a letter that nobody sent: {letter:?}"))?;
    }
    Ok(())
}

/// Points that a customer's messages can make, each of them counted once, or not yet.
fn counts_once(seen: &Seen<'_, Shop>, some: &[BTreeSet<(i64, bool)>; 2]) -> Result<(), String> {
    for ((customer, account), some) in seen.view().accounts.iter().zip(some) {
        expect(some.iter().any(|(points, _)| *points == account.points), || {
            let sums: BTreeSet<i64> = some.iter().map(|(points, _)| *points).collect();
            format!("{customer} has {} points; messages that count once make {sums:?}", account.points)
        })?;
    }
    Ok(())
}

/// Some order of the messages that are in the points reaches 100 on the way.
fn is_earned_with_points(seen: &Seen<'_, Shop>, some: &[BTreeSet<(i64, bool)>; 2]) -> Result<(), String> {
    for ((customer, account), some) in seen.view().accounts.iter().zip(some) {
        expect(!account.voucher || some.contains(&(account.points, true)), || {
            format!("{customer} has earned a voucher, and has {} points: nothing led there", account.points)
        })?;
    }
    Ok(())
}

/// The messages that were acked are in the points, and earn a voucher if they reach 100. In the end, that is every
/// message of the world.
fn all_count(seen: &Seen<'_, Shop>, changes: &[Change]) -> Result<(), String> {
    let acked = seen.acked("points");
    let came: Vec<Change> =
        (0..changes.len()).filter(|at| acked.contains(&&*message_id(changes, *at))).map(|at| changes[at]).collect();
    for (customer, Account { points, voucher }) in &seen.view().accounts {
        let ends = after_all(&of(customer, &came));
        let sum: i64 = of(customer, &came).iter().sum();
        expect(*points == sum, || format!("{customer} has {points} points; what came in for her makes {sum}"))?;
        expect(ends.contains(&(*points, *voucher)), || {
            let earned = if *voucher { "has earned a voucher" } else { "has earned no voucher" };
            format!("{customer} {earned}, whichever of {:?} came first", of(customer, &came))
        })?;
    }
    Ok(())
}

fn arrives(seen: &Seen<'_, Shop>) -> Result<(), String> {
    for (customer, account) in &seen.view().accounts {
        let letters = seen.view().letters_to(customer).count();
        expect(letters >= usize::from(account.voucher), || {
            format!("{customer} has earned a voucher; there is no letter, and nothing is left that would bring one")
        })?;
    }
    Ok(())
}

/// Says whose points, and how many; and `again` where an earlier change is the same.
fn message_id(changes: &[Change], at: usize) -> String {
    let (customer, points) = changes[at];
    let again = if changes[..at].contains(&changes[at]) { "-again" } else { "" };
    format!("{customer}{points:+}{again}")
}

/// Does this text hold the code? In small or in capital letters, with or without anything between them; as the bytes of
/// a text; or as the number that the code is in the system of 16.
fn holds(text: &str, code: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|sign| sign.is_alphanumeric()).collect::<String>().to_lowercase();
    let bytes: Vec<String> = code.bytes().map(|byte| byte.to_string()).collect();
    // A short number may be there by chance.
    let number = u128::from_str_radix(&plain(code), 16).ok().map(|number| number.to_string());
    plain(text).contains(&plain(code))
        || text.contains(&bytes.join(","))
        || number.is_some_and(|number| number.len() >= 6 && text.contains(&number))
}
