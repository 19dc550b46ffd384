//! Schedules written by hand.

#![allow(dead_code, reason = "each test file uses some of these")]

use explorer::{Participant, Role, Snapshot, Step, StepKind, Trace, Violation};
use sim::Fault;

/// A trace that grows by one step at a time.
pub(crate) struct Tale {
    trace: Trace,
    now: Snapshot,
}

impl Tale {
    pub(crate) fn new(participants: &[(&str, Role)], initial: Snapshot) -> Self {
        let participants =
            participants.iter().map(|(name, role)| Participant { name: (*name).to_owned(), role: *role }).collect();
        let trace = Trace { participants, initial: initial.clone(), steps: Vec::new(), quiescent: true };
        Tale { trace, now: initial }
    }

    /// Adds a step: who, upon whom, what, and what comes back.
    pub(crate) fn step(&mut self, kind: StepKind, from: usize, to: usize, label: &str, result: &str) -> &mut Self {
        let name = |at: usize| &self.trace.participants[at].name;
        let line = format!("{} → {}: {label}: {result}", name(from), name(to));
        self.trace.steps.push(Step {
            line,
            kind,
            from,
            to,
            label: label.to_owned(),
            result: result.to_owned(),
            detail: String::new(),
            fault: None,
            point_of_no_return: false,
            at: None,
            heard: None,
            logs: Vec::new(),
            undisturbed_since: None,
            after: self.now.clone(),
        });
        self
    }

    fn last(&mut self) -> &mut Step {
        self.trace.steps.last_mut().expect("a step came before")
    }

    pub(crate) fn fault(&mut self, fault: Fault) -> &mut Self {
        self.now.faults += 1;
        self.last().fault = Some(fault);
        self.last().after.faults += 1;
        self
    }

    pub(crate) fn detail(&mut self, detail: &str) -> &mut Self {
        self.last().detail = detail.to_owned();
        self
    }

    pub(crate) fn log(&mut self, text: &str) -> &mut Self {
        self.last().logs.push(text.to_owned());
        self
    }

    pub(crate) fn at(&mut self, line: u32) -> &mut Self {
        self.last().at = Some(("exercises/03_inbox/src/lib.rs".to_owned(), line));
        self
    }

    /// The client hears an error in the last step.
    pub(crate) fn heard(&mut self, error: &str) -> &mut Self {
        self.last().heard = Some(error.to_owned());
        self
    }

    pub(crate) fn no_way_back(&mut self) -> &mut Self {
        self.last().point_of_no_return = true;
        self
    }

    /// Ends a run that began with a step, from 1.
    pub(crate) fn undisturbed_since(&mut self, step: usize) -> &mut Self {
        self.last().undisturbed_since = Some(step - 1);
        self
    }

    /// Changes the world with the last step.
    pub(crate) fn now(&mut self, change: impl FnOnce(&mut Snapshot)) -> &mut Self {
        change(&mut self.now);
        self.last().after = self.now.clone();
        self
    }

    pub(crate) fn told(&mut self) -> Trace {
        self.trace.clone()
    }
}

pub(crate) fn put(entries: &mut Vec<(String, String)>, key: &str, value: &str) {
    match entries.iter_mut().find(|(at, _)| at == key) {
        Some(entry) => entry.1 = value.to_owned(),
        None => entries.push((key.to_owned(), value.to_owned())),
    }
}

pub(crate) fn queue(snapshot: &mut Snapshot, name: &str, copies: &[&str]) {
    let copies: Vec<String> = copies.iter().map(|copy| (*copy).to_owned()).collect();
    match snapshot.queues.iter_mut().find(|(at, _)| at == name) {
        Some(entry) => entry.1 = copies,
        None => snapshot.queues.push((name.to_owned(), copies)),
    }
}

/// (a) A refused send loses an order: the second try says that all is well.
pub(crate) fn lost_order() -> Trace {
    use StepKind::{Answer, Call, Operation};
    let mut tale = Tale::new(
        &[
            ("shopper", Role::Client),
            ("Storefront A", Role::Worker),
            ("documents", Role::Store),
            ("Orders queue", Role::Queue),
        ],
        Snapshot::default(),
    );
    tale.step(Call, 0, 1, "add tea", "")
        .now(|it| put(&mut it.nodes, "Storefront A", "runs add tea, waits for get cart-1"));
    tale.step(Operation, 1, 2, "get cart-1", "nothing there").at(31);
    tale.step(Operation, 1, 2, "put cart-1", "ok").detail(r#"{"state":"Open","items":1}"#).at(35).now(|it| {
        put(&mut it.documents, "cart-1", r#"{"state":"Open","items":1}"#);
    });
    tale.step(Answer, 1, 0, "ok", "").undisturbed_since(1).now(|it| {
        it.answers.push(("shopper, add tea".to_owned(), "ok".to_owned()));
        it.nodes.clear();
    });
    tale.step(Call, 0, 1, "submit", "");
    tale.step(Operation, 1, 2, "get cart-1", r#"{"state":"Open","items":1}"#).at(42);
    tale.step(Operation, 1, 2, "put cart-1", "ok")
        .detail(r#"{"state":"Accepted","items":1}"#)
        .at(44)
        .log("INFO cart-1 is accepted")
        .now(|it| {
            put(&mut it.documents, "cart-1", r#"{"state":"Accepted","items":1}"#);
        });
    tale.step(Operation, 1, 3, "send PlaceOrder", "refused").fault(Fault::SendRefused).at(46).no_way_back();
    tale.step(Answer, 1, 0, "error: send refused", "").now(|it| {
        it.answers.push(("shopper, submit".to_owned(), "error: send refused".to_owned()));
    });
    tale.step(Call, 0, 1, "submit", "");
    tale.step(Operation, 1, 2, "get cart-1", r#"{"state":"Accepted","items":1}"#).at(42);
    tale.step(Answer, 1, 0, r#"ok "already submitted""#, "").undisturbed_since(10).now(|it| {
        it.answers.push(("shopper, submit".to_owned(), r#"ok "already submitted""#.to_owned()));
    });
    tale.told()
}

/// (b) A lock expires; both workers charge, and the slow one overwrites what the quick one wrote.
pub(crate) fn zombie_write() -> Trace {
    use StepKind::{Ack, Deliver, LockExpired, Operation};
    let mut initial = Snapshot::default();
    queue(&mut initial, "payments", &["m1 (visible)"]);
    put(&mut initial.documents, "order-1", r#"{"charged":0}"#);
    let mut tale = Tale::new(
        &[
            ("Payments A", Role::Worker),
            ("Payments B", Role::Worker),
            ("card", Role::Service),
            ("documents", Role::Store),
            ("payments", Role::Queue),
        ],
        initial,
    );
    tale.step(Deliver, 4, 0, "deliver m1", "").detail(r#"{"charge":"order-1"}"#).now(|it| {
        queue(it, "payments", &["m1 (locked by Payments A)"]);
        put(&mut it.nodes, "Payments A", "handles m1, waits for get order-1");
    });
    tale.step(Operation, 0, 3, "get order-1", r#"{"charged":0}"#).log("INFO charging 20 for order-1");
    tale.step(LockExpired, 4, 0, "lock expires", "m1 is visible again")
        .fault(Fault::LockExpired)
        .now(|it| queue(it, "payments", &["m1 (visible)"]));
    tale.step(Deliver, 4, 1, "deliver m1", "").now(|it| queue(it, "payments", &["m1 (locked by Payments B)"]));
    tale.step(Operation, 1, 3, "get order-1", r#"{"charged":0}"#);
    tale.step(Operation, 1, 2, "charge 20", "ok").now(|it| put(&mut it.services, "card", r#"{"charged":20}"#));
    tale.step(Operation, 1, 3, "put order-1", "ok")
        .detail(r#"{"charged":20}"#)
        .now(|it| put(&mut it.documents, "order-1", r#"{"charged":20}"#));
    tale.step(Ack, 1, 4, "ack m1", "ok").undisturbed_since(4).now(|it| queue(it, "payments", &[]));
    tale.step(Operation, 0, 2, "charge 20", "ok")
        .no_way_back()
        .log("WARN took long")
        .log("INFO charged")
        .log("DEBUG about to write order-1")
        .log("DEBUG still here")
        .now(|it| put(&mut it.services, "card", r#"{"charged":40}"#));
    tale.told()
}

/// (c) A crash after the effect, the redelivery, and the same effect again.
pub(crate) fn crash_and_redelivery() -> Trace {
    use StepKind::{Ack, Crash, Deliver, LockExpired, Operation};
    let mut initial = Snapshot::default();
    queue(&mut initial, "shipping", &["m1 (visible)"]);
    let mut tale = Tale::new(
        &[
            ("Shipping A", Role::Worker),
            ("documents", Role::Store),
            ("carrier", Role::Queue),
            ("shipping", Role::Queue),
        ],
        initial,
    );
    tale.step(Deliver, 3, 0, "deliver m1", "").now(|it| queue(it, "shipping", &["m1 (locked by Shipping A)"]));
    tale.step(Operation, 0, 2, "send Label", "unknown (it was done)")
        .fault(Fault::SendUnknown)
        .now(|it| it.sent.push(("carrier".to_owned(), r#"m2 {"parcel":1}"#.to_owned())));
    tale.step(Crash, 0, 0, "crash before put parcel-1", "m1 stays locked").fault(Fault::Crash);
    tale.step(LockExpired, 3, 3, "lock on m1 expires", "visible again")
        .now(|it| queue(it, "shipping", &["m1 (visible)"]));
    tale.step(Deliver, 3, 0, "deliver m1", "").now(|it| queue(it, "shipping", &["m1 (locked by Shipping A)"]));
    tale.step(Operation, 0, 2, "send Label", "ok")
        .now(|it| it.sent.push(("carrier".to_owned(), r#"m2 {"parcel":1}"#.to_owned())));
    tale.step(Operation, 0, 1, "put parcel-1", "unknown (it was not done)").fault(Fault::WriteUnknown);
    tale.step(Ack, 0, 3, "ack m1", "ack lost").fault(Fault::AckLost);
    tale.told()
}

/// (d) Many participants with long names, and forty steps.
pub(crate) fn crowd() -> Trace {
    use StepKind::{Ack, Answer, Call, Deliver, Duplicate, Operation};
    let mut tale = Tale::new(
        &[
            ("a very patient shopper", Role::Client),
            ("Storefront in Frankfurt A", Role::Worker),
            ("Storefront in Frankfurt B", Role::Worker),
            ("Order fulfilment A", Role::Worker),
            ("payment provider", Role::Service),
            ("documents of all regions", Role::Store),
            ("fulfilment commands", Role::Queue),
            ("analytics events", Role::Queue),
        ],
        Snapshot::default(),
    );
    for round in 1..=4 {
        let node = 1 + round % 2;
        let key = format!("put cart-{round} and outbox-{round}");
        tale.step(Call, 0, node, "submit the cart for checkout", "");
        let first = tale.trace.steps.len();
        tale.step(Operation, node, 5, &format!("get cart-{round}"), r#"{"state":"Open"}"#);
        tale.step(Operation, node, 5, &key, "ok").detail(r#"{"state":"Accepted","items":["tea","milk","sugar"]}"#);
        tale.step(Operation, node, 6, "send FulfilOrder", "ok");
        if round == 3 {
            tale.fault(Fault::SendUnknown);
        }
        tale.step(Answer, node, 0, "ok", "").undisturbed_since(first);
        tale.step(Deliver, 6, 3, &format!("deliver m{round}"), "").log("INFO a rather long log line about fulfilment");
        tale.step(Operation, 3, 4, "charge 2,000 for the order", "ok");
        tale.step(Operation, 3, 7, "send OrderWasCharged", "refused").fault(Fault::SendRefused);
        if round == 4 {
            tale.no_way_back();
        }
        tale.step(Duplicate, 6, 6, "duplicate m1", "one more copy").fault(Fault::Duplicate);
        tale.step(Ack, 3, 6, &format!("ack m{round}"), "ok");
    }
    tale.told()
}

/// A violation around a trace.
pub(crate) fn violation(trace: Trace) -> Violation {
    let faults = trace.steps.iter().filter(|step| step.fault.is_some()).count() as u8;
    Violation {
        property: "an order the shopper was told about is never lost".to_owned(),
        why: "no lost message: what was promised to somebody must reach the one who keeps the promise".to_owned(),
        explanation: "cart-1 is Accepted, but Orders never heard of it".to_owned(),
        trace,
        faults,
    }
}
