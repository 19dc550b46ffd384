//! The names of steps: small enough to keep one for every state.

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ActionKind {
    Begin,
    Deliver,
    /// An operation takes effect, or is told why not.
    Done,
    /// An operation is refused: definite.
    Refused,
    /// An operation's outcome stays unknown, and it did nothing.
    UnknownNotDone,
    /// An operation's outcome stays unknown, and it took effect.
    UnknownDone,
    SpuriousConflict,
    StaleRead,
    /// The ack of a run that goes on never arrives.
    EarlyAckLost,
    /// What the operation is for is out.
    NoAnswer,
    Ack,
    AckLost,
    Returned,
    Call,
    Answer,
    Error,
    Crash,
    LockExpired,
    /// The lock of a dead worker's copy expires.
    DeadLockExpired,
    Duplicate,
    Loss,
    OutageBegins,
    OutageEnds,
    /// A delayed message is due.
    Due,
    /// A run's sleep is over.
    Woken,
    Timer,
    /// A request goes out.
    RequestSent,
    /// A server's response reaches whoever waits for it.
    Response,
    /// A server's response goes nowhere.
    ResponseLost,
    /// A service does a request, and whoever waits for the response gets it.
    Served,
    /// A service does a request, and its response goes nowhere.
    ServedUnheard,
    /// A run that waits for a response has nobody left to get it from.
    NoResponse,
    /// A run stops waiting for a response.
    TimedOut,
    RequestLost,
    RequestDuplicated,
}

const KINDS: [ActionKind; 35] = [
    ActionKind::Begin,
    ActionKind::Deliver,
    ActionKind::Done,
    ActionKind::Refused,
    ActionKind::UnknownNotDone,
    ActionKind::UnknownDone,
    ActionKind::SpuriousConflict,
    ActionKind::StaleRead,
    ActionKind::EarlyAckLost,
    ActionKind::NoAnswer,
    ActionKind::Ack,
    ActionKind::AckLost,
    ActionKind::Returned,
    ActionKind::Call,
    ActionKind::Answer,
    ActionKind::Error,
    ActionKind::Crash,
    ActionKind::LockExpired,
    ActionKind::DeadLockExpired,
    ActionKind::Duplicate,
    ActionKind::Loss,
    ActionKind::OutageBegins,
    ActionKind::OutageEnds,
    ActionKind::Due,
    ActionKind::Woken,
    ActionKind::Timer,
    ActionKind::RequestSent,
    ActionKind::Response,
    ActionKind::ResponseLost,
    ActionKind::Served,
    ActionKind::ServedUnheard,
    ActionKind::NoResponse,
    ActionKind::TimedOut,
    ActionKind::RequestLost,
    ActionKind::RequestDuplicated,
];

/// One step of a state: its kind, the slot (or queue, or service) that it is about, which one there, and which of
/// the operations dropped in it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action(u32);

/// Most copies in one queue, and messages that are delayed, that steps can name: by one byte.
pub(crate) const COPIES_MAX: usize = 256;

impl Action {
    pub(crate) const BEGIN: Action = Action(0);

    pub(crate) fn new(kind: ActionKind, slot: usize, which: usize) -> Action {
        assert!(which < COPIES_MAX, "a step names one of at most {COPIES_MAX} copies");
        Action((kind as u32) << 24 | (slot as u32) << 16 | (which as u32) << 8)
    }

    pub(crate) fn with_effects(self, dropped: u32) -> Action {
        Action(self.0 | dropped)
    }

    pub(crate) fn kind(self) -> ActionKind {
        KINDS[(self.0 >> 24) as usize]
    }

    /// The actor's slot, the queue or the service.
    pub(crate) fn slot(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    /// Which operation, copy or entry.
    pub(crate) fn which(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// Which of the operations dropped in this step took effect, as bits.
    pub(crate) fn effects(self) -> u32 {
        self.0 & 0xff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_keeps_its_parts() {
        for kind in KINDS {
            let action = Action::new(kind, 15, 199).with_effects(5);
            assert_eq!((action.kind(), action.slot(), action.which(), action.effects()), (kind, 15, 199, 5));
        }
    }
}
