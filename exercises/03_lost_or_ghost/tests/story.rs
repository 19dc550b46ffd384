//! What the shop's customers may rely on, whatever fails and whoever else clicks meanwhile.
//!
//! Nobody handles the queue `orders` in these worlds: that a message was sent there is a fact, and that is all.

use std::collections::BTreeSet;

use lost_or_ghost::{CartView, PlaceOrder, add_item, submit, view};
use story::{
    CONSISTENT_OUTPUT, Client, Cx, Event, Fault, Faults, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE, Scenario,
    Seen, Size, Story, expect,
};

const CART: &str = "cart-1";
const NEIGHBOURS_CART: &str = "cart-2";

/// The bus and the store refuse, or do not say what became of it; a node dies between any two operations.
const WHAT_FAILS: &[Fault] = &[
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::ReadRefused,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::Crash,
];

const ONE_TAB: &[Size] = &[Size::ONE.faults(1), Size::ONE.faults(3)];
const TWO_TABS: &[Size] = &[Size::ONE.clients(2), Size::ONE.clients(2).faults(1), Size::ONE.clients(2).faults(2)];
const TWO_SUBMITTERS: &[Size] = &[Size::ONE.clients(2), Size::ONE.clients(2).faults(1)];
const ONE_TAB_THEN_TWO: &[Size] = &[Size::ONE.faults(1), Size::ONE.faults(2), Size::ONE.clients(2).faults(1)];

/// One shopper puts a book into her cart and submits it. After an error, and when no answer comes, she clicks
/// again. The save may fail, the send may fail, the answer may get lost: once she hears yes, Orders has heard of it,
/// and she never clicks for ever.
#[test]
fn a_shopper_who_hears_yes_has_an_order() {
    let mut story = Story::new("a shopper who hears yes has an order")
        .worlds(ONE_TAB, checkout)
        .view(|docs| view(docs, CART))
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::CalledAgain);
    for fault in [Fault::SendRefused, Fault::SendUnknown, Fault::WriteRefused, Fault::WriteUnknown] {
        story = story.sometimes(Event::Struck(fault));
    }
    story
        .always(NO_LOST_MESSAGE, "a shopper who hears yes has an order", |seen| ordered_if_yes_to("shopper", seen))
        .can_finish("a shopper who keeps asking hears yes")
        .check();
}

/// Orders acts at once on what it hears. So it may hear of a cart only when that cart is accepted, for good, whatever
/// fails next, and whatever a second tab does to the cart.
#[test]
fn nothing_is_ordered_that_was_not_accepted() {
    Story::new("nothing is ordered that was not accepted")
        .worlds(ONE_TAB_THEN_TWO, checkout)
        .view(|docs| view(docs, CART))
        .sometimes(Event::Struck(Fault::SendUnknown))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .sometimes(Event::CrashAfterEffect)
        .always(NO_GHOST_MESSAGE, "nothing is ordered that was not accepted", accepted_if_ordered)
        .check();
}

/// While the shopper submits, her second tab puts a bow into the same cart. It is in time, and the bow is in every
/// order; or it is too late, and is told so. A repeated order says the same again.
#[test]
fn every_order_says_what_is_in_the_accepted_cart() {
    Story::new("every order says what is in the accepted cart")
        .worlds(TWO_TABS, checkout)
        .view(|docs| view(docs, CART))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Struck(Fault::SendUnknown))
        .always(CONSISTENT_OUTPUT, "every order says what is in the accepted cart", same_lines)
        .always(NO_LOST_WRITE, "an item that went into the cart stays in, and is ordered", |seen| {
            kept_if(seen.answered_ok("shopper", ADD), "book", seen)?;
            kept_if(seen.answered_ok("second tab", ADD), "bow", seen)
        })
        .check();
}

/// The same cart in two tabs. Each puts one more item in, once, whatever comes back. The first submits the cart until it
/// hears yes; the second submits it once, in the middle of that. Neither tab's failure may undo what the other was
/// promised.
#[test]
fn two_tabs_may_submit_one_cart() {
    Story::new("two tabs may submit one cart")
        .worlds(TWO_SUBMITTERS, two_submitters)
        .view(|docs| view(docs, CART))
        .sometimes(Event::Concurrent)
        .sometimes(Event::CrashAfterEffect)
        .always(NO_LOST_MESSAGE, "a tab that hears yes has an order", |seen| {
            ordered_if_yes_to("first tab", seen)?;
            ordered_if_yes_to("second tab", seen)
        })
        .always(NO_GHOST_MESSAGE, "nothing is ordered that was not accepted", accepted_if_ordered)
        .always(CONSISTENT_OUTPUT, "every order says what is in the accepted cart", same_lines)
        .always(NO_LOST_WRITE, "an item that went into the cart stays in, and is ordered", |seen| {
            kept_if(seen.answered_ok("first tab", ADD), "book", seen)?;
            kept_if(seen.answered_ok("second tab", ADD), "bow", seen)
        })
        .can_finish("a tab that keeps asking hears yes")
        .check();
}

/// The shopper submits her cart. Her neighbour only fills another one: nobody may order that one, and nothing of it may
/// get into hers.
#[test]
fn a_cart_that_nobody_submits_is_not_ordered() {
    Story::new("a cart that nobody submits is not ordered")
        .worlds(&[Size::ONE, Size::ONE.faults(1)], |size| {
            checkout(size).client(
                Client::new("neighbour", "Storefront")
                    .calls("put in a bow", |cx: Cx| async move { add_item(&cx, NEIGHBOURS_CART, "bow").await }),
            )
        })
        .view(|docs| (view(docs, CART), view(docs, NEIGHBOURS_CART)))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .always(NO_GHOST_MESSAGE, "a cart that nobody submits is neither accepted nor ordered", |seen| {
            let (_, neighbours) = seen.view();
            expect(!neighbours.accepted, || format!("{NEIGHBOURS_CART} is accepted, and nobody submitted it"))?;
            for order in seen.bodies::<PlaceOrder>("orders", "PlaceOrder") {
                expect(order.cart == CART, || format!("Orders heard of {}, and nobody submitted it", order.cart))?;
            }
            Ok(())
        })
        .when_quiescent(NO_LOST_WRITE, "each cart holds what was put into it, and nothing else", |seen| {
            let (hers, neighbours) = seen.view();
            expect(hers.lines == set(["book"]), || format!("{CART} holds {:?}, not the book", hers.lines))?;
            expect(neighbours.lines == set(["bow"]), || {
                format!("{NEIGHBOURS_CART} holds {:?}, not the bow", neighbours.lines)
            })
        })
        .can_finish("shopper and neighbour hear yes")
        .check();
}

// The worlds.

/// The place of the call `put in …` in a client's script.
const ADD: u16 = 0;
/// The place of the call `submit` in a client's script.
const SUBMIT: u16 = 1;

/// One shopper, who asks again until she hears yes. With two clients, a second tab puts a bow into the same cart
/// meanwhile: once, whatever comes back.
fn checkout(size: Size) -> Scenario {
    let shopper = Client::new("shopper", "Storefront")
        .calls("put in a book", |cx: Cx| async move { add_item(&cx, CART, "book").await })
        .calls("submit", |cx: Cx| async move { submit(&cx, CART).await });
    let second_tab = Client::new("second tab", "Storefront")
        .tries("put in a bow", |cx: Cx| async move { add_item(&cx, CART, "bow").await });
    let world = shop(size).client(shopper);
    if size.clients > 1 { world.client(second_tab) } else { world }
}

/// Two tabs; each puts in an item, and submits. One fault at most: so one of the items gets in, and nobody has to
/// submit an empty cart. Only the first tab asks again for ever: two that do may get in each other's way without end,
/// with more duplicates each time, and nothing here forbids that.
fn two_submitters(size: Size) -> Scenario {
    let tab = |name, item: &'static str| {
        Client::new(name, "Storefront")
            .tries(&format!("put in a {item}"), move |cx: Cx| async move { add_item(&cx, CART, item).await })
    };
    shop(size)
        .client(tab("first tab", "book").calls("submit", |cx: Cx| async move { submit(&cx, CART).await }))
        .client(tab("second tab", "bow").tries("submit", |cx: Cx| async move { submit(&cx, CART).await }))
}

fn shop(size: Size) -> Scenario {
    Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS))
}

// What must hold of one cart.

fn orders(seen: &Seen<'_, CartView>) -> Vec<PlaceOrder> {
    seen.bodies("orders", "PlaceOrder")
}

/// Somebody heard yes: then Orders has heard of the cart, at that moment, and not only if others go on.
fn ordered_if_yes_to(client: &str, seen: &Seen<'_, CartView>) -> Result<(), String> {
    let ordered = orders(seen).iter().any(|order| order.cart == CART);
    expect(!seen.answered_ok(client, SUBMIT) || ordered, || {
        format!("the {client} heard yes, but Orders has not heard of {CART}: should a node die now, it never may")
    })
}

/// Orders heard of a cart: then it is accepted, now and for good.
fn accepted_if_ordered(seen: &Seen<'_, CartView>) -> Result<(), String> {
    for order in orders(seen) {
        expect(order.cart == CART, || format!("Orders heard of {:?}, a cart that nobody has", order.cart))?;
        expect(seen.view().accepted, || {
            format!("Orders heard of {CART}, but the cart is not accepted: should the node die now, it never may be")
        })?;
    }
    Ok(())
}

/// Orders heard the accepted cart's lines, in every message.
fn same_lines(seen: &Seen<'_, CartView>) -> Result<(), String> {
    let cart = seen.view();
    for line in &cart.lines {
        expect(line == "book" || line == "bow", || format!("{CART} holds {line:?}, and nobody put that in"))?;
    }
    for order in orders(seen) {
        expect(order.lines == cart.lines, || {
            format!("Orders heard that {CART} holds {:?}, but it holds {:?}", order.lines, cart.lines)
        })?;
    }
    Ok(())
}

/// Somebody heard that the item is in: then the cart shows it, and so does every order.
fn kept_if(in_time: bool, item: &str, seen: &Seen<'_, CartView>) -> Result<(), String> {
    let orders = orders(seen);
    expect(!in_time || seen.view().lines.contains(item), || format!("the {item} went in, and is not in the cart"))?;
    expect(!in_time || orders.iter().all(|order| order.lines.contains(item)), || {
        format!("the {item} went in, and an order is without it")
    })
}

fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.map(str::to_owned).into()
}
