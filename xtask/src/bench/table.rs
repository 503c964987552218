//! Figures as Markdown, the same on the terminal and in docs/performance.md.

use checkpoint_benches::figure::{Figure, Spread, Table};

use super::judge::Row;
use super::promise::{Bound, Of, Promise};

/// Who is compared with the store.
pub(super) const PEER: &str = "LangGraph";

/// Every table that has rows, under its heading, for the terminal.
pub(super) fn all(rows: &[Row]) -> String {
    let mut text = String::new();
    for table in Table::ALL {
        let lines = cells(table, rows, true);
        if !lines.is_empty() {
            text += &format!("\n## {}\n\n{}", table.heading(), aligned(&lines));
        }
    }
    text
}

/// One table as it stands in a document, without verdicts, which are those of one run; none without rows.
pub(super) fn document(table: Table, rows: &[Row]) -> Option<String> {
    let lines = cells(table, rows, false);
    let joined = lines.iter().enumerate().map(|(n, line)| {
        let line = line.iter().map(|cell| match cell.as_str() {
            "" => "| ".to_owned(),
            cell => format!("| {cell} "),
        });
        let line = line.collect::<String>() + "|\n";
        if n == 0 {
            line.clone() + &rule(line.matches('|').count() - 1)
        } else {
            line
        }
    });
    (!lines.is_empty()).then(|| joined.collect())
}

fn rule(columns: usize) -> String {
    "|---".repeat(columns) + "|\n"
}

/// A way to fill a column.
type Fill = fn(&Row) -> String;

/// The heading and the rows of a table, without columns that none of them fills.
fn cells(table: Table, rows: &[Row], verdicts: bool) -> Vec<Vec<String>> {
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| row.figure.table == table)
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let (base, ours) = table.sides();
    let mut columns: Vec<(&str, Fill)> = vec![
        ("load", |row| row.figure.load.clone()),
        (base, |row| side(row.figure.base, &row.figure)),
        (ours, |row| side(Some(row.figure.ours), &row.figure)),
        ("ratio", |row| {
            row.figure.ratio().map_or_else(String::new, times)
        }),
        (PEER, |row| side(row.peer, &row.figure)),
        ("promised", |row| {
            let promise = row.promise;
            promise.map_or_else(String::new, |it| promised(it, &row.figure))
        }),
        ("goal", |row| {
            let promise = row.promise;
            promise.map_or_else(String::new, |it| goal(it, &row.figure.unit))
        }),
    ];
    if verdicts {
        columns.push(("", |row| row.verdict.word().to_owned()));
    }
    columns.retain(|(_, fill)| rows.iter().any(|row| !fill(row).is_empty()));
    let head = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut lines = vec![head];
    lines.extend(
        rows.iter()
            .map(|row| columns.iter().map(|(_, fill)| fill(row)).collect()),
    );
    lines
}

fn side(spread: Option<Spread>, figure: &Figure) -> String {
    spread.map_or_else(String::new, |spread| {
        quantity(figure.typical(&spread), &figure.unit)
    })
}

/// With as many digits as mean something.
fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "µs" if value >= 1_000.0 => format!("{} ms", number(value / 1e3)),
        "/s" => format!("{}/s", number(value)),
        "" | "pages" => number(value),
        _ => format!("{} {unit}", number(value)),
    }
}

fn number(value: f64) -> String {
    if value >= 1_000.0 {
        return grouped(value);
    }
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}

/// Thousands, apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn times(ratio: f64) -> String {
    format!("{} ×", number(ratio))
}

/// As it is promised of a load, whatever it is excused.
pub(super) fn bound(promise: &Promise, unit: &str) -> String {
    let (sign, bound) = match promise.bound {
        Bound::AtMost(bound) => ("≤", bound),
        Bound::AtLeast(bound) => ("≥", bound),
    };
    format!("{sign} {}", limit(bound, promise.of, unit))
}

fn promised(promise: &Promise, figure: &Figure) -> String {
    let bound = bound(promise, &figure.unit);
    if figure.excused > 0.0 {
        format!("{bound} + {}", figure.excused)
    } else {
        bound
    }
}

/// Where a load is to come to, if that is not promised yet.
pub(super) fn goal(promise: &Promise, unit: &str) -> String {
    let goal = promise.goal;
    goal.map_or_else(String::new, |goal| limit(goal, promise.of, unit))
}

/// What people chose has no more digits than they gave it.
fn limit(value: f64, of: Of, unit: &str) -> String {
    match of {
        Of::Ratio => format!("{value} ×"),
        Of::Value if unit == "/s" => format!("{}/s", grouped(value)),
        Of::Value => format!("{value} {unit}"),
    }
}

/// With all columns as wide as their widest cell.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().map(|line| line[at].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        for (at, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.chars().count());
            // Loads are read from the left, numbers from the right.
            text += &if at == 0 {
                format!("| {cell}{space} ")
            } else {
                format!("| {space}{cell} ")
            };
        }
        text += "|\n";
        if n == 0 {
            let rule = widths
                .iter()
                .map(|width| format!("|{}", "-".repeat(width + 2)));
            text += &(rule.collect::<String>() + "|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::judge::rows;
    use super::*;

    fn figure(table: Table, load: &str, ours: f64) -> Figure {
        Figure::alone(table, load, "µs", Spread::value(ours, 9))
    }

    #[test]
    fn a_row_tells_both_sides_the_ratio_the_peer_and_the_promise() {
        let load = "save, 1 KiB, one tag, one writer";
        let ours = figure(Table::Durable, load, 330.0).beside(Spread::value(220.0, 9));
        let peer = figure(Table::Durable, load, 5_990.0);
        let rows = rows(&[ours], &[peer]);
        let table = document(Table::Durable, &rows).unwrap();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines[0],
            "| load | bare | store | ratio | LangGraph | promised | goal |"
        );
        assert_eq!(lines[1], "|---|---|---|---|---|---|---|");
        assert!(
            lines[2].starts_with(&format!(
                "| {load} | 220 µs | 330 µs | 1.50 × | 5.99 ms | ≤ "
            )),
            "{table}"
        );
        assert!(all(&rows).contains("| holds |"));
        assert!(!table.contains("holds"), "{table}");
    }

    #[test]
    fn columns_that_nothing_fills_are_left_out() {
        let rows = rows(&[figure(Table::ReadGroups, "list 100", 9.5)], &[]);
        let table = document(Table::ReadGroups, &rows).unwrap();
        assert_eq!(
            table,
            "| load | store |\n|---|---|\n| list 100 | 9.50 µs |\n"
        );
        assert_eq!(document(Table::Durable, &rows), None);
    }

    #[test]
    fn empty_cells_of_a_document_are_one_space_wide() {
        let rows = rows(
            &[
                figure(Table::Reads, "a", 9.5).beside(Spread::value(4.75, 1)),
                figure(Table::Reads, "b", 1.0),
            ],
            &[],
        );
        let table = document(Table::Reads, &rows).unwrap();
        assert!(table.ends_with("| b | | 1.00 µs | |\n"), "{table}");
    }

    #[test]
    fn what_is_durable_shares_no_table_with_what_is_not() {
        let load = "save, 1 KiB, one tag, one writer";
        let rows = rows(
            &[
                figure(Table::Durable, load, 330.0),
                figure(Table::NotDurable, load, 33.0),
            ],
            &[],
        );
        let text = all(&rows);
        let (durable, not) = text.split_once("## Saves that are not durable").unwrap();
        assert!(durable.contains("330 µs") && !durable.contains("33.0 µs"));
        assert!(not.contains("33.0 µs") && !not.contains("330 µs"));
    }

    #[test]
    fn quantities_have_the_digits_that_mean_something() {
        let shown = [
            (quantity(4.812, "µs"), "4.81 µs"),
            (quantity(15_930.0, "µs"), "15.9 ms"),
            (quantity(25_612.4, "/s"), "25,612/s"),
            (quantity(999.6, "/s"), "1000/s"),
            (quantity(1_234_567.0, ""), "1,234,567"),
            (quantity(0.574, "MB"), "0.57 MB"),
            (quantity(5.48, "pages"), "5.48"),
        ];
        for (shown, expected) in shown {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [["a", "bb"], ["cccc", "1"]].map(|line| line.map(str::to_owned).to_vec());
        let expected = "| a    | bb |\n|------|----|\n| cccc |  1 |\n";
        assert_eq!(aligned(&lines), expected);
    }

    #[test]
    fn what_is_excused_is_told_beside_the_promise() {
        let mut figure =
            figure(Table::Many, "latest, pages read", 11.0).beside(Spread::value(8.25, 9));
        figure.excused = 2.0;
        let table = document(Table::Many, &rows(&[figure], &[])).unwrap();
        assert!(table.contains("| ≤ 1.3 × + 2 |"), "{table}");
    }
}
