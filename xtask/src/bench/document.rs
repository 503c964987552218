//! The tables of docs/performance.md.

use checkpoint_benches::figure::Table;

use super::judge::Row;
use super::record::Machine;
use super::table;
use crate::process;

const PATH: &str = "docs/performance.md";
/// How the line begins that says when and where.
const MEASURED: &str = "Measured on ";

/// Puts what was found in the place of what stands there. A table that was skipped stays.
pub(super) fn write(rows: &[Row], machine: &Machine) -> Result<(), String> {
    let path = process::root().join(PATH);
    let cannot = |what: &str, error: std::io::Error| format!("cannot {what} {PATH}: {error}");
    let mut text = std::fs::read_to_string(&path).map_err(|error| cannot("read", error))?;
    for table in Table::ALL {
        if let Some(lines) = table::document(table, rows) {
            text = replaced(&text, table.heading(), &lines)?;
        }
    }
    let text = measured(&text, &machine.sentence());
    std::fs::write(&path, text).map_err(|error| cannot("write", error))?;
    println!("{PATH} has the tables of this run");
    Ok(())
}

/// With the table under this heading replaced.
fn replaced(text: &str, heading: &str, table: &str) -> Result<String, String> {
    let (start, end) = place(text, heading)
        .ok_or_else(|| format!("{PATH} has no table under a heading `{heading}`"))?;
    Ok(format!("{}{table}{}", &text[..start], &text[end..]))
}

/// Where the table under a heading begins and ends.
fn place(text: &str, heading: &str) -> Option<(usize, usize)> {
    let (mut at, mut inside, mut start) = (0, false, None);
    for line in text.split_inclusive('\n') {
        if line.starts_with('|') && inside {
            start.get_or_insert(at);
        } else if let Some(start) = start {
            return Some((start, at));
        } else if line.starts_with('#') {
            inside = line.trim_start_matches('#').trim() == heading;
        }
        at += line.len();
    }
    start.map(|start| (start, at))
}

/// With the line that says when and where replaced.
fn measured(text: &str, sentence: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with(MEASURED) {
            format!("{MEASURED}{sentence}\n")
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::promise::{Bound, PROMISES};
    use super::*;

    const TEXT: &str =
        "# P\n\n| a |\n|---|\n\n## B\n\nwords\n\n| b |\n|---|\n| 1 |\n\nmore\n\n## C\n";

    #[test]
    fn a_table_is_replaced_under_its_heading_alone() {
        let text = replaced(TEXT, "B", "| new |\n").unwrap();
        assert_eq!(
            text,
            "# P\n\n| a |\n|---|\n\n## B\n\nwords\n\n| new |\n\nmore\n\n## C\n"
        );
        assert_eq!(
            replaced("# B\n| b |", "B", "| new |\n").unwrap(),
            "# B\n| new |\n"
        );
    }

    #[test]
    fn a_heading_without_a_table_is_refused() {
        for heading in ["C", "D"] {
            assert!(replaced(TEXT, heading, "| new |\n").is_err(), "{heading}");
        }
    }

    #[test]
    fn when_and_where_is_replaced() {
        let text = measured("a\nMeasured on old.\nb\n", "2 cores.");
        assert_eq!(text, "a\nMeasured on 2 cores.\nb\n");
    }

    /// Of a load under a heading: its cells by the names of their columns.
    fn cell(text: &str, table: Table, load: &str, column: &str) -> Option<String> {
        let (start, end) = place(text, table.heading())?;
        let mut lines = text[start..end].lines().map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
        });
        let at = lines.next()?.iter().position(|name| name == column)?;
        lines.find(|cells| cells[0] == load)?.get(at).cloned()
    }

    #[test]
    fn what_is_promised_stands_in_the_document() {
        let text = std::fs::read_to_string(process::root().join(PATH)).unwrap();
        for promise in PROMISES {
            let (table, load) = (promise.table, promise.load);
            let stated = cell(&text, table, load, "promised").unwrap_or_default();
            let unit = match (table, promise.bound) {
                (
                    Table::Moving | Table::Files | Table::Objects | Table::Command,
                    Bound::AtLeast(_),
                ) => "/s",
                (Table::Objects, _) => "requests",
                (Table::Command, _) if load == "--version" => "ms",
                (Table::Large | Table::Moving | Table::Files | Table::Command, _) => "MiB",
                _ => "MB",
            };
            let bound = table::bound(promise, unit);
            // What deeper trees excuse is found by measuring.
            let stated = stated.split(" + ").next().unwrap_or_default();
            assert_eq!(stated, bound, "`{load}`, {table:?}");
            let goal = cell(&text, table, load, "goal").unwrap_or_default();
            assert_eq!(goal, table::goal(promise, unit), "`{load}`, {table:?}");
        }
    }

    #[test]
    fn the_document_promises_nothing_else() {
        let text = std::fs::read_to_string(process::root().join(PATH)).unwrap();
        let stated = text.lines().filter(|line| {
            let mut cells = line.split('|').map(str::trim);
            cells.any(|cell| cell.starts_with("≤ ") || cell.starts_with("≥ "))
        });
        assert_eq!(stated.count(), PROMISES.len());
    }

    #[test]
    fn every_table_has_its_place_in_the_document() {
        let text = std::fs::read_to_string(process::root().join(PATH)).unwrap();
        for table in Table::ALL {
            assert!(place(&text, table.heading()).is_some(), "{table:?}");
        }
        assert!(text.lines().any(|line| line.starts_with(MEASURED)));
    }
}
