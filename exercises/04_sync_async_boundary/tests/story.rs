//! What a shopper may rely on who has heard "202", and has left.
//!
//! Nobody handles the queue `orders` in these worlds: that a message was sent there is a fact, and that is all. The
//! queue `submissions` is handled by the Storefront's own workers.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use story::{
    CONSISTENT_OUTPUT, Client, Cx, Event, Fault, Faults, Msg, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE,
    Scenario, Seen, Size, Story, expect,
};
use sync_async_boundary::{CartView, PlaceOrder, Status, Submissions, add_item, submit, view};

const CART: &str = "cart-1";
const OTHER_CART: &str = "cart-2";

/// At the door and behind it: the bus and the store refuse, or do not say what became of it; a node dies between any
/// two operations; the queue delivers a message twice, or while its first worker is still at it.
const WHAT_FAILS: &[Fault] = &[
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::ReadRefused,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::Crash,
    Fault::Duplicate,
    Fault::LockExpired,
    Fault::AckLost,
];

const ONE_SHOPPER: &[Size] = &[Size::ONE.faults(1), Size::ONE.workers(2).faults(1), Size::ONE.workers(2).faults(3)];
const ONE_TAB_THEN_TWO: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.clients(2),
    Size::ONE.clients(2).faults(1),
    Size::ONE.clients(2).workers(2).faults(1),
    Size::ONE.clients(2).faults(2),
];
const ONE_SHOPPER_THEN_TWO_TABS: &[Size] =
    &[Size::ONE.faults(1), Size::ONE.workers(2).faults(3), Size::ONE.clients(2).faults(1)];

/// One shopper fills her cart and submits it. At the first error, and when no answer comes, she leaves for good. If she
/// hears 202, her cart is ordered, whatever fails afterwards. And no cart is left behind that somebody has begun to
/// order, and nobody ends.
#[test]
fn a_shopper_who_heard_202_may_leave() {
    let mut story = Story::new("a shopper who heard 202 may leave")
        .worlds(ONE_SHOPPER, checkout)
        .view(|docs| view(docs, CART))
        .sometimes_seen("the shopper hears 202, and her cart is ordered", |seen| {
            seen.answered_ok("shopper", SUBMIT) && is_ordered(seen)
        })
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice);
    for fault in [Fault::SendRefused, Fault::SendUnknown, Fault::WriteRefused, Fault::Duplicate, Fault::LockExpired] {
        story = story.sometimes(Event::Struck(fault));
    }
    story
        .always(NO_LOST_WRITE, "after 202, a GET never says that the cart is open", |seen| {
            let answered = seen.answered_ok("shopper", SUBMIT);
            expect(!answered || seen.view().status != Status::Open, || {
                format!("the shopper heard 202, and her page says that {CART} is open")
            })
        })
        .when_quiescent(NO_LOST_MESSAGE, "a submitted cart is ordered in the end", |seen| {
            let (answered, status, ordered) =
                (seen.answered_ok("shopper", SUBMIT), seen.view().status, is_ordered(seen));
            expect(!answered || ordered, || format!("the shopper heard 202, and Orders never heard of {CART}"))?;
            expect(status == Status::Open || ordered, || {
                format!("a GET says that {CART} is {status:?}, and it will say so for ever: Orders never heard of it")
            })?;
            expect(status != Status::Submitting, || format!("a GET says for ever that {CART} is being submitted"))
        })
        .can_finish("every submission is handled in the end")
        .check();
}

/// Orders acts at once on what it hears. So it may hear of a cart only when that cart is accepted, for good.
#[test]
fn nothing_is_ordered_that_was_not_accepted() {
    Story::new("nothing is ordered that was not accepted")
        .worlds(ONE_SHOPPER_THEN_TWO_TABS, checkout)
        .view(|docs| view(docs, CART))
        .sometimes(Event::Struck(Fault::SendUnknown))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .always(NO_GHOST_MESSAGE, "nothing is ordered that was not accepted", |seen| {
            for order in orders(seen) {
                expect(order.cart == CART, || format!("Orders heard of {:?}, a cart that nobody has", order.cart))?;
                expect(seen.view().status == Status::Accepted, || {
                    format!("Orders heard of {CART}, but the cart is not accepted")
                })?;
            }
            Ok(())
        })
        .check();
}

/// The same cart in two tabs; the second one puts a bow in and submits, too. Both submissions, and every repetition,
/// are one order: one id, one body, whenever she clicks, and whenever it is sent. The bow is in it, or its tab has heard
/// that it is too late.
#[test]
fn one_cart_is_one_order_however_often_it_is_sent() {
    Story::new("one cart is one order, however often it is sent")
        .worlds(ONE_TAB_THEN_TWO, |size| {
            let world = checkout(size);
            if size.workers > 1 || size.faults > 1 { world } else { world.client(an_hour()) }
        })
        .view(|docs| view(docs, CART))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::Struck(Fault::SendUnknown))
        .always(CONSISTENT_OUTPUT, "every order of a cart has one id and one body", |seen| {
            let mut orders = order_messages(seen).into_iter();
            let Some(first) = orders.next() else { return Ok(()) };
            for other in orders {
                expect(other.id == first.id, || format!("{CART} is ordered as {}, and as {}", first.id, other.id))?;
                expect(other.body == first.body, || {
                    format!("Orders heard {}, and under the same id {}", first.body, other.body)
                })?;
            }
            Ok(())
        })
        .always(CONSISTENT_OUTPUT, "every order says what is in the accepted cart", |seen| {
            let cart = seen.view();
            for line in &cart.lines {
                expect(line == "book" || line == "bow", || format!("{CART} holds {line:?}; nobody put that in"))?;
            }
            for order in orders(seen) {
                expect(order.lines == cart.lines, || {
                    format!("Orders heard that {CART} holds {:?}, but it holds {:?}", order.lines, cart.lines)
                })?;
            }
            Ok(())
        })
        .always(NO_LOST_WRITE, "an item that went into the cart stays in, and is ordered", |seen| {
            kept_if(seen.answered_ok("shopper", ADD), "book", seen)?;
            kept_if(seen.answered_ok("second tab", ADD), "bow", seen)
        })
        .when_quiescent(NO_LOST_MESSAGE, "the cart is ordered if either tab heard 202", |seen| {
            let either = seen.answered_ok("shopper", SUBMIT) | seen.answered_ok("second tab", SUBMIT);
            let ordered = is_ordered(seen);
            expect(!either || ordered, || format!("a tab heard 202, and Orders never heard of {CART}"))
        })
        .can_finish("every submission is handled in the end")
        .check();
}

/// Two shoppers put the same book into two carts, and submit them. Orders must be able to tell the two orders apart, or
/// it will take the second for a repetition of the first.
#[test]
fn two_carts_are_two_orders() {
    Story::new("two carts are two orders")
        .worlds(&[Size::ONE, Size::ONE.faults(1)], |size| {
            checkout(size).client(shopper("neighbour", OTHER_CART, "book"))
        })
        .view(|docs| [CART, OTHER_CART].map(|cart| view(docs, cart)))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Struck(Fault::SendRefused))
        .always(NO_LOST_MESSAGE, "different carts are ordered under different ids", |seen| {
            let mut carts = BTreeMap::new();
            for msg in order_messages(seen) {
                let cart = msg.body::<PlaceOrder>().map(|order| order.cart).unwrap_or_default();
                let other = carts.entry(&msg.id).or_insert_with(|| cart.clone());
                expect(*other == cart, || format!("Orders heard of {other}, and of {cart}, under the id {}", msg.id))?;
            }
            Ok(())
        })
        .always(CONSISTENT_OUTPUT, "an order says what is in its own cart", |seen| {
            for order in seen.bodies::<PlaceOrder>("orders", "PlaceOrder") {
                let at = [CART, OTHER_CART].iter().position(|cart| *cart == order.cart);
                let cart = at.map(|at| &seen.view()[at]);
                expect(cart.is_some_and(|cart| cart.lines == order.lines), || {
                    format!("Orders heard that {} holds {:?}", order.cart, order.lines)
                })?;
            }
            Ok(())
        })
        .when_quiescent(NO_LOST_MESSAGE, "whoever heard 202 has an order", |seen| {
            let ordered: BTreeSet<String> =
                seen.bodies::<PlaceOrder>("orders", "PlaceOrder").into_iter().map(|order| order.cart).collect();
            for (client, cart) in [("shopper", CART), ("neighbour", OTHER_CART)] {
                expect(!seen.answered_ok(client, SUBMIT) || ordered.contains(cart), || {
                    format!("the {client} heard 202, and Orders never heard of {cart}")
                })?;
            }
            Ok(())
        })
        .check();
}

/// A neighbour fills a cart and looks at it, and submits nothing. Her cart stays open, and is not ordered.
#[test]
fn a_cart_that_nobody_submits_stays_open() {
    Story::new("a cart that nobody submits stays open")
        .worlds(&[Size::ONE, Size::ONE.faults(1)], |size| {
            checkout(size).client(
                Client::new("neighbour", "Door")
                    .calls("put in a bow", |cx: Cx| async move { add_item(&cx, OTHER_CART, "bow").await }),
            )
        })
        .view(|docs| view(docs, OTHER_CART))
        .sometimes(Event::Concurrent)
        .always(NO_GHOST_MESSAGE, "a cart that nobody submits stays open, and is not ordered", |seen| {
            let status = seen.view().status;
            for order in orders(seen) {
                expect(order.cart == CART, || format!("Orders heard of {}; nobody submitted it", order.cart))?;
            }
            expect(status == Status::Open, || format!("a GET says that {OTHER_CART} is {status:?}"))
        })
        .when_quiescent(NO_LOST_WRITE, "the cart holds what was put into it, and nothing else", |seen| {
            let lines = &seen.view().lines;
            expect(lines.iter().eq(["bow"]), || format!("{OTHER_CART} holds {lines:?}, not the bow"))
        })
        .can_finish("the neighbour's item gets in, and every submission is handled")
        .check();
}

// The worlds.

/// The place of the call `put in …` in a client's script.
const ADD: u16 = 0;
/// The place of the call `submit` in a client's script.
const SUBMIT: u16 = 1;

/// One shopper; with two clients, she has a second tab. The Storefront's workers handle what was submitted.
fn checkout(size: Size) -> Scenario {
    let world = Scenario::new()
        .faults(Faults::upto(size.faults).only(WHAT_FAILS))
        .endpoint::<Submissions>("Storefront", "submissions", size.workers)
        .client(shopper("shopper", CART, "book"));
    if size.clients > 1 { world.client(shopper("second tab", CART, "bow")) } else { world }
}

/// The clock moves, once, at any moment.
fn an_hour() -> Client {
    Client::new("an hour", "Clock").calls("passes", |cx: Cx| async move {
        cx.sleep(Duration::from_secs(3600)).await;
        Ok::<(), Infallible>(())
    })
}

/// Puts an item into a cart and submits the cart; leaves at the first error.
fn shopper(name: &str, cart: &'static str, item: &'static str) -> Client {
    Client::new(name, "Door")
        .calls_or_leaves(&format!("put in a {item}"), move |cx: Cx| async move { add_item(&cx, cart, item).await })
        .calls_or_leaves("submit", move |cx: Cx| async move { submit(&cx, cart).await })
}

// What must hold.

/// The messages that Orders heard, each distinct one once.
fn order_messages<'a, V>(seen: &Seen<'a, V>) -> Vec<&'a Msg> {
    seen.sent("orders").into_iter().filter(|msg| msg.kind == "PlaceOrder").collect()
}

fn orders(seen: &Seen<'_, CartView>) -> Vec<PlaceOrder> {
    seen.bodies("orders", "PlaceOrder")
}

fn is_ordered(seen: &Seen<'_, CartView>) -> bool {
    orders(seen).iter().any(|order| order.cart == CART)
}

/// Somebody heard that the item is in: then the cart shows it, and so does every order.
fn kept_if(in_time: bool, item: &str, seen: &Seen<'_, CartView>) -> Result<(), String> {
    let orders = orders(seen);
    expect(!in_time || seen.view().lines.contains(item), || format!("the {item} went in, and is not in the cart"))?;
    expect(!in_time || orders.iter().all(|order| order.lines.contains(item)), || {
        format!("the {item} went in, and an order is without it")
    })
}
