//! Which states count as one. Each reduction has a switch and a differential test.

/// Which states count as one. None of them looks inside a handler, and none changes a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reductions {
    /// Identical copies of a message are a multiset: copies have no names.
    pub copies: bool,
    /// A finished run's history is forgotten: what is left is its outcome.
    pub finished: bool,
    /// What only gives something back is part of the step before it: a failed run and the return of its copy, a
    /// crash and the expiry of the dead worker's lock.
    pub returns: bool,
    /// Workers of one endpoint are interchangeable.
    pub workers: bool,
    /// A version is opaque: the world knows only which of a run's versions are still current.
    pub versions: bool,
    /// A world already seen with no more faults of any kind spent is not expanded again.
    pub budgets: bool,
}

impl Reductions {
    /// All of them.
    pub const ALL: Reductions =
        Reductions { copies: true, finished: true, returns: true, workers: true, versions: true, budgets: true };
    /// None of them: what a model checker would count.
    pub const NONE: Reductions =
        Reductions { copies: false, finished: false, returns: false, workers: false, versions: false, budgets: false };
}

impl Default for Reductions {
    fn default() -> Self {
        Reductions::ALL
    }
}
