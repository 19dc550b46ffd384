//! Dies by: all commit, or all abort
//! Why: a participant that has heard nothing for ten minutes lets the next buyer have the car, although it promised.
//! Commit is logged, the orders commit, the cars time out and abort.

use kit::commitment::{Decision, Log, OnTimeout, Participant, Vote};
use kit::documents::{Docs, When};
use kit::{CallErr, Cx, StoreErr};
use serde::{Deserialize, Serialize};

/// One roof: orders and cars are documents of one database, in the partition `shop`.
pub mod monolith {
    use super::*;

    /// Where the cars are counted.
    pub const CARS: &str = "shop/cars";

    /// The cars, as they are stored under [`CARS`].
    #[derive(Debug, Serialize, Deserialize)]
    pub struct Cars {
        /// How many are not reserved.
        pub left: u32,
    }

    /// An order, as it is stored under `shop/order-{name}`.
    #[derive(Debug, Serialize, Deserialize)]
    pub struct Order {
        /// Its name.
        pub name: String,
    }

    /// So many cars, as they are stored before anybody orders.
    pub fn stock(cars: u32) -> Cars {
        Cars { left: cars }
    }

    /// Places an order and reserves a car for it: `Commit`. If there is no car left: `Abort`, and no order.
    ///
    /// # Errors
    /// [`StoreErr`]; the buyer asks again.
    pub async fn place(cx: &Cx, name: &str) -> Result<Decision, StoreErr> {
        let order_key = format!("shop/order-{name}");
        let Some((mut cars, version)) = cx.docs.get::<Cars>(CARS).await? else { return Ok(Decision::Abort) };
        if cx.docs.get::<Order>(&order_key).await?.is_some() {
            return Ok(Decision::Commit);
        }
        if cars.left == 0 {
            return Ok(Decision::Abort);
        }
        cars.left -= 1;
        let both = cx.docs.batch("shop").put(CARS, &cars, When::Is(version)).put(
            &order_key,
            &Order { name: name.into() },
            When::Absent,
        );
        both.commit().await?;
        Ok(Decision::Commit)
    }

    /// What the stories see of the documents.
    #[derive(Debug)]
    pub struct View {
        /// How many cars are not reserved.
        pub cars_left: u32,
        /// The names of the orders.
        pub orders: Vec<String>,
    }

    /// Shows the documents to the stories.
    pub fn view(docs: &Docs) -> View {
        let orders = docs.list::<Order>("shop/order-").into_iter().map(|(_, order)| order.name).collect();
        View { cars_left: docs.get::<Cars>(CARS).map_or(0, |cars| cars.left), orders }
    }
}

/// Two roofs: brings a transaction to the same end at every participant.
pub struct Coordinator {
    participants: Vec<Participant>,
    log: Log,
}

impl Coordinator {
    /// A coordinator of these participants. Its log survives its crashes; nothing else of it does.
    pub fn new(participants: Vec<Participant>, log: Log) -> Self {
        Coordinator { participants, log }
    }

    /// Runs a transaction, once.
    ///
    /// # Errors
    /// [`CallErr`]: it is not at its end. [`recover`](Self::recover) is called next.
    pub async fn run(&self, cx: &Cx, transaction: &str) -> Result<Decision, CallErr> {
        let mut decision = Decision::Commit;
        for participant in &self.participants {
            if participant.prepare(cx, transaction).await != Ok(Vote::Yes) {
                decision = Decision::Abort;
                break;
            }
        }
        self.log.append(cx, transaction, &decision).await?;
        self.carry_out(cx, transaction, decision).await
    }

    /// Tells everybody, also those who were never asked, or whose vote was lost: they may hold a lock.
    async fn carry_out(&self, cx: &Cx, transaction: &str, decision: Decision) -> Result<Decision, CallErr> {
        for participant in &self.participants {
            match decision {
                Decision::Commit => participant.commit(cx, transaction).await?,
                Decision::Abort => participant.abort(cx, transaction).await?,
            }
        }
        Ok(decision)
    }

    /// Called instead, again and again until it is `Ok`, after `run` has failed or its node has died.
    ///
    /// # Errors
    /// [`CallErr`]: it is not at its end. This is called again.
    pub async fn recover(&self, cx: &Cx, transaction: &str) -> Result<Decision, CallErr> {
        let logged: Vec<Decision> = self.log.read(cx, transaction).await?;
        let decision = logged.first().copied().unwrap_or(Decision::Abort);
        self.carry_out(cx, transaction, decision).await
    }
}

/// What a participant does ten minutes after its vote, while it has not heard of a decision.
pub fn on_timeout(vote: Vote) -> OnTimeout {
    match vote {
        Vote::Yes | Vote::No => OnTimeout::GiveUp,
    }
}
