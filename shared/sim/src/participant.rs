//! Databases of other teams that take part in transactions, and a coordinator's log: services of the same world.
//!
//! A [`database`] sells one kind of thing, and has one lock, on what is left of it. It votes yes if the lock is
//! free and something is left; from then on the lock is held until somebody says how the transaction ends.
//!
//! Source: X/Open, *Distributed Transaction Processing: The XA Specification* (1991), for what a resource manager
//! answers; Bernstein, Hadzilacos & Goodman, *Concurrency Control and Recovery in Database Systems* (1987),
//! chapter 7, for the protocol.

use std::collections::BTreeMap;

use kit::commitment::{LogRequest, OnTimeout, Request, Vote};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::service::Service;

/// How long a participant waits before it asks itself whether to give up.
///
/// Unit: seconds.
pub const TIMEOUT_SECONDS: u32 = 600;

/// Where a transaction stands at one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It voted yes, and holds its lock.
    Promised,
    /// It voted yes, has heard nothing for [`TIMEOUT_SECONDS`], and still holds its lock.
    InDoubt,
    /// It committed: something is sold.
    Committed,
    /// It voted no, or was told to abort.
    Aborted,
    /// It voted yes, and then aborted on its own.
    GaveUp,
}

impl Standing {
    /// True where the lock is held.
    pub fn is_locked(self) -> bool {
        matches!(self, Standing::Promised | Standing::InDoubt)
    }

    /// True where nothing is sold, for good.
    pub fn is_aborted(self) -> bool {
        matches!(self, Standing::Aborted | Standing::GaveUp)
    }
}

/// What a participant remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// How many are left to sell.
    pub left: u8,
    /// Where each transaction that it has heard of stands.
    pub transactions: BTreeMap<String, Standing>,
    /// How long locks were held by transactions of which nothing was heard.
    ///
    /// Unit: seconds, in steps of [`TIMEOUT_SECONDS`]: counted only by a participant with [`after_timeout`].
    pub lock_seconds: u32,
}

impl State {
    /// Where a transaction stands here; `None` if this participant never heard of it.
    pub fn standing(&self, transaction: &str) -> Option<Standing> {
        self.transactions.get(transaction).copied()
    }

    /// The transaction that holds the lock.
    pub fn locked_by(&self) -> Option<&str> {
        self.transactions.iter().find(|(_, standing)| standing.is_locked()).map(|(transaction, _)| transaction.as_str())
    }

    fn prepare(&mut self, transaction: String) -> Vote {
        // A participant votes once; what it said the first time stands.
        if self.transactions.contains_key(&transaction) {
            return Vote::No;
        }
        let promise = self.left > 0 && self.locked_by().is_none();
        self.transactions.insert(transaction, if promise { Standing::Promised } else { Standing::Aborted });
        if promise { Vote::Yes } else { Vote::No }
    }

    fn commit(&mut self, transaction: String) {
        if self.standing(&transaction).is_some_and(Standing::is_locked) {
            self.transactions.insert(transaction, Standing::Committed);
            self.left -= 1;
        }
    }

    fn abort(&mut self, transaction: String) {
        if self.standing(&transaction).is_none_or(Standing::is_locked) {
            self.transactions.insert(transaction, Standing::Aborted);
        }
    }
}

/// A participant that has so many left to sell. It waits for ever for a decision.
pub fn database(name: &str, left: u8) -> Service {
    let initial = State { left, transactions: BTreeMap::new(), lock_seconds: 0 };
    Service::new(name, json!(initial).to_string(), |state, request| {
        let mut state: State = read(state);
        let answer = match read(request) {
            Request::Prepare(transaction) => json!(state.prepare(transaction)),
            Request::Commit(transaction) => {
                state.commit(transaction);
                Value::Null
            }
            Request::Abort(transaction) => {
                state.abort(transaction);
                Value::Null
            }
        };
        (json!(state).to_string(), answer.to_string())
    })
}

/// A participant's timer, for [`Service::with_timer`]: when a transaction that was promised has heard nothing for
/// [`TIMEOUT_SECONDS`], `rule` says what becomes of it.
pub fn after_timeout(rule: impl Fn(Vote) -> OnTimeout + Send + Sync + 'static) -> impl Fn(&str) -> Option<String> {
    move |state| {
        let mut state: State = read(state);
        let standing = state.transactions.values_mut().find(|standing| **standing == Standing::Promised)?;
        *standing = match rule(Vote::Yes) {
            OnTimeout::Wait => Standing::InDoubt,
            OnTimeout::GiveUp => Standing::GaveUp,
        };
        state.lock_seconds += TIMEOUT_SECONDS;
        Some(json!(state).to_string())
    }
}

/// A coordinator's log.
pub fn log(name: &str) -> Service {
    Service::new(name, "{}", |state, request| {
        let mut records: BTreeMap<String, Vec<Value>> = read(state);
        let answer = match read(request) {
            LogRequest::Append(transaction, record) => {
                let of_transaction = records.entry(transaction).or_default();
                // What is there already changes nothing: a log that grew with every retry would never be the same.
                if !of_transaction.contains(&record) {
                    of_transaction.push(record);
                }
                Value::Null
            }
            LogRequest::Read(transaction) => json!(records.get(&transaction).cloned().unwrap_or_default()),
        };
        (json!(records).to_string(), answer.to_string())
    })
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is not a {}: {error}", std::any::type_name::<T>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks, one after the other; returns the answers and the last state.
    fn ask(service: &Service, state: &str, requests: &[Value]) -> (Vec<String>, String) {
        let mut state = state.to_owned();
        let mut answers = Vec::new();
        for request in requests {
            let (after, answer) = service.handle(&state, &request.to_string());
            state = after;
            answers.push(answer);
        }
        (answers, state)
    }

    #[test]
    fn a_lock_is_held_from_the_vote_to_the_decision() {
        let cars = database("cars", 2);
        let (answers, state) = ask(&cars, &cars.initial, &[json!({"prepare": "ada"}), json!({"prepare": "bob"})]);
        assert_eq!(answers, [r#""yes""#, r#""no""#]);
        let (answers, state) =
            ask(&cars, &state, &[json!({"commit": "ada"}), json!({"commit": "ada"}), json!({"prepare": "cleo"})]);
        assert_eq!(answers, ["null", "null", r#""yes""#]);
        let state: State = read(&state);
        assert_eq!(state.left, 1, "a second commit sells nothing");
        assert_eq!(state.standing("bob"), Some(Standing::Aborted));
        assert_eq!(state.locked_by(), Some("cleo"));
    }

    #[test]
    fn a_second_prepare_is_a_no_and_the_promise_stands() {
        let cars = database("cars", 1);
        let (answers, state) = ask(&cars, &cars.initial, &[json!({"prepare": "ada"}), json!({"prepare": "ada"})]);
        assert_eq!(answers, [r#""yes""#, r#""no""#]);
        assert_eq!(read::<State>(&state).locked_by(), Some("ada"));
    }

    #[test]
    fn an_abort_before_the_question_is_remembered_and_one_after_the_commit_is_too_late() {
        let cars = database("cars", 1);
        let (answers, _) = ask(&cars, &cars.initial, &[json!({"abort": "ada"}), json!({"prepare": "ada"})]);
        assert_eq!(answers, ["null", r#""no""#]);
        let requests = [json!({"prepare": "ada"}), json!({"commit": "ada"}), json!({"abort": "ada"})];
        let (_, state) = ask(&cars, &cars.initial, &requests);
        assert_eq!(read::<State>(&state).standing("ada"), Some(Standing::Committed));
    }

    #[test]
    fn a_commit_without_a_promise_sells_nothing() {
        let cars = database("cars", 1);
        let (_, state) = ask(&cars, &cars.initial, &[json!({"commit": "ada"})]);
        assert_eq!(state, cars.initial);
    }

    #[test]
    fn a_timer_acts_once_for_each_promise_by_the_rule_it_is_given() {
        for (rule, expected) in [(OnTimeout::Wait, Standing::InDoubt), (OnTimeout::GiveUp, Standing::GaveUp)] {
            let cars = database("cars", 1).with_timer(after_timeout(move |_| rule));
            assert_eq!(cars.timer(&cars.initial), None);
            let (_, promised) = ask(&cars, &cars.initial, &[json!({"prepare": "ada"})]);
            let late = cars.timer(&promised).expect("it was promised");
            assert_eq!(read::<State>(&late).standing("ada"), Some(expected));
            assert_eq!(read::<State>(&late).lock_seconds, TIMEOUT_SECONDS);
            assert_eq!(cars.timer(&late), None);
        }
    }

    #[test]
    fn a_log_keeps_each_record_once_in_order() {
        let log = log("log");
        let append = |record: &str| json!({"append": ["ada", record]});
        let requests =
            [append("begin"), append("commit"), append("begin"), json!({"read": "ada"}), json!({"read": "bob"})];
        let (answers, _) = ask(&log, &log.initial, &requests);
        assert_eq!(answers[3..], [r#"["begin","commit"]"#, "[]"]);
    }
}
