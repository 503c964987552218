//! What is logged, replayed, and taken back.

use bytes::Bytes;
use proptest::prelude::*;

use super::properties::{any_commits, update};
use super::{
    DAY, Place, append, append_with, attach, checkpoint, chunk, create, delete, place, run, session,
};
use crate::backend::{Backend, Budget};
use crate::clock::{IdSource, SeededIds};
use crate::commit::{Commit, Note, NoteKind, Operation, Reseal, Sealed};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CommitId, Tag, WorkerId};
use crate::record::{Origin, Payload, Position};

impl Place {
    fn group(&self, all: impl IntoIterator<Item = Vec<Operation>>) -> Vec<Commit> {
        let commit = |operations| Commit {
            operations,
            ..self.new_commit()
        };
        all.into_iter().map(commit).collect()
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let kept = self.store.snapshot(|rows| {
            pieces.push(rows.to_vec());
            Ok(())
        });
        kept.unwrap();
        pieces
    }

    fn replaying(log: &[Vec<u8>]) -> Self {
        let place = place();
        for rows in log {
            place.store.replay(rows).unwrap();
        }
        place
    }

    fn is_like(&self, other: &Self) -> bool {
        *self.store.shared.state.read() == *other.store.shared.state.read()
    }
}

fn keep(log: &mut Vec<Vec<u8>>) -> impl FnOnce(&[u8]) -> Result<()> {
    |rows| {
        log.push(rows.to_vec());
        Ok(())
    }
}

proptest! {
    #[test]
    fn what_was_logged_makes_the_same_store(commits in any_commits(), size in 1_usize..5) {
        let (place, mut log) = (place(), Vec::new());
        for group in commits.chunks(size) {
            place.clock.advance(DAY / 3);
            place.store.commit_logged(&place.group(group.to_vec()), keep(&mut log));
        }
        prop_assert!(Place::replaying(&log).is_like(&place));
    }

    #[test]
    fn a_snapshot_and_what_was_logged_after_it_make_the_same_store(
        before in any_commits(),
        after in any_commits(),
        rows in 1_usize..9,
    ) {
        let place = place();
        for operations in before {
            let _ = place.apply(operations);
            place.clock.advance(DAY / 3);
        }
        // One step, which may leave a session half purged.
        let budget = Budget::default().with_window(DAY).with_rows(rows);
        place.step(&budget);
        let mut log = place.snapshot();
        prop_assert!(Place::replaying(&log).is_like(&place));
        for operations in after {
            place.store.commit_logged(&place.group([operations]), keep(&mut log));
        }
        prop_assert!(Place::replaying(&log).is_like(&place));
    }

    #[test]
    fn a_log_that_fails_takes_everything_back(before in any_commits(), failing in any_commits()) {
        let place = place();
        for operations in before {
            let _ = place.apply(operations);
        }
        let state = place.store.shared.state.read().clone();
        let answers = place.store.commit_logged(&place.group(failing), |_| Err(Error::storage("full")));
        prop_assert!(*place.store.shared.state.read() == state);
        // What is answered nevertheless was there before, or wrote nothing.
        prop_assert!(answers.iter().flatten().all(|receipt| receipt.last <= state.counters.position));
    }

    #[test]
    fn arbitrary_rows_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = place().store.replay(&bytes);
    }

    #[test]
    fn damaged_rows_never_panic(commits in any_commits(), at in any::<usize>(), bit in 0_u8..8) {
        let (place, mut log) = (place(), Vec::new());
        place.store.commit_logged(&place.group(commits), keep(&mut log));
        for rows in &mut log {
            let at = at % rows.len();
            rows[at] ^= 1 << bit;
            let _ = self::place().store.replay(rows);
        }
    }
}

/// One commit after another, with every kind of write that a random commit hardly makes.
fn rare(place: &Place) -> Vec<Commit> {
    let reseal = |target, old: &[u8]| {
        Operation::from(Reseal {
            target,
            replaces: *blake3::hash(old).as_bytes(),
            bytes: Bytes::from_static(b"sealed anew"),
        })
    };
    let rich = append_with("s", 1, |append| {
        append.parent = crate::commit::Parent::Id(checkpoint("elsewhere"));
        append.enclosing = Some(checkpoint("above"));
        append.worker = Some(WorkerId::new("worker").unwrap());
        append.tags = vec![Tag::new("a").unwrap(), Tag::new("b").unwrap()];
        append.step = Some(0);
        append.payload = Payload::Tree(chunk(1, &[]).id);
    });
    let copied = |id, sequence| {
        append_with("s", id, |append| {
            let committed_at = append.created_at;
            append.origin = Some(Origin {
                sequence,
                committed_at,
            });
        })
    };
    let note = Note {
        session: session("s"),
        checkpoint: Some(checkpoint(1)),
        kind: NoteKind::Restored,
    };
    let mut all = place.group([
        vec![create("s")],
        vec![rich],
        vec![copied(2, 7), copied(3, 5)],
        vec![],
        vec![Operation::ClaimSession(session("s")), note.into()],
        vec![attach("s", 1, "k", Some(b"bytes")), update("s", 3, 1)],
        vec![
            reseal(Sealed::Meta(checkpoint(1)), b"meta"),
            reseal(Sealed::Inline(checkpoint(2)), b"state"),
            reseal(Sealed::Chunk(chunk(1, &[]).id), &[1; 10]),
            reseal(
                Sealed::Attachment(checkpoint(1), "note".into(), "k".into()),
                b"bytes",
            ),
            reseal(Sealed::Session(session("s")), b"body"),
        ],
        vec![
            attach("s", 1, "k", None),
            attach("s", 1, "other", Some(b"x")),
            attach("s", 1, "k", Some(b"y")),
        ],
    ]);
    all[1].chunks = vec![chunk(1, &[2]), chunk(2, &[])];
    all[3].relies_on = vec![chunk(2, &[]).id];
    all
}

#[test]
fn every_kind_of_write_is_replayed() {
    let (place, mut log) = (place(), Vec::new());
    for commit in rare(&place) {
        place.clock.advance(DAY);
        let done = place.store.commit_logged(&[commit], keep(&mut log));
        assert!(done[0].is_ok(), "{done:?}");
    }
    assert!(Place::replaying(&log).is_like(&place));
    assert!(Place::replaying(&place.snapshot()).is_like(&place));
}

#[test]
fn each_commit_of_a_group_has_an_answer_of_its_own() {
    let (place, mut log) = (place(), Vec::new());
    let group = place.group([
        vec![create("s"), append("s", 1)],
        vec![append("nowhere", 2)],
        vec![append("s", 3)],
    ]);
    let done = place.store.commit_logged(&group, keep(&mut log));
    let last: Vec<_> = done
        .iter()
        .map(|one| one.as_ref().ok().map(|receipt| receipt.last.sequence))
        .collect();
    assert_eq!(last, [Some(1), None, Some(2)]);
    assert_eq!(log.len(), 1, "one entry for the group");
}

#[test]
fn what_writes_nothing_is_not_logged() {
    let place = place();
    let first = place.group([vec![create("s")], vec![append("s", 1)]]);
    place.store.commit_logged(&first, |_| Ok(()));
    let nothing = [
        place.group([vec![]]),
        place.group([vec![append("nowhere", 1)]]),
        first,
    ];
    for group in nothing {
        let done = place
            .store
            .commit_logged(&group, |_| panic!("nothing was written"));
        assert_eq!(done.len(), group.len());
    }
}

#[test]
fn a_commit_that_was_not_logged_can_be_sent_again() {
    let place = place();
    let group = place.group([vec![create("s"), append("s", 1)], vec![delete("s", 1)]]);
    let full = |_: &[u8]| Err(Error::storage("the disk is full"));
    let refused = place.store.commit_logged(&group, full);
    let kinds: Vec<_> = refused
        .iter()
        .map(|one| one.as_ref().unwrap_err().kind())
        .collect();
    assert_eq!(kinds, [&ErrorKind::Storage; 2]);
    assert_eq!(
        run(place.store.changes(Position::START, 9))
            .unwrap()
            .items
            .len(),
        0
    );
    let done = place.store.commit_logged(&group, |_| Ok(()));
    assert!(done.iter().flatten().all(|receipt| !receipt.replayed));
    assert_eq!(done.iter().flatten().count(), 2);
}

#[test]
fn a_closed_store_logs_nothing() {
    let place = place();
    run(place.store.close()).unwrap();
    let commit = Commit::new(CommitId::from_uuid(SeededIds::new(9).next())).with(create("s"));
    let done = place
        .store
        .commit_logged(&[commit], |_| panic!("the store is closed"));
    assert_eq!(*done[0].as_ref().unwrap_err().kind(), ErrorKind::Stopped);
}

#[test]
fn rows_are_what_they_were() {
    let place = place();
    for commit in rare(&place) {
        place.store.commit_logged(&[commit], |_| Ok(()));
    }
    place.apply([delete("s", 1)]).unwrap();
    let digest = blake3::hash(&place.snapshot().concat());
    assert_eq!(
        digest.to_string(),
        "73b1bae8d0a178a2ab5982cf276e0e219120aad51e857b15e10c3adbe8888c72",
        "the rows that logs are made of changed: what was written before must still be read"
    );
}
