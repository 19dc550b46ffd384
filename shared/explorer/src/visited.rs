//! The states visited so far: a fingerprint of each, how it was reached, and with how many faults and steps.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashMap;

use crate::action::Action;
use crate::layout::SPENT;
use crate::tables::Interner;
use sim::{Faults, Spent};

/// A state's number, in order of discovery.
pub(crate) type StateId = u32;
const NONE: StateId = u32::MAX;

/// Faults, then steps: a state of lower rank is expanded earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(u32);

impl Rank {
    pub(crate) fn new(faults: u8, steps: u32) -> Rank {
        assert!(steps < 1 << 24, "at most 16 million steps");
        Rank(u32::from(faults) << 24 | steps)
    }

    pub(crate) fn faults(self) -> u8 {
        (self.0 >> 24) as u8
    }

    pub(crate) fn steps(self) -> u32 {
        self.0 & 0xff_ffff
    }
}

/// A fingerprint is its own hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct Itself;

pub(crate) struct ItsOwnHash(u64);

impl Hasher for ItsOwnHash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("a fingerprint is one number")
    }
    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

impl BuildHasher for Itself {
    type Hasher = ItsOwnHash;
    fn build_hasher(&self) -> ItsOwnHash {
        ItsOwnHash(0)
    }
}

/// What became of a state that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is to be expanded at this rank: it is new, or was known only at a higher rank.
    Expand(StateId),
    /// Nothing to do: it, or one that can do all that it can, is known.
    Known(StateId),
}

impl Arrival {
    pub(crate) fn state(self) -> StateId {
        match self {
            Arrival::Expand(state) | Arrival::Known(state) => state,
        }
    }
}

/// How a state was reached. Together, because a lookup needs them together.
#[derive(Clone, Copy)]
struct Reached {
    parent: StateId,
    action: Action,
    rank: Rank,
    spent: u32,
    /// The next state of the same world with another budget spent.
    next: StateId,
}

pub(crate) struct Visited {
    /// By fingerprint: a state, and its rank, which most look-ups need no more than.
    first: HashMap<u64, (StateId, Rank), Itself>,
    reached: Vec<Reached>,
    /// A fingerprint has one state: what was spent is part of it, or only its number counts, which the rank tells.
    one_each: bool,
    /// Worlds are the same whatever was spent on the way.
    budgets: bool,
}

impl Visited {
    pub(crate) fn new(budgets: bool, faults: &Faults) -> Self {
        let only_total = faults.kinds().all(|kind| faults.of(kind) >= faults.total());
        let one_each = !budgets || only_total;
        Visited { first: HashMap::with_hasher(Itself), reached: Vec::new(), one_each, budgets }
    }

    pub(crate) fn len(&self) -> usize {
        self.reached.len()
    }

    pub(crate) fn rank(&self, state: StateId) -> Rank {
        self.reached[state as usize].rank
    }

    /// Bytes that the tables take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.first.capacity() * 17 + self.reached.capacity() * size_of::<Reached>()
    }

    /// Notes that a state was reached.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        words: &[u32],
        parent: StateId,
        action: Action,
        rank: Rank,
        spents: &Interner<Spent>,
    ) -> Arrival {
        let fingerprint = fingerprint(words, self.budgets);
        let id = self.reached.len() as StateId;
        let spent = words[SPENT];
        let head = match self.first.entry(fingerprint) {
            hashbrown::hash_map::Entry::Vacant(entry) => {
                entry.insert((id, rank));
                self.reached.push(Reached { parent, action, rank, spent, next: NONE });
                return Arrival::Expand(id);
            }
            hashbrown::hash_map::Entry::Occupied(mut entry) => {
                let (known, of) = *entry.get();
                if self.one_each {
                    if of <= rank {
                        return Arrival::Known(known);
                    }
                    entry.insert((known, rank));
                    self.reached[known as usize] = Reached { parent, action, rank, spent, next: NONE };
                    return Arrival::Expand(known);
                }
                known
            }
        };
        let mut last = NONE;
        let mut known = head;
        while known != NONE {
            let other = &mut self.reached[known as usize];
            let same = other.spent == spent;
            if other.rank <= rank && (same || spents.value(other.spent).at_most(*spents.value(spent))) {
                return Arrival::Known(known);
            }
            // Reached again with no more faults and at a lower rank, before it was expanded.
            if other.rank > rank && (same || spents.value(spent).at_most(*spents.value(other.spent))) {
                *other = Reached { parent, action, rank, spent, next: other.next };
                return Arrival::Expand(known);
            }
            last = known;
            known = other.next;
        }
        self.reached[last as usize].next = id;
        self.reached.push(Reached { parent, action, rank, spent, next: NONE });
        Arrival::Expand(id)
    }

    /// The actions that lead to a state from the beginning.
    pub(crate) fn path(&self, mut state: StateId) -> Vec<Action> {
        let mut path = Vec::new();
        while self.reached[state as usize].parent != state {
            path.push(self.reached[state as usize].action);
            state = self.reached[state as usize].parent;
        }
        path.reverse();
        path
    }
}

/// 64 bits of a state: multiply and fold, as in wyhash, with fixed keys.
///
/// Source: Wang Yi, "wyhash" (the mixing step).
#[inline]
fn fingerprint(words: &[u32], but_spent: bool) -> u64 {
    const KEYS: [u64; 4] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];
    #[inline]
    fn fold(a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
    let word = |at: usize| u64::from(if but_spent && at == SPENT { 0 } else { words[at] });
    let mut hash = KEYS[3] ^ words.len() as u64;
    let mut at = 0;
    while at + 4 <= words.len() {
        let (a, b) = (word(at) | word(at + 1) << 32, word(at + 2) | word(at + 3) << 32);
        hash = fold(a ^ KEYS[0], b ^ KEYS[1] ^ hash);
        at += 4;
    }
    let mut rest = [0u64; 4];
    for (to, from) in (at..words.len()).enumerate() {
        rest[to] = word(from);
    }
    hash = fold((rest[0] | rest[1] << 32) ^ KEYS[2], (rest[2] | rest[3] << 32) ^ KEYS[1] ^ hash);
    fold(hash ^ KEYS[0], KEYS[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every bit of every word counts, whatever the length: a mixing step that lost bits made states disappear.
    #[test]
    fn every_bit_of_a_state_changes_its_fingerprint() {
        for length in 6..20 {
            let mut seen = BTreeSet::from([fingerprint(&vec![0; length], false)]);
            for word in 0..length {
                for bit in 0..32 {
                    let mut words = vec![0; length];
                    words[word] = 1 << bit;
                    assert!(seen.insert(fingerprint(&words, false)), "word {word} of {length}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn small_numbers_in_all_words_do_not_collide() {
        let mut seen = BTreeSet::new();
        for number in 0..5u32.pow(7) {
            let mut rest = number;
            let words: Vec<u32> = (0..7)
                .map(|_| {
                    let word = rest % 5;
                    rest /= 5;
                    word
                })
                .collect();
            assert!(seen.insert(fingerprint(&words, false)), "{words:?}");
        }
    }

    #[test]
    fn what_was_spent_does_not_count_where_budgets_are_merged() {
        let mut words = vec![7; 9];
        let before = fingerprint(&words, true);
        words[SPENT] = 3;
        assert_eq!(fingerprint(&words, true), before);
        assert_ne!(fingerprint(&words, false), before);
    }
}
