//! Where things stand in a state: a state is a row of small numbers, each naming a value in a table.

use sim::{Fault, Faults};

use crate::observation::FactsRead;
use crate::scenario::{Handles, Scenario};

/// The words that every state has.
pub(crate) const DOCUMENTS: usize = 0;
pub(crate) const JOURNAL: usize = 1;
pub(crate) const SERVICES: usize = 2;
pub(crate) const EXTRA: usize = 3;
pub(crate) const SPENT: usize = 4;
const FIXED: usize = 5;

/// The words of an actor's slot.
pub(crate) const NODE: usize = 0;
/// A worker: the copy (or the request) that it holds, plus 1; 0 for none. A client: twice the place of its next call, plus 1 if it
/// calls again.
pub(crate) const HELD: usize = 1;

/// Most actors in one world: an action names its slot in a byte, a permutation takes four bits each.
pub(crate) const ACTORS_MAX: usize = 16;

/// What a world must remember beyond the least. It grows when a handler or a property needs it; the exploration
/// then begins again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Needs {
    /// Words of 32 versions that a run can hold.
    pub(crate) version_words: usize,
    /// A run sleeps.
    pub(crate) sleeps: bool,
    /// A handler reads the clock.
    pub(crate) clock: bool,
    /// The facts that properties read.
    pub(crate) facts: FactsRead,
}

/// Who acts in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Worker {
        endpoint: usize,
    },
    /// A worker that answers requests: it holds no lock, and acks nothing.
    Server {
        endpoint: usize,
    },
    Client {
        client: usize,
    },
}

/// Workers of one endpoint stand side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) endpoint: usize,
    pub(crate) first: usize,
    pub(crate) workers: usize,
}

/// Where things stand.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) words: usize,
    pub(crate) slot_words: usize,
    pub(crate) version_words: usize,
    pub(crate) sleeps: bool,
    pub(crate) clock: bool,
    /// There are hosts, so runs may wait for responses.
    pub(crate) waits: bool,
    /// Stale reads may happen: runs remember which of their versions is the one before.
    pub(crate) stale: bool,
    pub(crate) actors: Vec<Actor>,
    pub(crate) groups: Vec<Group>,
    slots_at: usize,
}

impl Layout {
    pub(crate) fn of(scenario: &Scenario, needs: &Needs) -> Layout {
        let stale = may_strike(&scenario.faults, Fault::StaleRead);
        let version_words = if scenario.reductions.versions { needs.version_words.max(1) } else { 0 };
        let mut actors = Vec::new();
        let mut groups = Vec::new();
        for (endpoint, spec) in scenario.endpoints.iter().enumerate() {
            groups.push(Group { endpoint, first: actors.len(), workers: usize::from(spec.workers) });
            let actor = match spec.handles {
                Handles::Messages(_) => Actor::Worker { endpoint },
                Handles::Requests(_) => Actor::Server { endpoint },
            };
            actors.extend((0..spec.workers).map(|_| actor));
        }
        actors.extend((0..scenario.clients.len()).map(|client| Actor::Client { client }));
        assert!(actors.len() <= ACTORS_MAX, "a world has at most {ACTORS_MAX} workers and clients");
        let masks = version_words * if stale { 2 } else { 1 };
        let waits = scenario.queues.iter().any(|queue| queue.host.is_some());
        let slot_words = 2 + masks + usize::from(needs.sleeps) + usize::from(waits);
        let slots_at = FIXED + scenario.queues.len();
        Layout {
            words: slots_at + slot_words * actors.len(),
            slot_words,
            version_words,
            sleeps: needs.sleeps,
            clock: needs.clock,
            waits,
            stale,
            actors,
            groups,
            slots_at,
        }
    }

    pub(crate) fn queue(&self, queue: usize) -> usize {
        FIXED + queue
    }

    pub(crate) fn slot(&self, actor: usize) -> usize {
        self.slots_at + self.slot_words * actor
    }

    pub(crate) fn slot_range(&self, actor: usize) -> std::ops::Range<usize> {
        let at = self.slot(actor);
        at..at + self.slot_words
    }

    /// Where an actor's bits for current versions begin.
    pub(crate) fn current(&self, actor: usize) -> usize {
        self.slot(actor) + 2
    }

    /// Where an actor's bits for versions one write ago begin.
    pub(crate) fn previous(&self, actor: usize) -> usize {
        self.current(actor) + self.version_words
    }

    /// Where an actor's sleeps stand.
    pub(crate) fn asleep(&self, actor: usize) -> usize {
        self.slot(actor) + self.slot_words - 1 - usize::from(self.waits)
    }

    /// Where the marks of an actor's waits for responses stand.
    pub(crate) fn waits(&self, actor: usize) -> usize {
        self.slot(actor) + self.slot_words - 1
    }
}

pub(crate) fn may_strike(faults: &Faults, fault: Fault) -> bool {
    faults.total() > 0 && faults.of(fault) > 0
}
