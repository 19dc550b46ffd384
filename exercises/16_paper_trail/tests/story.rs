//! What a shop may rely on whose invoices are blobs: outside of its documents, and of every transaction.
//!
//! The messages are in the queue `billing` from the beginning. What is announced to the queue `invoices` is heard by
//! everybody at once, and for ever.

use std::collections::{BTreeMap, BTreeSet};

use kit::blobs;
use paper_trail::{Invoice, InvoiceReady, Invoicing, OrderBilled, view};
use story::{
    CONSISTENT_OUTPUT, Docs, Event, Fault, Faults, Limits, Msg, NO_GARBAGE, NO_GHOST_MESSAGE, NO_LOST_MESSAGE,
    Scenario, Seen, Size, Story, expect,
};

const ORDERS: [&str; 3] = ["order-1", "order-2", "order-3"];

/// A gift, and a car.
const GIFT: u32 = 40;
const CAR: u32 = 90_000;

/// The most that a document may have, where a car is sold.
const DOCUMENT_BYTES: usize = 600;

/// A node dies between any two operations; the store refuses a read or a write, of a document or of a blob, or does not
/// say what became of a write; a conflict is reported where there is none; a weak read is behind; the bus refuses a send,
/// or does not say what became of it; an ack gets lost. In all that, no two workers have one message at once.
const ONE_AT_A_TIME: &[Fault] = &[
    Fault::Crash,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::SpuriousConflict,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::AckLost,
];

const ONE_ORDER: &[Size] = &[
    Size::ONE,
    Size::ONE.workers(2).faults(1),
    Size::ONE.faults(1),
    Size::ONE.copies(2).faults(1),
    Size::ONE.workers(2).faults(2),
    Size::ONE.faults(3),
    Size::ONE.workers(2).faults(3),
];
const SOME_ORDERS: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(2),
    Size::ONE.messages(3),
    Size::ONE.messages(3).workers(2),
    Size::ONE.messages(3).faults(1),
];
const A_CAR: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.workers(2).faults(1)];
const NODES_DIE: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.faults(2),
    Size::ONE.copies(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(2),
    Size::ONE.messages(2).workers(2).faults(2),
];
/// No two copies for two workers: then two would be at it at once.
const NODES_DIE_DEEP: &[Size] = &[
    Size::ONE.faults(4),
    Size::ONE.messages(3).faults(2),
    Size::ONE.messages(2).faults(3),
    Size::ONE.messages(3).workers(2).faults(2),
];
const LOCKS_EXPIRE: &[Size] = &[
    Size::ONE.workers(2).faults(1),
    Size::ONE.workers(2).faults(2),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.workers(2).faults(3),
];

/// Two workers have the message of one order, and print an invoice each. Whatever was announced stays as it was.
#[test]
fn an_announced_invoice_stays_as_it_was() {
    Story::new("an announced invoice stays as it was")
        .worlds(ONE_ORDER, |size| {
            let world = shop(size, GIFT);
            // First, locks expire, and nothing else goes wrong.
            if size == Size::ONE.workers(2).faults(1) { only(world, &[Fault::LockExpired], 1) } else { world }
        })
        .deep(&[Size::ONE.copies(2).faults(3), Size::ONE.workers(2).faults(4)]) // two copies for two workers would race for ever
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Struck(Fault::LockExpired))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .bills_each_order()
        .check();
}

/// Two or three orders, handled at the same time: each has its own invoice, and nobody takes the other's away.
#[test]
fn two_orders_have_two_invoices() {
    Story::new("two orders have two invoices")
        .worlds(SOME_ORDERS, |size| shop(size, GIFT))
        .deep(&[Size::ONE.messages(3).workers(2).faults(1), Size::ONE.messages(2).workers(2).faults(2)]) // one copy each: as above
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .bills_each_order()
        .check();
}

/// A car's invoice is larger than any document may be: 3 MB, where 2 MB is the limit. Here, less than a kilobyte, and 600
/// bytes.
#[test]
fn an_invoice_is_larger_than_a_document() {
    Story::new("an invoice is larger than a document")
        .worlds(A_CAR, |size| shop(size, CAR).limits(Limits { item_bytes: DOCUMENT_BYTES, ..Limits::default() }))
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .bills_each_order()
        .always(CONSISTENT_OUTPUT, "a car's invoice has all the terms", |seen| {
            let cut = announcements(seen).into_iter().find(|InvoiceReady { url, .. }| {
                seen.view().blob(url).is_some_and(|bytes| bytes.len() <= DOCUMENT_BYTES)
            });
            expect(cut.is_none(), || "what was announced would fit into a document: the terms are missing".to_owned())
        })
        .check();
}

/// Nodes die, and operations fail; but whoever was at it is gone before the next one comes. Then in the end nothing is
/// left but what was announced.
#[test]
fn a_crash_leaves_nothing() {
    Story::new("a crash leaves nothing")
        .worlds(NODES_DIE, |size| {
            // First, nodes die, and nothing else goes wrong; and so it is again in the largest world.
            let kinds = match size {
                Size { workers: 1, faults: 2.., .. } | Size { messages: 2, faults: 1, .. } | Size { copies: 2, .. } => {
                    ONE_AT_A_TIME
                }
                _ => &[Fault::Crash],
            };
            only(shop(size, GIFT), kinds, size.faults)
        })
        .deep(NODES_DIE_DEEP)
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .leaves_nothing()
        .check();
}

/// Locks expire, and two workers have one message at once; but nothing else goes wrong, and everybody who has begun comes
/// to an end.
#[test]
fn a_late_worker_leaves_nothing() {
    Story::new("a late worker leaves nothing")
        .worlds(LOCKS_EXPIRE, |size| only(shop(size, GIFT), &[Fault::LockExpired], size.faults))
        .deep(&[Size::ONE.messages(2).workers(2).faults(2), Size::ONE.messages(3).workers(2).faults(1)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .leaves_nothing()
        .check();
}

// The worlds.

/// As many orders as the size has messages, billed with these amounts. A queue with one worker may hold a copy too many;
/// with two workers, locks expire instead: either way, a message comes again. The largest world has only the worst faults.
fn shop(size: Size, amount: u32) -> Scenario {
    let world = Scenario::new().endpoint::<Invoicing>("Invoicing", "billing", size.workers);
    let kinds = match (size.workers, size.faults) {
        (1, _) => &[ONE_AT_A_TIME, &[Fault::Duplicate]].concat(),
        (_, ..=2) => &[ONE_AT_A_TIME, &[Fault::LockExpired]].concat(),
        _ => &[Fault::LockExpired, Fault::Crash, Fault::WriteUnknown][..],
    };
    let world = only(world, kinds, size.faults);
    ORDERS.iter().take(size.messages.into()).fold(world, |world, order| {
        let body = OrderBilled { order: (*order).to_owned(), amount };
        world.message("billing", Msg::new(billed(order), "OrderBilled", &body), size.copies)
    })
}

fn only(world: Scenario, kinds: &[Fault], faults: u8) -> Scenario {
    world.faults(Faults::upto(faults).only(kinds))
}

/// The id of the message that bills an order.
fn billed(order: &str) -> String {
    format!("bill-{order}")
}

// What must hold.

/// What is to be seen of the shop.
struct Shop {
    invoices: Vec<(&'static str, Option<Invoice>)>,
    blobs: Vec<(String, Vec<u8>)>,
    docs: Docs,
}

fn the_shop(docs: &Docs) -> Shop {
    Shop {
        invoices: ORDERS.iter().map(|order| (*order, view(docs, order))).collect(),
        blobs: blobs::all(docs),
        docs: docs.clone(),
    }
}

impl Shop {
    fn blob(&self, url: &str) -> Option<&[u8]> {
        self.blobs.iter().find(|(at, _)| at == url).map(|(_, bytes)| &**bytes)
    }
}

trait Rules {
    fn bills_each_order(self) -> Self;
    fn leaves_nothing(self) -> Self;
}

impl Rules for Story<Shop> {
    /// What holds in every world.
    fn bills_each_order(self) -> Self {
        self.always(CONSISTENT_OUTPUT, "what was announced is there, as it was announced", is_there)
            .always(CONSISTENT_OUTPUT, "an order is announced once, with one invoice", is_announced_once)
            .always(CONSISTENT_OUTPUT, "each order is announced under an id of its own", has_an_id_of_its_own)
            .always(NO_GHOST_MESSAGE, "nothing is announced that is not committed", is_committed)
            .always(NO_LOST_MESSAGE, "an invoice is announced before its message is acked", is_announced_before_the_ack)
            .when_quiescent(NO_LOST_MESSAGE, "a billed order has an invoice in the end, and it is announced", |seen| {
                seen.acked("billing").into_iter().try_for_each(|id| is_announced(seen, id))
            })
            .can_finish("every message is handled in the end")
    }

    /// What holds where those who have begun never both come late and die.
    fn leaves_nothing(self) -> Self {
        self.when_quiescent(NO_GARBAGE, "no blob is left that was not announced", |seen| {
            let announced = urls(seen);
            let orphan = seen.view().blobs.iter().find(|(url, _)| !announced.contains(url));
            expect(orphan.is_none(), || match orphan {
                Some((url, _)) => format!("there is a blob {url}; nobody has heard of it, and nobody ever will"),
                None => String::new(),
            })
        })
        .when_quiescent(NO_GARBAGE, "no document names a blob that is gone", names_no_blob_that_is_gone)
        .can_finish("every message is handled in the end")
    }
}

fn announcements(seen: &Seen<'_, Shop>) -> Vec<InvoiceReady> {
    seen.bodies("invoices", "InvoiceReady")
}

fn urls(seen: &Seen<'_, Shop>) -> BTreeSet<String> {
    announcements(seen).into_iter().map(|ready| ready.url).collect()
}

/// From the announcement on, in every state: the blob under the url is there, with these bytes.
fn is_there(seen: &Seen<'_, Shop>) -> Result<(), String> {
    for InvoiceReady { order, url, digest } in announcements(seen) {
        let Some(bytes) = seen.view().blob(&url) else {
            return Err(format!("the invoice of {order} was announced as {url}, and there is no such blob"));
        };
        let is = fnv(bytes);
        expect(is == digest, || {
            format!("the invoice of {order} was announced with the digest {digest}; now {url} has {is}")
        })?;
        let text = String::from_utf8_lossy(bytes);
        expect(text.contains(&order), || format!("what was announced for {order} is the invoice of another: {text}"))?;
    }
    Ok(())
}

fn is_announced_once(seen: &Seen<'_, Shop>) -> Result<(), String> {
    for order in ORDERS {
        let all = announcements(seen).into_iter().filter(|ready| ready.order == order);
        expect(all.count() <= 1, || {
            let ids: Vec<&str> = seen.sent("invoices").into_iter().map(|msg| msg.id.as_str()).collect();
            format!("{order} was announced more than once, and not with the same words: {}", ids.join(", "))
        })?;
    }
    Ok(())
}

/// Whoever handles each id once hears of every order.
fn has_an_id_of_its_own(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let mut orders = BTreeMap::new();
    for msg in seen.sent("invoices").into_iter().filter(|msg| msg.kind == "InvoiceReady") {
        let Ok(InvoiceReady { order, .. }) = msg.body() else { continue };
        let id = msg.id.as_str();
        let first = orders.entry(id).or_insert_with(|| order.clone());
        expect(*first == order, || format!("under one id, {id}, {first} and {order} were announced"))?;
    }
    Ok(())
}

fn is_committed(seen: &Seen<'_, Shop>) -> Result<(), String> {
    for InvoiceReady { order, url, digest } in announcements(seen) {
        let announced = Some(Invoice { url, digest });
        let known = seen.view().invoices.iter().find(|(name, _)| *name == order).and_then(|(_, known)| known.clone());
        expect(known == announced, || {
            let known = known.as_ref().map_or("none".to_owned(), |known| known.url.clone());
            format!(
                "for {order}, {} was announced; the documents know {known}",
                announced.map_or_else(String::new, |a| a.url)
            )
        })?;
    }
    Ok(())
}

/// A handler may also hand its work on, to its own queue; then that message is the one to wait for.
fn is_announced_before_the_ack(seen: &Seen<'_, Shop>) -> Result<(), String> {
    if !seen.sent("billing").is_empty() {
        return Ok(());
    }
    seen.acked("billing").into_iter().try_for_each(|id| is_announced(seen, id))
}

fn is_announced(seen: &Seen<'_, Shop>, id: &str) -> Result<(), String> {
    let Some((order, known)) = seen.view().invoices.iter().find(|(order, _)| billed(order) == id) else {
        return Ok(());
    };
    expect(known.is_some(), || format!("{id} is acked, and {order} has no invoice"))?;
    expect(announcements(seen).iter().any(|ready| ready.order == *order), || {
        format!("{id} is acked, and nobody has heard of an invoice of {order}")
    })
}

/// Looks for urls of the shape `invoices/ORDER…`, in whatever the documents say; and for ids of attempts, of which urls
/// may be made. One of them may stay for each order, of the attempt that won.
fn names_no_blob_that_is_gone(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let announced = urls(seen);
    for (key, body) in seen.view().docs.pairs().filter(|(key, _)| !key.starts_with(blobs::PREFIX)) {
        for word in
            body.split('"').filter(|word| ORDERS.iter().any(|order| word.starts_with(&format!("invoices/{order}"))))
        {
            let known = announced.iter().any(|url| url.starts_with(word) || word.starts_with(&**url));
            expect(known, || format!("all is done, and the document {key} still names {word}"))?;
        }
    }
    let said: BTreeSet<String> =
        seen.sent("invoices").into_iter().flat_map(|msg| ids(&msg.id).chain(ids(&msg.body))).collect();
    let docs = seen.view().docs.pairs().filter(|(key, _)| !key.starts_with(blobs::PREFIX));
    let kept: BTreeSet<String> = docs.flat_map(|(_, body)| ids(body)).filter(|id| !said.contains(id)).collect();
    expect(kept.len() <= seen.acked("billing").len(), || {
        format!("all is done, and the documents still hold the ids of {} attempts that nobody has heard of", kept.len())
    })
}

/// What looks like an id of `cx.fresh_id()`, with hyphens or without.
fn ids(text: &str) -> impl Iterator<Item = String> {
    let words =
        text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-').map(|word| word.replace('-', ""));
    words.filter(|word| word.len() >= 32).map(|word| word[word.len() - 32..].to_owned())
}

/// As Invoicing is to compute it: FNV-1a, 64 bits, in hex.
fn fnv(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
