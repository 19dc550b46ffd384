//! What an answer survived: the operations of the handler by kinds of fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use story::report::Told;

/// Widest line.
const COLUMNS_MAX: usize = 100;

/// Code of a story that stands in for somebody else's.
const THE_STORYS_OWN: &str = "story.rs";

/// One line of an answer.
#[derive(Default)]
struct Row<'a> {
    /// What it does, each once: `put order-1`, `put order-2`.
    operations: BTreeSet<&'a str>,
    /// For each fault that may strike there: did it?
    cells: BTreeMap<&'a str, bool>,
}

/// One name for operations of one line: `put order-…`.
fn in_common(operations: &BTreeSet<&str>) -> String {
    let mut operations = operations.iter();
    let first = operations.next().copied().unwrap_or_default();
    let common = operations.fold(first, |common, other| {
        let same = common.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
        &common[..same.map_or(common.len().min(other.len()), |((at, _), _)| at)]
    });
    if common == first { first.to_owned() } else { format!("{common}…") }
}

/// What the words of a grid mean.
pub(crate) const LEGEND: &str = "survived: it struck there, and nothing was violated; not reached: in no world did it strike there;\n\
                                 blank: it cannot strike there (a write fault at a get, a lock of a client, who holds none)";

/// The grid of these stories: `survived`, `not reached`, or nothing where a fault cannot strike; empty where no fault
/// struck anything.
pub(crate) fn draw(stories: &[Told]) -> String {
    let mut rows: BTreeMap<(String, u32), Row<'_>> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    for cell in stories.iter().flat_map(|told| &told.grid) {
        let file =
            Path::new(&cell.at.0.replace('\\', "/")).file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file == THE_STORYS_OWN {
            continue;
        }
        let row = rows.entry((file, cell.at.1)).or_default();
        row.operations.insert(&cell.operation);
        *row.cells.entry(&cell.fault).or_default() |= cell.struck;
        faults.extend(cell.struck.then_some(cell.fault.as_str()));
    }
    let rows: Vec<(String, Row<'_>)> = rows
        .into_iter()
        .map(|((file, line), row)| (format!("{file}:{line} {}", in_common(&row.operations)), row))
        .collect();
    let first = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
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
        for (name, row) in &rows {
            let padded = format!("{name}{}", " ".repeat(first - name.chars().count()));
            let cells = here.iter().map(|fault| {
                let cell = match row.cells.get(fault) {
                    Some(true) => SURVIVED,
                    Some(false) => NOT_REACHED,
                    None => "",
                };
                (column(fault), cell)
            });
            text += &line(padded, cells);
        }
        if !rest.is_empty() {
            text.push('\n');
        }
    }
    text
}

const SURVIVED: &str = "survived";
const NOT_REACHED: &str = "not reached";

fn column(fault: &str) -> usize {
    fault.chars().count().max(NOT_REACHED.len())
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
    use explorer::GridCell;
    use story::report::VerdictName;

    use super::*;

    #[test]
    fn a_grid_fits_the_screen_and_says_what_was_not_reached() {
        let mut told = crate::telling::tests::told("a", VerdictName::Holds, "");
        let cell = |line, operation: &str, fault: &str, struck| GridCell {
            at: (r"exercises\03\src\lib.rs".to_owned(), line),
            operation: operation.to_owned(),
            fault: fault.to_owned(),
            struck,
        };
        told.grid = vec![
            cell(41, "put cart", "crash", true),
            cell(52, "send PlaceOrder", "crash", false),
            cell(52, "send PlaceOrder", "send refused", true),
            cell(52, "send PlaceOrder", "send unknown", false),
        ];
        let expected = [
            "                             crash        send refused",
            "  lib.rs:41 put cart         survived",
            "  lib.rs:52 send PlaceOrder  not reached  survived",
        ];
        assert_eq!(draw(&[told.clone()]).lines().collect::<Vec<_>>(), expected);
        let elsewhere = Told { grid: vec![cell(52, "send PlaceOrder", "crash", true)], ..told.clone() };
        assert!(!draw(&[told.clone(), elsewhere]).contains("not reached"), "one story is enough");
        let two = BTreeSet::from(["put order-1", "put order-2"]);
        assert_eq!(in_common(&two), "put order-…");
        for number in 0..12 {
            told.grid.push(cell(41, "put cart", &format!("spurious conflict {number}"), true));
        }
        assert!(draw(&[told]).lines().all(|line| line.chars().count() <= COLUMNS_MAX));
        assert_eq!(draw(&[]), "");
    }
}
