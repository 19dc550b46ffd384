//! Exercise 02 · One roof or two
//!
//! Lecture  lectures/02_distributed_transactions.md
//! Run      cargo test -p exercise-02
//! Hint     cargo workshop hint 02
//!
//! An order must reserve a car. Under one roof, both are documents of the shop's own database. Under two, the cars
//! are another team's, and a coordinator asks for promises (two-phase commit). Today, `place` writes twice, and a
//! coordinator that came back starts from the beginning, so the stories end in
//!
//!     violated  "an order and its car go together"
//!     violated  "all commit, or all abort"
//!
//! Your task, at the four TODOs: one batch (about six lines), and a coordinator that may crash anywhere (about
//! thirty). Then decide what a participant may do that waits for a decision, and count how long a car is locked.
//!
//! Source: Gray, "Notes on Data Base Operating Systems" (1978); Mohan, Lindsay & Obermarck, "Transaction Management
//! in the R* Distributed Database Management System" (1986).

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
        // Both, or neither. Two puts, in whichever order, leave a car that nobody ordered or an order without a car:
        // "an order and its car go together". Nothing is locked before this call or after it.
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
            // Only a yes that was heard is a yes. Unknown is not: it may never have been asked, and would have
            // nothing to commit: "in the end all have committed, or none has".
            if participant.prepare(cx, transaction).await != Ok(Vote::Yes) {
                decision = Decision::Abort;
                break;
            }
        }
        // This instant decides. Before it, nobody has committed, so a crash may abort; after it, nobody has aborted,
        // so a crash must commit. Without it, a crash between two commits splits: "all commit, or all abort". If the
        // outcome is unknown, we do not guess: `recover` reads it.
        self.log.append(cx, transaction, &decision).await?;
        self.carry_out(cx, transaction, decision).await
    }

    /// Tells everybody, also those who were never asked, or whose vote was lost: they may hold a lock.
    async fn carry_out(&self, cx: &Cx, transaction: &str, decision: Decision) -> Result<Decision, CallErr> {
        for participant in &self.participants {
            // An error here must not be swallowed: who was not told holds its lock for ever ("in the end nobody
            // holds a lock"). `recover` tells everybody again; being told twice changes nothing.
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
        // No second vote: somebody may have committed on the strength of the first, and a participant votes once.
        // What is not in the log was never decided, and nobody but us can decide it: abort.
        let logged: Vec<Decision> = self.log.read(cx, transaction).await?;
        let decision = logged.first().copied().unwrap_or(Decision::Abort);
        self.carry_out(cx, transaction, decision).await
    }
}

/// What a participant does ten minutes after its vote, while it has not heard of a decision.
pub fn on_timeout(vote: Vote) -> OnTimeout {
    match vote {
        // It gave away the right to decide. The coordinator may have written "commit", and another participant may
        // have carried it out: "ten minutes of silence split nothing".
        Vote::Yes => OnTimeout::Wait,
        Vote::No => OnTimeout::GiveUp,
    }
}
