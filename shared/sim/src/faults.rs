//! What can go wrong, and how often it may.

use std::fmt;

/// A kind of fault. Failures strike before the effect and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// TH: the store refuses a read. Definite.
    ReadRefused,
    /// TH: the store refuses a write. Definite.
    WriteRefused,
    /// WU: a write's outcome stays unknown; it took effect, or it did not.
    WriteUnknown,
    /// SB: the bus refuses a send. Definite.
    SendRefused,
    /// SA: a send's outcome stays unknown; it took effect, or it did not.
    SendUnknown,
    /// A service refuses a call. Definite.
    CallRefused,
    /// A call's outcome stays unknown; the service did it, or it did not.
    CallUnknown,
    /// The ack never arrives: the copy stays in the queue.
    AckLost,
    /// CB, CA: a node dies, before or after its handler's last effect.
    Crash,
    /// VT: a copy's lock expires while its worker still lives.
    LockExpired,
    /// DUP: the broker holds another physical copy of a message.
    Duplicate,
    /// ST: a weak read sees what was there before the last write.
    StaleRead,
    /// CF: a write is told of a conflict that was not there. Definite.
    SpuriousConflict,
    /// A store, the bus or a service answers nothing for a while.
    Outage,
    /// A lossy queue loses a message that it had accepted.
    Loss,
    /// NET: a request is lost on its way.
    RequestLost,
    /// NET: the network holds another copy of a request.
    RequestDuplicated,
    /// NET: a response is lost, or comes when nobody waits any more.
    ResponseLost,
    /// NET: the caller stops waiting while its request is still on its way, or being handled.
    TimedOut,
}

/// How many kinds of fault there are.
pub const KINDS: usize = 19;

impl Fault {
    /// Every kind of fault.
    pub const ALL: [Fault; KINDS] = [
        Fault::ReadRefused,
        Fault::WriteRefused,
        Fault::WriteUnknown,
        Fault::SendRefused,
        Fault::SendUnknown,
        Fault::CallRefused,
        Fault::CallUnknown,
        Fault::AckLost,
        Fault::Crash,
        Fault::LockExpired,
        Fault::Duplicate,
        Fault::StaleRead,
        Fault::SpuriousConflict,
        Fault::Outage,
        Fault::Loss,
        Fault::RequestLost,
        Fault::RequestDuplicated,
        Fault::ResponseLost,
        Fault::TimedOut,
    ];

    /// NET: what a network does to requests and responses.
    pub const NETWORK: [Fault; 4] =
        [Fault::RequestLost, Fault::RequestDuplicated, Fault::ResponseLost, Fault::TimedOut];

    /// What it is called in stories.
    pub fn name(self) -> &'static str {
        match self {
            Fault::ReadRefused => "read refused",
            Fault::WriteRefused => "write refused",
            Fault::WriteUnknown => "write unknown",
            Fault::SendRefused => "send refused",
            Fault::SendUnknown => "send unknown",
            Fault::CallRefused => "call refused",
            Fault::CallUnknown => "call unknown",
            Fault::AckLost => "ack lost",
            Fault::Crash => "crash",
            Fault::LockExpired => "lock expired",
            Fault::Duplicate => "duplicate",
            Fault::StaleRead => "stale read",
            Fault::SpuriousConflict => "spurious conflict",
            Fault::Outage => "outage",
            Fault::Loss => "loss",
            Fault::RequestLost => "request lost",
            Fault::RequestDuplicated => "request duplicated",
            Fault::ResponseLost => "response lost",
            Fault::TimedOut => "timed out",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many faults a scenario allows: in all, and of each kind.
///
/// At most 15 of a kind, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    total: u8,
    each: [u8; KINDS],
}

impl Faults {
    /// None at all.
    pub const NONE: Faults = Faults { total: 0, each: [0; KINDS] };

    /// At most `total` faults, of any kind.
    ///
    /// # Panics
    /// Over 15.
    pub const fn upto(total: u8) -> Self {
        assert!(total <= 15, "at most 15 faults");
        Faults { total, each: [total; KINDS] }
    }

    /// Only these kinds.
    #[must_use]
    pub fn only(mut self, kinds: &[Fault]) -> Self {
        for fault in Fault::ALL {
            if !kinds.contains(&fault) {
                self.each[fault as usize] = 0;
            }
        }
        self
    }

    /// At most `most` of this kind.
    #[must_use]
    pub fn at_most(mut self, fault: Fault, most: u8) -> Self {
        self.each[fault as usize] = most.min(self.total);
        self
    }

    /// At most `most` crashes.
    #[must_use]
    pub fn crashes(self, most: u8) -> Self {
        self.at_most(Fault::Crash, most)
    }

    /// How many there may be in all.
    pub fn total(&self) -> u8 {
        self.total
    }

    /// How many there may be of one kind.
    pub fn of(&self, fault: Fault) -> u8 {
        self.each[fault as usize]
    }

    /// The kinds that may strike at all.
    pub fn kinds(&self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(|fault| self.total > 0 && self.of(*fault) > 0)
    }

    /// What is spent after one more fault of this kind; `None` if the budget does not allow it.
    ///
    /// Kinds that only the total bounds are not counted apart.
    pub fn spend(&self, spent: Spent, fault: Fault) -> Option<Spent> {
        let most = self.of(fault);
        if spent.total() >= self.total || most == 0 {
            return None;
        }
        if most >= self.total {
            return Some(Spent(spent.0 + (1 << TOTAL)));
        }
        let shift = 4 * fault as u32;
        ((spent.0 >> shift & 15) < u128::from(most)).then(|| Spent(spent.0 + (1 << shift) + (1 << TOTAL)))
    }
}

impl Default for Faults {
    fn default() -> Self {
        Faults::NONE
    }
}

const TOTAL: u32 = 124;

/// The faults spent so far: four bits for each kind that has a bound of its own, and four for the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spent(u128);

impl Spent {
    /// How many in all.
    pub fn total(self) -> u8 {
        (self.0 >> TOTAL) as u8
    }

    /// True if this spent no more of any kind than the other.
    pub fn at_most(self, other: Spent) -> bool {
        (0..32).all(|kind| (self.0 >> (4 * kind) & 15) <= (other.0 >> (4 * kind) & 15))
    }
}
