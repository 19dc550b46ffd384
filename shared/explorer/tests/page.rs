//! The page of a violation.

mod traces;

use explorer::page::{Heading, html};
use explorer::{Step, Trace, diagram};

fn heading() -> Heading {
    Heading {
        exercise: "03".to_owned(),
        claim: "a submitted order reaches Orders".to_owned(),
        world: "1 shopper, 1 storefront, up to 1 fault".to_owned(),
        states: 21_979,
        replay: "cargo workshop replay 03".to_owned(),
        as_asked: false,
    }
}

fn page(trace: Trace) -> String {
    html(&heading(), &traces::violation(trace))
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap_or_default()).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// The label as the diagrams have it: what a client is told is without the punctuation of JSON.
fn drawn_as(step: &Step) -> String {
    step.label.replace("ok \"", "ok: ").replace('"', "")
}

/// The list, for those who do not see the picture, tells the same story in the same order.
#[test]
fn the_list_and_the_picture_show_the_steps_of_the_trace() {
    for trace in [traces::lost_order(), traces::zombie_write(), traces::crash_and_redelivery(), traces::crowd()] {
        let page = page(trace.clone());
        let list = between(&page, "<ol>", "</ol>")[0];
        let listed: Vec<String> =
            between(list, "<span class=\"label\">", "</span>").into_iter().map(unescaped).collect();
        let labels: Vec<String> = trace.steps.iter().map(|step| step.label.clone()).collect();
        assert_eq!(listed, labels);

        let picture = between(&page, "<svg class=\"rows\"", "</svg>")[0];
        let rows = between(picture, "<g class=\"row", "</g>");
        assert_eq!(rows.len(), labels.len());
        for (row, step) in rows.iter().zip(&trace.steps) {
            let drawn = unescaped(between(row, "<text class=\"label\"", "</text>")[0]);
            // A fault's mark may come first.
            let expected = drawn_as(step);
            assert!(drawn.ends_with(expected.as_str()), "{expected} is drawn as {drawn}");
        }
    }
}

/// An error that a client hears in the same step is in its row of the picture, and in the list.
#[test]
fn an_error_that_is_heard_is_shown() {
    let mut trace = traces::lost_order();
    trace.steps[7].heard = Some("error: <closed>".to_owned());
    let page = page(trace);
    let row = between(&page, "data-step=\"8\"><rect", "</g>")[0];
    assert_eq!(row.matches("class=\"arrow\"").count(), 2, "{row}");
    assert!(row.contains("error: &lt;closed&gt;</text>"), "{row}");
    let list = between(&page, "<li id=\"step-8\"", "</li>")[0];
    assert!(list.contains("<span class=\"heard\">shopper hears error: &lt;closed&gt;</span>"), "{list}");
    assert!(list.contains("Storefront A → shopper: error: &lt;closed&gt;\""), "{list}");
}

/// A lane where nothing happens is not there.
#[test]
fn untouched_participants_are_not_in_the_picture() {
    let mut trace = traces::lost_order();
    trace.steps.truncate(1);
    let page = page(trace);
    let names = between(&page, "<text class=\"name\"", "</text>");
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].ends_with(">shopper") && names[1].ends_with(">Storefront A"), "{names:?}");
}

/// Where no run folds, the text has one row a step, in the order of the page.
#[test]
fn the_text_diagram_shows_the_same_steps_as_the_page() {
    for mut trace in [traces::lost_order(), traces::zombie_write(), traces::crash_and_redelivery()] {
        for step in &mut trace.steps {
            step.undisturbed_since = None;
        }
        let text = diagram::draw(&trace);
        let mut rows = text.lines().skip(1);
        for step in &trace.steps {
            let expected = drawn_as(step);
            assert!(
                rows.any(|row| row.contains(expected.as_str())),
                "no row says {expected}, in its order, in\n{text}"
            );
        }
    }
}

/// What handlers write may be anything, even the end of a script.
#[test]
fn names_and_bodies_are_escaped() {
    let mut trace = traces::lost_order();
    let evil = r#"{"note":"</script><script>alert(1)</script>","img":"<img src=x onerror='alert(2)'>"}"#;
    trace.participants[0].name = "<b>shopper</b> \" onclick=\"alert(3)".to_owned();
    for step in &mut trace.steps {
        step.label += " <i>&amp;</i>";
        step.result += "</li></ol>";
        step.detail = evil.to_owned();
        step.heard = Some(evil.to_owned());
        step.logs.push(evil.to_owned());
        step.after.documents.push(("<u>key</u>".to_owned(), evil.to_owned()));
        step.after.queues.push(("<u>queue</u>".to_owned(), vec![evil.to_owned()]));
        step.after.answers.push((evil.to_owned(), evil.to_owned()));
        step.after.nodes.push((evil.to_owned(), evil.to_owned()));
    }
    let mut violation = traces::violation(trace);
    violation.explanation = evil.to_owned();
    violation.property += "<script>";
    let page = html(&Heading { world: evil.to_owned(), claim: evil.to_owned(), ..heading() }, &violation);
    for tag in ["<script>alert", "<img", "<i>", "<u>", "<b>", "onclick=\"alert"] {
        assert!(!page.contains(tag), "{tag} came through");
    }
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("</script>").count(), 1);
    assert_eq!(page.matches("</ol>").count(), 1);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
}

/// No request leaves the page, and everything that it says is in its markup.
#[test]
fn the_page_needs_neither_network_nor_script() {
    let page = page(traces::lost_order());
    for request in ["http://", "https://", " src=", "url(", "@import", "<link"] {
        assert!(!page.contains(request), "{request}");
    }
    let without_script = page.split("<script>").next().unwrap_or_default();
    let shown: Vec<&str> = between(without_script, "<div class=\"moment\"", "</p>")
        .into_iter()
        .filter(|moment| !moment.split('>').next().unwrap_or_default().contains("hidden"))
        .collect();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains("After step 12 of 12"), "{}", shown[0]);
    for words in [
        "a submitted order reaches Orders",
        "an order the shopper was told about is never lost",
        "what was promised to somebody",
        "cart-1 is Accepted, but Orders never heard of it",
        "1 shopper, 1 storefront, up to 1 fault",
        "21,979 states",
        "12 steps, 1 fault",
        "cargo workshop replay 03",
        "exercises/03_inbox/src/lib.rs:46",
        "from here on it cannot end well",
        "INFO cart-1 is accepted",
    ] {
        assert!(without_script.contains(words), "{words}");
    }
}

/// What a screen reader goes by.
#[test]
fn the_page_says_where_it_is() {
    let page = page(traces::lost_order());
    assert_eq!(page.matches("aria-current=\"step\"").count(), 1);
    assert!(page.contains("role=\"img\" aria-labelledby=\"picture-title picture-desc\""));
    assert!(page.contains("role=\"status\" aria-live=\"polite\""));
    assert!(page.contains("<title id=\"picture-title\">") && page.contains("<desc id=\"picture-desc\">"));
    assert_eq!(page.matches("<button").count(), 4);
}

/// What the last step changed is marked, with what it was before.
#[test]
fn changed_entries_are_marked() {
    let page = page(traces::zombie_write());
    let last = page.split("<div class=\"moment\" data-step=\"9\"").nth(1).unwrap_or_default();
    assert!(last.contains("<div class=\"changed\"><dt>card <span class=\"tag\">changed</span>"));
    assert!(last.contains("was </span>{&quot;charged&quot;:20}"));
}

/// A property that is violated before anything happened has a page too.
#[test]
fn a_trace_without_steps_has_a_page() {
    let mut trace = traces::lost_order();
    trace.steps.clear();
    assert!(page(trace.clone()).contains("Before the first step"));
    trace.participants.clear();
    assert!(page(trace).contains("Before the first step"));
}

/// A schedule that was asked for, and nobody searched: nothing is wrong, and the page does not say so.
#[test]
fn a_schedule_that_was_asked_for_is_no_violation() {
    let page = html(&Heading { as_asked: true, states: 0, ..heading() }, &traces::violation(traces::lost_order()));
    assert!(page.contains("<span class=\"tick\" aria-hidden=\"true\">✓</span><span class=\"sr\">Holds: </span>"));
    assert!(!page.contains("Violated: </span>") && !page.contains("<dt>Found</dt>"));
    assert!(page.contains("<dt>Schedule</dt>"));
}
