//! Business logics for the stories of exercises 12 to 15. Attendees do not see them: what runs a logic must fit any.

use kit::{Logic, Msg, Out, Reject};
use serde::{Deserialize, Serialize};

/// What the messages of all these logics say: a kind, a customer, a number of points.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Body {
    /// Whose account; also its key.
    pub customer: String,
    /// How many points.
    #[serde(default)]
    pub points: i64,
}

/// A message to one of these logics.
pub fn message(id: &str, kind: &str, customer: &str, points: i64) -> Msg {
    Msg::new(id, kind, &Body { customer: customer.into(), points })
}

/// A customer's points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// All of them.
    pub points: i64,
}

/// What these logics say: whose account, and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Says {
    /// Whose.
    pub customer: String,
    /// How many points there are now.
    pub total: i64,
}

fn body(msg: &Msg) -> Body {
    msg.body().unwrap_or_else(|error| panic!("the stories' own messages can be read: {error}"))
}

/// Adds points and tells the new total in a letter; when it crosses 100 upwards, a voucher goes out, too.
#[derive(Default)]
pub struct Talkative;

impl Logic for Talkative {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { customer, points } = body(msg);
        let before = state.points;
        state.points += points;
        let says = Says { customer, total: state.points };
        out.send("letters", "PointsChanged", &says);
        if before < 100 && state.points >= 100 {
            out.send("vouchers", "VoucherEarned", &says);
        }
        Ok(())
    }
}

/// Adds points, and says nothing.
#[derive(Default)]
pub struct Silent;

impl Logic for Silent {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, _: &mut Out) -> Result<(), Reject> {
        state.points += body(msg).points;
        Ok(())
    }
}

/// Adds points (`Add`), and says nothing; or is asked for the total (`Ask`), tells it, and changes nothing.
#[derive(Default)]
pub struct Asked;

impl Logic for Asked {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { customer, points } = body(msg);
        match msg.kind.as_str() {
            "Ask" => out.send("letters", "Total", &Says { customer, total: state.points }),
            _ => state.points += points,
        }
        Ok(())
    }
}

/// Adds points, or takes them away (`points` below zero), and tells the new total; refuses what would leave less than
/// none. It notices that last, when the state is changed and the letter is written.
#[derive(Default)]
pub struct Strict;

impl Logic for Strict {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { customer, points } = body(msg);
        state.points += points;
        out.send("letters", "PointsChanged", &Says { customer, total: state.points });
        if state.points < 0 {
            return Err(Reject::because("there are not so many points"));
        }
        Ok(())
    }
}
