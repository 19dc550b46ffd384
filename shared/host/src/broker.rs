//! A broker in memory: at-least-once queues whose copies are locked while somebody handles them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kit::Msg;
use sim::Copy;
use tokio::time::Instant;

/// All queues, and all locks.
#[derive(Default)]
pub(crate) struct Broker {
    /// Visible copies, in no order.
    queues: BTreeMap<String, Vec<Copy>>,
    /// Copies in the hands of a worker, by receipt: until when, of which queue, which.
    locked: BTreeMap<u64, (Instant, String, Copy)>,
    receipts: u64,
}

impl Broker {
    /// One more copy in a queue.
    pub(crate) fn enqueue(&mut self, queue: &str, msg: Arc<Msg>) {
        self.show(queue, Copy::of(msg, 0));
    }

    /// Locks one of the visible copies of a queue, which `choose` names by its place among so many.
    pub(crate) fn lock(
        &mut self,
        queue: &str,
        timeout: Duration,
        choose: impl FnOnce(usize) -> usize,
    ) -> Option<(u64, Copy)> {
        let here = self.queues.get_mut(queue).filter(|here| !here.is_empty())?;
        let copy = here.swap_remove(choose(here.len()));
        self.receipts += 1;
        self.locked.insert(self.receipts, (Instant::now() + timeout, queue.to_owned(), copy.clone()));
        Some((self.receipts, copy))
    }

    /// Removes the copy behind a receipt. A late ack, with a lock that is no longer its own, removes nothing.
    pub(crate) fn ack(&mut self, receipt: u64) {
        self.locked.remove(&receipt);
    }

    /// The copy behind a receipt is visible again.
    pub(crate) fn give_back(&mut self, receipt: u64) {
        if let Some((_, queue, copy)) = self.locked.remove(&receipt) {
            self.show(&queue, copy);
        }
    }

    /// Copies whose lock has expired are visible again; how many.
    pub(crate) fn expire(&mut self) -> u32 {
        let now = Instant::now();
        let late: Vec<u64> = self.locked.iter().filter(|(_, (until, ..))| *until <= now).map(|(at, _)| *at).collect();
        for receipt in &late {
            self.give_back(*receipt);
        }
        late.len() as u32
    }

    /// True where no copy of a queue is left, visible or locked.
    pub(crate) fn is_drained(&self, queue: &str) -> bool {
        self.waiting(queue) == 0 && self.locked.values().all(|(_, of, _)| of != queue)
    }

    /// How many copies of a queue are visible.
    pub(crate) fn waiting(&self, queue: &str) -> usize {
        self.queues.get(queue).map_or(0, Vec::len)
    }

    /// The messages that are visible in a queue, a copy each.
    pub(crate) fn visible(&self, queue: &str) -> Vec<Msg> {
        self.queues.get(queue).into_iter().flatten().map(|copy| (*copy.msg).clone()).collect()
    }

    fn show(&mut self, queue: &str, copy: Copy) {
        match self.queues.get_mut(queue) {
            Some(here) => here.push(copy),
            None => drop(self.queues.insert(queue.to_owned(), vec![copy])),
        }
    }
}
