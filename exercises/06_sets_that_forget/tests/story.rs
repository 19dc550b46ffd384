//! What a family may rely on that edits its gift list offline.
//!
//! Every message is in the queue from the beginning, with its copies. A worker takes any of them at any moment: so
//! these worlds hold every order of the edits, with every repetition. What must come out is computed here, from the
//! edits alone.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use sets_that_forget::{Edits, view};
use story::{
    CONVERGENCE, Client, Cx, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_LOST_WRITE, Scenario, Seen, Size,
    Story, expect,
};

/// The store refuses, or does not say what became of a write; a node dies between any two operations; an ack gets
/// lost; a message comes while its first worker is still at it; a weak read is behind; the bus refuses a send, or does
/// not say what became of it.
const WHAT_FAILS: &[Fault] = &[
    Fault::ReadRefused,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::Crash,
    Fault::AckLost,
    Fault::LockExpired,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::SendRefused,
    Fault::SendUnknown,
];

/// With two clients, a month may pass.
const UP_TO_A_MONTH: &[Size] =
    &[Size::ONE, Size::ONE.copies(2), Size::ONE.copies(2).clients(2), Size::ONE.copies(3), Size::ONE.faults(1)];
/// Three copies are not all that may come.
const UP_TO_A_FOURTH_COPY: &[Size] = &[
    Size::ONE,
    Size::ONE.copies(2),
    Size::ONE.copies(3),
    Size::ONE.faults(1),
    Size::ONE.copies(3).clients(2),
    Size::ONE.copies(3).faults(1),
];
const MORE_AND_MORE_EDITS: &[Size] = &[
    Size::ONE,
    Size::ONE.messages(2).copies(3),
    Size::ONE.messages(3).copies(3),
    Size::ONE.messages(4).copies(2),
    Size::ONE.messages(5),
    Size::ONE.messages(6),
];
const TWO_WORKERS: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2).faults(3),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(3).workers(2).faults(1),
    Size::ONE.messages(3).copies(2).workers(2),
    Size::ONE.messages(4).workers(2),
];

/// One edit, as a phone sends it.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// Its own name, and the gift.
    Add(&'static str, &'static str),
    /// Its own name, the name of the add that it takes back, and the gift.
    Remove(&'static str, &'static str, &'static str),
}
use Edit::{Add, Remove};

/// A gift is added and removed. Whichever comes first, however often, and even a month later: it is not on the list in
/// the end.
#[test]
fn a_removed_gift_stays_off_the_list() {
    const EDITS: &[Edit] = &[Add("ben-20", "socks"), Remove("ada-1", "ben-20", "socks")];
    Story::new("a removed gift stays off the list")
        .worlds(UP_TO_A_FOURTH_COPY, |size| phones(EDITS, size))
        .view(view)
        .sometimes(Event::Redelivered)
        .when_quiescent(CONVERGENCE, "a removed gift stays off the list", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

/// A gift is added, removed, and added again. A remove takes back what it names, and nothing else.
#[test]
fn a_gift_can_be_added_again() {
    const EDITS: &[Edit] = &[Add("ben-20", "socks"), Remove("ada-1", "ben-20", "socks"), Add("ben-2", "socks")];
    Story::new("a gift can be added again")
        .worlds(UP_TO_A_MONTH, |size| phones(EDITS, size))
        .view(view)
        .sometimes(Event::Redelivered)
        .when_quiescent(CONVERGENCE, "a gift that was added again is on the list", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

/// Two people wish for socks, a third for a car. However often their edits come: two pairs of socks, one car.
#[test]
fn each_edit_counts_once() {
    const EDITS: &[Edit] = &[Add("ben-20", "socks"), Add("ben-2", "socks"), Add("cai-7", "car")];
    Story::new("each edit counts once")
        .worlds(UP_TO_A_MONTH, |size| phones(EDITS, size))
        .view(view)
        .sometimes(Event::Redelivered)
        .when_quiescent(NO_DUPLICATE_PROCESSING, "each edit counts once", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

/// Two removes name the same add, and one names an add that is still on a phone somewhere. Every order of the edits,
/// with up to three copies of each (the more edits, the fewer copies), leads to the same list.
#[test]
fn the_list_depends_on_the_edits_alone() {
    const EDITS: &[Edit] = &[
        Add("ben-2", "socks"),
        Add("ben-20", "socks"),
        Remove("ada-1", "ben-20", "socks"),
        Remove("cai-1", "ben-20", "socks"),
        Add("cai-7", "car"),
        Remove("dan-9", "eve-5", "socks"),
    ];
    Story::new("the list depends on the edits alone")
        .worlds(MORE_AND_MORE_EDITS, |size| some_phones(EDITS, size))
        .view(view)
        .when_quiescent(CONVERGENCE, "the same edits make the same list", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

/// Two workers, with different edits or with copies of one, and everything that may fail on the way.
#[test]
fn no_edit_is_lost() {
    const EDITS: &[Edit] = &[
        Add("ben-20", "socks"),
        Remove("ada-1", "ben-20", "socks"),
        Add("ben-2", "socks"),
        Remove("cai-1", "ben-2", "socks"),
    ];
    let mut story = Story::new("no edit is lost")
        .worlds(TWO_WORKERS, |size| some_phones(EDITS, size))
        .view(view)
        .sometimes(Event::Concurrent)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for fault in [Fault::WriteRefused, Fault::WriteUnknown, Fault::AckLost, Fault::LockExpired, Fault::Duplicate] {
        story = story.sometimes(Event::Struck(fault));
    }
    story
        .when_quiescent(NO_LOST_WRITE, "no edit is lost, whoever else writes", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

/// Two people add at the same time, a gift each, and one of them changes her mind.
#[test]
fn nobody_writes_over_anybody() {
    const EDITS: &[Edit] =
        &[Add("ben-2", "socks"), Add("cai-7", "car"), Remove("ada-1", "ben-2", "socks"), Add("ben-20", "socks")];
    Story::new("nobody writes over anybody")
        .worlds(TWO_WORKERS, |size| some_phones(EDITS, size))
        .view(view)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .when_quiescent(NO_LOST_WRITE, "no edit is lost, whoever else writes", |seen| as_edited(EDITS, seen))
        .can_finish("every edit is handled in the end")
        .check();
}

// The worlds.

/// All of these edits, each in so many copies, and the workers that handle them; and maybe a month.
fn phones(edits: &[Edit], size: Size) -> Scenario {
    let world = Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Edits>(
        "Gift list",
        "edits",
        size.workers,
    );
    let world = if size.clients > 1 { world.client(a_month()) } else { world };
    edits.iter().fold(world, |world, edit| world.message("edits", edit.message(), size.copies))
}

/// As many of these edits as the size has messages.
fn some_phones(edits: &[Edit], size: Size) -> Scenario {
    phones(&edits[..usize::from(size.messages).min(edits.len())], size)
}

/// The clock moves, once, at any moment: a phone may be offline that long.
fn a_month() -> Client {
    Client::new("a month", "Clock").calls("passes", |cx: Cx| async move {
        cx.sleep(Duration::from_secs(31 * 24 * 3600)).await;
        Ok::<(), Infallible>(())
    })
}

impl Edit {
    fn op(self) -> &'static str {
        match self {
            Add(op, _) | Remove(op, ..) => op,
        }
    }

    fn message(self) -> Msg {
        match self {
            Add(op, sku) => Msg::new(op, "AddGift", &BTreeMap::from([("op", op), ("sku", sku)])),
            Remove(op, removes, sku) => {
                Msg::new(op, "RemoveGift", &BTreeMap::from([("op", op), ("removes", removes), ("sku", sku)]))
            }
        }
    }
}

// What must hold.

/// The list that these edits make, in whichever order: an add counts unless a remove names it.
fn expected(edits: &[Edit]) -> BTreeMap<String, usize> {
    let removed: BTreeSet<&str> = edits
        .iter()
        .filter_map(|edit| match edit {
            Remove(_, removes, _) => Some(*removes),
            Add(..) => None,
        })
        .collect();
    let mut list = BTreeMap::new();
    for edit in edits {
        if let Add(op, sku) = edit
            && !removed.contains(op)
        {
            *list.entry((*sku).to_owned()).or_default() += 1;
        }
    }
    list
}

/// The list is the one that the edits make which were handled: in the end, all of this world's.
fn as_edited(edits: &[Edit], seen: &Seen<'_, BTreeMap<String, usize>>) -> Result<(), String> {
    let acked = seen.acked("edits");
    let handled: Vec<Edit> = edits.iter().copied().filter(|edit| acked.contains(&edit.op())).collect();
    let mut shown = seen.view().clone();
    shown.retain(|_, count| *count > 0);
    let expected = expected(&handled);
    expect(shown == expected, || {
        let ops: Vec<String> = handled.iter().map(|edit| edit.to_string()).collect();
        format!("the list shows {shown:?}; these edits make {expected:?}: {}", ops.join(", "))
    })
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Add(op, sku) => write!(f, "{op} adds {sku}"),
            Remove(op, removes, _) => write!(f, "{op} removes {removes}"),
        }
    }
}
