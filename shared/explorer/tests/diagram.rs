//! Diagrams of schedules written by hand, and of many that nobody wrote.

mod traces;

use explorer::diagram::{COLUMNS_MAX, draw, last_change};
use explorer::{Role, Snapshot, StepKind, Trace};
use insta::assert_snapshot;
use sim::Fault;
use traces::Tale;

fn assert_fits(text: &str) {
    for line in text.lines() {
        let columns = line.chars().count();
        assert!(columns <= COLUMNS_MAX, "{columns} columns in\n{line}\nof\n{text}");
        assert_eq!(line, line.trim_end(), "a line ends in spaces, in\n{text}");
    }
    assert!(!text.ends_with('\n') && !text.contains("\n\n"), "an empty line in\n{text}");
}

#[test]
fn a_refused_send_loses_an_order() {
    let trace = traces::lost_order();
    let text = draw(&trace);
    assert!(text.lines().count() <= 12);
    assert_snapshot!(text);
    assert_snapshot!(last_change(&trace), @r#"  told    shopper, submit: ok "already submitted""#);
}

#[test]
fn a_zombie_charges_again() {
    let trace = traces::zombie_write();
    assert_snapshot!(draw(&trace));
    assert_eq!(last_change(&trace), "  before  card = {\"charged\":20}\n  after   card = {\"charged\":40}");
}

#[test]
fn a_crash_and_a_redelivery() {
    assert_snapshot!(draw(&traces::crash_and_redelivery()));
}

/// Narrow lanes, two lines of names, and labels beside arrows that are too short for them.
#[test]
fn a_crowd() {
    assert_snapshot!(draw(&traces::crowd()));
}

/// With more participants than columns there are sentences instead.
#[test]
fn too_many_for_columns() {
    let names: Vec<String> = (1..=20).map(|number| format!("worker {number}")).collect();
    let participants: Vec<(&str, Role)> = names.iter().map(|name| (name.as_str(), Role::Worker)).collect();
    let mut tale = Tale::new(&participants, Snapshot::default());
    for to in 1..20 {
        tale.step(StepKind::Operation, to - 1, to, "pass it on", "ok");
    }
    tale.fault(Fault::CallRefused).no_way_back();
    let text = draw(&tale.told());
    assert_fits(&text);
    assert_eq!(text.lines().next(), Some("  worker 1 → worker 2: pass it on: ok"));
    let last = "  worker 19 → worker 20: pass it on: ✗ refused   ◀ from here on it cannot end well";
    assert_eq!(text.lines().last(), Some(last));
}

/// The run that shows the violation stays in full, unless the story would be too long for a glance.
#[test]
fn the_last_run_folds_only_to_save_space() {
    let mut tale = Tale::new(&[("shopper", Role::Client), ("shop", Role::Worker)], Snapshot::default());
    let visit = |tale: &mut Tale, first: usize| {
        tale.step(StepKind::Call, 0, 1, "ask", "");
        tale.step(StepKind::Answer, 1, 0, "no", "").undisturbed_since(first);
    };
    visit(&mut tale, 1);
    visit(&mut tale, 3);
    assert_snapshot!(draw(&tale.told()));
    for time in 1..=8 {
        tale.step(StepKind::Call, 0, 1, &format!("interrupt {time}"), "").fault(Fault::CallRefused);
    }
    visit(&mut tale, 13);
    let text = draw(&tale.told());
    assert_eq!(text.matches("(2 steps)").count(), 3);
    assert_eq!(text.lines().count(), 12);
}

/// What comes again and again is there once; what comes a few times is not touched.
#[test]
fn steps_that_repeat_are_counted() {
    let mut tale = Tale::new(&[("worker", Role::Worker), ("documents", Role::Store)], Snapshot::default());
    for _ in 0..3 {
        tale.step(StepKind::Operation, 0, 1, "get a", "1");
    }
    for _ in 0..40 {
        tale.step(StepKind::Operation, 0, 1, "get b", "2");
        tale.step(StepKind::Operation, 0, 1, "put b", "conflict");
    }
    tale.step(StepKind::Operation, 0, 1, "get c", "3");
    let text = draw(&tale.told());
    let count = |words: &str| text.matches(words).count();
    assert_eq!((count("get a"), count("get b"), count("put b"), count("get c")), (3, 1, 1, 1), "{text}");
    assert!(text.contains("  … these 2 lines, 39 more times"), "{text}");
}

/// A run with a fault inside is never one row, whatever the trace says of it.
#[test]
fn a_fault_is_never_folded_away() {
    let mut trace = traces::lost_order();
    trace.steps[1].fault = Some(Fault::StaleRead);
    let text = draw(&trace);
    assert!(text.contains("✗ stale"), "{text}");
    assert!(!text.contains("(4 steps"), "{text}");
}

/// A story that is still too long folds runs that ended with an error, as many as it takes; the error stays.
#[test]
fn a_run_that_failed_folds_only_to_save_space() {
    let participants = [("shopper", Role::Client), ("shop", Role::Worker), ("documents", Role::Store)];
    let mut tale = Tale::new(&participants, Snapshot::default());
    for time in 1..=4 {
        tale.step(StepKind::Call, 0, 1, &format!("try {time}"), "");
        let result = if time == 1 { "conflict" } else { "nothing there" };
        tale.step(StepKind::Operation, 1, 2, "get cart-1", result).heard(&format!("error: no {time}"));
    }
    let text = draw(&tale.told());
    let errors = (1..=4).filter(|time| text.contains(&format!("error: no {time}"))).count();
    assert_eq!((text.lines().count(), errors), (11, 4), "{text}");
    assert!(text.contains("conflict") && text.contains("try 2") && text.contains("error: no 2 (2 steps"), "{text}");
    assert_eq!(text.matches(" steps").count(), 1, "{text}");
}

/// Nobody looks for what happened in a lane where nothing did.
#[test]
fn untouched_participants_are_not_drawn() {
    let mut trace = traces::lost_order();
    trace.steps.truncate(1);
    let text = draw(&trace);
    assert_eq!(text.lines().next().map(str::trim), Some("shopper    Storefront A"), "{text}");
}

#[test]
fn before_any_step_there_is_nothing_to_draw() {
    let mut trace = traces::lost_order();
    trace.steps.clear();
    assert_eq!(draw(&trace), "  (nothing happened yet: it is so from the start)");
    assert_eq!(last_change(&trace), "");
}

/// Documents read as words, and ids as much of them as tells them apart.
#[test]
fn documents_and_ids_are_short() {
    let participants = [("Storefront", Role::Worker), ("documents", Role::Store), ("orders", Role::Queue)];
    let mut tale = Tale::new(&participants, Snapshot::default());
    let order = "order-79c59c97-c005-4458-27f1-92ac36b57f28";
    tale.step(StepKind::Operation, 0, 1, "get cart-1", r#"{"lines":["tea","milk"],"state":"Open"}"#);
    tale.step(StepKind::Operation, 0, 1, &format!("put {order}"), "ok").detail(r#"{"lines":[{"tea":1}],"paid":null}"#);
    tale.step(StepKind::Operation, 0, 1, "batch a + b", "ok").detail(r#"{"n":1} + deleted"#);
    tale.step(StepKind::Operation, 0, 1, "batch a + b", "ok").detail(r#"{"n":1} + "two""#);
    tale.step(StepKind::Operation, 0, 2, "send PlaceOrder", "ok").detail(&format!(r#"{} {{"cart":7}}"#, &order[6..]));
    let simple = format!("put {}/booking", order.replace('-', "").replace("order", ""));
    tale.step(StepKind::Operation, 0, 1, &simple, "ok").detail(r#"{"digest":"79c59c97c005445827f192ac36b57f28f"}"#);
    assert_snapshot!(draw(&tale.told()));
}

/// What the last step did to a long document is what is shown of it.
#[test]
fn a_long_document_shows_what_changed() {
    let mut trace = traces::lost_order();
    let long = |state: &str| format!("{{\"history\":\"{}\",\"state\":\"{state}\"}}", "x".repeat(200));
    let last = trace.steps.len() - 1;
    trace.steps[last - 1].after.documents = vec![("cart-1".to_owned(), long("Open"))];
    trace.steps[last].after = trace.steps[last - 1].after.clone();
    trace.steps[last].after.documents = vec![("cart-1".to_owned(), long("Accepted"))];
    trace.steps[last].after.queues = vec![("Orders".to_owned(), vec!["m1 (visible)".to_owned()])];
    let expected = "  before  cart-1 = {… \"state\": \"Open\"}
  after   cart-1 = {… \"state\": \"Accepted\"}
  before  Orders does not exist
  after   Orders = m1 (visible)";
    assert_eq!(last_change(&trace), expected.replace("Orders does not exist", "Orders empty"));
}

/// After a step that changed nothing, it is the end that speaks.
#[test]
fn a_step_without_a_change_shows_the_end() {
    let mut trace = traces::lost_order();
    let last = trace.steps.len() - 1;
    trace.steps[last].after = trace.steps[last - 1].after.clone();
    let expected = "  now     cart-1 = {\"state\":\"Accepted\",\"items\":1}\n  sent    nothing";
    assert_eq!(last_change(&trace), expected);
    trace.steps[last].after.documents = (1..=30).map(|at| (format!("cart-{at}"), "x\n".repeat(300))).collect();
    trace.steps[last - 1].after = trace.steps[last].after.clone();
    let text = last_change(&trace);
    assert_fits(&text);
    assert_eq!(text.lines().count(), 8);
}

/// Numbers that look random and are the same on every machine (xorshift64*, Vigna).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    fn text(&mut self, chars_max: usize) -> String {
        let letters: Vec<char> = "abcdefg hij klé…│▶\n\t\u{1b}\"{}:,<✗".chars().collect();
        (0..self.below(chars_max + 1)).map(|_| letters[self.below(letters.len())]).collect()
    }
}

fn any_trace(numbers: &mut Numbers) -> Trace {
    use StepKind::{
        Ack, Answer, Call, Crash, Deliver, Duplicate, LockExpired, Loss, Operation, OutageBegins, OutageEnds, Returned,
        Tick, Timer,
    };
    let kinds = [
        Call,
        Answer,
        Deliver,
        Operation,
        Ack,
        Returned,
        Crash,
        LockExpired,
        Duplicate,
        Loss,
        OutageBegins,
        OutageEnds,
        Tick,
        Timer,
    ];
    let roles = [Role::Client, Role::Worker, Role::Service, Role::Store, Role::Queue];
    let name_max = [4, 12, 40][numbers.below(3)];
    let label_max = [6, 20, 150][numbers.below(3)];
    let names: Vec<(String, Role)> =
        (0..=numbers.below(14)).map(|_| (numbers.text(name_max), roles[numbers.below(5)])).collect();
    let participants: Vec<(&str, Role)> = names.iter().map(|(name, role)| (name.as_str(), *role)).collect();
    let mut tale = Tale::new(&participants, Snapshot::default());
    for at in 0..numbers.below(20) {
        let (from, to) = (numbers.below(names.len()), numbers.below(names.len()));
        let (label, result) = (numbers.text(label_max), numbers.text(label_max));
        tale.step(kinds[numbers.below(kinds.len())], from, to, &label, &result).detail(&numbers.text(label_max));
        if numbers.below(3) == 0 {
            tale.fault(Fault::ALL[numbers.below(Fault::ALL.len())]);
        }
        if numbers.below(9) == 0 {
            tale.no_way_back();
        }
        if numbers.below(5) == 0 {
            tale.heard(&numbers.text(label_max));
        }
        if numbers.below(4) == 0 {
            tale.undisturbed_since(1 + numbers.below(at + 1));
        }
        for _ in 0..numbers.below(3) * numbers.below(4) {
            tale.log(&numbers.text(200));
        }
        let (key, value) = (numbers.text(label_max), numbers.text(300));
        tale.now(|it| traces::put(&mut it.documents, &key, &value));
    }
    tale.told()
}

/// Whatever the names, the labels and their number: never wider than the terminal, never a panic.
#[test]
fn no_line_is_wider_than_the_diagram_may_be() {
    let mut numbers = Numbers(7);
    for _ in 0..3_000 {
        let trace = any_trace(&mut numbers);
        let text = draw(&trace);
        assert_fits(&text);
        let change = last_change(&trace);
        assert_fits(&change);
        assert!(change.lines().count() <= 8, "{change}");
    }
}

/// Every fault shows, as a cross or a dagger, unless its run has no words at all.
#[test]
fn every_fault_shows() {
    for fault in Fault::ALL {
        let mut trace = traces::lost_order();
        trace.steps[6].fault = Some(fault);
        if fault == Fault::Crash {
            trace.steps[6].kind = StepKind::Crash;
        }
        let text = draw(&trace);
        let row = text.lines().nth(4).unwrap_or_default();
        assert!(row.contains(['✗', '†']), "{fault}: {row}");
    }
}

/// A batch with long keys that meets a conflict, far from the left and with many lanes in between.
fn long_conflict(key: &str, clients: usize) -> Trace {
    let names: Vec<String> = (1..=clients).map(|at| format!("buyer-{at}")).collect();
    let nodes: Vec<String> = (1..=clients).map(|at| format!("Storefront {at}")).collect();
    let mut participants: Vec<(&str, Role)> = names.iter().map(|name| (name.as_str(), Role::Client)).collect();
    participants.extend(nodes.iter().map(|name| (name.as_str(), Role::Worker)));
    participants.push(("documents", Role::Store));
    let mut tale = Tale::new(&participants, Snapshot::default());
    let store = 2 * clients;
    for client in 0..clients {
        let node = clients + client;
        tale.step(StepKind::Call, client, node, "place", "");
        tale.step(StepKind::Operation, node, store, "get shop/cars", r#"{"left":2,"name":"the red ones, mostly"}"#);
        tale.step(StepKind::Operation, node, store, &format!("batch shop/cars + shop/{key}"), "conflict");
    }
    tale.told()
}

/// What came of an operation is there, on the right of the arrow that it belongs to, however long its label is.
#[test]
fn an_outcome_is_never_cut_for_a_long_label() {
    assert_snapshot!(draw(&long_conflict("order-of-bob-and-of-all-his-neighbours", 2)));
    for clients in 1..=4 {
        for chars in 1..=90 {
            let text = draw(&long_conflict(&"x".repeat(chars), clients));
            assert_fits(&text);
            let outcomes = text.lines().filter(|line| line.ends_with("conflict")).count();
            assert_eq!(outcomes, clients, "{text}");
            assert!(text.lines().skip(1).all(|line| line.trim_start().starts_with(['│', '┼'])), "{text}");
        }
    }
}

/// The same for outcomes of every kind; of a document some is left.
#[test]
fn verdicts_are_whole_and_documents_are_not_empty() {
    let document = r#"{"cart":"cart-1","customer":"ada","lines":["car","bow"]}"#;
    let cases = [
        (Some(Fault::WriteRefused), "throttled", "throttled"),
        (Some(Fault::SendRefused), "refused", "refused"),
        (Some(Fault::WriteUnknown), "unknown (it was done)", "done"),
        (Some(Fault::WriteUnknown), "unknown (it was not done)", "not done"),
        (None, "exists", "exists"),
        (None, "nothing there", "nothing there"),
        (None, document, "cart cart-1"),
        (None, "ok", "cart cart-1"),
    ];
    for (fault, result, shown) in cases {
        for clients in 1..=4 {
            let mut trace = long_conflict("order-of-bob-and-of-all-his-neighbours", clients);
            let last = trace.steps.last_mut().expect("it has steps");
            (last.fault, last.result) = (fault, result.to_owned());
            last.detail = document.to_owned();
            let text = draw(&trace);
            let row = text.lines().last().unwrap_or_default();
            assert!(row.contains(shown), "{shown}:\n{text}");
            assert_eq!(row.contains("unknown"), result.contains("unknown"), "{text}");
        }
    }
}

fn heard(error: &str) -> Trace {
    let participants = [
        ("tab-1", Role::Client),
        ("tab-2", Role::Client),
        ("Storefront A", Role::Worker),
        ("Storefront B", Role::Worker),
        ("documents", Role::Store),
    ];
    let mut tale = Tale::new(&participants, Snapshot::default());
    tale.step(StepKind::Call, 1, 3, "submit", "");
    tale.step(StepKind::Operation, 3, 4, "get cart-1", r#"{"order":1}"#).heard(error).log("WARN again");
    tale.no_way_back();
    tale.step(StepKind::Call, 1, 3, "submit", "").heard("error: closed");
    tale.step(StepKind::Call, 1, 3, "submit", "");
    tale.told()
}

/// What a client hears in the step that ended its run is a row of its own, after all that the step says.
#[test]
fn an_error_that_is_heard_is_a_row() {
    assert_snapshot!(draw(&heard("error: the cart was ordered already")));
    let text = draw(&heard(&format!("error: {}", "it is too long ".repeat(20))));
    assert_fits(&text);
    assert!(text.contains("error: it is too long it is"), "{text}");
    assert_eq!(text.matches('◀').count(), 3, "the mark and two errors in\n{text}");
}

/// Rows of errors count, so that other runs fold sooner.
#[test]
fn an_error_that_is_heard_makes_undisturbed_runs_fold() {
    let mut tale = Tale::new(&[("shopper", Role::Client), ("shop", Role::Worker)], Snapshot::default());
    for time in 1..=4 {
        tale.step(StepKind::Call, 0, 1, &format!("try {time}"), "").heard("error: no");
    }
    tale.step(StepKind::Call, 0, 1, "ask", "");
    tale.step(StepKind::Answer, 1, 0, "no", "").undisturbed_since(5);
    let text = draw(&tale.told());
    assert_eq!((text.lines().count(), text.matches("error: no").count()), (11, 4), "{text}");
    tale.step(StepKind::Call, 0, 1, "try 5", "").heard("error: no");
    tale.step(StepKind::Call, 0, 1, "ask", "");
    tale.step(StepKind::Answer, 1, 0, "no", "").undisturbed_since(8);
    let text = draw(&tale.told());
    assert_eq!((text.matches("(2 steps)").count(), text.matches("error: no").count()), (2, 5), "{text}");
}
