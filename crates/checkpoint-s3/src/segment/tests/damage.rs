//! What is wrong with an object is told, or changes no answer.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Order, Result};
use proptest::prelude::*;

use super::many;
use crate::block;
use crate::cache::BlockCache;
use crate::id::Id;
use crate::row::{Change, Span};
use crate::run::Run;
use crate::segment::{Outline, Reading, SegmentWriter, seed};
use crate::testing::{
    Objects, collect, each_damage, fixture, key, noise, numbered, open, segment, write,
};

const ID: Id = Id([7; 16]);

/// All that a segment answers.
fn answers(object: &[u8], outline: &Outline, keys: &[Change]) -> Result<Vec<Change>> {
    let objects = Arc::new(Objects::default());
    objects.put(outline.id, Bytes::copy_from_slice(object));
    let cache = Arc::new(BlockCache::new(1 << 20));
    let segment = open(outline.clone(), &objects, &cache);
    for change in keys {
        if let Ok(found) = segment.get(change.at()) {
            assert_eq!(found, Some(change.value.clone()), "no other data");
        }
    }
    let mut cursor = segment.cursor(Span::all(), Order::Ascending, Reading::Some);
    collect(|| cursor.next())
}

fn small() -> (Vec<Change>, Bytes, Outline) {
    let mut rows = vec![
        numbered(1, 1, noise(30, 1)),
        numbered(1, 2, vec![b'x'; 200]),
        Change::remove(2, &b"gone"[..]),
    ];
    rows.push(numbered(3, 3, noise(40, 2)));
    let (object, outline) = write(SegmentWriter::new(ID), &rows).unwrap();
    (rows, object, outline)
}

#[test]
fn each_changed_byte_is_told_or_changes_nothing() {
    let (rows, object, outline) = small();
    let mut unread = outline.clone();
    unread.tail = None;
    for outline in [outline, unread] {
        each_damage(&object, |damaged| match answers(damaged, &outline, &rows) {
            Ok(found) => found == rows,
            Err(error) => {
                let shown = error.to_string();
                error.is_corrupt() && shown.contains(&ID.to_string()) && shown.contains("offset")
            }
        });
    }
}

#[test]
fn a_block_that_stands_elsewhere_is_noticed() {
    let rows = [
        numbered(1, 1, noise(20_000, 1)),
        numbered(1, 2, noise(20_000, 2)),
    ];
    let (object, outline) = write(SegmentWriter::new(ID), &rows).unwrap();
    // Digest, kind, table and the lengths of key and value, and these two; both blocks are stored as they are.
    let length = 8 + 1 + 1 + 1 + 3 + 8 + 20_000;
    let (head, rest) = object.split_at(8);
    let (one, rest) = rest.split_at(length);
    let (other, rest) = rest.split_at(length);
    // The same object, its two blocks in each other's place.
    let swapped = [head, other, one, rest].concat();
    assert_eq!(swapped.len(), object.len());
    assert_ne!(swapped, object[..]);
    assert!(one.ends_with(&noise(20_000, 1)) && other.ends_with(&noise(20_000, 2)));
    let error = answers(&swapped, &outline, &rows).unwrap_err();
    assert!(error.is_corrupt(), "{error}");
    // Another object of the same rows.
    let (other, _) = write(SegmentWriter::new(Id([8; 16])), &rows).unwrap();
    assert!(answers(&other, &outline, &rows).unwrap_err().is_corrupt());
}

#[test]
fn what_hides_nothing_else_is_read_on() {
    let rows = many(1, 20_000, 40);
    let (object, outline) = write(SegmentWriter::new(ID), &rows).unwrap();
    let mut damaged = object.to_vec();
    damaged[outline.length as usize / 2] ^= 1;
    let objects = Arc::new(Objects::default());
    objects.put(ID, damaged.into());
    let cache = Arc::new(BlockCache::new(1 << 20));
    let segment = open(outline, &objects, &cache);
    let (mut lost, mut read) = (0, 0);
    for change in &rows {
        match segment.get(change.at()) {
            Ok(found) => {
                assert_eq!(found, Some(change.value.clone()));
                read += 1;
            }
            Err(error) => {
                assert!(error.is_corrupt());
                lost += 1;
            }
        }
    }
    assert!((1..400).contains(&lost) && read > 19_000, "{lost} lost");
}

#[test]
fn errors_of_the_store_come_as_they_are() {
    let rows = many(1, 20_000, 40);
    let (segment, objects, _) = segment(&rows, 0);
    let at = key(1, &[0; 8]);
    objects.fail(true);
    assert!(segment.get(at).unwrap_err().is_retryable());
    let mut cursor = segment.cursor(Span::all(), Order::Ascending, Reading::All);
    assert!(cursor.next().unwrap_err().is_retryable());
    objects.fail(false);
    assert!(segment.get(at).unwrap().is_some());
    let gone = Arc::new(Objects::default());
    let cache = Arc::new(BlockCache::new(0));
    for tail in [None, segment.outline().tail.clone()] {
        let mut outline = segment.outline().clone();
        outline.tail = tail;
        let error = open(outline, &gone, &cache).get(at).unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.to_string(), "no such object");
    }
}

/// An outline whose tail has this index.
fn forged(top: Vec<Change>) -> Outline {
    let (_, _, mut outline) = small();
    let tail = outline.write_tail(&Run::of(top).unwrap());
    outline.digest = *tail.last_chunk().unwrap();
    outline.tail = Some(tail.into());
    outline
}

proptest! {
    #[test]
    fn an_index_that_says_anything_leads_nowhere(
        value in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff)], 0..45),
    ) {
        let outline = forged(vec![Change::put(0, &b""[..], value)]);
        let (rows, object, _) = small();
        let found = answers(&object, &outline, &rows);
        prop_assert!(found.is_err_and(|error| error.is_corrupt()));
    }

    #[test]
    fn blocks_that_an_index_names_wrongly_are_corrupt(
        value in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        // A whole partition, put where the tail says, whose index has this row.
        let index = Run::of(vec![Change::put(0, &b""[..], value)]).unwrap();
        let stored = block::encode(&index, seed(ID, 8));
        let mut filter = crate::filter::Builder::default();
        let (rows, ..) = small();
        rows.iter().for_each(|row| filter.add(row.at()));
        let filter = filter.encode(seed(ID, 8 + stored.len() as u64));
        let mut spot = Vec::new();
        for number in [8, stored.len(), filter.len(), 1] {
            checkpoint_core::engine::put_varint(&mut spot, number as u64);
        }
        let mut outline = forged(vec![]);
        outline.tail_at = 8 + (stored.len() + filter.len()) as u64;
        let top = Run::of(vec![Change::put(0, &b""[..], spot)]).unwrap();
        let tail = outline.write_tail(&top);
        outline.digest = *tail.last_chunk().unwrap();
        outline.tail = None;
        let object = [&[0; 8][..], &stored, &filter, &tail].concat();
        outline.length = object.len() as u64;
        let error = answers(&object, &outline, &rows).unwrap_err();
        prop_assert!(error.is_corrupt());
    }
}

#[test]
fn a_tail_that_is_not_the_outlined_one_is_corrupt() {
    let (rows, object, outline) = small();
    let changes: [fn(&mut Outline); 6] = [
        |it| it.rows += 1,
        |it| it.removals += 1,
        |it| it.bytes += 1,
        |it| it.id = Id([9; 16]),
        |it| it.digest[0] ^= 1,
        |it| it.tail_at -= 1,
    ];
    for change in changes {
        let mut other = outline.clone();
        change(&mut other);
        assert!(answers(&object, &other, &rows).unwrap_err().is_corrupt());
    }
}

#[test]
fn a_tail_of_a_later_version_is_refused_by_name() {
    let (_, object, mut outline) = small();
    let mut later = object.to_vec();
    let versions = later.len() - 24;
    later[versions..versions + 8].copy_from_slice(&[3, 0, 0, 0, 2, 0, 0, 0]);
    let (body, end) = later.split_last_chunk_mut().unwrap();
    *end = block::digest(&body[outline.tail_at as usize..], 0);
    outline.digest = *end;
    outline.tail = None;
    let error = answers(&later, &outline, &[]).unwrap_err();
    assert_eq!(*error.kind(), checkpoint_core::ErrorKind::Unsupported);
    let shown = error.to_string();
    assert!(
        shown.contains("version 2") && shown.contains("version 1"),
        "{shown}"
    );
}

#[test]
fn a_segment_of_the_first_version_is_what_is_written_today() {
    let rows = [
        Change::put(1, &b"a"[..], noise(20, 5)),
        Change::remove(1, &b"b"[..]),
        Change::put(2, &b""[..], &b""[..]),
    ];
    let (object, outline) = write(SegmentWriter::new(ID), &rows).unwrap();
    let bytes = fixture("segment-1");
    assert_eq!(answers(&bytes, &outline, &rows).unwrap(), rows);
    assert_eq!(object, bytes);
}

#[test]
fn a_compressed_segment_of_the_first_version_is_read() {
    let text = |n: u64| format!("row {n} of a segment that compresses").repeat(9);
    let rows: Vec<_> = (0..100)
        .map(|n| numbered(1, n, text(n).into_bytes()))
        .collect();
    let (bytes, outline) = (
        fixture("segment-1-compressed"),
        fixture("segment-1-outline"),
    );
    let mut rest = &outline[..];
    let outline = Outline::take(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert_eq!(answers(&bytes, &outline, &rows).unwrap(), rows);
}
