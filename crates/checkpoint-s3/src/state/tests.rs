use checkpoint_core::{Order, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::merge::{Cursor, Merge};
use crate::row::{Change, Span};
use crate::seal::Head;
use crate::testing::{Model, expected, model, numbered};

const ONE: Id = Id([1; 16]);

/// What happens to a log.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// An entry, with so many rows.
    Entry(u64),
    /// Somebody makes a snapshot, here or elsewhere.
    Begun { here: bool },
    /// The next entry names the snapshot.
    Made,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0_u64..5).prop_map(Event::Entry),
        1 => any::<bool>().prop_map(|here| Event::Begun { here }),
        1 => Just(Event::Made),
    ];
    prop::collection::vec(event, 0..80)
}

/// The log so far, with a model of it.
struct Told {
    state: State,
    /// The rows of each entry.
    rows: Vec<Vec<Change>>,
    /// A snapshot that is being made, and one that the next entry names.
    begun: Option<u64>,
    made: Option<u64>,
    /// How far a snapshot goes of which one knew before the next entry came.
    apart: u64,
}

impl Told {
    fn new() -> Self {
        Self {
            state: State::empty(),
            rows: Vec::new(),
            begun: None,
            made: None,
            apart: 0,
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Entry(rows) => self.entry(rows),
            Event::Begun { here } => {
                self.begun = Some(self.state.position);
                if here {
                    self.state = self.state.set_apart();
                    self.apart = self.state.position;
                }
            }
            Event::Made => self.made = self.begun.take(),
        }
    }

    fn entry(&mut self, rows: u64) {
        let position = self.state.position + 1;
        // Some keys again and again.
        let rows = (0..rows).map(|n| numbered(1, position * n % 23, position.to_be_bytes().into()));
        let rows: Vec<_> = rows.collect();
        let snapshot = self.made.take().map(|position| SnapshotName {
            position,
            manifest: ONE,
            digest: Digest::NONE,
        });
        match &snapshot {
            Some(named) if named.position + 1 == position => self.apart = named.position,
            // What came meanwhile lies together with what it has.
            Some(named) if named.position > self.apart => self.apart = 0,
            _ => {}
        }
        let entry = Entry {
            head: Head::default(),
            machine: ONE,
            operation: ONE,
            position,
            first_sequence: 1,
            committed_at: Timestamp::from_micros(0).unwrap(),
            before: Digest::NONE,
            snapshot,
            rows: Run::of(rows.clone()).unwrap(),
        };
        self.state = self.state.after(&entry, Digest::NONE, ONE).unwrap();
        self.rows.push(rows);
    }

    fn expected(&self, after: u64) -> Model {
        model(self.rows[after as usize..].iter().flatten())
    }
}

fn read<'r>(runs: impl Iterator<Item = &'r Run>) -> Vec<Change> {
    let cursors = runs.map(|run| Cursor::from(run.cursor(&Span::all(), Order::Ascending)));
    let merge = Merge::new(cursors.collect(), Order::Ascending, Removals::Keep);
    let rows: Result<_> = merge.unwrap().collect();
    rows.unwrap()
}

proptest! {
    #[test]
    fn rows_of_entries_are_told_as_they_are_and_in_few_runs(events in events()) {
        let mut told = Told::new();
        for event in events {
            told.happens(event);
            let all = told.expected(0);
            prop_assert_eq!(read(told.state.runs()), expected(&all, &Span::all(), Order::Ascending));
            prop_assert!(told.state.runs().count() <= 2 * 9, "{}", told.state.runs().count());
            // What a snapshot has is not told again with what came after it.
            let later = told.expected(told.apart);
            let after = read(told.state.runs_after(told.apart));
            prop_assert_eq!(after, expected(&later, &Span::all(), Order::Ascending));
        }
    }
}
