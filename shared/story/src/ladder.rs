//! Sizes of worlds, smallest first. A story climbs them, and stops at the first violation: the story that is
//! told is the one in the smallest world that breaks.

use explorer::count::many;

/// The size of one world. What a scenario does not have, it ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Logical messages, at least 1.
    pub messages: u8,
    /// Physical copies of each message in the beginning, at least 1.
    pub copies: u8,
    /// Workers of each endpoint, at least 1.
    pub workers: u8,
    /// Clients that call at the same time, at least 1.
    pub clients: u8,
    /// Most faults in one schedule.
    pub faults: u8,
}

impl Size {
    /// One of each, and no fault.
    pub const ONE: Size = Size { messages: 1, copies: 1, workers: 1, clients: 1, faults: 0 };

    /// With so many logical messages.
    #[must_use]
    pub const fn messages(self, messages: u8) -> Size {
        Size { messages, ..self }
    }

    /// With so many copies of each message.
    #[must_use]
    pub const fn copies(self, copies: u8) -> Size {
        Size { copies, ..self }
    }

    /// With so many workers.
    #[must_use]
    pub const fn workers(self, workers: u8) -> Size {
        Size { workers, ..self }
    }

    /// With so many clients.
    #[must_use]
    pub const fn clients(self, clients: u8) -> Size {
        Size { clients, ..self }
    }

    /// With at most so many faults.
    #[must_use]
    pub const fn faults(self, faults: u8) -> Size {
        Size { faults, ..self }
    }

    /// Whether this world has at least as much of everything.
    fn has(&self, other: &Size) -> bool {
        let Size { messages, copies, workers, clients, faults } = other;
        self.messages >= *messages
            && self.copies >= *copies
            && self.workers >= *workers
            && self.clients >= *clients
            && self.faults >= *faults
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = |n: u8, what: &str| many(u64::from(n), what);
        let mut parts = Vec::new();
        if self.clients > 1 {
            parts.push(one(self.clients, "client"));
        }
        if self.messages > 1 || self.copies > 1 || self.workers > 1 {
            parts.push(one(self.messages, "message"));
            parts.push(if self.copies == 1 { "1 copy each".into() } else { format!("{} copies each", self.copies) });
            parts.push(one(self.workers, "worker"));
        }
        parts.push(if self.faults == 0 { "no fault".into() } else { format!("up to {}", one(self.faults, "fault")) });
        f.write_str(&parts.join(", "))
    }
}

/// For endpoints of one queue.
pub const QUEUE: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.copies(2).workers(2).faults(3),
];

/// For two endpoints in a row.
pub const TWO_ENDPOINTS: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(2),
    Size::ONE.messages(2).workers(2).faults(1),
];

/// For synchronous calls.
pub const CLIENTS: &[Size] = &[
    Size::ONE.faults(0),
    Size::ONE.faults(1),
    Size::ONE.clients(2).faults(0),
    Size::ONE.clients(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.clients(2).faults(2),
    Size::ONE.clients(3).faults(1),
];

/// The larger world of a ladder whose story names none: two of everything, if there is more than one message, or else
/// the most of everything that the ladder has; and one fault more, if a world of the ladder has all that.
pub(crate) fn larger(ladder: &[Size]) -> Size {
    let most = ladder.iter().fold(Size::ONE, |most, size| Size {
        messages: most.messages.max(size.messages),
        copies: most.copies.max(size.copies),
        workers: most.workers.max(size.workers),
        clients: most.clients.max(size.clients),
        faults: most.faults.max(size.faults),
    });
    let two_of_each = Size::ONE.messages(2).copies(2).workers(2).faults(2);
    let candidates = (most.messages > 1).then_some(two_of_each).into_iter().chain([most]);
    let new = candidates.into_iter().find(|candidate| !ladder.iter().any(|size| size.has(candidate)));
    new.unwrap_or(most.faults(most.faults + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_with_two_messages_grows_to_two_of_everything() {
        assert_eq!(larger(QUEUE), Size::ONE.messages(2).copies(2).workers(2).faults(2));
        assert_eq!(larger(TWO_ENDPOINTS), Size::ONE.messages(2).copies(2).workers(2).faults(2));
    }

    #[test]
    fn a_ladder_with_one_message_grows_to_the_most_of_everything() {
        assert_eq!(larger(CLIENTS), Size::ONE.clients(3).faults(3));
        assert_eq!(
            larger(&[Size::ONE.copies(2), Size::ONE.workers(2).faults(1)]),
            Size::ONE.copies(2).workers(2).faults(1)
        );
    }

    #[test]
    fn what_a_ladder_has_already_is_not_larger() {
        assert_eq!(larger(&[Size::ONE]), Size::ONE.faults(1));
        let all = Size::ONE.messages(3).copies(2).workers(2).faults(2);
        assert_eq!(larger(&[Size::ONE, all]), all.faults(3));
        let two_each = Size::ONE.messages(2).copies(2).workers(2).faults(2);
        assert_eq!(larger(&[two_each, Size::ONE.messages(3)]), two_each.messages(3));
    }
}
