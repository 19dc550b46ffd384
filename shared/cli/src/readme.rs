//! What is read from Markdown: an exercise's hints, and the table of exercises in the README.

use crate::catalogue::Catalogue;

/// Where the table of exercises stands in README.md.
pub(crate) const TABLE_BEGINS: &str = "<!-- exercises: written by `cargo workshop verify --refresh` -->";
/// Where it ends.
pub(crate) const TABLE_ENDS: &str = "<!-- /exercises -->";

/// Where the red story and the green line of the README stand.
pub(crate) const STORY_BEGINS: &str = "<!-- story: written by `cargo workshop verify --refresh` -->";
/// Where they end.
pub(crate) const STORY_ENDS: &str = "<!-- /story -->";

/// The README's example: a red story as it is told, and what the same story says when it is green. How long it took
/// differs from run to run, and is left out.
pub(crate) fn story(red: &str, green: &str) -> String {
    let lines = |text: &str| {
        let told = text.lines().filter(|line| !line.trim_start().starts_with("page "));
        told.map(|line| format!("{}\n", without_millis(line).trim_end())).collect::<String>()
    };
    let (red, green) = (lines(red), lines(green));
    format!(
        "{STORY_BEGINS}\n```text\n{}\n```\n\nOnce it is green, it says how much that covers; not sampled, but all of it:\n\n\
         ```text\n{}\n```\n{STORY_ENDS}",
        red.trim_end(),
        green.trim_end()
    )
}

/// `(23 states, 0 ms; no fault)` without its time.
fn without_millis(line: &str) -> String {
    let Some(end) = line.find(" ms") else { return line.to_owned() };
    let start = line[..end].rfind(|c: char| !c.is_ascii_digit() && c != ',').map_or(0, |at| at + 1);
    let before = line[..start].trim_end_matches([',', ' ', '(']);
    let after = line[end + 3..].trim_start_matches(|c| c == ')' && !before.contains('('));
    format!("{before}{after}")
}

/// The folded hints of an exercise's README, in order: `<details><summary>Hint 1</summary> … </details>`.
pub(crate) fn hints(readme: &str) -> Vec<String> {
    let readme = readme.replace("\r\n", "\n");
    let mut hints = Vec::new();
    for block in readme.split("<details").skip(1) {
        let Some((_, block)) = block.split_once('>') else { continue };
        let block = block.split("</details>").next().unwrap_or_default();
        let Some((summary, text)) = block.split_once("</summary>") else { continue };
        let summary = summary.split_once('>').map_or(summary, |(_, summary)| summary).trim();
        if summary.to_lowercase().starts_with("hint") && !text.trim().is_empty() {
            hints.push(text.trim().to_owned());
        }
    }
    hints
}

/// The table of all exercises, between its marks.
pub(crate) fn table(catalogue: &Catalogue) -> String {
    let mut lines = vec![TABLE_BEGINS.to_owned(), "| # | Exercise | Part | Day | Minutes |".into()];
    lines.push("|---|---|---|---|---|".into());
    for exercise in &catalogue.exercises {
        let title = match exercise.is_ready() {
            true => format!("[{}](exercises/{}/README.md)", exercise.title, exercise.folder),
            false => format!("{} (planned)", exercise.title),
        };
        let part = catalogue.parts.iter().find(|part| part.number == exercise.part);
        let part = part.map_or(String::new(), |part| format!("{} · {}", part.number, part.title));
        lines.push(format!("| {} | {title} | {part} | {} | {} |", exercise.number, exercise.day, exercise.minutes));
    }
    lines.push(TABLE_ENDS.to_owned());
    lines.join("\n")
}

/// The README with a fresh table; `None` without the marks.
pub(crate) fn with_table(readme: &str, table: &str) -> Option<String> {
    with(readme, TABLE_BEGINS, table, TABLE_ENDS)
}

/// The README with a fresh example; `None` without the marks.
pub(crate) fn with_story(readme: &str, story: &str) -> Option<String> {
    with(readme, STORY_BEGINS, story, STORY_ENDS)
}

fn with(readme: &str, begins: &str, block: &str, ends: &str) -> Option<String> {
    let (before, rest) = readme.split_once(begins)?;
    let (_, after) = rest.split_once(ends)?;
    Some(format!("{before}{block}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_in_order() {
        let readme = "# T\n<details><summary>Hint 1</summary>\n\nWhich instant\ndecides?\n</details>\n\n<details>\n\
                      <summary><b>Hint 2: place</b></summary>\nThere.</details>\n<details><summary>Answer</summary>No.</details>\n\
                      <details><summary>Hint 3</summary>  </details>";
        assert_eq!(hints(readme)[0], "Which instant\ndecides?");
        assert_eq!(hints(readme).len(), 1, "`<b>Hint 2` is not a plain summary");
        let readme = readme.replace("<b>Hint 2: place</b>", "Hint 2: place");
        assert_eq!(hints(&readme), ["Which instant\ndecides?", "There."]);
    }

    #[test]
    fn an_example_does_not_say_how_long_it_took() {
        let line = "  violated without any fault in 6 steps (1,523 states, 10 ms; 2 clients, no fault)";
        assert_eq!(without_millis(line), "  violated without any fault in 6 steps (1,523 states; 2 clients, no fault)");
        let line = "    holds in all 1,523 states, up to 1 fault (7 ms)";
        assert_eq!(without_millis(line), "    holds in all 1,523 states, up to 1 fault");
        assert_eq!(without_millis("  │ it is 5 o'clock"), "  │ it is 5 o'clock");
        let block = story("✗ a\n  page  x.html\n", "✓ a\n");
        assert!(block.contains("```text\n✗ a\n```") && block.contains("```text\n✓ a\n```"), "{block}");
    }

    #[test]
    fn a_stale_table_is_replaced_between_its_marks() {
        let readme = format!("a\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nb\n");
        assert_eq!(with_table(&readme, "new").unwrap(), "a\nnew\nb\n");
        assert_eq!(with_table("a\nb\n", "new"), None);
    }
}
