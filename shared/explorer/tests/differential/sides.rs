//! Asks the explorer and the brute-force search the same questions, and compares what they say.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;

use explorer::{
    Event, FactKind, Met, Observation, Progress, Properties, Property, Reductions, Report, StepKind, Trace, Verdict,
    Witness,
};
use rand::rngs::SmallRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sim::{Fact, Fault};

use crate::brute::{self, Act, Choice, FactText, Node, Space};
use crate::spec::{CounterSpec, Kept, Rule, Spec, Till};

/// A small world with its whole space.
pub(crate) struct Case {
    pub(crate) spec: Spec,
    pub(crate) space: Space,
    finish: Vec<bool>,
}

/// A property, judged by both sides on the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Never exactly this observable.
    Never(String),
    /// Never this line.
    NoLine(String),
    /// Always this line.
    Line(String),
}

impl Claim {
    fn judge(&self, observable: &str) -> Result<(), String> {
        let has = |line: &String| observable.lines().any(|other| other == line);
        let good = match self {
            Claim::Never(whole) => whole != observable,
            Claim::NoLine(line) => !has(line),
            Claim::Line(line) => has(line),
        };
        if good { Ok(()) } else { Err(format!("{self:?} is not so of:\n{observable}")) }
    }
}

/// What is asked at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    always: Option<Claim>,
    quiescent: Option<Claim>,
    can_finish: bool,
}

impl Question {
    /// Whether everything can finish.
    pub(crate) fn can_finish() -> Self {
        Question { can_finish: true, ..Question::default() }
    }
}

const ALWAYS: &str = "always";
const QUIESCENT: &str = "when quiescent";
const FINISH: &str = "can finish";

/// Replaces ids by `id#`: the two sides draw different ones. Where there are any, their order says nothing.
fn without_ids(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_id = |at: usize| {
        let byte = |offset: usize| bytes.get(at + offset).copied().unwrap_or(b' ');
        (0..36).all(|offset| match offset {
            8 | 13 | 18 | 23 => byte(offset) == b'-',
            _ => byte(offset).is_ascii_hexdigit(),
        })
    };
    let mut without = String::new();
    let mut rest = 0;
    for (at, letter) in text.char_indices() {
        if at >= rest && is_id(at) {
            without.push_str("id#");
            rest = at + 36;
        }
        if at >= rest {
            without.push(letter);
        }
    }
    if rest > 0 {
        let mut lines: Vec<&str> = without.lines().collect();
        lines.sort_unstable();
        without = lines.join("\n");
    }
    without
}

/// What the explorer lets a property see, in the text of `brute::observable_text`.
fn observed(spec: &Spec, observation: &Observation<'_>) -> String {
    let mut facts = BTreeSet::new();
    for (kind, of) in &spec.kept {
        let asked = match kind {
            Kept::Sent => FactKind::Sent,
            Kept::Acked => FactKind::Acked,
            Kept::DeadLettered => FactKind::DeadLettered,
            Kept::Answered => FactKind::Answered,
        };
        for fact in observation.facts(asked, of) {
            let what = match fact {
                Fact::Sent { msg, .. } => format!("{} {} {}", msg.id, msg.kind, msg.body),
                Fact::Acked { id, .. } | Fact::DeadLettered { id, .. } => id.to_string(),
                Fact::Answered { call, answer: Ok(answer), .. } => format!("{call} ok {answer}"),
                Fact::Answered { call, answer: Err(error), .. } => format!("{call} err {error}"),
            };
            facts.insert(FactText { kind: *kind, of: (*of).to_owned(), what });
        }
    }
    let services = [CounterSpec::NAME, Till::NAME].map(|name| observation.service(name));
    without_ids(&brute::observable_text(observation.docs().pairs(), &facts, services))
}

/// What the explorer says of a world that nothing is claimed of.
pub(crate) struct Recorded {
    pub(crate) report: Report,
    pub(crate) reached: BTreeSet<String>,
    pub(crate) quiescent: BTreeSet<String>,
}

/// Reductions with a name for them.
pub(crate) type Named = (String, Reductions);

/// None.
pub(crate) fn no_reduction() -> Named {
    some_reductions(0)
}

/// Every single reduction, and all of them.
pub(crate) fn every_reduction() -> Vec<Named> {
    (0..REDUCTIONS).map(|bit| 1 << bit).chain([(1 << REDUCTIONS) - 1]).map(some_reductions).collect()
}

const REDUCTIONS: u32 = 6;

/// Some reductions: a bit for each.
pub(crate) fn some_reductions(bits: u32) -> Named {
    let names = ["copies", "finished", "returns", "workers", "versions", "budgets"];
    let on = |name: &str| names.iter().position(|other| *other == name).is_some_and(|bit| bits >> bit & 1 == 1);
    let reductions = Reductions {
        copies: on("copies"),
        finished: on("finished"),
        returns: on("returns"),
        workers: on("workers"),
        versions: on("versions"),
        budgets: on("budgets"),
    };
    let named: Vec<&str> = names.into_iter().filter(|name| on(name)).collect();
    (if named.is_empty() { "no reductions".into() } else { named.join(" and ") }, reductions)
}

/// Any combination of reductions.
pub(crate) fn any_reductions(rng: &mut SmallRng) -> Named {
    some_reductions(rng.random_range(0..1 << REDUCTIONS))
}

/// Says what differs, if it does.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, brute: &T, explorer: &T) -> Result<(), String> {
    if brute == explorer { Ok(()) } else { Err(format!("{what}: brute {brute:?}, explorer {explorer:?}")) }
}

fn same_set(what: &str, brute: &BTreeSet<String>, explorer: &BTreeSet<String>) -> Result<(), String> {
    if brute == explorer {
        return Ok(());
    }
    let mut text = format!("{what}: brute {}, explorer {}", brute.len(), explorer.len());
    if let Some(first) = brute.difference(explorer).next() {
        let _ = write!(text, "\n only brute:\n{first}");
    }
    if let Some(first) = explorer.difference(brute).next() {
        let _ = write!(text, "\n only the explorer:\n{first}");
    }
    Err(text)
}

impl Case {
    /// The world with its space; `None` where it has more than `states_max` states.
    pub(crate) fn new(spec: Spec, states_max: usize) -> Option<Self> {
        let mut space = brute::explore(&spec, states_max)?;
        for node in &mut space.nodes {
            node.observable = without_ids(&node.observable);
        }
        let finish = space.can_finish();
        Some(Case { spec, space, finish })
    }

    /// Lets the explorer visit everything and claims nothing.
    pub(crate) fn record(&self, reductions: Reductions) -> Recorded {
        let reached = Mutex::new(BTreeSet::new());
        let quiescent = Mutex::new(BTreeSet::new());
        let note = |into: &Mutex<BTreeSet<String>>, observation: &Observation<'_>| {
            into.lock().expect("nobody panics").insert(observed(&self.spec, observation));
            Ok(())
        };
        let always = |observation: &Observation<'_>| note(&reached, observation);
        let when_quiescent = |observation: &Observation<'_>| note(&quiescent, observation);
        let properties = Properties {
            always: vec![Property { claim: ALWAYS, why: "", judge: &always }],
            when_quiescent: vec![Property { claim: QUIESCENT, why: "", judge: &when_quiescent }],
            ..Properties::default()
        };
        let report = explorer::explore(&self.spec.scenario().reductions(reductions), &properties);
        let (reached, quiescent) = (reached.into_inner(), quiescent.into_inner());
        Recorded { report, reached: reached.expect("it is whole"), quiescent: quiescent.expect("it is whole") }
    }

    /// Compares the spaces, without a claim: without reductions, and with these.
    pub(crate) fn compare_spaces(&self, with: &[Named]) -> Result<(), String> {
        let none = self.record(Reductions::NONE);
        self.compare_recorded(&none).map_err(|error| format!("without reductions: {error}"))?;
        same("states", &(self.space.nodes.len() as u64), &none.report.counts.states)?;
        let faults = self.space.nodes.iter().map(|node| node.faults).max().unwrap_or(0);
        same("most faults", &faults, &none.report.counts.faults)?;
        for (name, reductions) in with {
            let recorded = self.record(*reductions);
            self.compare_recorded(&recorded).map_err(|error| format!("with {name}: {error}"))?;
            if recorded.report.counts.states > none.report.counts.states {
                return Err(format!(
                    "with {name}: {} states, which is more than without: {}",
                    recorded.report.counts.states, none.report.counts.states
                ));
            }
        }
        Ok(())
    }

    /// Compares what quiescent states look like, where nobody but `outcomes` looks.
    pub(crate) fn compare_outcomes(&self) -> Result<(), String> {
        let outcomes = explorer::outcomes(&self.spec.scenario(), &|observation| observed(&self.spec, observation))
            .map_err(|report| format!("outcomes: {:?}", report.verdict))?;
        same_set("outcomes", &self.space.observables(true), &outcomes)
    }

    fn compare_recorded(&self, recorded: &Recorded) -> Result<(), String> {
        if !matches!(recorded.report.verdict, Verdict::Holds) {
            return Err(format!("nothing is claimed, but the verdict is {}", verdict_text(&recorded.report)));
        }
        same_set("reached", &self.space.observables(false), &recorded.reached)?;
        same_set("quiescent", &self.space.observables(true), &recorded.quiescent)
    }

    /// Compares which faults struck, and whether a client called again.
    pub(crate) fn compare_events(&self) -> Result<(), String> {
        let struck = Fault::ALL
            .map(|fault| (Event::Struck(fault), self.space.edges.iter().any(|edge| edge.fault == Some(fault))));
        let calls_again = |client: usize, from: usize| {
            let next = brute::at_end(&self.spec, &self.space.path(from)).next_call(client);
            let call = &self.spec.clients[client].calls[next];
            call.rule == Rule::Calls || call.again.is_some()
        };
        let again = self.space.edges.iter().any(|edge| match edge.act {
            Act::Error { client } | Act::Crash { who: brute::Who::Client(client) } => calls_again(client, edge.from),
            _ => false,
        });
        let events: Vec<(Event, bool)> = struck.into_iter().chain([(Event::CalledAgain, again)]).collect();
        let texts: Vec<String> = events.iter().map(|(event, _)| event.to_string()).collect();
        let sometimes = || {
            let witness =
                |(at, (event, _)): (usize, &(Event, bool))| Witness { claim: &texts[at], met: Met::Event(*event) };
            events.iter().enumerate().map(witness).collect()
        };
        // A world that nobody reads facts of: another one, where they are not kept; its events are the same.
        for reductions in [Reductions::NONE, Reductions::ALL] {
            let properties = Properties { sometimes: sometimes(), ..Properties::default() };
            let report = explorer::explore(&self.spec.scenario().reductions(reductions), &properties);
            let met: Vec<(Event, bool)> =
                events.iter().map(|(event, _)| *event).zip(report.met.iter().copied()).collect();
            same("events", &events, &met)?;
            let all = events.iter().all(|(_, met)| *met);
            let vacuous = matches!(report.verdict, Verdict::Vacuous { .. });
            if vacuous == all || !(vacuous || matches!(report.verdict, Verdict::Holds)) {
                return Err(format!("events: all met is {all}, but the verdict is {}", verdict_text(&report)));
            }
        }
        // A state that is reached, or is not, is a witness too.
        let reached = self.space.observables(false);
        for (wanted, all) in
            [(reached.iter().next_back().cloned().unwrap_or_default(), true), ("no such".into(), false)]
        {
            let met = |observation: &Observation<'_>| observed(&self.spec, observation) == wanted;
            let sometimes = vec![Witness { claim: "is seen", met: Met::State(&met) }];
            let report = explorer::explore(&self.spec.scenario(), &Properties { sometimes, ..Properties::default() });
            same("witness of a state", &vec![all], &report.met)?;
        }
        Ok(())
    }

    /// Some questions about this world: those that can be answered both ways.
    pub(crate) fn questions(&self, seed: u64) -> Vec<Question> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let reached = self.space.observables(false);
        let quiescent = self.space.observables(true);
        let lines = |of: &BTreeSet<String>| -> BTreeSet<String> {
            of.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
        };
        let mut some = |of: &BTreeSet<String>| of.iter().choose(&mut rng).cloned();
        let never = some(&reached).map(Claim::Never);
        let no_line = some(&lines(&reached)).map(Claim::NoLine);
        let last = some(&quiescent).map(Claim::Never);
        let line = some(&lines(&quiescent)).map(Claim::Line);
        let mut questions = vec![
            Question { always: never.clone(), ..Question::default() },
            Question { always: no_line, ..Question::default() },
            Question { quiescent: last.clone(), ..Question::default() },
            Question { quiescent: line, ..Question::default() },
            Question { can_finish: true, ..Question::default() },
            Question { always: never, quiescent: last, can_finish: rng.random_bool(0.5) },
        ];
        questions.retain(|question| question.always.is_some() || question.quiescent.is_some() || question.can_finish);
        questions
    }

    /// Each part of the question that is violated, with the least faults and steps.
    pub(crate) fn violated(&self, question: &Question) -> Vec<(&'static str, u8, usize)> {
        let bad = |claim: &Option<Claim>, node: &Node| {
            claim.as_ref().is_some_and(|claim| claim.judge(&node.observable).is_err())
        };
        let always = self.space.least(|_, node| bad(&question.always, node));
        let quiescent = self.space.least(|_, node| node.quiescent && bad(&question.quiescent, node));
        let stuck = self.space.least(|at, _| !self.finish[at]);
        let finish = stuck.into_iter().chain(self.space.least_dead_letter()).min().filter(|_| question.can_finish);
        let parts = [(ALWAYS, always), (QUIESCENT, quiescent), (FINISH, finish)];
        parts.into_iter().filter_map(|(name, least)| least.map(|(faults, steps)| (name, faults, steps))).collect()
    }

    /// Compares the answers to one question.
    pub(crate) fn compare_answer(&self, question: &Question, reductions: Reductions) -> Result<(), String> {
        let always = |seen: &Observation<'_>| {
            question.always.as_ref().map_or(Ok(()), |claim| claim.judge(&observed(&self.spec, seen)))
        };
        let when_quiescent = |seen: &Observation<'_>| {
            question.quiescent.as_ref().map_or(Ok(()), |claim| claim.judge(&observed(&self.spec, seen)))
        };
        // Facts are kept as in the brute world: somebody reads them in every question.
        let reads = |seen: &Observation<'_>| {
            observed(&self.spec, seen);
            Ok(())
        };
        let mut properties = Properties {
            always: vec![Property { claim: "facts are read", why: "", judge: &reads }],
            ..Properties::default()
        };
        if question.always.is_some() {
            properties.always.push(Property { claim: ALWAYS, why: "", judge: &always });
        }
        if question.quiescent.is_some() {
            properties.when_quiescent.push(Property { claim: QUIESCENT, why: "", judge: &when_quiescent });
        }
        properties.can_finish = question.can_finish.then_some(Progress { claim: FINISH, why: "" });
        let report = explorer::explore(&self.spec.scenario().reductions(reductions), &properties);

        let violated = self.violated(question);
        let Some(faults) = violated.iter().map(|(_, faults, _)| *faults).min() else {
            return match &report.verdict {
                Verdict::Holds => Ok(()),
                _ => Err(format!("brute: it holds; explorer: {}", verdict_text(&report))),
            };
        };
        let Verdict::Violated(violation) = &report.verdict else {
            return Err(format!("brute: violated, {violated:?}; explorer: {}", verdict_text(&report)));
        };
        same("faults", &faults, &violation.faults)?;
        let first: Vec<_> = violated.iter().filter(|(_, other, _)| *other == faults).collect();
        let Some((_, _, steps)) = first.iter().find(|(name, ..)| *name == violation.property) else {
            return Err(format!("brute: violated, {violated:?}; explorer: {}", verdict_text(&report)));
        };
        if reductions == Reductions::NONE {
            // A state is judged when it is found, progress when all states with as many faults are.
            let claims = first.iter().filter(|(name, ..)| *name != FINISH);
            let least = claims.map(|(_, _, steps)| *steps).min().unwrap_or(*steps);
            same("least steps to the violated property", &least, steps)?;
            let told = violation.trace.steps.len();
            // That nothing good can follow is shown by going on.
            if violation.property != FINISH || told < *steps {
                same("steps", steps, &told)?;
            }
        }
        self.replays(&violation.trace, violation.property.as_str(), question, reductions)
            .map_err(|error| format!("{error}\n{}", verdict_text(&report)))
    }

    /// Follows the explorer's schedule in the brute world, step by step.
    fn replays(
        &self,
        trace: &Trace,
        property: &str,
        question: &Question,
        reductions: Reductions,
    ) -> Result<(), String> {
        let merged = reductions != Reductions::NONE;
        let mut here = self.closure(vec![Vec::new()], merged);
        for (number, step) in trace.steps.iter().enumerate() {
            let mut next = Vec::new();
            let mut seen = BTreeSet::new();
            for path in &here {
                for choice in brute::continuations(&self.spec, path) {
                    if choice.fault != step.fault || !kinds(&choice).contains(&step.kind) {
                        continue;
                    }
                    let mut longer = path.clone();
                    longer.push(choice);
                    let world = brute::at_end(&self.spec, &longer);
                    let [documents, services] = world.outside();
                    let after = &step.after;
                    let normal = |pairs: &[(String, String)]| -> BTreeSet<(String, String)> {
                        pairs.iter().map(|(key, text)| (key.clone(), without_ids(text))).collect()
                    };
                    let as_told = world.faults() == after.faults
                        && normal(&documents) == normal(&after.documents)
                        && normal(&services) == normal(&after.services);
                    if as_told && seen.insert((self.space.find(&world), brute::gives_up(&self.spec, &longer))) {
                        next.push(longer);
                    }
                }
            }
            if next.is_empty() {
                return Err(format!("the brute world cannot follow step {}, `{}`", number + 1, step.line));
            }
            here = self.closure(next, merged);
        }
        let cannot_finish = |world: &brute::World<'_>| self.space.find(world).is_none_or(|at| !self.finish[at]);
        let violated = here.iter().any(|path| {
            let world = brute::at_end(&self.spec, path);
            let gave_up = || brute::gives_up(&self.spec, path);
            let bad = |claim: &Option<Claim>| {
                claim.as_ref().is_some_and(|claim| claim.judge(&without_ids(&world.observable())).is_err())
            };
            match property {
                ALWAYS => bad(&question.always),
                QUIESCENT => world.quiescent() && bad(&question.quiescent),
                _ => cannot_finish(&world) || gave_up(),
            }
        });
        let quiescent = here.iter().any(|path| brute::at_end(&self.spec, path).quiescent());
        if trace.quiescent && !quiescent {
            return Err("the schedule says that its end is quiescent; in the brute world it is not".into());
        }
        if violated { Ok(()) } else { Err(format!("at the schedule's end, `{property}` is not violated")) }
    }

    /// These paths, and those that go on by giving something back: what reductions may merge into other steps.
    fn closure(&self, mut paths: Vec<Vec<Choice>>, merged: bool) -> Vec<Vec<Choice>> {
        let mut seen = BTreeSet::new();
        let mut at = 0;
        while merged && at < paths.len() {
            for choice in brute::continuations(&self.spec, &paths[at]) {
                if matches!(
                    choice.act,
                    Act::Returned { .. }
                        | Act::Error { .. }
                        | Act::DeadLockExpired { .. }
                        | Act::Ack { .. }
                        | Act::Response { .. }
                ) {
                    let mut longer = paths[at].clone();
                    longer.push(choice);
                    let state = self.space.find(&brute::at_end(&self.spec, &longer));
                    if seen.insert((state, brute::gives_up(&self.spec, &longer))) {
                        paths.push(longer);
                    }
                }
            }
            at += 1;
        }
        paths
    }
}

/// How the explorer may call a step.
fn kinds(choice: &Choice) -> &'static [StepKind] {
    match &choice.act {
        Act::Deliver { .. } | Act::DeliverRequest { .. } => &[StepKind::Deliver],
        Act::Operation { .. } => &[StepKind::Operation, StepKind::Ack],
        Act::Ack { .. } | Act::AckLost { .. } => &[StepKind::Ack],
        Act::Returned { .. } => &[StepKind::Returned],
        Act::DeadLockExpired { .. } | Act::LockExpired { .. } => &[StepKind::LockExpired],
        Act::Call { .. } => &[StepKind::Call],
        Act::Answer { .. } | Act::Error { .. } => &[StepKind::Answer],
        Act::TickMessage { .. } | Act::TickSleep { .. } => &[StepKind::Tick],
        Act::Timer => &[StepKind::Timer],
        Act::OutageEnds { .. } => &[StepKind::OutageEnds],
        Act::OutageBegins { .. } => &[StepKind::OutageBegins],
        Act::Crash { .. } => &[StepKind::Crash],
        Act::Duplicate { .. } => &[StepKind::Duplicate],
        Act::Loss { .. } => &[StepKind::Loss],
        Act::RequestSent { .. } => &[StepKind::Request],
        Act::Served { .. } | Act::Response { .. } | Act::ResponseLost { .. } => &[StepKind::Response],
        Act::NoResponse { .. } | Act::TimedOut { .. } => &[StepKind::NoResponse],
        Act::RequestLost { .. } | Act::RequestDuplicated { .. } => &[StepKind::Network],
    }
}

/// A verdict in a few lines.
pub(crate) fn verdict_text(report: &Report) -> String {
    match &report.verdict {
        Verdict::Violated(violation) => {
            let mut text = format!(
                "`{}` is violated with {} faults: {}",
                violation.property, violation.faults, violation.explanation
            );
            for step in &violation.trace.steps {
                let _ = write!(text, "\n    {}", step.line);
            }
            text
        }
        other => format!("{other:?}"),
    }
}
