//! What is written and read back, what is refused, and how the feed is put together.

use bytes::Bytes;
use proptest::prelude::*;

use super::receipt::{decode, encode};
use super::{FeedRow, feed_page};
use crate::clock::Timestamp;
use crate::commit::{Append, Attach, Commit, Fingerprint, NewChunk, Parent, PutRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::{Change, ChangeKind, Feed};
use crate::id::{CheckpointId, ChunkId, CommitId, RecordName, SessionId, Tag};
use crate::limits::Limits;
use crate::receipt::{Appended, Outcome, Receipt};
use crate::record::{Item, Origin, Payload, Position};
use crate::status::{Durability, Status, Trigger};

fn outcome() -> impl Strategy<Value = Outcome> {
    let time = Timestamp::MIN.micros()..=Timestamp::MAX.micros();
    let parent = proptest::option::of("[a-zä☃ ]{1,12}");
    let appended = (any::<u64>(), time, parent, any::<bool>()).prop_map(
        |(sequence, time, parent, deleted)| {
            Outcome::Appended(Appended {
                sequence,
                committed_at: Timestamp::from_micros(time).unwrap(),
                parent: parent.map(|id| CheckpointId::new(id).unwrap()),
                deleted,
            })
        },
    );
    let session =
        (any::<bool>(), any::<u64>(), any::<u64>()).prop_map(|(created, revision, epoch)| {
            Outcome::Session {
                created,
                revision,
                epoch,
            }
        });
    prop_oneof![
        appended,
        session,
        any::<u64>().prop_map(|revision| Outcome::Updated { revision }),
        any::<bool>().prop_map(|existed| Outcome::Deleted { existed }),
        any::<bool>().prop_map(|existed| Outcome::Attached { existed }),
        any::<u64>().prop_map(|revision| Outcome::SessionPatched { revision }),
        any::<u64>().prop_map(|epoch| Outcome::Claimed { epoch }),
        any::<bool>().prop_map(|existed| Outcome::SessionDeleted { existed }),
        Just(Outcome::Noted),
        any::<u64>().prop_map(|version| Outcome::RecordPut { version }),
        any::<bool>().prop_map(|existed| Outcome::Resealed { existed }),
        any::<bool>().prop_map(|existed| Outcome::Quarantined { existed }),
    ]
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), any::<u64>()).prop_map(|(sequence, n)| Position { sequence, n })
}

/// Whole commits, each of some appends and some other changes, in order.
fn feed() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec((0_u64..90, 0_u64..90), 0..12).prop_map(|commits| {
        let (mut feed, mut at) = (Vec::new(), Position::START);
        for (appends, others) in commits {
            let mut first = None;
            for n in 0..appends + others {
                let next = Position {
                    sequence: at.sequence,
                    n: at.n + 1,
                };
                at = if n < appends {
                    Position::of(at.sequence + 1)
                } else {
                    next
                };
                let kind = [ChangeKind::Updated, ChangeKind::Created][usize::from(n < appends)];
                feed.push(change(at, *first.get_or_insert(at), kind));
            }
        }
        feed
    })
}

fn change(position: Position, first: Position, kind: ChangeKind) -> Change {
    Change {
        position,
        first,
        kind,
        committed_at: Timestamp::MIN,
        commit: None,
        session: None,
        checkpoint: None,
        status: None,
        revision: None,
    }
}

/// A page of a feed in which the changes at these places are damaged.
fn page(feed: &[Change], damaged: &[bool], after: Position, limit: usize) -> Feed {
    let half = |created: bool| {
        move |after, at_most| -> Result<Vec<FeedRow>> {
            let kept = feed
                .iter()
                .zip(damaged.iter().chain(std::iter::repeat(&false)))
                .filter(|(it, _)| {
                    (it.kind == ChangeKind::Created) == created && it.position > after
                });
            let rows = kept.take(at_most).map(|(it, damaged)| FeedRow {
                position: it.position,
                change: if *damaged {
                    Err(Error::corrupt("a row"))
                } else {
                    Ok(it.clone())
                },
            });
            Ok(rows.collect())
        }
    };
    feed_page(after, limit, half(true), half(false)).unwrap()
}

proptest! {
    #[test]
    fn a_receipt_is_read_as_it_was_written(
        first in position(),
        last in position(),
        outcomes in proptest::collection::vec(outcome(), 0..20),
        shape in any::<[u8; 16]>(),
    ) {
        let receipt = Receipt {
            commit: CommitId::from_bytes([7; 16]),
            first,
            last,
            durability: Durability::Disk,
            outcomes,
            replayed: true,
            clock_behind: None,
        };
        let bytes = Bytes::from(encode(&receipt, &shape));
        prop_assert_eq!(decode(receipt.commit, bytes, Durability::Disk).unwrap(), (receipt, shape));
    }

    #[test]
    fn a_damaged_receipt_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode(CommitId::from_bytes([7; 16]), bytes.into(), Durability::Disk);
    }

    #[test]
    fn pages_make_the_whole_feed_and_split_no_commit(feed in feed(), limit in 1_usize..200) {
        let (mut read, mut at) = (Vec::new(), Position::START);
        loop {
            let page = page(&feed, &[], at, limit).whole().unwrap();
            let Some(last) = page.last() else { break };
            at = last.position;
            let began_before = page.iter().filter(|it| it.first < last.first).count();
            prop_assert!(began_before < limit, "no commit that the limit leaves no room for");
            read.extend(page);
            let next = feed.get(read.len());
            prop_assert!(next.is_none_or(|next| next.first == next.position));
        }
        prop_assert_eq!(read, feed);
    }

    #[test]
    fn pages_tell_each_damaged_change_once_and_all_others(
        feed in feed(),
        damaged in proptest::collection::vec(any::<bool>(), 0..200),
        limit in 1_usize..200,
    ) {
        let (mut read, mut hurt, mut at) = (Vec::new(), 0, Position::START);
        loop {
            let page = page(&feed, &damaged, at, limit);
            if page.items.is_empty() {
                prop_assert_eq!(page.end, at);
                break;
            }
            prop_assert!(page.end > at, "a page that is not empty goes on");
            at = page.end;
            for item in page.items {
                match item {
                    Item::Found(change) => read.push(change),
                    Item::Corrupt(_) => hurt += 1,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        let is_damaged = |n: usize| damaged.get(n) == Some(&true);
        prop_assert_eq!(hurt, (0..feed.len()).filter(|n| is_damaged(*n)).count());
        let whole = feed.iter().enumerate().filter(|(n, _)| !is_damaged(*n));
        prop_assert_eq!(read, whole.map(|(_, it)| it.clone()).collect::<Vec<_>>());
    }
}

#[test]
fn a_page_of_nothing_asks_nothing() {
    let never = |_, _| panic!("asked");
    let page = feed_page(Position::of(7), 0, never, never).unwrap();
    assert_eq!((page.items.len(), page.end), (0, Position::of(7)));
}

#[test]
fn a_feed_that_does_not_rise_is_corrupt_and_not_endless() {
    let stuck = |_, at_most| {
        let row = FeedRow::from(change(
            Position::of(3),
            Position::of(3),
            ChangeKind::Created,
        ));
        Ok(vec![row; at_most])
    };
    let error = feed_page(Position::START, 2, stuck, |_, _| Ok(Vec::new())).unwrap_err();
    assert!(error.is_corrupt());
}

#[test]
fn an_unknown_outcome_is_corrupt() {
    let bytes = Bytes::from_static(&[5, 3, 1, 1, 99]);
    let error = decode(CommitId::from_bytes([0; 16]), bytes, Durability::Disk).unwrap_err();
    assert!(error.is_corrupt());
}

fn append() -> Append {
    Append {
        id: CheckpointId::new("c").unwrap(),
        session: SessionId::new("s").unwrap(),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MIN,
        status: Status::Created,
        trigger: Trigger::Manual,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        length: 0,
        origin: None,
        made: None,
        revive: false,
        fingerprint: Fingerprint([0; 16]),
        meta: Bytes::new(),
        payload: Payload::Inline(Bytes::new()),
    }
}

fn commit() -> Commit {
    Commit::new(CommitId::from_bytes([1; 16]))
}

fn refused(commit: &Commit, limits: &Limits) -> ErrorKind {
    commit.check(limits).unwrap_err().kind().clone()
}

fn appending(change: impl FnOnce(&mut Append)) -> Commit {
    let mut append = append();
    change(&mut append);
    commit().with(append)
}

#[test]
fn what_is_exactly_at_a_limit_is_taken_and_one_more_is_not() {
    let mut limits = Limits::default().with_state(3).with_attachment(2);
    limits.record = 2;
    let state = |length| appending(|append| append.length = length);
    let attach = |length| {
        commit().with(Attach {
            session: append().session,
            checkpoint: append().id,
            kind: "k".into(),
            key: String::new(),
            bytes: Some(vec![0; length].into()),
        })
    };
    let put = |length| {
        commit().with(PutRecord {
            name: RecordName::new("n").unwrap(),
            bytes: Some(vec![0; length].into()),
        })
    };
    for good in [state(3), attach(2), put(2)] {
        good.check(&limits).unwrap();
    }
    for (bad, limit) in [(state(4), 3), (attach(3), 2), (put(3), 2)] {
        let size = limit + 1;
        assert_eq!(refused(&bad, &limits), ErrorKind::TooLarge { limit, size });
    }
}

#[test]
fn chunks_and_their_children_are_limited() {
    let mut limits = Limits::default();
    (limits.chunk, limits.children) = (2, 1);
    let with = |bytes: usize, children: usize| {
        let mut commit = commit();
        commit.chunks.push(NewChunk {
            id: ChunkId::from_bytes([1; 32]),
            children: vec![ChunkId::from_bytes([2; 32]); children].into(),
            bytes: vec![0; bytes].into(),
        });
        commit
    };
    with(2, 1).check(&limits).unwrap();
    for (bad, limit) in [(with(3, 1), 2), (with(2, 2), 1)] {
        let size = limit + 1;
        assert_eq!(refused(&bad, &limits), ErrorKind::TooLarge { limit, size });
    }
}

#[test]
fn what_makes_no_sense_is_invalid() {
    let tag = |text| Tag::new(text).unwrap();
    let origin = |sequence| {
        appending(|append| {
            append.origin = Some(Origin {
                sequence,
                committed_at: Timestamp::MIN,
            });
        })
    };
    let limits = Limits::default();
    origin(1).check(&limits).unwrap();
    origin(1 << 62).check(&limits).unwrap();
    for bad in [
        origin(0),
        origin((1 << 62) + 1),
        appending(|append| append.revision = 0),
        appending(|append| append.tags = vec![tag("b"), tag("a")]),
        appending(|append| append.tags = vec![tag("a"), tag("a")]),
        commit().with(append()).with(append()),
    ] {
        assert_eq!(refused(&bad, &limits), ErrorKind::Invalid);
    }
}
