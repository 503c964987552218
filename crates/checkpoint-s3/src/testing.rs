//! What the tests of these formats share.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Applied, Error, ErrorKind, Order, Result};
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::cache::BlockCache;
use crate::id::Id;
use crate::row::{Change, Key, Span};
use crate::seal::{Extension, Head, Versions};
use crate::segment::{Fetch, Outline, Segment, SegmentWriter};

/// Rows as a map has them: what a run, a segment or a merge of them must answer.
pub(crate) type Model = BTreeMap<(u8, Vec<u8>), Option<Vec<u8>>>;

/// Few keys, so that they meet: removed ones, empty ones, and values that compress and others.
pub(crate) fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    let key = prop::collection::vec(prop::sample::select(&b"\x00ab\xff"[..]), 0..4);
    let value = prop_oneof![
        1 => Just(None),
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
        1 => (0_usize..6_000).prop_map(|length| Some(vec![b'x'; length])),
        1 => (0_usize..6_000).prop_map(|length| Some(noise(length, 1))),
    ];
    let table = prop::sample::select(&[0_u8, 1, 254, 255][..]);
    let change = (table, key, value).prop_map(|(table, key, value)| Change {
        table,
        key: key.into(),
        value: value.map(Bytes::from),
    });
    prop::collection::vec(change, 0..most)
}

/// A range of such keys.
pub(crate) fn span() -> impl Strategy<Value = Span> {
    let key = || prop::collection::vec(prop::sample::select(&b"\x00ab\xff"[..]), 0..4);
    let table = prop::sample::select(&[0_u8, 1, 254, 255][..]);
    prop_oneof![
        Just(Span::all()),
        table.clone().prop_map(Span::table),
        (table.clone(), key(), prop::option::of(key())).prop_map(|(table, low, high)| Span::keys(
            table,
            low,
            high.map(Bytes::from)
        )),
        (table.clone(), key()).prop_map(|(table, key)| Span::all().after((table, &key))),
        (table, key()).prop_map(|(table, key)| Span::all().before((table, &key))),
    ]
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(&[Order::Ascending, Order::Descending][..])
}

/// What objects begin with.
pub(crate) fn head() -> impl Strategy<Value = Head> {
    let extension = prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Extension {
        critical: false,
        bytes: bytes.into(),
    });
    (prop::option::of(extension), 1..9_u32, any::<u32>()).prop_map(
        |(extension, version, writer)| Head {
            versions: Versions {
                version,
                reader: 1,
                writer,
            },
            extension,
        },
    )
}

/// The changes as a map, later ones over earlier ones.
pub(crate) fn model<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Model {
    let rows = changes.into_iter().map(|change| {
        let value = change.value.as_ref().map(|value| value.to_vec());
        ((change.table, change.key.to_vec()), value)
    });
    rows.collect()
}

/// The rows of a map as changes.
pub(crate) fn rows(model: &Model) -> Vec<Change> {
    let changes = model.iter().map(|((table, key), value)| Change {
        table: *table,
        key: key.clone().into(),
        value: value.clone().map(Bytes::from),
    });
    changes.collect()
}

/// What a range of a map has, in an order.
pub(crate) fn expected(model: &Model, span: &Span, order: Order) -> Vec<Change> {
    let mut found = rows(model);
    found.retain(|change| !span.begins_behind(change.at()) && !span.ends_before(change.at()));
    if order == Order::Descending {
        found.reverse();
    }
    found
}

/// Bytes that do not compress, the same for a seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    bytes.take(length).collect()
}

/// Objects in memory, which count what is fetched.
#[derive(Default)]
pub(crate) struct Objects {
    segments: Mutex<HashMap<Id, Bytes>>,
    fetched: Mutex<Vec<Range<u64>>>,
    fail: Mutex<bool>,
}

impl Objects {
    pub(crate) fn put(&self, id: Id, bytes: Bytes) {
        self.segments.lock().insert(id, bytes);
    }

    /// What was fetched since the last time.
    pub(crate) fn fetched(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.fetched.lock())
    }

    /// From now on nothing can be reached, or can be again.
    pub(crate) fn fail(&self, fail: bool) {
        *self.fail.lock() = fail;
    }
}

impl Fetch for Objects {
    fn fetch(&self, segment: Id, range: Range<u64>) -> Result<Bytes> {
        self.fetched.lock().push(range.clone());
        if *self.fail.lock() {
            let applied = Applied::No;
            return Err(Error::new(ErrorKind::Unavailable { applied }, "no network"));
        }
        let segments = self.segments.lock();
        let object = segments
            .get(&segment)
            .ok_or_else(|| Error::not_found("no such object"))?;
        // As a service answers a range that goes beyond the end.
        let end = (range.end as usize).min(object.len());
        Ok(object.slice((range.start as usize).min(end)..end))
    }
}

/// Writes a segment; what it hands out is put together.
pub(crate) fn write(writer: SegmentWriter, rows: &[Change]) -> Option<(Bytes, Outline)> {
    let mut writer = writer;
    let mut object = Vec::new();
    for change in rows {
        object.extend_from_slice(&writer.push(change).unwrap());
    }
    let (last, outline) = writer.finish().unwrap()?;
    object.extend_from_slice(&last);
    assert_eq!(outline.length, object.len() as u64);
    Some((object.into(), outline))
}

/// A segment of these rows with objects and cache of its own.
pub(crate) fn segment(rows: &[Change], cache: usize) -> (Segment, Arc<Objects>, Arc<BlockCache>) {
    let id = Id([7; 16]);
    let (object, outline) = write(SegmentWriter::new(id), rows).unwrap();
    let objects = Arc::new(Objects::default());
    objects.put(id, object);
    let cache = Arc::new(BlockCache::new(cache));
    let segment = open(outline, &objects, &cache);
    (segment, objects, cache)
}

/// Opens a segment.
pub(crate) fn open(outline: Outline, objects: &Arc<Objects>, cache: &Arc<BlockCache>) -> Segment {
    let source = Arc::clone(objects) as Arc<dyn Fetch>;
    Segment::new(outline, source, Arc::clone(cache))
}

/// All that a cursor has.
pub(crate) fn collect(mut next: impl FnMut() -> Result<Option<Change>>) -> Result<Vec<Change>> {
    std::iter::from_fn(|| next().transpose()).collect()
}

/// The n-th key of a table, and rows that go with it.
pub(crate) fn numbered(table: u8, n: u64, value: Vec<u8>) -> Change {
    Change::put(table, n.to_be_bytes().to_vec(), value)
}

pub(crate) fn key(table: u8, key: &[u8]) -> Key<'_> {
    (table, key)
}

/// Calls something with each byte of an object changed, in each bit and as a whole, and with each beginning of it.
pub(crate) fn each_damage(object: &[u8], mut is_noticed: impl FnMut(&[u8]) -> bool) {
    let mut damaged = object.to_vec();
    for at in 0..object.len() {
        for change in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            damaged[at] ^= change;
            assert!(is_noticed(&damaged), "byte {at} changed by {change:#04x}");
            damaged[at] ^= change;
        }
        assert!(is_noticed(&object[..at]), "cut to {at} bytes");
    }
    damaged.push(0);
    assert!(is_noticed(&damaged), "a byte more");
}

/// The bytes of a fixture, as the first version of a format wrote them.
pub(crate) fn fixture(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let path = path.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
