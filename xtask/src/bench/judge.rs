//! What was found beside what is promised.

use std::collections::BTreeMap;

use checkpoint_benches::figure::{Figure, Spread, Table};

use super::promise::{self, PROMISES, Promise};

/// A line of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) figure: Figure,
    /// Of who is compared with the store.
    pub(super) peer: Option<Spread>,
    pub(super) promise: Option<&'static Promise>,
    pub(super) verdict: Judged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Holds,
    Worse,
    /// Nothing is promised, or what a ratio is to be made of is missing.
    No,
}

impl Judged {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Worse => "WORSE",
            Self::No => "",
        }
    }
}

pub(super) fn rows(figures: &[Figure], peers: &[Figure]) -> Vec<Row> {
    let row = |figure: &Figure| {
        let promise = promise::of(figure.table, &figure.load);
        let peer = peers
            .iter()
            .find(|peer| (peer.table, &peer.load) == (figure.table, &figure.load));
        Row {
            verdict: match promise.and_then(|promise| promise.holds(figure)) {
                Some(true) => Judged::Holds,
                Some(false) => Judged::Worse,
                None => Judged::No,
            },
            peer: peer.map(|peer| peer.ours),
            promise,
            figure: figure.clone(),
        }
    };
    figures.iter().map(row).collect()
}

/// How many promises hold.
pub(super) fn kept(rows: &[Row]) -> usize {
    rows.iter()
        .filter(|row| row.verdict == Judged::Holds)
        .count()
}

/// What a check fails on: what is worse than promised, and what should have been judged and was not, since a check that
/// judges nothing proves nothing.
pub(super) fn broken(rows: &[Row], skipped: &BTreeMap<Table, String>, full: bool) -> Vec<String> {
    let mut broken = worse(rows);
    if full {
        broken.extend(missing(rows, skipped));
    } else if skipped.is_empty() && rows.iter().all(|row| row.verdict == Judged::No) {
        broken.push("nothing is promised of what was measured".to_owned());
    }
    broken
}

fn worse(rows: &[Row]) -> Vec<String> {
    let worse = rows.iter().filter(|row| row.verdict == Judged::Worse);
    worse
        .map(|row| {
            let heading = row.figure.table.heading();
            format!("{heading}: `{}` is worse than promised", row.figure.load)
        })
        .collect()
}

/// What is promised and was not judged, though its table was not skipped.
fn missing(rows: &[Row], skipped: &BTreeMap<Table, String>) -> Vec<String> {
    let judged = |promise: &Promise| {
        rows.iter().any(|row| {
            row.verdict != Judged::No
                && (row.figure.table, row.figure.load.as_str()) == (promise.table, promise.load)
        })
    };
    let missing = PROMISES
        .iter()
        .filter(|promise| !skipped.contains_key(&promise.table) && !judged(promise));
    missing
        .filter(|promise| !rarely_counted(promise))
        .map(|promise| {
            let heading = promise.table.heading();
            format!("{heading}: `{}` was not measured", promise.load)
        })
        .collect()
}

/// Pages are told only where the system counts them.
fn rarely_counted(promise: &Promise) -> bool {
    promise.table == Table::Many && promise.load.contains("pages")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: &str = "get by id, 1 KiB, blocking";

    fn figure(ours: f64) -> Figure {
        Figure::alone(Table::Reads, LOAD, "µs", Spread::value(ours, 9))
            .beside(Spread::value(1.0, 9))
    }

    #[test]
    fn only_what_is_worse_than_promised_fails() {
        let none = BTreeMap::new();
        let good = rows(&[figure(2.0)], &[]);
        assert_eq!(good[0].verdict, Judged::Holds);
        assert_eq!((kept(&good), broken(&good, &none, false).len()), (1, 0));
        let bad = rows(&[figure(2.0), figure(2_000.0)], &[]);
        assert_eq!(bad[1].verdict, Judged::Worse);
        let why = broken(&bad, &none, false);
        assert!(why.len() == 1 && why[0].contains(LOAD), "{why:?}");
    }

    #[test]
    fn a_check_that_judges_nothing_fails_unless_something_was_skipped() {
        let mut other = figure(2.0);
        other.load = "a load of which nothing is promised".to_owned();
        let rows = rows(&[other], &[]);
        assert_eq!(broken(&rows, &BTreeMap::new(), false).len(), 1);
        let skipped = BTreeMap::from([(Table::Instructions, "no valgrind".to_owned())]);
        assert_eq!(broken(&rows, &skipped, false), [""; 0]);
    }

    #[test]
    fn the_same_load_of_another_table_is_judged_by_its_own_promise() {
        let mut other = figure(2_000.0);
        other.table = Table::ReadGroups;
        assert_eq!(rows(&[other], &[])[0].verdict, Judged::No);
    }

    #[test]
    fn a_peer_stands_beside_the_same_load_of_the_same_table() {
        let mut peers = [figure(7.0), figure(8.0)];
        peers[0].table = Table::Durable;
        let rows = rows(&[figure(2.0)], &peers);
        assert_eq!(rows[0].peer.map(|peer| peer.median), Some(8.0));
    }

    #[test]
    fn what_was_not_measured_is_missing_unless_its_table_was_skipped() {
        let all = broken(&[], &BTreeMap::new(), true);
        let with_one = broken(&rows(&[figure(2.0)], &[]), &BTreeMap::new(), true);
        assert_eq!(with_one.len(), all.len() - 1);
        let without = BTreeMap::from([(Table::Reads, "no reads here".to_owned())]);
        let skipped = broken(&[], &without, true);
        assert!(skipped.len() < all.len());
        let load = format!("{}: `{LOAD}`", Table::Reads.heading());
        assert!(all.iter().any(|why| why.starts_with(&load)), "{all:?}");
        assert!(
            !skipped.iter().any(|why| why.starts_with(&load)),
            "{skipped:?}"
        );
    }
}
