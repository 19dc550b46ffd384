//! What a shop may rely on whose messages are in the hands of two workers at once.
//!
//! The messages are in the queue `orders` from the beginning. While a worker handles one, its lock may run out: the
//! message is visible again, and the worker does not know, and goes on.

use story::{
    Client, Cx, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE,
    Scenario, Seen, Size, Story, expect,
};
use thirty_seconds::{Order, Orders, PlaceOrder, pay, view};

const CART: &str = "cart-1";
const OTHER_CART: &str = "cart-2";

/// The lock on a message runs out while its worker lives; the queue holds a copy too many; an ack gets lost; a node dies
/// between any two operations; the store refuses, or does not say what became of a write; a weak read is behind; and to
/// whoever sends, the bus does the same as the store.
const WHAT_FAILS: &[Fault] = &[
    Fault::LockExpired,
    Fault::Duplicate,
    Fault::AckLost,
    Fault::Crash,
    Fault::WriteUnknown,
    Fault::WriteRefused,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::SendRefused,
    Fault::SendUnknown,
];

const ONE_CART: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.workers(2).faults(3),
    Size::ONE.copies(2).workers(2).faults(3),
];
const ONE_CART_AND_ITS_PAYMENT: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.workers(2).faults(2),
    Size::ONE.copies(2).workers(2).faults(2),
    Size::ONE.copies(2).workers(2).faults(3),
];
const TWO_CARTS: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(2),
];

/// The bus never loses a message that nobody acked. So a message that is gone has an order, whatever fails meanwhile.
#[test]
fn a_placed_order_is_not_lost() {
    let mut story = Story::new("a placed order is not lost")
        .worlds(ONE_CART, |size| {
            let world = placed(size);
            // First, nodes die, and nothing else goes wrong.
            if size == Size::ONE.faults(1) { world.faults(Faults::upto(1).only(&[Fault::Crash])) } else { world }
        })
        .view(view)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::SameMessageTwice);
    for fault in [Fault::LockExpired, Fault::Duplicate, Fault::AckLost, Fault::WriteUnknown, Fault::WriteRefused] {
        story = story.sometimes(Event::Struck(fault));
    }
    story
        .always(NO_GHOST_MESSAGE, "every order is of a cart that was placed, and says what is in it", |seen| {
            each_order_was_placed(seen, &[CART])
        })
        .always(NO_GHOST_MESSAGE, "nothing is paid that nobody paid", |seen| {
            expect(seen.view().iter().all(|order| !order.paid), || format!("{CART} is paid, and nobody paid"))
        })
        .when_quiescent(NO_LOST_MESSAGE, "a placed order exists in the end", |seen| exists(seen, CART))
        .can_finish("every message is handled in the end")
        .check();
}

/// Two workers, two copies, one cart: one order. A second car on the drive is as bad as none.
#[test]
fn a_cart_is_ordered_once() {
    Story::new("a cart is ordered once")
        .worlds(ONE_CART, placed)
        .view(view)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Struck(Fault::LockExpired))
        .sometimes(Event::Struck(Fault::Duplicate))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .always(NO_DUPLICATE_PROCESSING, "a cart has at most one order", |seen| at_most_one(seen, CART))
        .check();
}

/// As soon as there is an order, somebody pays for it. A worker who still holds the message, and may know nothing of
/// all that, takes the payment back never.
#[test]
fn a_payment_stays() {
    Story::new("a payment stays")
        .worlds(ONE_CART_AND_ITS_PAYMENT, |size| placed(size).client(customer()))
        .view(view)
        .sometimes(Event::Concurrent)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::CalledAgain)
        .sometimes_seen("the customer hears that the order is paid", |seen| seen.answered_ok("customer", PAY))
        .always(NO_DUPLICATE_PROCESSING, "a cart that is being paid has at most one order", |seen| {
            at_most_one(seen, CART)
        })
        .always(NO_LOST_WRITE, "an order that was paid stays paid", |seen| {
            let paid = seen.view().iter().any(|order| order.cart == CART && order.paid);
            expect(paid || !seen.answered_ok("customer", PAY), || {
                format!("the customer heard that {CART} is paid; now its order says that it is not, or is gone")
            })
        })
        .when_quiescent(NO_LOST_MESSAGE, "an order that is being paid exists in the end", |seen| exists(seen, CART))
        .can_finish("every message is handled in the end, and the customer can pay")
        .check();
}

/// Two carts with the same things in them are two orders. Who pays for one has not paid for the other.
#[test]
fn two_carts_are_two_orders() {
    Story::new("two carts are two orders")
        .worlds(TWO_CARTS, |size| {
            let world = placed(size);
            if size.copies == 1 && size.faults > 0 { world.client(customer()) } else { world }
        })
        .view(view)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .always(NO_GHOST_MESSAGE, "each order says what is in its own cart", |seen| {
            each_order_was_placed(seen, &[CART, OTHER_CART])
        })
        .always(NO_DUPLICATE_PROCESSING, "each cart has at most one order", |seen| {
            at_most_one(seen, CART)?;
            at_most_one(seen, OTHER_CART)
        })
        .always(NO_LOST_WRITE, "a payment is for one cart, and stays with it", |seen| {
            let paid = |cart| seen.view().iter().any(|order| order.cart == cart && order.paid);
            expect(!paid(OTHER_CART), || format!("{OTHER_CART} is paid, and nobody paid for it"))?;
            expect(paid(CART) || !seen.answered_ok("customer", PAY), || {
                format!("the customer heard that {CART} is paid, and its order does not say so")
            })
        })
        .when_quiescent(NO_LOST_MESSAGE, "both orders exist in the end", |seen| {
            exists(seen, CART)?;
            exists(seen, OTHER_CART)
        })
        .can_finish("the messages of both carts are handled in the end")
        .check();
}

// The worlds.

/// The place of the call `pay` in the customer's script.
const PAY: u16 = 0;

/// One cart, or two, placed in the queue; so many workers of Orders.
fn placed(size: Size) -> Scenario {
    [CART, OTHER_CART].iter().take(size.messages.into()).fold(
        Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Orders>(
            "Orders",
            "orders",
            size.workers,
        ),
        |world, cart| world.message("orders", message(cart), size.copies),
    )
}

/// What the Storefront sends, as in exercise 04: one id and one body for each cart.
fn message(cart: &str) -> Msg {
    Msg::new(format!("place-order-{cart}"), "PlaceOrder", &body(cart))
}

fn body(cart: &str) -> PlaceOrder {
    PlaceOrder { cart: cart.into(), lines: ["book".into(), "bow".into()].into() }
}

/// Pays for the order, and tries again until that worked.
fn customer() -> Client {
    Client::new("customer", "Payments").calls("pay", |cx: Cx| async move { pay(&cx, CART).await })
}

// What must hold.

fn orders_of<'a>(seen: &'a Seen<'_, Vec<Order>>, cart: &'a str) -> impl Iterator<Item = &'a Order> {
    seen.view().iter().filter(move |order| order.cart == cart)
}

fn exists(seen: &Seen<'_, Vec<Order>>, cart: &str) -> Result<(), String> {
    expect(orders_of(seen, cart).next().is_some(), || {
        format!("{cart} has no order, and no message is left that would bring anybody to it")
    })
}

fn at_most_one(seen: &Seen<'_, Vec<Order>>, cart: &str) -> Result<(), String> {
    let orders = orders_of(seen, cart).count();
    expect(orders <= 1, || format!("{cart} has {orders} orders"))
}

fn each_order_was_placed(seen: &Seen<'_, Vec<Order>>, carts: &[&str]) -> Result<(), String> {
    for order in seen.view() {
        expect(carts.contains(&order.cart.as_str()), || format!("there is an order of {:?}", order.cart))?;
        let placed = body(&order.cart).lines;
        expect(order.lines == placed, || {
            format!("{} was placed with {placed:?}, and its order says {:?}", order.cart, order.lines)
        })?;
    }
    Ok(())
}
