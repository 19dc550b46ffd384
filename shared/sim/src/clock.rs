//! Virtual time, and the messages that wait for it.

use crate::queue::Copy;

/// The world's clock. Time moves only when the world lets it: to the moment of the next delayed message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock {
    /// Milliseconds since the world began; stays 0 where nobody reads it, and dues count from now.
    pub now: u64,
    /// Delayed messages: when they become visible, in which queue (by its place in the scenario).
    delayed: Vec<(u64, u16, Copy)>,
}

impl Clock {
    /// The clock with one more delayed message.
    #[must_use]
    pub fn with(&self, delay_millis: u64, queue: u16, copy: Copy) -> Clock {
        let mut clock = self.clone();
        let entry = (self.now + delay_millis, queue, copy);
        let at = clock.delayed.partition_point(|other| *other < entry);
        clock.delayed.insert(at, entry);
        clock
    }

    /// True where nothing waits.
    pub fn is_empty(&self) -> bool {
        self.delayed.is_empty()
    }

    /// Delayed messages with their queues, the next one first.
    pub fn delayed(&self) -> impl Iterator<Item = (u64, u16, &Copy)> {
        self.delayed.iter().map(|(due, queue, copy)| (*due, *queue, copy))
    }

    /// The clock at the moment of the next delayed message, and that message with its queue.
    ///
    /// `absolute` says whether anybody can tell what time it is; if not, time is kept relative, so that
    /// worlds that differ only in their age are one.
    pub fn tick(&self, absolute: bool) -> Option<(Clock, u16, Copy)> {
        let ((due, queue, copy), rest) = self.delayed.split_first()?;
        let (now, shift) = if absolute { (*due, 0) } else { (0, *due) };
        let delayed = rest.iter().map(|(due, queue, copy)| (due - shift, *queue, copy.clone())).collect();
        Some((Clock { now, delayed }, *queue, copy.clone()))
    }
}
