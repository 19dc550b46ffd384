//! Handlers that somebody might write in an exercise, and what is wrong with them.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::future::{pending, poll_fn};
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use kit::{Cx, Delivery, Endpoint, Msg, Retry, When};

/// This file, as messages name it.
pub(crate) const FILE: &str = file!();

/// Charges once more, whatever happened before.
async fn charge(cx: &Cx) -> Result<(), Retry> {
    let charges = cx.docs.get::<u64>("charges").await?;
    let (charges, when) = charges.map_or((0, When::Absent), |(charges, version)| (charges, When::Is(version)));
    cx.docs.put("charges", &(charges + 1), when).await?;
    Ok(())
}

macro_rules! handler {
    ($(#[$doc:meta])* $name:ident($cx:ident, $delivery:ident) $body:block) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name;

        impl Endpoint for $name {
            async fn on_message(&self, $cx: &Cx, $delivery: &Delivery) -> Result<(), Retry> $body
        }
    };
}

handler! {
    /// Charges each order once.
    Right(cx, delivery) {
        match cx.docs.put(&format!("charge-{}", delivery.id()), &1, When::Absent).await {
            Ok(_) | Err(kit::StoreErr::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

handler! {
    NotWritten(_cx, _delivery) {
        todo!()
    }
}

handler! {
    HalfWritten(cx, _delivery) {
        cx.docs.get::<u64>("charges").await?;
        unimplemented!("charge the card")
    }
}

handler! {
    /// Takes for granted that nobody charged before.
    Panics(cx, _delivery) {
        let charges = cx.docs.get::<u64>("charges").await?;
        assert!(charges.is_none(), "the card was charged before");
        charge(cx).await
    }
}

handler! {
    PanicsAtOnce(_cx, _delivery) {
        panic!("it never charges")
    }
}

handler! {
    OverflowsItsStack(cx, _delivery) {
        cx.docs.get::<u64>("charges").await?;
        let depth = deeper(1);
        cx.docs.put("charges", &depth, When::Always).await?;
        Ok(())
    }
}

pub(crate) fn deeper(depth: u64) -> u64 {
    if depth == 0 { 0 } else { 1 + std::hint::black_box(deeper(depth + 1)) }
}

handler! {
    EndsTheProcess(cx, _delivery) {
        cx.docs.get::<u64>("charges").await?;
        std::process::exit(0)
    }
}

handler! {
    LoopsWithoutAwaiting(cx, _delivery) {
        charge(cx).await?;
        loop {
            std::hint::spin_loop();
        }
    }
}

handler! {
    /// Waits for a gate that nobody opens, by asking again and again.
    AsksAgainAndAgain(cx, _delivery) {
        while cx.docs.get::<bool>("gate").await?.is_none() {}
        charge(cx).await
    }
}

handler! {
    /// Gives way to others for ever, as a loop around `yield_now` does.
    YieldsForEver(cx, _delivery) {
        charge(cx).await?;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<Result<(), Retry>>::Pending
        })
        .await
    }
}

handler! {
    /// As `Uuid::new_v4` does.
    TakesAnIdFromTheSystem(cx, delivery) {
        let id = RandomState::new().build_hasher().finish();
        cx.bus.send("receipts", Msg::new(format!("receipt-{id}"), "Receipt", &delivery.id().as_str())).await?;
        Ok(())
    }
}

handler! {
    LooksAtTheClockOnTheWall(cx, _delivery) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        cx.docs.put("charged-at", &now, When::Always).await?;
        Ok(())
    }
}

handler! {
    WritesInTheOrderOfAHashMap(cx, _delivery) {
        let prices: HashMap<u64, u64> = (0..24).map(|item| (item, 10 * item)).collect();
        let lines: Vec<u64> = prices.into_keys().collect();
        cx.docs.put("lines", &lines, When::Always).await?;
        Ok(())
    }
}

handler! {
    CountsInAStatic(cx, _delivery) {
        static CHARGES: AtomicU64 = AtomicU64::new(0);
        let charges = CHARGES.fetch_add(1, Ordering::Relaxed) + 1;
        cx.docs.put("charges", &charges, When::Always).await?;
        Ok(())
    }
}

handler! {
    /// Differs only when it is run for the fourth time.
    CountsInAStaticSlowly(cx, _delivery) {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let charges = RUNS.fetch_add(1, Ordering::Relaxed) / 3;
        cx.docs.put("charges", &charges, When::Always).await?;
        Ok(())
    }
}

handler! {
    /// Asks for the same each time, and draws an id on the way only the first time.
    DrawsAnIdOnce(cx, _delivery) {
        static DRAWN: AtomicBool = AtomicBool::new(false);
        cx.docs.get::<u64>("charges").await?;
        if !DRAWN.swap(true, Ordering::Relaxed) {
            cx.fresh_id();
        }
        cx.docs.put("charges", &1, When::Always).await?;
        Ok(())
    }
}

/// Remembers in its own memory what it has charged.
#[derive(Default)]
pub(crate) struct RemembersInItself {
    charged: Mutex<BTreeSet<String>>,
}

impl Endpoint for RemembersInItself {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        if self.charged.lock().expect("nobody panics").contains(delivery.id().as_str()) {
            return Ok(());
        }
        charge(cx).await?;
        self.charged.lock().expect("nobody panics").insert(delivery.id().to_string());
        Ok(())
    }
}

handler! {
    /// Says what it reads, and charges a second time when it comes again.
    Talks(cx, delivery) {
        println!("handling {}", delivery.id());
        let charges = cx.docs.get::<u64>("charges").await?.map_or(0, |(charges, _)| charges);
        println!("there were {charges} charges");
        cx.docs.put("charges", &(charges + 1), When::Always).await?;
        eprintln!("charged");
        Ok(())
    }
}

handler! {
    /// The same, at length.
    TalksALot(cx, _delivery) {
        for line in 0..100 {
            println!("line {line} of a hundred, {}", "and it goes on ".repeat(20));
            eprintln!("error {line}");
        }
        charge(cx).await
    }
}

handler! {
    /// A right one, at length.
    TalksALotAndIsRight(cx, delivery) {
        for line in 0..100 {
            println!("line {line} of a hundred");
            eprintln!("error {line}");
        }
        Right.on_message(cx, delivery).await
    }
}

handler! {
    WaitsForNobody(cx, _delivery) {
        charge(cx).await?;
        pending().await
    }
}

handler! {
    /// Reserves and charges at once, whichever comes first.
    ReservesAndCharges(cx, _delivery) {
        let (reserved, charged) = futures::join!(
            cx.docs.put("reserved", &1, When::Always),
            cx.docs.put("charges", &1, When::Always),
        );
        reserved?;
        charged?;
        Ok(())
    }
}

handler! {
    /// Sends three messages at once, and writes down in which order the bus took them.
    SendsThreeAtOnce(cx, _delivery) {
        let mut sends: FuturesUnordered<_> = [1, 2, 3]
            .map(|number| {
                let sent = cx.bus.send("receipts", Msg::new(format!("r{number}"), "Receipt", &number));
                async move { sent.await.map(|()| number) }
            })
            .into_iter()
            .collect();
        let mut order = Vec::new();
        while let Some(sent) = sends.next().await {
            order.push(sent?);
        }
        cx.docs.put("order", &order, When::Always).await?;
        Ok(())
    }
}

handler! {
    /// Charges, but not for longer than a second; what it has not heard of by then did not happen, it thinks.
    GivesUpAfterASecond(cx, _delivery) {
        let put = Box::pin(cx.docs.put("charges", &1, When::Always));
        let late = Box::pin(cx.sleep(Duration::from_secs(1)));
        let believed = match select(put, late).await {
            Either::Left((charged, _)) => charged.is_ok(),
            Either::Right(_) => false,
        };
        cx.docs.put("believed", &believed, When::Always).await?;
        Ok(())
    }
}
