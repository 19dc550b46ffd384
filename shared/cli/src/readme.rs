//! What is read from Markdown: an exercise's hints, and the table of exercises in the README.

use crate::catalogue::Catalogue;

/// Where the table of exercises stands in README.md.
pub(crate) const TABLE_BEGINS: &str = "<!-- exercises: written by `cargo workshop verify --refresh` -->";
/// Where it ends.
pub(crate) const TABLE_ENDS: &str = "<!-- /exercises -->";

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
    let (before, rest) = readme.split_once(TABLE_BEGINS)?;
    let (_, after) = rest.split_once(TABLE_ENDS)?;
    Some(format!("{before}{table}{after}"))
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
    fn a_stale_table_is_replaced_between_its_marks() {
        let readme = format!("a\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nb\n");
        assert_eq!(with_table(&readme, "new").unwrap(), "a\nnew\nb\n");
        assert_eq!(with_table("a\nb\n", "new"), None);
    }
}
