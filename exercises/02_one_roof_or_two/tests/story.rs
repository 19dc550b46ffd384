//! Ada, Bob and Cleo each want a car: first from the shop's own database, then from another team's.

use kit::commitment::{Decision, Log, Participant};
use one_roof_or_two::{Coordinator, monolith, on_timeout};
use story::participant::{Standing, State, TIMEOUT_SECONDS, after_timeout, database, log};
use story::{
    ATOMIC_COMMITMENT, CONSISTENT_OUTPUT, Client, Cx, Event, Fault, Faults, NO_DUPLICATE_PROCESSING, NO_LOST_MESSAGE,
    PROGRESS, Scenario, Seen, Service, Size, Story, expect, ladder,
};

const BUYERS: [&str; 3] = ["ada", "bob", "cleo"];

/// One coordinator first, then two that want the same car.
const TWO_ROOFS: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.clients(2),
    Size::ONE.clients(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.clients(2).faults(2),
];

/// One roof: two cars, up to three buyers. Each asks until the shop has said yes, or that it is sold out.
#[test]
fn under_one_roof_an_order_and_its_car_go_together() {
    const FAULTS: &[Fault] = &[Fault::ReadRefused, Fault::WriteRefused, Fault::WriteUnknown, Fault::Crash];
    let story = Story::new("under one roof, an order and its car go together").worlds(ladder::CLIENTS, |size| {
        BUYERS.into_iter().take(size.clients.into()).fold(shop(size, FAULTS), |shop, buyer| shop.client(buying(buyer)))
    });
    under_one_roof(story)
        .sometimes(Event::Concurrent)
        .sometimes(Event::CalledAgain)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .check();
}

/// One roof: Ada asks once, and her node may die anywhere. Bob and Cleo do not wait for her.
#[test]
fn under_one_roof_a_dead_node_locks_nothing() {
    let story = Story::new("under one roof, a dead node locks nothing: 0 lock-seconds").worlds(
        &[Size::ONE.clients(3).faults(1), Size::ONE.clients(3).faults(2)],
        |size| {
            let ada =
                Client::new("ada", "Shop").tries("place", |cx: Cx| async move { monolith::place(&cx, "ada").await });
            shop(size, &[Fault::Crash]).client(ada).client(buying("bob")).client(buying("cleo"))
        },
    );
    under_one_roof(story)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Struck(Fault::Crash))
        .when_quiescent(NO_LOST_MESSAGE, "three buyers buy both cars", |seen| seen.view().orders.len() == 2)
        .check();
}

/// Two roofs, where nothing fails, and nobody has a reason to say no.
#[test]
fn under_two_roofs_a_promise_of_all_is_committed() {
    let story = Story::new("under two roofs, a promise of all is committed")
        .worlds(&[Size::ONE], |size| coordinated(size, two_roofs(size, databases(1), &[])));
    under_two_roofs(story)
        .when_quiescent(NO_LOST_MESSAGE, "what all have promised is committed", |seen| {
            expect(told(seen, "ada") == Some(Decision::Commit), || {
                format!("ada was told {}", told_in_words(seen, "ada"))
            })
        })
        .check();
}

/// Two roofs, one car. Ada's coordinator dies anywhere, and comes back; Bob's wants the same car.
#[test]
fn under_two_roofs_a_crash_splits_nothing() {
    let story = Story::new("under two roofs, a crash splits nothing")
        .worlds(TWO_ROOFS, |size| coordinated(size, two_roofs(size, databases(1), &[Fault::Crash])));
    under_two_roofs(story)
        .sometimes(Event::Concurrent)
        .sometimes(Event::CalledAgain)
        .sometimes(Event::Struck(Fault::Crash))
        .check();
}

/// The same, while questions, votes and replies are lost, and a participant or the log is down for a while.
#[test]
fn under_two_roofs_a_lost_word_splits_nothing() {
    const FAULTS: &[Fault] = &[Fault::Crash, Fault::CallRefused, Fault::CallUnknown, Fault::Outage];
    const LADDER: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.clients(2).faults(1), Size::ONE.faults(3)];
    let story = Story::new("under two roofs, a lost word splits nothing")
        .worlds(LADDER, |size| coordinated(size, two_roofs(size, databases(1), FAULTS)));
    under_two_roofs(story)
        .sometimes(Event::CalledAgain)
        .sometimes(Event::Struck(Fault::CallRefused))
        .sometimes(Event::Struck(Fault::CallUnknown))
        .sometimes(Event::Struck(Fault::Outage))
        .check();
}

/// Two roofs, and no car left: the other team says no.
#[test]
fn one_no_is_a_no_for_all() {
    const FAULTS: &[Fault] = &[Fault::Crash, Fault::CallRefused, Fault::CallUnknown];
    const LADDER: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.faults(2), Size::ONE.clients(2).faults(1)];
    let story = Story::new("one no is a no for all")
        .worlds(LADDER, |size| coordinated(size, two_roofs(size, databases(0), FAULTS)));
    under_two_roofs(story)
        .sometimes(Event::CalledAgain)
        .sometimes(Event::Struck(Fault::Crash))
        .always(ATOMIC_COMMITMENT, "nobody commits what one has refused", |seen| {
            nobody(seen, |standings| standings.contains(&Some(Standing::Committed)))
        })
        .check();
}

/// Two roofs, and participants that look at the clock: between any two steps, ten minutes may pass.
#[test]
fn ten_minutes_of_silence_split_nothing() {
    const LADDER: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.clients(2), Size::ONE.clients(2).faults(1)];
    let story = Story::new("ten minutes of silence split nothing")
        .worlds(LADDER, |size| coordinated(size, two_roofs(size, databases(1).map(with_a_clock), &[Fault::Crash])));
    under_two_roofs(story).sometimes(Event::CalledAgain).sometimes(Event::Struck(Fault::Crash)).check();
}

/// Two roofs, and nobody brings Ada's dead coordinator back. What was promised to it stays locked: that is the
/// price, and there is no way around it.
#[test]
fn under_two_roofs_a_dead_coordinator_locks_a_car() {
    Story::new("under two roofs, a dead coordinator locks a car: 600 lock-seconds in the first 600")
        .worlds(&[Size::ONE.faults(1), Size::ONE.clients(2).faults(1)], |size| {
            let running = |buyer: &'static str| {
                Client::new(buyer, "Coordinator")
                    .tries("run", move |cx: Cx| async move { coordinator_of(buyer).run(&cx, buyer).await })
            };
            let roofs = two_roofs(size, databases(1).map(with_a_clock), &[Fault::Crash]);
            BUYERS.into_iter().take(size.clients.into()).fold(roofs, |roofs, buyer| roofs.client(running(buyer)))
        })
        .sometimes(Event::Struck(Fault::Crash))
        .sometimes_seen("ten minutes after its coordinator's death, a car is still locked", |seen| {
            let cars: State = seen.service("cars");
            let dead = seen.answer::<Decision>("ada", 0).is_some_and(|answer| answer.is_err());
            dead && cars.locked_by() == Some("ada") && cars.lock_seconds == TIMEOUT_SECONDS
        })
        .always(ATOMIC_COMMITMENT, "whoever has promised waits for the decision", |seen| {
            nobody(seen, |standings| standings.contains(&Some(Standing::GaveUp)))
        })
        .always(ATOMIC_COMMITMENT, "all commit, or all abort", all_or_nothing)
        .when_quiescent(ATOMIC_COMMITMENT, "a lock in doubt is held all the time", |seen| {
            for name in ROOFS {
                let state: State = seen.service(name);
                let seconds = state.lock_seconds;
                expect(state.locked_by().is_none() || seconds >= TIMEOUT_SECONDS, || format!("{name}: {seconds} s"))?;
            }
            Ok(())
        })
        .can_finish("the coordinator comes to an end")
        .check();
}

/// A shop with two cars, in which these faults may strike.
fn shop(size: Size, faults: &[Fault]) -> Scenario {
    Scenario::new().document("shop/cars", &monolith::stock(2)).faults(Faults::upto(size.faults).only(faults))
}

/// A buyer who asks the shop until it answers.
fn buying(buyer: &'static str) -> Client {
    Client::new(buyer, "Shop").calls("place", move |cx: Cx| async move { monolith::place(&cx, buyer).await })
}

/// What must hold under one roof, in every world.
fn under_one_roof(story: Story<()>) -> Story<monolith::View> {
    story
        .view(monolith::view)
        .always(ATOMIC_COMMITMENT, "an order and its car go together", |seen| {
            let view = seen.view();
            expect(view.cars_left as usize + view.orders.len() == 2, || {
                format!("of 2 cars, {} are left, and the orders are {:?}", view.cars_left, view.orders)
            })
        })
        .always(NO_DUPLICATE_PROCESSING, "nobody buys two cars", |seen| {
            let orders = &seen.view().orders;
            let once = |buyer: &&str| orders.iter().filter(|order| order == buyer).count() <= 1;
            expect(BUYERS.iter().all(once), || format!("the orders are {orders:?}"))
        })
        .always(CONSISTENT_OUTPUT, "the buyer is told what happened", |seen| {
            let view = seen.view();
            for buyer in BUYERS {
                let ordered = view.orders.iter().any(|order| order == buyer);
                let true_to_it = match told(seen, buyer) {
                    None => true,
                    Some(Decision::Commit) => ordered,
                    Some(Decision::Abort) => !ordered && view.cars_left == 0,
                };
                expect(true_to_it, || {
                    let (told, left) = (told_in_words(seen, buyer), view.cars_left);
                    format!("{buyer} was told {told}; of 2 cars, {left} are left, and the orders are {:?}", view.orders)
                })?;
            }
            Ok(())
        })
        .can_finish("every buyer is answered")
}

/// The shop's orders, and the other team's cars.
const ROOFS: [&str; 2] = ["orders", "cars"];

/// Nine places in the order book, and so many cars.
fn databases(cars: u8) -> [Service; 2] {
    [database("orders", 9), database("cars", cars)]
}

/// A participant that does what `on_timeout` says when it has waited for ten minutes.
fn with_a_clock(database: Service) -> Service {
    database.with_timer(after_timeout(on_timeout))
}

/// Two participants and a log, between which these faults may strike.
fn two_roofs(size: Size, databases: [Service; 2], faults: &[Fault]) -> Scenario {
    let scenario = Scenario::new().service(log("log")).faults(Faults::upto(size.faults).only(faults));
    databases.into_iter().fold(scenario, Scenario::service)
}

/// Bob's coordinator asks in the other order than Ada's.
fn coordinator_of(buyer: &str) -> Coordinator {
    let mut participants = ROOFS.map(Participant::new).to_vec();
    if buyer == "bob" {
        participants.reverse();
    }
    Coordinator::new(participants, Log::new("log"))
}

/// A coordinator for each buyer: one transaction by the buyer's name, recovered until it is at its end.
fn coordinated(size: Size, scenario: Scenario) -> Scenario {
    BUYERS.into_iter().take(size.clients.into()).fold(scenario, |scenario, buyer| {
        let coordinator = Client::new(buyer, "Coordinator")
            .calls("run", move |cx: Cx| async move { coordinator_of(buyer).run(&cx, buyer).await })
            .restarts_with("recover", move |cx: Cx| async move { coordinator_of(buyer).recover(&cx, buyer).await });
        scenario.client(coordinator)
    })
}

/// What must hold under two roofs, in every world in which coordinators come back.
fn under_two_roofs(story: Story<()>) -> Story<()> {
    story
        .always(ATOMIC_COMMITMENT, "all commit, or all abort", all_or_nothing)
        .always(CONSISTENT_OUTPUT, "the shopper is told what happened", |seen| {
            for (buyer, standings) in transactions(seen) {
                let told = told(seen, buyer);
                let true_to_it = match told {
                    None => true,
                    Some(Decision::Commit) => !standings.iter().flatten().any(|standing| standing.is_aborted()),
                    Some(Decision::Abort) => !standings.contains(&Some(Standing::Committed)),
                };
                expect(true_to_it, || {
                    format!("{buyer} was told {}; {}", told_in_words(seen, buyer), in_words(buyer, standings))
                })?;
            }
            Ok(())
        })
        .when_quiescent(ATOMIC_COMMITMENT, "in the end all have committed, or none has", |seen| {
            for (buyer, standings) in transactions(seen) {
                let committed = standings.iter().filter(|s| **s == Some(Standing::Committed)).count();
                let expected = if told(seen, buyer) == Some(Decision::Commit) { [2, 2] } else { [0, 2] };
                expect(expected.contains(&committed), || in_words(buyer, standings))?;
            }
            Ok(())
        })
        .when_quiescent(PROGRESS, "in the end nobody holds a lock", |seen| {
            for name in ROOFS {
                let state: State = seen.service(name);
                expect(state.locked_by().is_none(), || {
                    format!("{name} is still locked by {}", state.locked_by().unwrap_or("nobody"))
                })?;
            }
            Ok(())
        })
        .can_finish("the coordinator comes to an end")
}

fn all_or_nothing(seen: &Seen<'_, ()>) -> Result<(), String> {
    nobody(seen, |standings| {
        standings.contains(&Some(Standing::Committed)) && standings.iter().flatten().any(|s| s.is_aborted())
    })
}

/// That no buyer's transaction stands like that.
fn nobody(seen: &Seen<'_, ()>, stands: impl Fn([Option<Standing>; 2]) -> bool) -> Result<(), String> {
    let found = transactions(seen).into_iter().find(|(_, standings)| stands(*standings));
    found.map_or(Ok(()), |(buyer, standings)| Err(in_words(buyer, standings)))
}

/// Where each buyer's transaction stands, at each participant.
fn transactions(seen: &Seen<'_, ()>) -> [(&'static str, [Option<Standing>; 2]); 3] {
    let states: [State; 2] = ROOFS.map(|name| seen.service(name));
    BUYERS.map(|buyer| (buyer, [states[0].standing(buyer), states[1].standing(buyer)]))
}

fn in_words(buyer: &str, standings: [Option<Standing>; 2]) -> String {
    let words = standings.map(|standing| standing.map_or("never asked".to_owned(), |standing| format!("{standing:?}")));
    format!("{buyer}'s transaction: {} {}, {} {}", ROOFS[0], words[0], ROOFS[1], words[1])
}

/// The answer that a buyer was given, if it was given one.
fn told<V>(seen: &Seen<'_, V>, buyer: &str) -> Option<Decision> {
    seen.answer::<Decision>(buyer, 0)?.ok()
}

/// The same in words.
fn told_in_words<V>(seen: &Seen<'_, V>, buyer: &str) -> String {
    told(seen, buyer).map_or("nothing".to_owned(), |decision| format!("{decision:?}"))
}
