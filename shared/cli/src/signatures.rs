//! How wrong attempts fail: by which property of which story, and in which shape of schedule. An answer that fails in the
//! same way is likely to have the same idea.

use std::collections::BTreeSet;

use story::report::{StoryReport, VerdictName};

/// The file in a solution's folder, written by `cargo workshop verify --refresh`.
pub(crate) const FILE: &str = "signatures.tsv";

const FIRST_LINE: &str = "# How each wrong attempt fails; `cargo workshop verify --refresh` writes this";
/// More ideas than this are no help.
const IDEAS_MAX: usize = 2;

/// One story that a wrong attempt violates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Signature {
    pub(crate) attempt: String,
    pub(crate) story: String,
    property: String,
    shape: String,
}

impl Signature {
    /// How this attempt fails in this story, if it does by a schedule.
    pub(crate) fn of(attempt: &str, report: &StoryReport) -> Option<Signature> {
        let fails = report.verdict == VerdictName::Violated && !report.shape.is_empty();
        fails.then(|| Signature {
            attempt: attempt.to_owned(),
            story: report.story.clone(),
            property: report.property.clone(),
            shape: report.shape.clone(),
        })
    }

    fn fails_like(&self, report: &StoryReport) -> bool {
        self.story == report.story && self.property == report.property
    }
}

/// The file's text.
pub(crate) fn to_text(signatures: &[Signature]) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    for Signature { attempt, story, property, shape } in signatures {
        text += &format!("{attempt}\t{story}\t{property}\t{shape}\n");
    }
    text
}

/// Reads the file's text; what is no signature is left out.
pub(crate) fn parse(text: &str) -> Vec<Signature> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next();
            Some(Signature { attempt: next()?, story: next()?, property: next()?, shape: next()? })
        })
        .collect()
}

/// The attempts that fail as this answer does: in the very same schedule, or else by the same faults at the same
/// operations. None if there are too many to tell.
pub(crate) fn recognise<'a>(signatures: &'a [Signature], report: &StoryReport) -> Vec<&'a str> {
    let like = || signatures.iter().filter(|signature| signature.fails_like(report));
    let names = |fits: &dyn Fn(&&Signature) -> bool| -> BTreeSet<&'a str> {
        like().filter(fits).map(|signature| signature.attempt.as_str()).collect()
    };
    let same = names(&|signature| signature.shape == report.shape);
    let found = match same.is_empty() {
        true => names(&|signature| faults(&signature.shape) == faults(&report.shape)),
        false => same,
    };
    if found.len() > IDEAS_MAX { Vec::new() } else { found.into_iter().collect() }
}

/// The steps of a shape that are faults, each with the step before it; and the last step.
fn faults(shape: &str) -> Vec<&str> {
    let steps: Vec<&str> = shape.split(", ").collect();
    let is_fault = |step: &str| step.ends_with(')') && !step.ends_with("(conflict)");
    let mut telling: Vec<&str> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if is_fault(step) {
            telling.extend(at.checked_sub(1).map(|before| steps[before]));
            telling.push(step);
        }
    }
    telling.extend(steps.last());
    telling
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::tests::told;

    fn report(shape: &str) -> StoryReport {
        StoryReport { shape: shape.into(), ..told("a", VerdictName::Violated, "p").report }
    }

    fn known() -> Vec<Signature> {
        let known =
            [("ack_first", "1 deliver, 1 ack, 1 crash (crash)"), ("unknown", "1 deliver, 1 put (write unknown)")];
        known.iter().filter_map(|(attempt, shape)| Signature::of(attempt, &report(shape))).collect()
    }

    #[test]
    fn signatures_round_trip() {
        assert_eq!(parse(&to_text(&known())), known());
        assert_eq!(parse("# nothing\nhalf\tof\ta line"), []);
        let holds = told("a", VerdictName::Holds, "").report;
        assert_eq!(Signature::of("a", &holds), None);
    }

    #[test]
    fn the_same_schedule_is_recognised_first_then_the_same_faults() {
        assert_eq!(recognise(&known(), &report("1 deliver, 1 ack, 1 crash (crash)")), ["ack_first"]);
        assert_eq!(recognise(&known(), &report("1 deliver, 1 get, 1 ack, 1 crash (crash)")), ["ack_first"]);
        assert!(recognise(&known(), &report("1 deliver, 1 get, 1 put, 1 crash (crash)")).is_empty());
        let other = StoryReport { property: "q".into(), ..report("1 deliver, 1 ack, 1 crash (crash)") };
        assert!(recognise(&known(), &other).is_empty(), "another property is another failure");
    }

    #[test]
    fn where_too_many_fit_none_is_named() {
        let many: Vec<Signature> =
            ["a", "b", "c"].iter().filter_map(|name| Signature::of(name, &report("1 put"))).collect();
        assert!(recognise(&many, &report("1 put")).is_empty());
        assert_eq!(recognise(&many[..2], &report("1 put")), ["a", "b"]);
    }
}
