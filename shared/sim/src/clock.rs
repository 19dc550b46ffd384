//! Virtual time, and the messages that wait for it.

use crate::queue::Copy;

/// The world's clock. Time moves only when the world lets it: to the next moment at which something is due.
///
/// Where nobody can tell what time it is, time is kept relative: `now` stays 0 and dues count from now, so that
/// worlds that differ only in their age are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock {
    now: u64,
    delayed: Vec<(u64, u16, Copy)>,
}

impl Clock {
    /// Milliseconds since the world began; 0 where time is relative.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The clock with one more delayed message of a queue (by its place in the scenario).
    #[must_use]
    pub fn with(&self, delay_millis: u64, queue: u16, copy: Copy) -> Clock {
        let mut clock = self.clone();
        let entry = (self.now + delay_millis, queue, copy);
        let at = clock.delayed.partition_point(|other| *other < entry);
        clock.delayed.insert(at, entry);
        clock
    }

    /// Delayed messages: when each is due, in which queue; the next one first.
    pub fn delayed(&self) -> &[(u64, u16, Copy)] {
        &self.delayed
    }

    /// The clock at a later moment. Nothing that is due is taken from it.
    #[must_use]
    pub fn at(&self, due: u64, absolute: bool) -> Clock {
        if absolute {
            return Clock { now: due, delayed: self.delayed.clone() };
        }
        let delayed = self.delayed.iter().map(|(at, queue, copy)| (at.saturating_sub(due), *queue, copy.clone()));
        Clock { now: 0, delayed: delayed.collect() }
    }

    /// The clock without one delayed message, and that message with its queue.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn without(&self, entry: usize) -> (Clock, u16, Copy) {
        let mut clock = self.clone();
        let (_, queue, copy) = clock.delayed.remove(entry);
        (clock, queue, copy)
    }
}
