//! What must hold of every handler, said once: the world that they all live in, and five claims.

use story::{
    CONSISTENT_OUTPUT, Endpoint, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE,
    NO_LOST_WRITE, Scenario, Seen, Size, Story, expect,
};

use crate::{AddPoints, Letter, points};

/// The customer.
const ADA: &str = "ada";
/// The messages, and how many points each adds. So each digit of the account's points tells how often one was added.
const MESSAGES: [(&str, i64); 3] = [("m1", 100), ("m2", 10), ("m3", 1)];
/// Whoever fails to handle a message that often has it dead-lettered.
const DELIVERIES_MAX: u8 = 3;

/// What a schedule can say.
const WHAT_FAILS: &[Fault] = &[
    Fault::Duplicate,
    Fault::Crash,
    Fault::LockExpired,
    Fault::ReadRefused,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::AckLost,
];

/// A handler's world of this size, and the claims that every handler makes.
pub fn board<E: Endpoint>(size: Size) -> Story<i64> {
    Story::new("each message counts once, and each has one letter")
        .worlds(&[size], world::<E>)
        .view(|docs| points(docs, ADA))
        .always(NO_GHOST_MESSAGE, "a letter tells of points that are in the account", |seen| {
            match letters(seen).iter().find(|letter| times(letter.points, *seen.view()) == 0) {
                None => Ok(()),
                Some(letter) => {
                    Err(format!("a letter tells of {}; the account holds {}", points_of(letter.points), seen.view()))
                }
            }
        })
        .always(NO_DUPLICATE_PROCESSING, "each message adds its points at most once", |seen| {
            match MESSAGES.iter().find(|(_, points)| times(*points, *seen.view()) > 1) {
                None => Ok(()),
                Some((id, points)) => {
                    let times = times(*points, *seen.view());
                    Err(format!("{id} was added {times} times: the account holds {} points", seen.view()))
                }
            }
        })
        .always(NO_LOST_WRITE, "points that were added stay", |seen| {
            let acked = seen.acked("points");
            match MESSAGES.iter().find(|(id, points)| acked.contains(id) && times(*points, *seen.view()) == 0) {
                None => Ok(()),
                Some((id, points)) => {
                    let held = points_of(*seen.view());
                    Err(format!("{id} is acked; the account holds {held}, without the {points} of {id}"))
                }
            }
        })
        .always(CONSISTENT_OUTPUT, "the letters about one message say the same", |seen| {
            let mut letters: Vec<&Msg> = seen.sent("letters");
            letters.sort_by(|one, other| one.id.cmp(&other.id));
            for pair in letters.windows(2) {
                expect(pair[0].id != pair[1].id, || {
                    format!("{} says {}, and also {}", pair[0].id, pair[0].body, pair[1].body)
                })?;
            }
            Ok(())
        })
        .when_quiescent(NO_LOST_MESSAGE, "every message has its letter in the end", move |seen| {
            let told: Vec<i64> = letters(seen).iter().map(|letter| letter.points).collect();
            match placed(size).iter().find(|(_, points)| !told.contains(points)) {
                None => Ok(()),
                Some((id, points)) => Err(format!("nobody ever hears of the {} of {id}", points_of(*points))),
            }
        })
        .can_finish("every message is handled in the end")
}

/// Workers have names of their own: a schedule speaks of A and of B.
fn world<E: Endpoint>(size: Size) -> Scenario {
    let world =
        Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).deliveries_max("points", DELIVERIES_MAX);
    let world = ["Points A", "Points B"]
        .iter()
        .take(size.workers.into())
        .fold(world, |world, worker| world.endpoint::<E>(worker, "points", 1));
    placed(size).iter().fold(world, |world, (id, points)| {
        let add = AddPoints { customer: ADA.into(), points: *points };
        world.message("points", Msg::new(*id, "AddPoints", &add), size.copies)
    })
}

/// The messages of a world of this size.
fn placed(size: Size) -> &'static [(&'static str, i64)] {
    &MESSAGES[..usize::from(size.messages).min(MESSAGES.len())]
}

fn letters(seen: &Seen<'_, i64>) -> Vec<Letter> {
    seen.bodies("letters", "Letter")
}

/// So many points, in words.
fn points_of(points: i64) -> String {
    story::count::many(points.unsigned_abs(), "point")
}

/// How often a message's points are in such a sum.
fn times(points: i64, sum: i64) -> i64 {
    sum / points % 10
}
