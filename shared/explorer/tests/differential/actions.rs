//! A minimal world for each step and each fault of `SEMANTICS.md`, small enough to count its states by hand, and a test
//! for each verdict.
//!
//! Names of states in the comments: *Q* a copy is visible, *p* an operation is pending, *done* the run ended with `Ok`,
//! *err* with `Err`, *acked* the worker is idle and nothing is left. A prime says that a fault was spent.

use std::collections::BTreeSet;
use std::time::Duration;

use explorer::{Bounds, Properties, Reductions, Verdict};
use kit::http::Method;
use kit::{Cx, Delivery};
use sim::Fault;

use crate::sides::{Case, Question, every_reduction, verdict_text};
use crate::spec::short::{call, client, endpoint, get, may, message, must, program, put, send};
use crate::spec::{
    ClientSpec, Coded, Cond, CounterSpec, EndpointSpec, IdSource, Instr, OnErr, Op, Program, Rule, Spec, Timer, Value,
};

/// Both sides count exactly these states, and see exactly these observables (each a text of lines).
#[track_caller]
fn check(spec: Spec, states: usize, reached: &[&str]) -> Case {
    let case = Case::new(spec.keep_all(), 1_000).expect("it is small");
    let seen: BTreeSet<String> = case.space.observables(false).iter().map(|text| text.trim_end().to_owned()).collect();
    let reached: BTreeSet<String> = reached.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!((case.space.nodes.len(), seen), (states, reached), "brute, in\n{}", case.spec);
    let compared = case
        .compare_spaces(&every_reduction())
        .and_then(|()| case.compare_events())
        .and_then(|()| case.compare_outcomes());
    if let Err(error) = compared {
        panic!("in\n{}{error}", case.spec);
    }
    case
}

/// One message, one worker that does this, and at most one fault of this kind.
fn worker(fault: Option<Fault>, instrs: impl IntoIterator<Item = Instr>) -> Spec {
    Spec {
        messages: vec![message("in", "m1", 1)],
        endpoints: vec![endpoint("in", 1, instrs)],
        total: u8::from(fault.is_some()),
        faults: fault.map(|fault| (fault, 1)).into_iter().collect(),
        ..Spec::default()
    }
}

/// One client that calls this once, and at most one fault of this kind.
fn caller(fault: Option<Fault>, rule: Rule, instrs: impl IntoIterator<Item = Instr>) -> Spec {
    Spec {
        clients: vec![client("ann", [call(rule, instrs)])],
        total: u8::from(fault.is_some()),
        faults: fault.map(|fault| (fault, 1)).into_iter().collect(),
        ..Spec::default()
    }
}

fn counter(timer: Timer) -> Option<CounterSpec> {
    Some(CounterSpec { start: 0, timer })
}

/// A write that is always a conflict where there is a document `a`.
fn conflict() -> Instr {
    must(put("a", "b", Cond::Absent))
}

const ADD: Op = Op::Call { request: "add" };
const WEAK: Op = Op::Get { key: "a", weak: true };

// --- Deliveries, acks, returns ---------------------------------------------------------------------------

/// Q, done, acked.
#[test]
fn deliver_and_ack() {
    check(worker(None, []), 3, &["", "Acked in m1"]);
}

/// Which copy comes first is a choice. Both Q; one done (2); one acked and the other Q (2), then done (2); both acked.
#[test]
fn deliver_in_any_order() {
    let mut spec = worker(None, []);
    spec.messages.push(message("in", "m2", 1));
    check(spec, 8, &["", "Acked in m1", "Acked in m2", "Acked in m1\nAcked in m2"]);
}

/// Without a second message the second worker never receives: Q, done by the first, acked.
#[test]
fn only_the_first_idle_worker_receives() {
    let mut spec = worker(None, []);
    spec.endpoints[0].workers = 2;
    check(spec, 3, &["", "Acked in m1"]);
}

/// Both Q; the first holds one and the other is Q (2), or with the second (2); the second holds the last one, the first
/// is idle (2); one acked and the other Q (2), or with the first (2); both acked.
#[test]
fn two_workers_at_once() {
    let mut spec = worker(None, []);
    spec.messages.push(message("in", "m2", 1));
    spec.endpoints[0].workers = 2;
    check(spec, 12, &["", "Acked in m1", "Acked in m2", "Acked in m1\nAcked in m2"]);
}

/// Q, p, err, and Q again: no end.
#[test]
fn returned() {
    let spec = Spec { documents: vec![("a", "a")], ..worker(None, [conflict()]) };
    check(spec, 3, &["document a = \"a\""]);
}

/// Q, p, err, and given up.
#[test]
fn returned_and_dead_lettered() {
    let spec = Spec { documents: vec![("a", "a")], deliveries_max: vec![("in", 1)], ..worker(None, [conflict()]) };
    check(spec, 4, &["document a = \"a\"", "document a = \"a\"\nDeadLettered in m1"]);
}

/// Deliveries count: Q, p, err, Q once, p, err, and given up.
#[test]
fn returned_twice_and_dead_lettered() {
    let spec = Spec { documents: vec![("a", "a")], deliveries_max: vec![("in", 2)], ..worker(None, [conflict()]) };
    check(spec, 7, &["document a = \"a\"", "document a = \"a\"\nDeadLettered in m1"]);
}

/// From a lossy queue a copy is gone with its delivery, so that nothing is acked, or comes back: Q, p, err, idle.
#[test]
fn a_lossy_queue_delivers_once() {
    let spec = Spec { documents: vec![("a", "a")], lossy: vec!["in"], ..worker(None, [conflict()]) };
    check(spec, 4, &["document a = \"a\""]);
}

/// Q, p, done without a copy, idle: acked before the end.
#[test]
fn ack_early() {
    check(worker(None, [must(Op::Ack)]), 4, &["", "Acked in m1"]);
}

/// After an early ack an error gives nothing back: Q, p ack, p write, err, idle.
#[test]
fn ack_early_then_fail() {
    let spec = Spec { documents: vec![("a", "a")], ..worker(None, [must(Op::Ack), conflict()]) };
    check(spec, 5, &["document a = \"a\"", "document a = \"a\"\nAcked in m1"]);
}

// --- Operations ------------------------------------------------------------------------------------------

/// Q, p get, p put, done, acked.
#[test]
fn get_and_put() {
    let spec = worker(None, [must(get("a")), must(put("a", "b", Cond::IsLastRead))]);
    check(spec, 5, &["", "document a = \"b\"", "document a = \"b\"\nAcked in m1"]);
}

/// A put answers the new version, under which the same run may delete. Before the call, p get, p put, p delete, done, and
/// heard.
#[test]
fn a_put_answers_its_version() {
    let put = must(put("a", "b", Cond::Always));
    let delete = must(Op::Delete { key: "a", when: Cond::IsLastRead });
    let spec = Spec { documents: vec![("a", "a")], ..caller(None, Rule::Tries, [must(get("a")), put, delete]) };
    check(spec, 6, &["document a = \"a\"", "document a = \"b\"", "", "Answered ann 0 ok \"\""]);
}

/// A put under the version of a document that was deleted and written again is a conflict: versions are never reused.
/// Before the call, four operations pending, err, and heard.
#[test]
fn versions_are_never_reused() {
    fn code(cx: Cx, _: Option<Delivery>) -> Coded {
        Box::pin(async move {
            let first = cx.docs.put("a", "a", kit::When::Absent).await?;
            cx.docs.delete("a", kit::When::Is(first.clone())).await?;
            cx.docs.put("a", "a", kit::When::Absent).await?;
            cx.docs.put("a", "b", kit::When::Is(first)).await?;
            Ok(String::new())
        })
    }
    let mut spec = caller(None, Rule::Tries, []);
    spec.clients[0].calls[0].program = Program::Code(code);
    let told = "Answered ann 0 err conflict: the condition did not hold, nothing was written";
    check(spec, 7, &["", "document a = \"a\"", &format!("document a = \"a\"\n{told}")]);
}

/// A document of 3 + 5 bytes is over 7, whatever the condition says: before the call, p, err, and heard.
#[test]
fn limits_come_before_conditions() {
    let write = must(put("p/a", "bbb", Cond::Absent));
    let spec = Spec { documents: vec![("p/a", "a")], item_bytes: Some(7), ..caller(None, Rule::Tries, [write]) };
    let told = "Answered ann 0 err too large: over the store's item limit, nothing was written";
    check(spec, 4, &["document p/a = \"a\"", &format!("document p/a = \"a\"\n{told}")]);
}

fn batch(second: &'static str, when: Cond) -> Instr {
    let text = |text: &str| Value::Text(text.into());
    let puts = vec![("p/a", text("b"), Cond::Always), (second, text("b"), when)];
    must(Op::Batch { partition: "p", puts, deletes: Vec::new() })
}

/// Before the call, p, done, and heard: both documents at once.
#[test]
fn a_batch_is_atomic() {
    let both = "document p/a = \"b\"\ndocument p/b = \"b\"";
    let spec = caller(None, Rule::Tries, [batch("p/b", Cond::Absent)]);
    check(spec, 4, &["", both, &format!("{both}\nAnswered ann 0 ok \"b+b\"")]);
}

/// One condition fails, and nothing is written.
#[test]
fn a_batch_is_atomic_in_failing() {
    let spec = Spec { documents: vec![("p/b", "a")], ..caller(None, Rule::Tries, [batch("p/b", Cond::Absent)]) };
    let told = "Answered ann 0 err conflict: the condition did not hold, nothing was written";
    check(spec, 4, &["document p/b = \"a\"", &format!("document p/b = \"a\"\n{told}")]);
}

#[test]
fn a_batch_stays_in_one_partition() {
    let told = "Answered ann 0 err cross-partition: a batch may touch one partition only, nothing was written";
    check(caller(None, Rule::Tries, [batch("q/b", Cond::Always)]), 4, &["", told]);
}

/// A queue that nobody consumes keeps no copies: Q, p, done, acked.
#[test]
fn send_is_a_fact() {
    let sent = "Sent out x sent \"b\"";
    check(worker(None, [must(send("out", "x"))]), 4, &["", sent, &format!("{sent}\nAcked in m1")]);
}

/// The client: before the call, p; then the message is Q, done or acked, while the client is done or has heard: 2 + 6.
#[test]
fn send_is_received() {
    let mut spec = caller(None, Rule::Tries, [must(send("in", "x"))]);
    spec.endpoints = vec![endpoint("in", 1, [])];
    let (sent, acked, told) = ("Sent in x sent \"b\"", "Acked in x", "Answered ann 0 ok \"\"");
    let all = [sent.into(), format!("{sent}\n{acked}"), format!("{sent}\n{told}"), format!("{sent}\n{acked}\n{told}")];
    check(spec, 8, &["", &all[0], &all[1], &all[2], &all[3]]);
}

/// A delayed message is one state more, for the client done and gone: 2 + 8. The fact comes with the send.
#[test]
fn tick_of_a_message() {
    let later = Op::Send { queue: "in", id: IdSource::Fixed("x"), value: Value::Text("b".into()), delay: 2 };
    let mut spec = caller(None, Rule::Tries, [must(later)]);
    spec.endpoints = vec![endpoint("in", 1, [])];
    let (sent, acked, told) = ("Sent in x sent \"b\"", "Acked in x", "Answered ann 0 ok \"\"");
    let all = [sent.into(), format!("{sent}\n{acked}"), format!("{sent}\n{told}"), format!("{sent}\n{acked}\n{told}")];
    check(spec, 10, &["", &all[0], &all[1], &all[2], &all[3]]);
}

/// Before the call, asleep, p, done, and heard.
#[test]
fn tick_of_a_sleep() {
    let write = must(Op::Put { key: "a", value: Value::Now, when: Cond::Always });
    let spec = caller(None, Rule::Tries, [must(Op::Sleep { millis: 2 }), write]);
    check(spec, 5, &["", "document a = \"t2\"", "document a = \"t2\"\nAnswered ann 0 ok \"t2\""]);
}

/// Before the call, p, done, and heard.
#[test]
fn call_of_a_service() {
    let spec = Spec { counter: counter(Timer::None), ..caller(None, Rule::Tries, [must(ADD)]) };
    check(spec, 4, &["service counter = 0", "service counter = 1", "Answered ann 0 ok \"1\"\nservice counter = 1"]);
}

/// As above, and the timer makes 2 of 1 while the client is done, or when it has heard.
#[test]
fn timer() {
    let spec = Spec { counter: counter(Timer::Steps), ..caller(None, Rule::Tries, [must(ADD)]) };
    let told = "Answered ann 0 ok \"1\"\nservice counter =";
    let all = [format!("{told} 1"), format!("{told} 2")];
    check(spec, 6, &["service counter = 0", "service counter = 1", "service counter = 2", &all[0], &all[1]]);
}

/// A timer that changes nothing is no step.
#[test]
fn idle_timer() {
    let spec = Spec { counter: counter(Timer::Idle), ..caller(None, Rule::Tries, [must(ADD)]) };
    check(spec, 4, &["service counter = 0", "service counter = 1", "Answered ann 0 ok \"1\"\nservice counter = 1"]);
}

/// Q, both pending, one answered (2), both answered in either order (2), acked.
#[test]
fn join_answers_in_any_order() {
    let spec = worker(None, [Instr::Join(get("a"), get("b"), OnErr::Return)]);
    check(spec, 7, &["", "Acked in m1"]);
}

/// Q and both pending. The put is answered: done. The get is answered: done, and the put took effect, or not. Acked
/// with and without the document.
#[test]
fn a_dropped_operation_took_effect_or_not() {
    let spec = worker(None, [Instr::Race(get("a"), put("b", "b", Cond::Always), OnErr::Return)]);
    check(spec, 7, &["", "document b = \"b\"", "Acked in m1", "document b = \"b\"\nAcked in m1"]);
}

/// A sleep that was dropped is over. Before the call, both pending; the read, or the sleep, is answered: done; and heard.
#[test]
fn a_dropped_sleep_is_over() {
    let race = Instr::Race(Op::Sleep { millis: 2 }, get("a"), OnErr::Return);
    check(caller(None, Rule::Tries, [race]), 5, &["", "Answered ann 0 ok \"\""]);
}

/// And it is no moment of time either. Ann: before the call, both pending, the read answered, the sleep answered, heard;
/// Bob: before, asleep, done, heard: 20. Where Bob woke first, both are pending and 1 is left: 2, as he is done or has
/// heard.
#[test]
fn a_dropped_sleep_moves_no_time() {
    let race = Instr::Race(Op::Sleep { millis: 2 }, get("a"), OnErr::Return);
    let mut spec = caller(None, Rule::Tries, [race]);
    spec.clients.push(client("bob", [call(Rule::Tries, [must(Op::Sleep { millis: 1 })])]));
    let (ann, bob) = ("Answered ann 0 ok \"\"", "Answered bob 0 ok \"\"");
    check(spec, 22, &["", ann, bob, &format!("{ann}\n{bob}")]);
}

/// A write under a version that the run has read, dropped as the run ends. Before the call, p, both pending; the write
/// answered, the read answered with and without the write; and heard after each of these.
#[test]
fn a_dropped_conditional_write_took_effect_or_not() {
    let race = Instr::Race(get("b"), put("a", "b", Cond::IsLastRead), OnErr::Return);
    let spec = Spec { documents: vec![("a", "a")], ..caller(None, Rule::Tries, [must(get("a")), race]) };
    let heard = |is: &str, told: &str| format!("document a = \"{is}\"\nAnswered ann 0 ok \"{told}\"");
    let all = [heard("a", "a"), heard("b", "a"), heard("b", "b")];
    check(spec, 9, &["document a = \"a\"", "document a = \"b\"", &all[0], &all[1], &all[2]]);
}

/// A dropped ack took effect, or not, before the error gives the copy back. Q, both pending; the ack answered: p, done,
/// idle; the write failed: err with a copy, err without, and idle.
#[test]
fn a_dropped_ack_took_effect_or_not() {
    let race = Instr::Race(Op::Ack, put("a", "b", Cond::Absent), OnErr::Return);
    let spec = Spec { documents: vec![("a", "a")], ..worker(None, [race, must(send("out", "x"))]) };
    let acked = "document a = \"a\"\nAcked in m1";
    check(spec, 8, &["document a = \"a\"", acked, "document a = \"a\"\nSent out x sent \"b\"\nAcked in m1"]);
}

/// A dropped write may take effect during an outage, too: its request had arrived. Before the call, both pending, the
/// write answered, the sleep over with and without the document, and heard after each of these: 8. During the outage:
/// both pending, the sleep over (2), the write without an answer, heard with and without the document: 6. After it: these
/// 6, the write answered, and heard after that.
#[test]
fn a_dropped_operation_during_an_outage() {
    let race = Instr::Race(Op::Sleep { millis: 2 }, put("a", "b", Cond::Always), OnErr::Finish);
    let spec = caller(Some(Fault::Outage), Rule::Tries, [race]);
    let told = "Answered ann 0 ok \"\"";
    let written = ["document a = \"b\"", &format!("document a = \"b\"\n{told}")];
    let wrote = "document a = \"b\"\nAnswered ann 0 ok \"b\"";
    check(spec, 22, &["", told, written[0], written[1], wrote]);
}

/// Without the fact: Q, both pending, and err, where the write failed first and the send that it dropped did nothing. With
/// it: Q, both pending, p where the send was answered first, err after that, and err where the dropped send was sent.
#[test]
fn a_run_that_ends_drops_what_is_pending() {
    let join = Instr::TryJoin(put("a", "b", Cond::Absent), send("out", "x"), OnErr::Return);
    let spec = Spec { documents: vec![("a", "a")], ..worker(None, [join]) };
    check(spec, 8, &["document a = \"a\"", "document a = \"a\"\nSent out x sent \"b\""]);
}

/// Each draw is another: Q, p, done, acked, and once more after a lost ack.
#[test]
fn draws_are_counted() {
    let write = must(Op::Put { key: "a", value: Value::Drawn, when: Cond::Always });
    let spec = worker(Some(Fault::AckLost), [write]);
    check(spec, 8, &["", "document a = \"id#\"", "Acked in m1\ndocument a = \"id#\""]);
}

/// What a run gave back when it ended it does not give back once more when it crashes: another may have drawn since.
#[test]
fn no_two_attempts_draw_the_same() {
    fn code(cx: Cx, _: Option<Delivery>) -> Coded {
        Box::pin(async move {
            let id = cx.fresh_id();
            cx.docs.get::<String>("a").await?;
            if cx.docs.put(&id.to_string(), "b", kit::When::Absent).await.is_err() {
                cx.docs.put("clash", "b", kit::When::Always).await?;
            }
            Ok(String::new())
        })
    }
    let mut spec = worker(None, []);
    spec.messages[0].copies = 2;
    spec.endpoints = vec![EndpointSpec { name: "Worker", queue: "in", workers: 2, program: Program::Code(code) }];
    spec.total = 2;
    spec.faults = vec![(Fault::ReadRefused, 1), (Fault::Crash, 1)];
    let case = Case::new(spec, 10_000).expect("it is small enough");
    assert!(!case.space.observables(false).iter().any(|text| text.contains("clash")), "brute");
    case.compare_spaces(&every_reduction()).unwrap_or_else(|error| panic!("{error}"));
}

/// Each attempt reads another time: Q, p, done, acked, and once more after a lost ack.
#[test]
fn each_attempt_reads_another_time() {
    let write = must(Op::Put { key: "a", value: Value::Now, when: Cond::Always });
    let read = ["t0", "t1"].map(|time| format!("document a = \"{time}\""));
    let acked = read.clone().map(|text| format!("{text}\nAcked in m1"));
    check(worker(Some(Fault::AckLost), [write]), 8, &["", &read[0], &read[1], &acked[0], &acked[1]]);
}

// --- Clients ---------------------------------------------------------------------------------------------

/// Before the call, p, err, and before the call again.
#[test]
fn a_client_calls_again() {
    let spec = Spec { documents: vec![("a", "a")], ..caller(None, Rule::Calls, [conflict()]) };
    check(spec, 3, &["document a = \"a\""]);
}

fn fails_then_asks(rule: Rule) -> Spec {
    let calls = [call(rule, [conflict()]), call(Rule::Tries, [])];
    Spec { documents: vec![("a", "a")], clients: vec![client("ann", calls)], ..Spec::default() }
}

/// Before the first call, p, err; before the second, done, and heard.
#[test]
fn a_client_goes_on() {
    let first = "document a = \"a\"\nAnswered ann 0 err conflict: the condition did not hold, nothing was written";
    let second = format!("{first}\nAnswered ann 1 ok \"\"");
    check(fails_then_asks(Rule::Tries), 6, &["document a = \"a\"", first, &second]);
}

/// Before the first call, p, err, and gone.
#[test]
fn a_client_leaves() {
    let first = "document a = \"a\"\nAnswered ann 0 err conflict: the condition did not hold, nothing was written";
    check(fails_then_asks(Rule::CallsOrLeaves), 4, &["document a = \"a\"", first]);
}

/// Before the call, p, err; before the other call, done, and heard.
#[test]
fn a_client_restarts_with_another_call() {
    let mut spec = fails_then_asks(Rule::Calls);
    spec.clients[0].calls.truncate(1);
    spec.clients[0].calls[0].again = Some(program([]));
    check(spec, 6, &["document a = \"a\"", "document a = \"a\"\nAnswered ann 0 ok \"\""]);
}

/// In a serial world copies, workers and faults are gone, and nobody begins while somebody runs. Two messages and a
/// client, each before, running, or through, at most one running: 8 with none running, and 3 * 4 with one.
#[test]
fn serial() {
    let mut spec = worker(Some(Fault::Crash), []);
    spec.messages = vec![message("in", "m1", 2), message("in", "m2", 2)];
    spec.endpoints[0].workers = 2;
    spec.clients = vec![client("ann", [call(Rule::Tries, [])])];
    spec.serial = true;
    let facts = ["Acked in m1\n", "Acked in m2\n", "Answered ann 0 ok \"\"\n"];
    let some = |mask: usize| -> String { (0..3).filter(|at| mask >> at & 1 == 1).map(|at| facts[at]).collect() };
    let all: Vec<String> = (0..8).map(|mask| some(mask).trim_end().to_owned()).collect();
    check(spec, 20, &all.iter().map(String::as_str).collect::<Vec<_>>());
}

// --- Faults ----------------------------------------------------------------------------------------------

/// Q, p, done, acked; refused: err', and all four again.
#[test]
fn read_refused() {
    check(worker(Some(Fault::ReadRefused), [must(get("a"))]), 9, &["", "Acked in m1"]);
}

/// Q, p put, p read, p send, done, acked; the stale read sees nothing: p send', done', acked'.
#[test]
fn stale_read() {
    let seen = Instr::IfExists("a", vec![must(send("out", "new"))], vec![must(send("out", "old"))]);
    let spec = worker(Some(Fault::StaleRead), [must(put("a", "b", Cond::Always)), must(WEAK), seen]);
    let written = "document a = \"b\"";
    let all = ["new", "old"].map(|id| format!("{written}\nSent out {id} sent \"b\""));
    let acked = all.clone().map(|text| format!("{text}\nAcked in m1"));
    check(spec, 9, &["", written, &all[0], &all[1], &acked[0], &acked[1]]);
}

/// Only a weak read is stale, and only of a key that was written in this world: Q, p, p, done, acked.
#[test]
fn no_stale_read() {
    let spec = worker(Some(Fault::StaleRead), [must(WEAK), must(get("a"))]);
    check(Spec { documents: vec![("a", "a")], ..spec }, 5, &["document a = \"a\"", "document a = \"a\"\nAcked in m1"]);
}

/// A list names what is there of one partition: Q, p, p, done, acked; refused: err', and all five again.
#[test]
fn list() {
    let listed = Op::Put { key: "b", value: Value::Answer, when: Cond::Always };
    let spec = worker(Some(Fault::ReadRefused), [must(Op::List { partition: "p" }), must(listed)]);
    let documents = vec![("p", "c"), ("p/a", "c"), ("p/b", "c"), ("pp/a", "c")];
    let there = "document p = \"c\"\ndocument p/a = \"c\"\ndocument p/b = \"c\"\ndocument pp/a = \"c\"";
    let listed = format!("document b = \"np p/a p/b\"\n{there}");
    check(Spec { documents, ..spec }, 11, &[there, &listed, &format!("{listed}\nAcked in m1")]);
}

/// A list sees what was written, and not what was deleted: Q, four times p, done, acked.
#[test]
fn list_what_is_there() {
    let listed = Op::Put { key: "b", value: Value::Answer, when: Cond::Always };
    let writes = [must(put("p/a", "c", Cond::Always)), must(Op::Delete { key: "p/b", when: Cond::Always })];
    let spec = worker(None, writes.into_iter().chain([must(Op::List { partition: "p" }), must(listed)]));
    let facts = ["document p/b = \"c\"", "document p/a = \"c\"\ndocument p/b = \"c\"", "document p/a = \"c\""];
    let listed = format!("document b = \"np/a\"\n{}", facts[2]);
    let acked = format!("{listed}\nAcked in m1");
    check(Spec { documents: vec![("p/b", "c")], ..spec }, 7, &[facts[0], facts[1], facts[2], &listed, &acked]);
}

/// Q, p, done, acked; refused: err', and all four again.
#[test]
fn write_refused() {
    let spec = worker(Some(Fault::WriteRefused), [must(put("a", "b", Cond::Always))]);
    check(spec, 9, &["", "document a = \"b\"", "document a = \"b\"\nAcked in m1"]);
}

/// Q, p, done, acked. Not written: err', and all four again. Written: err', and all four again, with one version more.
#[test]
fn write_unknown() {
    let spec = worker(Some(Fault::WriteUnknown), [must(put("a", "b", Cond::Always))]);
    check(spec, 14, &["", "document a = \"b\"", "document a = \"b\"\nAcked in m1"]);
}

/// A write whose condition does not hold is not written, known or unknown: Q, p, done, acked; done', acked'.
#[test]
fn write_unknown_against_its_condition() {
    let write = Instr::Do(put("a", "b", Cond::Absent), OnErr::Finish);
    let spec = Spec { documents: vec![("a", "a")], ..worker(Some(Fault::WriteUnknown), [write]) };
    check(spec, 6, &["document a = \"a\"", "document a = \"a\"\nAcked in m1"]);
}

/// Q, p get, p put, done, acked; nothing written: done', acked'.
#[test]
fn spurious_conflict() {
    let write = Instr::Do(put("a", "b", Cond::IsLastRead), OnErr::Finish);
    let spec = worker(Some(Fault::SpuriousConflict), [must(get("a")), write]);
    let (old, new) = ("document a = \"a\"", "document a = \"b\"");
    let acked = [old, new].map(|document| format!("{document}\nAcked in m1"));
    check(Spec { documents: vec![("a", "a")], ..spec }, 7, &[old, new, &acked[0], &acked[1]]);
}

/// A write without a condition meets no conflict, and one on `Absent` only a true one.
#[test]
fn no_spurious_conflict() {
    for when in [Cond::Always, Cond::Absent] {
        let spec = worker(Some(Fault::SpuriousConflict), [must(put("a", "b", when))]);
        check(spec, 4, &["", "document a = \"b\"", "document a = \"b\"\nAcked in m1"]);
    }
}

/// Q, p, done, acked; refused: err', and all four again.
#[test]
fn send_refused() {
    let sent = "Sent out x sent \"b\"";
    let spec = worker(Some(Fault::SendRefused), [must(send("out", "x"))]);
    check(spec, 9, &["", sent, &format!("{sent}\nAcked in m1")]);
}

/// Q, p, done, acked. Not sent: err', Q', p'. Sent: err', Q', p'. Then done' and acked', which are the same.
#[test]
fn send_unknown() {
    let sent = "Sent out x sent \"b\"";
    let spec = worker(Some(Fault::SendUnknown), [must(send("out", "x"))]);
    check(spec, 12, &["", sent, &format!("{sent}\nAcked in m1")]);
}

/// Q, p, done, acked; refused: err', and all four again.
#[test]
fn call_refused() {
    let spec = Spec { counter: counter(Timer::None), ..worker(Some(Fault::CallRefused), [must(ADD)]) };
    check(spec, 9, &["service counter = 0", "service counter = 1", "Acked in m1\nservice counter = 1"]);
}

/// Q, p, done, acked. Not done: err', and all four again. Done: err', and all four again, one count higher.
#[test]
fn call_unknown() {
    let spec = Spec { counter: counter(Timer::None), ..worker(Some(Fault::CallUnknown), [must(ADD)]) };
    let count = |n: u32| format!("service counter = {n}");
    let acked = |n: u32| format!("Acked in m1\nservice counter = {n}");
    check(spec, 14, &[&count(0), &count(1), &count(2), &acked(1), &acked(2)]);
}

/// Q, done, acked; lost: all three again.
#[test]
fn ack_lost() {
    check(worker(Some(Fault::AckLost), []), 6, &["", "Acked in m1"]);
}

/// Q, p, done, idle. Lost: done' beside a visible copy; Q', p', done', idle'.
#[test]
fn early_ack_lost() {
    check(worker(Some(Fault::AckLost), [may(Op::Ack)]), 9, &["", "Acked in m1"]);
}

/// Q, p, done, acked; the node crashes while p or done: its copy is locked', then all four again.
#[test]
fn crash_and_the_lock_expires() {
    check(worker(Some(Fault::Crash), [must(get("a"))]), 9, &["", "Acked in m1"]);
}

/// Q, done, acked; locked', and given up.
#[test]
fn crash_and_the_copy_is_dead_lettered() {
    let spec = Spec { deliveries_max: vec![("in", 1)], ..worker(Some(Fault::Crash), []) };
    check(spec, 5, &["", "Acked in m1", "DeadLettered in m1"]);
}

/// Between a crash and the lock's end the other message may be handled, and nothing has been given up yet. Without a
/// crash: both Q, one p or done (4), one acked (2), and the other p or done (4), both acked. After it, the one that
/// crashed is locked or given up, sent before or not, and the other Q, p, done or acked: 32.
#[test]
fn a_dead_worker_holds_its_copy_for_a_while() {
    let send = Op::Send { queue: "out", id: IdSource::FromMessage, value: Value::Text("b".into()), delay: 0 };
    let mut spec = worker(Some(Fault::Crash), [must(send)]);
    spec.messages.push(message("in", "m2", 1));
    spec.deliveries_max = vec![("in", 1)];
    let alive = [vec![], vec!["Sent out of-"], vec!["Sent out of-", "Acked in "]];
    let dead = [vec!["DeadLettered in "], vec!["Sent out of-", "DeadLettered in "]];
    let seen = |m1: &[&str], m2: &[&str]| {
        let mut lines = Vec::new();
        for kind in ["Sent", "Acked", "DeadLettered"] {
            for (id, facts) in [("m1", m1), ("m2", m2)] {
                for fact in facts.iter().filter(|fact| fact.starts_with(kind)) {
                    lines.push(format!("{fact}{id}{}", if kind == "Sent" { " sent \"b\"" } else { "" }));
                }
            }
        }
        lines.join("\n")
    };
    let mut all = Vec::new();
    for one in &alive {
        all.extend(alive.iter().map(|other| seen(one, other)));
        all.extend(dead.iter().flat_map(|other| [seen(one, other), seen(other, one)]));
    }
    check(spec, 44, &all.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Before the call, p, done, and heard; after a crash all four again.
#[test]
fn crash_of_a_call() {
    check(caller(Some(Fault::Crash), Rule::Calls, [must(get("a"))]), 8, &["", "Answered ann 0 ok \"\""]);
}

/// Before the call, p, done, and heard; or it heard nothing.
#[test]
fn crash_of_a_try() {
    let spec = caller(Some(Fault::Crash), Rule::Tries, [must(get("a"))]);
    check(spec, 5, &["", "Answered ann 0 ok \"\"", "Answered ann 0 err no answer"]);
}

/// Q, done, acked; a zombie' beside a visible copy; then Q', done', acked'.
#[test]
fn lock_expired() {
    check(worker(Some(Fault::LockExpired), []), 7, &["", "Acked in m1"]);
}

/// Q, p, done, idle; a zombie' p beside a visible copy, whose ack removes nothing: done'. Then Q', p', done', idle'.
#[test]
fn an_early_ack_of_a_zombie_removes_nothing() {
    check(worker(Some(Fault::LockExpired), [must(Op::Ack)]), 10, &["", "Acked in m1"]);
}

/// Q, done, acked; a zombie' whose copy was given up, and idle'.
#[test]
fn lock_expired_and_dead_lettered() {
    let spec = Spec { deliveries_max: vec![("in", 1)], ..worker(Some(Fault::LockExpired), []) };
    check(spec, 5, &["", "Acked in m1", "DeadLettered in m1"]);
}

/// Q, done, acked. Two copies'; one of them done (2), then acked and the other Q (2), done (2); both acked.
#[test]
fn duplicate() {
    check(worker(Some(Fault::Duplicate), []), 11, &["", "Acked in m1"]);
}

/// Q, done, idle; lost: idle'.
#[test]
fn loss() {
    check(Spec { lossy: vec!["in"], ..worker(Some(Fault::Loss), []) }, 4, &[""]);
}

/// No other queue loses anything.
#[test]
fn no_loss() {
    check(worker(Some(Fault::Loss), []), 3, &["", "Acked in m1"]);
}

/// Q, p, done, acked. The store is out while p, then an answer does not come: err, Q. After the outage: all five.
#[test]
fn outage_begins_and_ends() {
    check(worker(Some(Fault::Outage), [must(get("a"))]), 12, &["", "Acked in m1"]);
}

/// What nobody waits for is not out: before the call, asleep, done, heard.
#[test]
fn no_outage() {
    let spec = caller(Some(Fault::Outage), Rule::Tries, [must(Op::Sleep { millis: 1 })]);
    check(spec, 4, &["", "Answered ann 0 ok \"\""]);
}

/// Four reads in a row, of which at most three get no answer. Without an outage: before the call, p 4 times, done, heard:
/// 7. During it, it began after `a <= 3` answers, and `b <= 3` did not come, `a + b <= 4`: 13; and heard. After it, none
/// was missing: p 4 times, done, heard; or `b >= 1` were, and `c` more came, `a + b + c <= 4`: 19.
#[test]
fn three_answers_do_not_come() {
    let spec = caller(Some(Fault::Outage), Rule::Tries, [may(get("a")), may(get("a")), may(get("a")), may(get("a"))]);
    check(spec, 46, &["", "Answered ann 0 ok \"\""]);
}

// --- Requests over HTTP ------------------------------------------------------------------------------------

const TOLD: &str = "Answered ann 0 ok \"b\"";
const NO_ANSWER: &str = "Answered ann 0 err no answer: the server has done it, or has not, or will do it yet";

fn post(host: &'static str) -> Op {
    Op::Ask { host, method: Method::Post, path: "/x", value: Value::Text("b".into()) }
}

/// The till is asked once, and at most one fault of this kind.
fn asks_till(fault: Option<Fault>, rule: Rule) -> Spec {
    Spec { till: Some(""), ..caller(fault, rule, [must(post("till"))]) }
}

/// A bank with one worker that does this is asked once, and at most one fault of this kind.
fn asks_bank(fault: Option<Fault>, instrs: impl IntoIterator<Item = Instr>) -> Spec {
    let bank = EndpointSpec { name: "Bank", queue: "http://bank", workers: 1, program: program(instrs) };
    Spec { endpoints: vec![bank], ..caller(fault, Rule::Tries, [must(post("bank"))]) }
}

fn writes() -> Instr {
    must(put("a", "b", Cond::Always))
}

/// Before the call, p, on its way, done, and heard.
#[test]
fn request_sent_and_served() {
    let told = format!("{TOLD}\nservice till = b");
    check(asks_till(None, Rule::Tries), 5, &["service till =", "service till = b", &told]);
}

/// Before the call, p, on its way, the bank's p and done, done, and heard.
#[test]
fn request_delivered_and_response() {
    let told = format!("document a = \"b\"\n{TOLD}");
    check(asks_bank(None, [writes()]), 7, &["", "document a = \"b\"", &told]);
}

/// The same, and the response says 500.
#[test]
fn response_of_a_server_that_fails() {
    let spec = Spec { documents: vec![("a", "a")], ..asks_bank(None, [conflict()]) };
    let error = "500 \"conflict: the condition did not hold, nothing was written\"";
    check(spec, 7, &["document a = \"a\"", &format!("document a = \"a\"\nAnswered ann 0 err {error}")]);
}

/// A status is the caller's to judge: before the call, p, on its way, err, and heard.
#[test]
fn response_of_a_service_that_refuses() {
    let spec = Spec { till: Some("a+b"), ..asks_till(None, Rule::Tries) };
    check(spec, 5, &["service till = a+b", "Answered ann 0 err 409\nservice till = a+b"]);
}

/// A server is told the body and the path: before the call, p, on its way, the bank's p twice and done, done, heard.
#[test]
fn a_server_sees_its_request() {
    let write = |key, value| must(Op::Put { key, value, when: Cond::Always });
    let spec = asks_bank(None, [write("a", Value::Body), write("b", Value::MessageId)]);
    let written = ["document a = \"b\"", "document a = \"b\"\ndocument b = \"POST /x\""];
    let told = format!("{}\nAnswered ann 0 ok \"b+POST /x\"", written[1]);
    check(spec, 8, &["", written[0], written[1], &told]);
}

/// Both of two requests: before the call; both p; one on its way, or both, with the marks 1 and 2 or 2 and 1 (4); one
/// answered and the other p (2), or on its way under 1 or under 2 (4); both answered in either order (2); heard.
#[test]
fn marks_are_the_lowest_that_are_free() {
    let ask = |path| Op::Ask { host: "till", method: Method::Get, path, value: Value::Text("b".into()) };
    let join = Instr::Join(ask("/x"), ask("/y"), OnErr::Return);
    let spec = Spec { till: Some(""), ..caller(None, Rule::Tries, [join]) };
    check(spec, 15, &["service till =", "Answered ann 0 ok \"\"\nservice till ="]);
}

/// Before the call, p, on its way, done, heard; lost: waiting', err', heard'.
#[test]
fn request_lost_and_no_response() {
    let told = format!("{TOLD}\nservice till = b");
    let lost = format!("{NO_ANSWER}\nservice till =");
    let spec = asks_till(Some(Fault::RequestLost), Rule::Tries);
    check(spec, 8, &["service till =", "service till = b", &told, &lost]);
}

/// Before the call, p, on its way, done, heard. Two on their way'; one served: done' and heard', with the other on its way
/// or served.
#[test]
fn request_duplicated() {
    let both = ["b", "b+b"].map(|state| format!("service till = {state}"));
    let told = both.clone().map(|state| format!("{TOLD}\n{state}"));
    let spec = asks_till(Some(Fault::RequestDuplicated), Rule::Tries);
    check(spec, 10, &["service till =", &both[0], &both[1], &told[0], &told[1]]);
}

/// Before the call, p, on its way, done, heard; served and lost: waiting', err', heard'.
#[test]
fn response_of_a_service_lost() {
    let told = [TOLD, NO_ANSWER].map(|told| format!("{told}\nservice till = b"));
    let spec = asks_till(Some(Fault::ResponseLost), Rule::Tries);
    check(spec, 8, &["service till =", "service till = b", &told[0], &told[1]]);
}

/// Before the call, p, on its way, the bank's p and done, done, heard; lost: waiting', err', heard'.
#[test]
fn response_of_a_server_lost() {
    let told = [TOLD, NO_ANSWER].map(|told| format!("document a = \"b\"\n{told}"));
    let spec = asks_bank(Some(Fault::ResponseLost), [writes()]);
    check(spec, 10, &["", "document a = \"b\"", &told[0], &told[1]]);
}

/// Before the call, p, on its way, done, heard; timed out: err' and heard', with the request on its way or served.
#[test]
fn timed_out_on_its_way() {
    let told = [(TOLD, "b"), (NO_ANSWER, ""), (NO_ANSWER, "b")];
    let told = told.map(|(told, state)| format!("{told}\nservice till = {state}").trim_end().to_owned());
    let spec = asks_till(Some(Fault::TimedOut), Rule::Tries);
    check(spec, 9, &["service till =", "service till = b", &told[0], &told[1], &told[2]]);
}

/// Before the call, p, on its way, the bank's p and done, done, heard; timed out, but not when the bank is done: err' and
/// heard', with the request on its way, the bank's p or done, or the bank idle.
#[test]
fn timed_out_in_a_servers_hands() {
    let written = "document a = \"b\"";
    let told = [format!("{written}\n{TOLD}"), format!("{written}\n{NO_ANSWER}")];
    check(asks_bank(Some(Fault::TimedOut), [writes()]), 15, &["", written, NO_ANSWER, &told[0], &told[1]]);
}

/// Before the call, p, on its way, the bank's p and done, done, heard. The bank crashes while p or done: waiting', err',
/// heard', with and without the document. The caller's node crashes: gone', with nothing sent, the request on its way, the
/// bank's p or done, or the bank idle.
#[test]
fn crash_of_a_server_or_its_caller() {
    let written = "document a = \"b\"";
    let gone = "Answered ann 0 err no answer";
    let told = [TOLD, NO_ANSWER, gone].map(|told| format!("{written}\n{told}"));
    let spec = asks_bank(Some(Fault::Crash), [writes()]);
    check(spec, 18, &["", written, NO_ANSWER, gone, &told[0], &told[1], &told[2]]);
}

/// Before the call, p, on its way, done, heard. Crashed before it was sent: all five again. Crashed later: all five again
/// beside the first request, and all five again when that was served; where it was served last, done' and heard'.
#[test]
fn crash_of_a_caller_that_asks_again() {
    let count = ["b", "b+b"].map(|state| format!("service till = {state}"));
    let told =
        [("b", 0), ("b", 1), ("b+b", 1)].map(|(told, at)| format!("Answered ann 0 ok \"{told}\"\n{}", count[at]));
    let spec = asks_till(Some(Fault::Crash), Rule::Calls);
    check(spec, 22, &["service till =", &count[0], &count[1], &told[0], &told[1], &told[2]]);
}

/// Before the call, p, on its way, done, heard. During an outage: p', err', heard'. After it: these, and on its way', done',
/// heard'.
#[test]
fn outage_of_a_host() {
    let told = format!("{TOLD}\nservice till = b");
    let out = format!("{NO_ANSWER}\nservice till =");
    let spec = asks_till(Some(Fault::Outage), Rule::Tries);
    check(spec, 14, &["service till =", "service till = b", &told, &out]);
}

fn gives_up(host: &'static str) -> Instr {
    Instr::Race(post(host), Op::Sleep { millis: 2 }, OnErr::Return)
}

fn gave_up() -> [String; 2] {
    ["", "b"].map(|state| format!("Answered ann 0 ok \"\"\nservice till = {state}").trim_end().to_owned())
}

/// Before the call, both pending, on its way, done, heard. The sleep is over: done and heard, with nothing sent, the request
/// on its way since the beginning, or since now, or served.
#[test]
fn a_request_dropped_in_flight() {
    let spec = Spec { till: Some(""), ..caller(None, Rule::Tries, [gives_up("till")]) };
    let (told, gave_up) = (format!("{TOLD}\nservice till = b"), gave_up());
    check(spec, 13, &["service till =", "service till = b", &told, &gave_up[0], &gave_up[1]]);
}

/// The same, but the clock does not pass the request: the one on its way since the beginning is missing.
#[test]
fn the_clock_passes_no_request_on_its_way() {
    let spec = Spec { till: Some(""), flight: Some(1), ..caller(None, Rule::Tries, [gives_up("till")]) };
    let (told, gave_up) = (format!("{TOLD}\nservice till = b"), gave_up());
    check(spec, 11, &["service till =", "service till = b", &told, &gave_up[0], &gave_up[1]]);
}

/// Nor one that is handled: before the call, both pending, on its way, the bank's p and done, done, heard. The sleep is over
/// before it was sent: done with nothing sent, and done and heard with the request on its way, the bank's p or done.
#[test]
fn the_clock_passes_no_request_that_is_handled() {
    let mut spec = Spec { flight: Some(1), ..asks_bank(None, [must(get("a"))]) };
    spec.clients = vec![client("ann", [call(Rule::Tries, [gives_up("bank")])])];
    check(spec, 14, &["", "Answered ann 0 ok \"\""]);
}

/// But one whose handler only sleeps: before the call, p, on its way, the bank asleep and done, done, heard.
#[test]
fn the_clock_passes_a_request_whose_handler_sleeps() {
    let spec = Spec { flight: Some(1), ..asks_bank(None, [must(Op::Sleep { millis: 2 })]) };
    check(spec, 7, &["", "Answered ann 0 ok \"\""]);
}

/// A server may begin while its caller waits, and nobody else. The client: before the call, p, on its way, the bank done,
/// done, heard, each beside a message that is Q or acked (12); or the message's worker is done, and she has not called yet,
/// or has heard (2).
#[test]
fn requests_in_a_serial_world() {
    let mut spec = Spec { serial: true, ..asks_bank(Some(Fault::RequestLost), []) };
    spec.messages = vec![message("in", "m1", 2)];
    spec.endpoints.push(endpoint("in", 2, []));
    let (acked, told) = ("Acked in m1", "Answered ann 0 ok \"\"");
    check(spec, 14, &["", acked, told, &format!("{acked}\n{told}")]);
}

// --- Verdicts --------------------------------------------------------------------------------------------

/// Every question about this world is answered alike.
#[track_caller]
fn answers(spec: Spec) {
    let case = Case::new(spec.keep_all(), 1_000).expect("it is small");
    for seed in 0..10 {
        for question in case.questions(seed) {
            for (name, reductions) in every_reduction() {
                if let Err(error) = case.compare_answer(&question, reductions) {
                    panic!("{question:?} with {name}, in\n{}{error}", case.spec);
                }
            }
        }
    }
}

#[test]
fn violated_with_the_least_faults() {
    let mut spec = worker(None, [must(get("a")), must(put("a", "b", Cond::IsLastRead)), must(send("out", "x"))]);
    spec.total = 1;
    spec.faults =
        [Fault::ReadRefused, Fault::WriteUnknown, Fault::AckLost, Fault::Crash].map(|fault| (fault, 1)).into();
    answers(spec);
}

/// A handler that always fails never finishes: violated without any fault or step.
#[test]
fn can_finish_is_violated_by_a_livelock() {
    let spec = Spec { documents: vec![("a", "a")], ..worker(None, [conflict()]) };
    let case = Case::new(spec.keep_all(), 100).expect("it is small");
    let question = Question::can_finish();
    assert_eq!(case.violated(&question), [("can finish", 0, 0)]);
    case.compare_answer(&question, Reductions::NONE).unwrap_or_else(|error| panic!("{error}"));
    case.compare_answer(&question, Reductions::ALL).unwrap_or_else(|error| panic!("{error}"));
}

/// A retried handler finishes, whatever fails once.
#[test]
fn can_finish_holds() {
    let mut spec = worker(Some(Fault::ReadRefused), [must(get("a"))]);
    spec.clients = vec![ClientSpec { name: "ann", calls: vec![call(Rule::Calls, [must(get("a"))])] }];
    let case = Case::new(spec.keep_all(), 1_000).expect("it is small");
    assert_eq!(case.violated(&Question::can_finish()), []);
    case.compare_answer(&Question::can_finish(), Reductions::NONE).unwrap_or_else(|error| panic!("{error}"));
}

/// A world without end: each attempt writes a new id, and fails.
#[test]
fn unrefuted() {
    let write = must(Op::Put { key: "a", value: Value::Drawn, when: Cond::Always });
    for reductions in [Reductions::NONE, Reductions::ALL] {
        let bounds = Bounds { states: 500, time: Duration::from_secs(60), ..Bounds::default() };
        let scenario = worker(None, [write.clone(), conflict()]).scenario().reductions(reductions).bounds(bounds);
        let report = explorer::explore(&scenario, &Properties::default());
        assert!(matches!(report.verdict, Verdict::Unrefuted { .. }), "{}", verdict_text(&report));
    }
}

#[test]
fn not_written() {
    fn code(cx: Cx, _: Option<Delivery>) -> Coded {
        Box::pin(async move {
            cx.docs.get::<String>("a").await?;
            todo!("the rest")
        })
    }
    let mut spec = worker(None, []);
    spec.endpoints = vec![EndpointSpec { name: "Worker", queue: "in", workers: 1, program: Program::Code(code) }];
    let report = explorer::explore(&spec.scenario(), &Properties::default());
    assert!(matches!(report.verdict, Verdict::NotWritten { .. }), "{}", verdict_text(&report));
}
