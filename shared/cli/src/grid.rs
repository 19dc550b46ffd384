//! What an answer survived: the operations of the handler by kinds of fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use story::report::Told;

/// Widest line.
const COLUMNS_MAX: usize = 100;

/// The grid of these stories, `survived` or `-` (never reached) in each cell; empty where no fault struck.
pub(crate) fn draw(stories: &[Told]) -> String {
    let mut rows: BTreeMap<(String, u32, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    for (file, line, operation, fault) in stories.iter().flat_map(|told| &told.grid) {
        let file = Path::new(&file.replace('\\', "/")).file_name().unwrap_or_default().to_string_lossy().into_owned();
        rows.entry((file, *line, operation)).or_default().insert(fault);
        faults.insert(fault.as_str());
    }
    let label = |(file, line, operation): &(String, u32, &str)| format!("{file}:{line} {operation}");
    let first = rows.keys().map(|key| label(key).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    // As many faults side by side as fit; the others in a further block below.
    let faults: Vec<&str> = faults.into_iter().collect();
    let mut rest = &faults[..];
    while !rest.is_empty() {
        let mut width = first + 2;
        let fit = rest.iter().take_while(|fault| {
            width += column(fault) + 2;
            width <= COLUMNS_MAX
        });
        let (here, later) = rest.split_at(fit.count().max(1));
        rest = later;
        text += &line(" ".repeat(first), here.iter().map(|fault| (column(fault), *fault)));
        for (key, struck) in &rows {
            let name = label(key);
            let padded = format!("{name}{}", " ".repeat(first - name.chars().count()));
            let cells = here.iter().map(|fault| (column(fault), if struck.contains(fault) { "survived" } else { "-" }));
            text += &line(padded, cells);
        }
        if !rest.is_empty() {
            text.push('\n');
        }
    }
    text
}

fn column(fault: &str) -> usize {
    fault.chars().count().max("survived".len())
}

fn line<'a>(mut text: String, cells: impl Iterator<Item = (usize, &'a str)>) -> String {
    text.insert_str(0, "  ");
    for (width, cell) in cells {
        text += &format!("  {cell:<width$}");
    }
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use story::report::VerdictName;

    use super::*;

    #[test]
    fn a_grid_fits_the_screen_and_says_what_was_not_reached() {
        let mut told = crate::telling::tests::told("a", VerdictName::Holds, "");
        let cell = |line, operation: &str, fault: &str| {
            (r"exercises\03\src\lib.rs".to_owned(), line, operation.to_owned(), fault.to_owned())
        };
        told.grid = vec![cell(41, "put cart", "crash"), cell(52, "send PlaceOrder", "send refused")];
        let expected = "\n                           crash     send refused\n  lib.rs:41 put cart         survived  -\n  \
                        lib.rs:52 send PlaceOrder  -         survived\n";
        assert_eq!(
            format!("\n{}", draw(&[told.clone()])),
            expected.replacen("                           crash", "                             crash", 1)
        );
        for number in 0..12 {
            told.grid.push(cell(41, "put cart", &format!("spurious conflict {number}")));
        }
        assert!(draw(&[told]).lines().all(|line| line.chars().count() <= COLUMNS_MAX));
        assert_eq!(draw(&[]), "");
    }
}
