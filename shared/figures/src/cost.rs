//! What an algorithm costs as the field counts it: round trips to the store and to the bus, for one message.

use kit::{Endpoint, Msg};

use crate::calm::{Calm, Used};
use crate::fresh;

/// The table: one row for each algorithm, written by the test of its solution.
pub const TABLE: &str = "lectures/round_trips.md";

/// The round trips of one algorithm, for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Nothing fails.
    pub clean: Used,
    /// The first attempt's first send was refused: what the second attempt uses.
    pub retry: Used,
    /// All is done, and a copy comes.
    pub duplicate: Used,
}

impl Cost {
    /// Measures an endpoint in worlds of its own, each made ready by `prepare`.
    ///
    /// # Panics
    /// If a message is given back that should not be.
    pub fn of<E: Endpoint>(queue: &str, msg: &Msg, prepare: impl Fn() -> Calm) -> Cost {
        let handled = |world: &mut Calm| {
            let handled = world.handle::<E>(queue, msg.clone());
            handled.outcome.unwrap_or_else(|why| panic!("a calm message is given back: {why}"));
            handled.used
        };
        let mut calm = prepare();
        let clean = handled(&mut calm);
        let duplicate = handled(&mut calm);
        let mut troubled = prepare();
        troubled.refuse_next_send();
        let first = troubled.handle::<E>(queue, msg.clone());
        assert!(first.outcome.is_err(), "the first send was refused, and the message was not given back");
        let retry = handled(&mut troubled);
        Cost { clean, retry, duplicate }
    }

    /// A row of the table says so.
    ///
    /// # Panics
    /// If it does not, unless [`fresh::REFRESH`] is set: then it is written.
    #[track_caller]
    pub fn is_told(&self, algorithm: &str) {
        let store = |used: Used| format!("{} + {}", used.gets, used.writes);
        let cells = [self.clean, self.retry, self.duplicate].map(|used| format!("{} | {}", store(used), used.sends));
        fresh::row(TABLE, &format!("| {algorithm} |"), &format!("| {algorithm} | {} |", cells.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use kit::{Cx, Delivery, Retry, When};

    use super::*;

    /// Marks, sends, and knows the mark the next time.
    #[derive(Default)]
    struct Marks;

    impl Endpoint for Marks {
        async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
            if cx.docs.get::<bool>("done").await?.is_none() {
                cx.bus.send("out", delivery.msg.clone()).await?;
                cx.docs.put("done", &true, When::Absent).await?;
            }
            Ok(())
        }
    }

    #[test]
    fn clean_retried_and_repeated_runs_are_counted_apart() {
        let cost = Cost::of::<Marks>("in", &Msg::new("m1", "Note", &1), Calm::default);
        let used = |gets, writes, sends| Used { gets, writes, sends, calls: 0 };
        assert_eq!(cost, Cost { clean: used(1, 1, 1), retry: used(1, 1, 1), duplicate: used(1, 0, 0) });
    }
}
