//! What whoever writes business code may rely on, if somebody else runs it.

use std::collections::BTreeMap;

use generic_outbox::{Outbox, view};
use kit::Logic;
use story::logics::{Talkative, message};
use story::serial::States;
use story::{Docs, Event, Fault, Faults, Msg, Scenario, Size, Story};

const WHAT_FAILS: &[Fault] = &[
    Fault::Duplicate,
    Fault::LockExpired,
    Fault::AckLost,
    Fault::Crash,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::SpuriousConflict,
];

const LADDER: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.copies(2).workers(2).faults(3),
    Size::ONE.messages(3).workers(2),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).workers(2).faults(1),
];

fn talk() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ada", 50), message("m3", "Add", "ada", 40)]
}

#[test]
fn a_talkative_logic_runs_once() {
    Story::new("a talkative logic runs once")
        .worlds(LADDER, |size| world::<Talkative>(talk(), size))
        .view(ada::<Talkative>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Talkative>("points", &["letters", "vouchers"], talk)
        .check();
}

fn world<L: Logic>(messages: Vec<Msg>, size: Size) -> Scenario {
    let world = Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Outbox<L>>(
        "Points",
        "points",
        size.workers,
    );
    messages.into_iter().take(size.messages.into()).fold(world, |world, msg| world.message("points", msg, size.copies))
}

fn ada<L: Logic>(docs: &Docs) -> States<L::State> {
    BTreeMap::from([("ada".to_owned(), view::<L>(docs, "ada"))])
}
