//! What goes wrong by chance.

/// How often something goes wrong, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// An operation is refused before it does anything.
    pub refused: u32,
    /// An operation's outcome stays unknown; half of those took effect.
    pub unknown: u32,
    /// A message that is sent arrives twice.
    pub duplicate: u32,
    /// A node dies while it handles a delivery or a request.
    pub crash: u32,
    /// An ack never arrives.
    pub ack_lost: u32,
    /// A worker is so slow that its copy's lock expires while it works.
    pub slow: u32,
}

/// What went wrong, so that whoever looks on can tell that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Operations that were refused.
    pub refused: u32,
    /// Operations whose outcome stayed unknown, and that took effect.
    pub took_effect: u32,
    /// Operations whose outcome stayed unknown, and that did not.
    pub had_no_effect: u32,
    /// Messages that arrived twice.
    pub duplicates: u32,
    /// Nodes that died.
    pub crashes: u32,
    /// Acks that never arrived.
    pub acks_lost: u32,
    /// Locks that expired.
    pub expired: u32,
}
