//! How a schedule of a few words unfolds into every step of a world: the rules of `kit::schedule`, one test a rule, and
//! every refusal.

use kit::schedule::{Failing::*, Operation::*, STEPS_MAX, Schedule, Worker::*};
use kit::{Cx, Delivery, Endpoint, Msg, Retry, When};
use story::challenge::{Unfolded, unfold};
use story::{Fault, Faults, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, PROGRESS, Scenario, Size, Story};

/// Reads the note of its message, writes it, and says so.
#[derive(Default)]
struct Notes;

impl Endpoint for Notes {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let key = format!("note-{}", delivery.id());
        let times = cx.docs.get::<u32>(&key).await?.map_or(0, |(times, _)| times);
        cx.docs.put(&key, &(times + 1), When::Always).await?;
        cx.bus.send("said", Msg::new(format!("said-{}", delivery.id()), "Said", &times)).await?;
        Ok(())
    }
}

/// Writes two documents, each once.
#[derive(Default)]
struct Twice;

impl Endpoint for Twice {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        for name in ["first", "second"] {
            cx.docs.put(&format!("{name}-{}", delivery.id()), &1, When::Always).await?;
        }
        Ok(())
    }
}

/// All messages write to one document, and say which version they have read.
#[derive(Default)]
struct OneDocument;

impl Endpoint for OneDocument {
    async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
        let (count, when) = match cx.docs.get::<u32>("count").await? {
            Some((count, version)) => (count, When::Is(version)),
            None => (0, When::Absent),
        };
        cx.docs.put("count", &(count + 1), when).await?;
        Ok(())
    }
}

/// Acks before it writes.
#[derive(Default)]
struct AcksFirst;

impl Endpoint for AcksFirst {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        delivery.ack(cx).await?;
        cx.docs.put("done", &1, When::Always).await?;
        Ok(())
    }
}

const FAULTS: &[Fault] = &[
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

/// Three messages and two workers, as in exercise 09.
fn world<E: Endpoint>() -> Story<()> {
    Story::new("").worlds(&[Size::ONE], |_| {
        let world = Scenario::new()
            .faults(Faults::upto(STEPS_MAX as u8).only(FAULTS))
            .deliveries_max("queue", 3)
            .endpoint::<E>("Worker A", "queue", 1)
            .endpoint::<E>("Worker B", "queue", 1);
        ["m1", "m2", "m3"]
            .into_iter()
            .fold(world, |world, id| world.message("queue", Msg::new(id, "Something", &()), 1))
    })
}

/// What happens, a line for each step: who, and what; `!` before a fault.
fn steps<E: Endpoint>(schedule: &Schedule) -> Vec<String> {
    let Unfolded { trace, illegal, .. } = unfold(&world::<E>(), schedule);
    assert_eq!(illegal, None, "in {schedule:?}");
    lines(&trace)
}

fn lines(trace: &explorer::Trace) -> Vec<String> {
    let worker = |at: usize| trace.participants[at].name.strip_prefix("Worker ").map(str::to_owned);
    let line = |step: &explorer::trace::Step| {
        let who = worker(step.from).or_else(|| worker(step.to)).unwrap_or_else(|| "-".to_owned());
        let fault = if step.fault.is_some() { "!" } else { "" };
        format!("{who} {fault}{}", step.label)
    };
    trace.steps.iter().map(line).collect()
}

/// A run of `Notes` that nothing disturbs.
fn undisturbed(worker: &str, message: &str) -> Vec<String> {
    ["deliver M", "get note-M", "put note-M", "send Said", "ack M"]
        .map(|step| format!("{worker} {}", step.replace('M', message)))
        .to_vec()
}

/// The whole picture, and then the rest of the queue, by A.
fn then_the_rest(first: &[&str], rest: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = first.iter().map(|step| (*step).to_owned()).collect();
    all.extend(rest.iter().flat_map(|message| undisturbed("A", message)));
    all
}

/// The step that is refused, from 1, and why; the schedule is legal up to there.
fn refused<E: Endpoint>(schedule: &Schedule) -> (usize, String) {
    let unfolded = unfold(&world::<E>(), schedule);
    unfolded.illegal.unwrap_or_else(|| panic!("legal: {schedule:?}"))
}

// ---- the three rules

#[test]
fn a_schedule_without_steps_delivers_everything_once() {
    assert_eq!(steps::<Notes>(&Schedule::new()), then_the_rest(&[], &["m1", "m2", "m3"]));
}

#[test]
fn a_worker_goes_on_to_its_end_unless_a_later_step_speaks_of_it() {
    let schedule = Schedule::new().deliver("m2", B).deliver("m1", A);
    let all = [undisturbed("B", "m2"), undisturbed("A", "m1"), undisturbed("A", "m3")].concat();
    assert_eq!(steps::<Notes>(&schedule), all);
}

/// A has received m1, and does nothing before the step that speaks of it. Another message for A is no such step.
#[test]
fn a_worker_of_which_a_later_step_speaks_stands_still_until_then() {
    let schedule = Schedule::new().deliver("m1", A).deliver("m2", B).crash(A, Send);
    let mut all = vec!["A deliver m1".to_owned()];
    all.extend(undisturbed("B", "m2"));
    all.extend(["A get note-m1", "A put note-m1", "A !crash before send Said"].map(str::to_owned));
    all.extend(undisturbed("A", "m1"));
    all.extend(undisturbed("A", "m3"));
    assert_eq!(steps::<Notes>(&schedule), all);
    let one_after_the_other = Schedule::new().deliver("m3", A).deliver("m2", A);
    let all = [undisturbed("A", "m3"), undisturbed("A", "m2"), undisturbed("A", "m1")].concat();
    assert_eq!(steps::<Notes>(&one_after_the_other), all);
}

#[test]
fn a_delayed_worker_stands_still_until_the_schedule_has_ended() {
    let schedule = Schedule::new().deliver("m1", A).delay(A, Put).deliver("m2", B).deliver("m3", B);
    let mut all = vec!["A deliver m1".to_owned(), "A get note-m1".to_owned()];
    all.extend(undisturbed("B", "m2"));
    all.extend(undisturbed("B", "m3"));
    all.extend(["A put note-m1", "A send Said", "A ack m1"].map(str::to_owned));
    assert_eq!(steps::<Notes>(&schedule), all);
}

#[test]
fn a_delayed_worker_goes_on_when_a_step_speaks_of_it() {
    let schedule = Schedule::new().deliver("m1", A).delay(A, Put).deliver("m2", B).fail(A, Send, Refused);
    let mut all = vec!["A deliver m1".to_owned(), "A get note-m1".to_owned()];
    all.extend(undisturbed("B", "m2"));
    all.extend(["A put note-m1", "A !send Said", "A give m1 back"].map(str::to_owned));
    all.extend(undisturbed("A", "m1"));
    all.extend(undisturbed("A", "m3"));
    assert_eq!(without_returns(steps::<Notes>(&schedule)), without_returns(all));
}

/// A step that gives a copy back may be one with the end of its run.
fn without_returns(steps: Vec<String>) -> Vec<String> {
    steps.into_iter().filter(|step| !step.contains("give ")).collect()
}

/// An expired lock is no reason to go on: a worker that is delayed knows nothing of it.
#[test]
fn a_delayed_worker_whose_lock_expires_stays_delayed() {
    let schedule = Schedule::new().deliver("m1", A).delay(A, Put).expire_lock(A).deliver("m1", B);
    let told = steps::<Notes>(&schedule);
    let at = |step: &str| told.iter().position(|told| told == step).unwrap_or_else(|| panic!("{step} in {told:#?}"));
    assert!(at("B ack m1") < at("A put note-m1"), "{told:#?}");
    assert!(at("A get note-m1") < at("A !lock expires"), "{told:#?}");
}

/// The first that was delayed goes on first, to its end, whatever its name is.
#[test]
fn delayed_workers_go_on_one_after_the_other() {
    let schedule = Schedule::new().deliver("m1", A).deliver("m2", B).delay(B, Put).delay(A, Send);
    let first = ["A deliver m1", "B deliver m2", "B get note-m2", "A get note-m1", "A put note-m1"];
    let then = ["B put note-m2", "B send Said", "B ack m2", "A send Said", "A ack m1"];
    assert_eq!(steps::<Notes>(&schedule), then_the_rest(&[first, then].concat(), &["m3"]));
}

/// m3 was received, and comes back; m1 and m2 were not.
#[test]
fn what_comes_back_is_delivered_before_the_rest() {
    let schedule = Schedule::new().deliver("m3", B).crash(B, Get);
    let first = ["B deliver m3", "B !crash before get note-m3"];
    assert_eq!(steps::<Notes>(&schedule), then_the_rest(&first, &["m3", "m1", "m2"]));
    let schedule = Schedule::new().duplicate("m2").deliver("m2", A);
    assert_eq!(steps::<Notes>(&schedule), then_the_rest(&["- !duplicate m2"], &["m2", "m2", "m1", "m3"]));
}

// ---- the steps

#[test]
fn a_crash_is_before_the_operation_and_the_message_is_there_at_once() {
    let schedule = Schedule::new().deliver("m1", A).crash(A, Ack).deliver("m1", B);
    let mut all = undisturbed("A", "m1");
    *all.last_mut().expect("a run has steps") = "A !crash before the ack".to_owned();
    all.extend(undisturbed("B", "m1"));
    all.extend([undisturbed("A", "m2"), undisturbed("A", "m3")].concat());
    assert_eq!(steps::<Notes>(&schedule), all);
}

#[test]
fn a_failure_is_definite_or_not_and_took_effect_or_not() {
    for (how, written) in [(Refused, false), (UnknownDone, true), (UnknownNotDone, false)] {
        let schedule = Schedule::new().deliver("m1", A).fail(A, Put, how);
        let trace = unfold(&world::<Notes>(), &schedule).trace;
        let failed = trace.steps.iter().find(|step| step.fault.is_some()).expect("one step fails");
        assert_eq!(failed.label, "put note-m1");
        assert_eq!(failed.after.documents.iter().any(|(key, _)| key == "note-m1"), written, "{how:?}");
        let sent = Schedule::new().deliver("m1", A).fail(A, Send, how);
        let trace = unfold(&world::<Notes>(), &sent).trace;
        let failed = trace.steps.iter().find(|step| step.fault.is_some()).expect("one step fails");
        assert_eq!((failed.label.as_str(), failed.after.sent.len()), ("send Said", usize::from(written)), "{how:?}");
    }
}

#[test]
fn a_lost_ack_leaves_the_message() {
    let schedule = Schedule::new().deliver("m1", A).fail(A, Ack, UnknownNotDone).deliver("m1", B);
    let told = steps::<Notes>(&schedule);
    assert_eq!(told[4..6], ["A !ack m1", "B deliver m1"]);
}

/// An ack in the middle of a handler is an operation like any other.
#[test]
fn an_early_ack_is_an_ack() {
    let crash = steps::<AcksFirst>(&Schedule::new().deliver("m1", A).crash(A, Put));
    assert_eq!(crash[..3], ["A deliver m1", "A ack", "A !crash before put done"]);
    let lost = steps::<AcksFirst>(&Schedule::new().deliver("m1", A).fail(A, Ack, UnknownNotDone));
    assert_eq!(lost[..2], ["A deliver m1", "A !ack"]);
    let gone = Schedule::new().deliver("m1", A).delay(A, Put).expire_lock(A);
    assert_eq!(refused::<AcksFirst>(&gone), (3, "A has no lock any more that could expire".to_owned()));
}

#[test]
fn the_nth_operation_of_a_kind_is_counted_from_where_the_worker_stands() {
    let second = steps::<Twice>(&Schedule::new().deliver("m1", A).crash(A, Put.nth(2)));
    assert_eq!(second[..3], ["A deliver m1", "A put first-m1", "A !crash before put second-m1"]);
    // It stands before its first put, so that is its next.
    let delayed = Schedule::new().deliver("m1", A).delay(A, Put).crash(A, Put);
    assert_eq!(steps::<Twice>(&delayed)[..2], ["A deliver m1", "A !crash before put first-m1"]);
    // A failure that the handler gives up at leaves no second put.
    let failed = Schedule::new().deliver("m1", A).fail(A, Put, Refused).crash(A, Put);
    assert_eq!(refused::<Twice>(&failed).0, 3);
}

// ---- what is refused

#[test]
fn a_step_that_cannot_happen_is_refused_with_its_place_and_the_rule() {
    let m1 = || Schedule::new().deliver("m1", A);
    for (schedule, step, rule) in [
        (Schedule::new().deliver("m4", A), 1, "no copy of m4 is visible in the queue; what is: m1, m2, m3"),
        (m1().deliver("m1", B), 2, "no copy of m1 is visible in the queue (it is gone); what is: m2, m3"),
        (m1().delay(A, Put).deliver("m1", B), 3, "no copy of m1 is visible in the queue (A holds it); what is: m2, m3"),
        (m1().delay(A, Put).duplicate("m1"), 3, "no copy of m1 is visible in the queue (A holds it); what is: m2, m3"),
        (m1().deliver("m2", A).deliver("m3", B).duplicate("m3"), 4, "(it is gone); nothing is"),
        (m1().delay(A, Put).deliver("m2", A), 3, "A still handles a message: only an idle worker receives one"),
        (m1().crash(B, Send), 2, "B is idle: it handles no message"),
        (m1().expire_lock(B), 2, "B is idle: it holds no message whose lock could expire"),
        (m1().expire_lock(A).expire_lock(A), 3, "A has no lock any more that could expire"),
        (m1().crash(A, Send.nth(2)), 2, "A does not come to its send number 2 from there: its run has ended before"),
        (m1().delay(A, Send).crash(A, Put), 3, "A does not come to its next put: its run has ended before"),
        (m1().delay(A, Put.nth(0)), 2, "operations are counted from 1"),
        (m1().fail(A, Get, UnknownDone), 2, "a get can only be refused: it changes nothing, so nothing is unknown"),
        (m1().fail(A, Get, UnknownNotDone), 2, "a get can only be refused"),
        (m1().fail(A, Ack, Refused), 2, "an ack is never refused: use `UnknownNotDone`, it never arrives"),
        (m1().fail(A, Ack, UnknownDone), 2, "an ack that took effect has not failed: use `UnknownNotDone`"),
    ] {
        let (at, why) = refused::<Notes>(&schedule);
        assert_eq!(at, step, "{why} in {schedule:?}");
        assert!(why.contains(rule), "`{why}` does not say `{rule}`");
    }
}

#[test]
fn a_put_that_meets_a_conflict_cannot_have_taken_effect() {
    let behind = || Schedule::new().deliver("m1", A).delay(A, Put).deliver("m2", B);
    let (at, why) = refused::<OneDocument>(&behind().fail(A, Put, UnknownDone));
    assert_eq!((at, why.as_str()), (4, "this put would meet a conflict, so it cannot take effect"));
    steps::<OneDocument>(&behind().fail(A, Put, UnknownNotDone));
}

#[test]
fn six_steps_are_enough_for_everybody() {
    let six =
        Schedule::new().duplicate("m1").duplicate("m1").duplicate("m2").duplicate("m2").duplicate("m3").duplicate("m3");
    assert_eq!(steps::<Notes>(&six).len(), 6 + 9 * 5);
    let (at, why) = refused::<Notes>(&six.deliver("m1", A));
    assert_eq!((at, why.as_str()), (7, "it has 7 steps, and a schedule has at most 6"));
}

// ---- what is judged

/// Three deliveries are the most here. Who has given up on a message has not handled it.
#[test]
fn a_dead_lettered_message_violates_progress() {
    let story = world::<Notes>().can_finish("every message is handled");
    let dies = |times: usize| (0..times).fold(Schedule::new(), |schedule, _| schedule.deliver("m1", A).crash(A, Get));
    assert_eq!(unfold(&story, &dies(2)).violated, []);
    let given_up = unfold(&story, &dies(3));
    assert_eq!(given_up.violated, [PROGRESS]);
    let told: Vec<&str> = given_up.trace.steps.iter().map(|step| step.result.as_str()).collect();
    assert!(told.contains(&"dead-lettered"), "{told:?}");
    assert_eq!(told.iter().filter(|result| **result == "m1 comes back").count(), 2, "{told:?}");
}

/// Each kind is there once, in the order in which it was first violated.
#[test]
fn every_property_that_is_violated_is_named() {
    let story = world::<Notes>()
        .always(NO_GHOST_MESSAGE, "nothing is said", |seen| seen.sent("said").is_empty())
        .always(NO_DUPLICATE_PROCESSING, "each message is noted once", |seen| {
            seen.bodies::<u32>("said", "Said").iter().all(|times| *times == 0)
        });
    let twice = Schedule::new().deliver("m1", A).crash(A, Ack);
    assert_eq!(unfold(&story, &twice).violated, [NO_GHOST_MESSAGE, NO_DUPLICATE_PROCESSING]);
    assert_eq!(unfold(&story, &Schedule::new()).violated, [NO_GHOST_MESSAGE]);
}
