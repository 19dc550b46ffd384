//! The copies of messages that a queue holds.

use std::sync::Arc;

use kit::Msg;

/// One physical copy of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Copy {
    /// The message.
    pub msg: Arc<Msg>,
    /// Which copy; 0 where copies of one message are not told apart. Of a request: the mark of the wait for its response,
    /// from 1; 0 where nobody waits.
    pub number: u8,
    /// How often it was delivered; 0 where nobody counts.
    pub delivery_count: u8,
    /// Of a request: when it has arrived and is handled, or never will be, in milliseconds on the [`Clock`](crate::Clock),
    /// which does not pass that moment before. Of a message: 0.
    pub deadline: u64,
}

impl Copy {
    /// A copy of a message that was never delivered.
    pub fn of(msg: Arc<Msg>, number: u8) -> Copy {
        Copy { msg, number, delivery_count: 0, deadline: 0 }
    }
}

/// A queue: what may be received now, what a dead worker still holds, and what was given up.
///
/// Unordered: which visible copy a worker gets is the world's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    visible: Vec<Copy>,
    locked: Vec<Copy>,
}

impl Queue {
    /// The copies that may be received now, sorted.
    pub fn visible(&self) -> &[Copy] {
        &self.visible
    }

    /// The copies whose lock a dead worker still holds, sorted.
    pub fn locked(&self) -> &[Copy] {
        &self.locked
    }

    /// True where no copy is left.
    pub fn is_empty(&self) -> bool {
        self.visible.is_empty() && self.locked.is_empty()
    }

    /// The queue with one more visible copy.
    #[must_use]
    pub fn with(&self, copy: Copy) -> Queue {
        Queue { visible: inserted(&self.visible, copy), locked: self.locked.clone() }
    }

    /// The queue without one visible copy.
    ///
    /// # Panics
    /// If there is no such copy.
    #[must_use]
    pub fn without(&self, copy: &Copy) -> Queue {
        Queue { visible: removed(&self.visible, copy), locked: self.locked.clone() }
    }

    /// The queue with every visible copy changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(Copy) -> Copy) -> Queue {
        let mut visible: Vec<Copy> = self.visible.iter().cloned().map(change).collect();
        visible.sort();
        Queue { visible, locked: self.locked.clone() }
    }

    /// The queue with a copy whose worker died: nobody receives it before its lock expires.
    #[must_use]
    pub fn orphaned(&self, copy: Copy) -> Queue {
        Queue { visible: self.visible.clone(), locked: inserted(&self.locked, copy) }
    }

    /// The queue after a dead worker's lock expired.
    ///
    /// # Panics
    /// If there is no such copy.
    #[must_use]
    pub fn expired(&self, copy: &Copy) -> Queue {
        Queue { visible: inserted(&self.visible, copy.clone()), locked: removed(&self.locked, copy) }
    }
}

fn inserted(copies: &[Copy], copy: Copy) -> Vec<Copy> {
    let at = copies.partition_point(|other| *other < copy);
    let mut copies = copies.to_vec();
    copies.insert(at, copy);
    copies
}

fn removed(copies: &[Copy], copy: &Copy) -> Vec<Copy> {
    let at = copies.iter().position(|other| other == copy).expect("the copy is there");
    let mut copies = copies.to_vec();
    copies.remove(at);
    copies
}
