//! The review board: five handlers that somebody has written, and one that has passed every review.
//!
//! They all do the same. The queue `points` holds messages of the kind [`AddPoints`]; a handler adds the points to
//! the customer's account, and sends a [`Letter`] to the queue `letters`, with the new total. Each message counts
//! once, and each has one letter, however often it is delivered. [`claims`] says so in the language of stories.
//!
//! Exercise 10 searches through two of them.

pub mod claims;
pub mod handler_1;
pub mod handler_2;
pub mod handler_3;
pub mod handler_4;
pub mod handler_5;
pub mod reference;

use std::collections::BTreeSet;

use kit::{Cx, Docs, Msg, MsgId, StoreErr, When};
use serde::{Deserialize, Serialize};

/// Adds points to an account. Kind `AddPoints`, in the queue `points`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddPoints {
    /// Whose.
    pub customer: String,
    /// How many.
    pub points: i64,
}

/// Tells a customer of new points. Kind `Letter`, to the queue `letters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// To whom.
    pub customer: String,
    /// How many points were added.
    pub points: i64,
    /// How many there are now.
    pub total: i64,
}

/// A customer's account, under her name: what handlers 1, 2, 4 and 5 keep.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    /// All points.
    pub points: i64,
    /// The ids of the messages that were handled.
    #[serde(default)]
    pub handled: BTreeSet<MsgId>,
}

/// The customer's account, and the condition that nobody has written it since.
///
/// # Errors
/// [`StoreErr`]: the account could not be read.
pub async fn load(cx: &Cx, customer: &str) -> Result<(Account, When), StoreErr> {
    Ok(match cx.docs.get(customer).await? {
        Some((account, version)) => (account, When::Is(version)),
        None => (Account::default(), When::Absent),
    })
}

/// The letter about a message. Its id is made of the message's, so that every try gives it the same one.
pub fn letter(cause: &MsgId, AddPoints { customer, points }: &AddPoints, total: i64) -> Msg {
    let body = Letter { customer: customer.clone(), points: *points, total };
    Msg::new(format!("letter/{cause}"), "Letter", &body)
}

/// The points in a customer's account, whichever handler keeps it.
pub fn points(docs: &Docs, customer: &str) -> i64 {
    /// Every handler's account has this field.
    #[derive(Deserialize)]
    struct Points {
        points: i64,
    }
    docs.get::<Points>(customer).map_or(0, |account| account.points)
}
