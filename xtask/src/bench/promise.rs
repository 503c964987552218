//! What is promised of each load: the one list, and docs/performance.md states the same.
//!
//! Where a goal is not reached yet, what is promised is what holds today with some room, so that a loss is noticed.

use checkpoint_benches::figure::{Figure, Table};

/// What may not be exceeded, or must be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Of what a bound speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Times what it is compared with.
    Ratio,
    /// The figure itself.
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Promise {
    pub(super) table: Table,
    pub(super) load: &'static str,
    pub(super) bound: Bound,
    pub(super) of: Of,
    /// Where it is to come to, as far as that is not promised yet.
    pub(super) goal: Option<f64>,
}

const fn most(table: Table, load: &'static str, bound: f64) -> Promise {
    Promise {
        table,
        load,
        bound: Bound::AtMost(bound),
        of: Of::Ratio,
        goal: None,
    }
}

const fn least(table: Table, load: &'static str, bound: f64) -> Promise {
    Promise {
        bound: Bound::AtLeast(bound),
        ..most(table, load, bound)
    }
}

const fn value(table: Table, load: &'static str, bound: f64) -> Promise {
    Promise {
        of: Of::Value,
        ..most(table, load, bound)
    }
}

/// So many a second.
const fn rate(table: Table, load: &'static str, bound: f64) -> Promise {
    Promise {
        bound: Bound::AtLeast(bound),
        ..value(table, load, bound)
    }
}

impl Promise {
    const fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }
}

use Table::{
    Command, Durable, Files, Growth, InFlight, Instructions, Large, Many, Moving, NotDurable,
    Objects, Reads, Sealed,
};

/// How much more an operation may take than the baseline, before somebody looks.
const MORE: f64 = 1.03;

pub(super) const PROMISES: &[Promise] = &[
    most(Durable, "save, 1 KiB, one tag, one writer", 1.8).goal(1.3),
    most(Durable, "redb: save, 1 KiB, one tag, one writer", 1.3),
    most(Durable, "file: save, 1 KiB, one tag, one writer", 1.5).goal(1.2),
    most(Durable, "first save, 64 KiB of JSON", 4.0),
    most(Durable, "first save, 1 MiB of JSON", 4.0),
    most(Durable, "save, 1 MiB of JSON, 1 % changed", 0.8),
    least(InFlight, "64 saves, 64 sessions", 8.0),
    least(InFlight, "64 saves, one session", 9.0).goal(12.0),
    least(InFlight, "redb: 64 saves, 64 sessions", 8.0),
    most(NotDurable, "save, 1 KiB, one tag, one writer", 9.0).goal(4.0),
    most(Reads, "get by id, 1 KiB, blocking", 4.0),
    most(Reads, "get by id, 1 KiB, async", 5.0),
    most(Reads, "redb: get by id, 1 KiB, blocking", 1.8),
    most(Reads, "the 100 newest of 10,000", 3.0),
    most(Reads, "get by id, 64 KiB of JSON, decoded", 25.0),
    most(Reads, "get by id, 1 MiB of JSON, decoded", 30.0),
    most(Reads, "1 MiB of JSON, back, not parsed", 25.0).goal(8.0),
    most(Reads, "1 MiB that does not compress, back", 9.0).goal(3.0),
    most(Many, "durable create, time", 1.5),
    most(Many, "durable create, pages written", 1.3),
    most(Many, "durable create, pages read", 1.3),
    most(Many, "latest, time", 1.5),
    most(Many, "latest, pages read", 1.3),
    most(Many, "the 100 newest of a session, time", 1.5),
    most(Many, "the 100 newest of a session, pages read", 1.3),
    most(Many, "the 100 newest of the store, time", 1.5),
    most(Many, "the 100 newest of the store, pages read", 1.3),
    value(Large, "JSON, save, memory", 100.0),
    value(Large, "JSON, restore, memory", 100.0),
    value(Large, "random bytes, save, memory", 100.0),
    value(Large, "random bytes, restore, memory", 100.0),
    rate(
        Moving,
        "SQLite to SQLite, 100,000 × 1 KiB, copied",
        20_000.0,
    ),
    rate(Moving, "SQLite to redb, 100,000 × 1 KiB, copied", 20_000.0),
    value(Moving, "SQLite to SQLite, 1024 × 1 MiB, memory", 100.0),
    rate(Files, "archive, export to a file", 100_000.0).goal(400_000.0),
    rate(Files, "archive, import into memory", 50_000.0).goal(150_000.0),
    rate(Files, "archive, import into SQLite", 35_000.0).goal(150_000.0),
    rate(Files, "lines, export to a file", 100_000.0).goal(400_000.0),
    rate(Files, "lines, import into memory", 43_000.0).goal(150_000.0),
    rate(Files, "lines, import into SQLite", 33_000.0).goal(150_000.0),
    value(Files, "verify, 1 KiB each, memory", 100.0),
    value(Files, "archive, export, 1 KiB each, memory", 100.0),
    value(Files, "archive, import, 1 KiB each, memory", 100.0),
    value(Files, "lines, export, 1 KiB each, memory", 100.0),
    value(Files, "lines, import, 1 KiB each, memory", 100.0),
    value(Files, "verify, 64 KiB each, memory", 100.0),
    value(Files, "archive, export, 64 KiB each, memory", 100.0),
    value(Files, "archive, import, 64 KiB each, memory", 100.0).goal(64.0),
    value(Files, "lines, export, 64 KiB each, memory", 100.0),
    value(Files, "lines, import, 64 KiB each, memory", 100.0),
    rate(Objects, "64 saves in flight", 2_000.0).goal(2_800.0),
    rate(Objects, "256 saves in flight", 4_000.0).goal(8_000.0),
    least(Objects, "four machines, all saves", 0.6).goal(0.85),
    least(Objects, "four machines, saves of the slowest", 0.9),
    most(Objects, "four machines, a save, 99 of 100", 20.0),
    most(Objects, "restore 64 MiB that do not compress", 3.0).goal(1.2),
    value(Objects, "restore 64 MiB again, chunks in a directory", 20.0),
    value(Objects, "open a store of 100,000 checkpoints", 20.0).goal(6.0),
    most(Sealed, "save, 1 KiB, one tag, one writer", 1.15).goal(1.05),
    most(Sealed, "first save, 64 KiB of JSON", 1.3),
    most(Sealed, "save, 1 MiB of JSON, 1 % changed", 1.3),
    most(Sealed, "1 MiB of JSON, 1 % changed, chunks stored", 1.15),
    most(Sealed, "get by id, 1 KiB, blocking", 3.0),
    least(Sealed, "1 MiB in the envelope, and the cipher alone", 0.8),
    value(Command, "--version", 10.0),
    most(Command, "SQLite: list --limit 20", 3.0),
    most(Command, "redb: list --limit 20", 3.0),
    most(Command, "file: list --limit 20", 4.0).goal(3.0),
    most(Command, "SQLite: show many@latest", 3.0),
    most(Command, "redb: show many@latest", 3.0),
    most(Command, "file: show many@latest", 4.0).goal(3.0),
    most(Command, "SQLite: show, by the start of an id", 3.0),
    most(Command, "redb: show, by the start of an id", 3.0),
    most(Command, "file: show, by the start of an id", 5.0).goal(3.0),
    rate(Command, "SQLite: export, archive", 50_000.0),
    rate(Command, "redb: export, archive", 50_000.0),
    rate(Command, "file: export, archive", 50_000.0),
    value(Command, "SQLite: verify, 1 GiB of states, memory", 100.0),
    value(Command, "SQLite: export, 1 GiB of states, memory", 100.0),
    value(Command, "SQLite: import, 1 GiB of states, memory", 100.0),
    value(Command, "SQLite: copy, 1 GiB of states, memory", 100.0),
    value(Command, "redb: verify, 1 GiB of states, memory", 100.0),
    value(Command, "redb: export, 1 GiB of states, memory", 100.0),
    value(Command, "redb: import, 1 GiB of states, memory", 100.0),
    value(Command, "redb: copy, 1 GiB of states, memory", 100.0),
    value(Command, "file: verify, 1 GiB of states, memory", 100.0),
    value(Command, "file: export, 1 GiB of states, memory", 100.0),
    value(Command, "file: import, 1 GiB of states, memory", 100.0),
    value(Command, "file: copy, 1 GiB of states, memory", 100.0),
    value(Growth, "words, file after close", 0.6),
    value(Growth, "hexadecimal digits, file after close", 0.6),
    most(Instructions, "save, 1 KiB, memory", MORE),
    most(Instructions, "save, 1 KiB, SQLite", MORE),
    most(Instructions, "get by id, 1 KiB, memory", MORE),
    most(Instructions, "get by id, 1 KiB, SQLite", MORE),
    most(Instructions, "the 100 newest, memory", MORE),
    most(Instructions, "the 100 newest, SQLite", MORE),
];

/// What is promised of this load, if anything.
pub(super) fn of(table: Table, load: &str) -> Option<&'static Promise> {
    PROMISES
        .iter()
        .find(|promise| promise.table == table && promise.load == load)
}

impl Promise {
    /// Whether the figure keeps it; none when what it is compared with is missing.
    pub(super) fn holds(&self, figure: &Figure) -> Option<bool> {
        let ours = figure.typical(&figure.ours);
        let unit = match self.of {
            Of::Ratio => figure.typical(&figure.base?),
            Of::Value => 1.0,
        };
        // Written so that what is no number is worse than anything promised.
        Some(match self.bound {
            Bound::AtMost(bound) => ours <= bound * unit + figure.excused,
            Bound::AtLeast(bound) => ours >= bound * unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use checkpoint_benches::figure::Spread;

    use super::*;

    fn figure(ours: f64, base: Option<f64>) -> Figure {
        let figure = Figure::alone(Durable, "save", "µs", Spread::value(ours, 9));
        match base {
            Some(base) => figure.beside(Spread::value(base, 9)),
            None => figure,
        }
    }

    #[test]
    fn a_ratio_worse_than_promised_does_not_hold() {
        let promise = most(Durable, "save", 1.8);
        assert_eq!(promise.holds(&figure(180.0, Some(100.0))), Some(true));
        assert_eq!(promise.holds(&figure(181.0, Some(100.0))), Some(false));
        assert_eq!(promise.holds(&figure(f64::NAN, Some(100.0))), Some(false));
    }

    #[test]
    fn a_rate_below_the_promised_does_not_hold() {
        let promise = least(Durable, "save", 8.0);
        assert_eq!(promise.holds(&figure(800.0, Some(100.0))), Some(true));
        assert_eq!(promise.holds(&figure(799.0, Some(100.0))), Some(false));
        assert_eq!(promise.holds(&figure(f64::NAN, Some(100.0))), Some(false));
    }

    #[test]
    fn a_value_is_judged_without_anything_beside_it_and_a_ratio_is_not() {
        let promise = value(Growth, "file", 0.6);
        assert_eq!(promise.holds(&figure(0.6, None)), Some(true));
        assert_eq!(promise.holds(&figure(0.61, None)), Some(false));
        assert_eq!(most(Durable, "save", 1.8).holds(&figure(9.0, None)), None);
    }

    #[test]
    fn deeper_trees_excuse_their_levels_and_no_more() {
        let promise = most(Many, "latest", 1.3);
        let mut figure = figure(15.0, Some(10.0));
        assert_eq!(promise.holds(&figure), Some(false));
        figure.excused = 2.0;
        assert_eq!(promise.holds(&figure), Some(true));
        figure.excused = 1.0;
        assert_eq!(promise.holds(&figure), Some(false));
    }

    #[test]
    fn a_goal_is_beyond_what_is_promised() {
        for promise in PROMISES {
            let beyond = match (promise.bound, promise.goal) {
                (_, None) => true,
                (Bound::AtMost(bound), Some(goal)) => goal < bound,
                (Bound::AtLeast(bound), Some(goal)) => goal > bound,
            };
            assert!(beyond, "{promise:?}");
        }
    }

    #[test]
    fn each_load_is_promised_once() {
        for promise in PROMISES {
            assert_eq!(of(promise.table, promise.load), Some(promise));
        }
    }
}
