//! What holds for any commits.

use bytes::Bytes;
use proptest::prelude::*;

use super::{DAY, append_with, attach, checkpoint, chunk, create, delete, place, session};
use crate::backend::Budget;
use crate::clock::{Clock, FakeClock};
use crate::commit::{NewState, Operation, PatchSession, PutRecord, Quarantine, Update};
use crate::id::RecordName;
use crate::record::{Payload, Position};
use crate::status::Status;

fn any_operation() -> impl Strategy<Value = Operation> {
    let name = prop_oneof![Just("a"), Just("b")];
    (0_u8..11, name, 0_u8..4, 1_u64..3).prop_map(|(kind, of, n, revision)| match kind {
        0 => create(of),
        1..=3 => append_with(of, n, |append| append.revive = kind == 3),
        4 => delete(of, n),
        5 => attach(of, n, "key", (revision == 1).then_some(b"bytes")),
        6 => Operation::DeleteSession(session(of)),
        7 => update(of, n, revision),
        8 => PutRecord {
            name: RecordName::new(of).unwrap(),
            bytes: (revision == 1).then(|| Bytes::from_static(b"record")),
        }
        .into(),
        9 => Quarantine {
            session: session(of),
            id: checkpoint(n),
            aside: revision == 1,
        }
        .into(),
        _ => PatchSession {
            id: session(of),
            revision,
            body: Bytes::from_static(b"other"),
        }
        .into(),
    })
}

pub(super) fn update(of: &str, id: impl ToString, revision: u64) -> Operation {
    let update = Update {
        session: session(of),
        id: checkpoint(id),
        revision,
        becomes: None,
        updated_at: FakeClock::at("2026-11-21T10:00:00Z").unwrap().now(),
        status: Status::Completed,
        worker: None,
        tags: Vec::new(),
        step: Some(3),
        pinned: true,
        meta: Bytes::from_static(b"new meta"),
        state: Some(NewState {
            length: 1,
            payload: Payload::Inline(Bytes::from_static(b"x")),
        }),
    };
    update.into()
}

pub(super) fn any_commits() -> impl Strategy<Value = Vec<Vec<Operation>>> {
    proptest::collection::vec(proptest::collection::vec(any_operation(), 1..6), 0..20)
}

proptest! {
    #[test]
    fn a_commit_that_fails_leaves_nothing(commits in any_commits(), last in any_operation()) {
        let place = place();
        place.apply([create("a")]).unwrap();
        for operations in commits {
            let before = place.store.shared.state.read().clone();
            let mut commit = place.new_commit();
            commit.operations = operations;
            commit.operations.push(last.clone());
            commit.chunks.push(chunk(1, &[]));
            if place.store.commit_now(&commit).is_err() {
                prop_assert!(*place.store.shared.state.read() == before);
            }
        }
    }

    #[test]
    fn counters_are_what_the_tables_say(commits in any_commits(), trim in any::<bool>()) {
        let place = place();
        for operations in commits {
            let _ = place.apply(operations);
        }
        if trim {
            place.clock.advance(30 * DAY);
            place.maintain(&Budget::default());
        }
        let state = place.store.shared.state.read();
        let sequences = state.checkpoints.keys().chain(state.graves.keys());
        let highest = sequences
            .map(|sequence| Position::of(*sequence))
            .chain(state.changes.keys().copied())
            .chain([state.floor])
            .max();
        prop_assert_eq!(highest, Some(state.counters.position));
    }

    #[test]
    fn pages_of_any_size_make_the_feed_and_split_no_commit(
        commits in any_commits(),
        limit in 1_usize..12,
        purge in any::<bool>(),
    ) {
        let place = place();
        for operations in commits {
            let _ = place.apply(operations);
        }
        let feed = |after, limit| place.store.shared.state.read().feed(after, limit).unwrap().whole().unwrap();
        let whole = feed(Position::START, usize::MAX);
        prop_assert!(whole.is_sorted_by(|a, b| a.position < b.position));
        if purge {
            place.maintain(&Budget::default());
        }
        let (mut read, mut at) = (Vec::new(), Position::START);
        while let Some(last) = { read.extend(feed(at, limit)); read.last().filter(|it| it.position > at) } {
            at = last.position;
            let next = whole.get(read.len());
            prop_assert!(next.is_none_or(|next| next.first == next.position));
        }
        prop_assert_eq!(read, whole);
    }

    #[test]
    fn steps_of_any_size_end_alike(commits in any_commits(), rows in 0_usize..5, days in 0_u32..9) {
        let (one, other) = (place(), place());
        for place in [&one, &other] {
            for operations in commits.clone() {
                let _ = place.apply(operations);
                place.clock.advance(DAY / 2);
            }
        }
        let budget = Budget::default().with_window(DAY * days);
        let by_steps = one.maintain(&budget.with_rows(rows));
        let at_once = other.maintain(&budget);
        prop_assert_eq!(by_steps, at_once);
        prop_assert!(*one.store.shared.state.read() == *other.store.shared.state.read());
    }
}
