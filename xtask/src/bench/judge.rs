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

/// What is worse than promised.
pub(super) fn worse(rows: &[Row]) -> Vec<String> {
    let worse = rows.iter().filter(|row| row.verdict == Judged::Worse);
    worse
        .map(|row| {
            let heading = row.figure.table.heading();
            format!("{heading}: `{}` is worse than promised", row.figure.load)
        })
        .collect()
}

/// What is promised and was not judged, though nothing was skipped: a check that measures nothing proves nothing.
pub(super) fn missing(rows: &[Row], skipped: &BTreeMap<Table, String>) -> Vec<String> {
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
        let good = rows(&[figure(2.0)], &[]);
        assert_eq!((good[0].verdict, worse(&good).len()), (Judged::Holds, 0));
        let bad = rows(&[figure(2_000.0)], &[]);
        assert_eq!(bad[0].verdict, Judged::Worse);
        let why = worse(&bad);
        assert!(why.len() == 1 && why[0].contains(LOAD), "{why:?}");
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
        let all = missing(&[], &BTreeMap::new());
        let with_one = missing(&rows(&[figure(2.0)], &[]), &BTreeMap::new());
        assert_eq!(with_one.len(), all.len() - 1);
        let without = BTreeMap::from([(Table::Reads, "no reads here".to_owned())]);
        let skipped = missing(&[], &without);
        assert!(skipped.len() < all.len());
        assert!(!skipped.iter().any(|why| why.contains(LOAD)), "{skipped:?}");
    }
}
