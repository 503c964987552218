//! How often a store is asked.

use std::sync::Arc;

use checkpoint_core::{Order, Result};

use super::{many, read};
use crate::cache::BlockCache;
use crate::id::Id;
use crate::row::{Change, Span};
use crate::segment::{AHEAD, Outline, Reading, Segment, SegmentWriter};
use crate::testing::{Objects, key, numbered, open, segment, write};

/// A segment of several partitions of which nothing is known, its objects, and how many blocks it has.
struct Cold {
    outline: Outline,
    objects: Arc<Objects>,
    rows: Vec<Change>,
}

impl Cold {
    fn new() -> Self {
        let rows = many(3, 60_000, 40);
        let (object, mut outline) = write(SegmentWriter::new(Id([7; 16])), &rows).unwrap();
        outline.tail = None;
        let objects = Arc::new(Objects::default());
        objects.put(outline.id, object);
        Self {
            outline,
            objects,
            rows,
        }
    }

    fn open(&self, cache: usize) -> Segment {
        let cache = Arc::new(BlockCache::new(cache));
        open(self.outline.clone(), &self.objects, &cache)
    }

    fn requests(&self) -> usize {
        self.objects.fetched().len()
    }

    /// Of each partition, the number of its blocks.
    fn blocks(&self) -> usize {
        let segment = self.open(1 << 20);
        let partitions = segment.top().unwrap().len();
        assert!(partitions > 1);
        let blocks = (0..partitions).map(|n| segment.partition(n).unwrap().index.len());
        let blocks = blocks.sum();
        self.objects.fetched();
        blocks
    }
}

#[test]
fn a_key_never_asked_for_costs_three_requests_and_with_the_tail_at_hand_two() {
    let cold = Cold::new();
    let at = 110_000_u64.to_be_bytes();
    let segment = cold.open(1 << 20);
    assert!(segment.get(key(3, &at)).unwrap().is_some());
    assert_eq!(cold.requests(), 3);
    assert!(segment.get(key(3, &at)).unwrap().is_some());
    assert_eq!(cold.requests(), 0);
    // Another partition: its index and filter, and the block.
    let at = 1_000_u64.to_be_bytes();
    assert!(segment.get(key(3, &at)).unwrap().is_some());
    assert_eq!(cold.requests(), 2);

    let (embedded, objects, _) = super::segment(&cold.rows, 1 << 20);
    assert!(embedded.outline().tail.is_some());
    assert!(embedded.get(key(3, &at)).unwrap().is_some());
    assert_eq!(objects.fetched().len(), 2);
}

#[test]
fn most_keys_that_are_not_there_cost_nothing() {
    let cold = Cold::new();
    // Room for the partitions, which are always used, and hardly for a block: whoever looks into one fetches it.
    let segment = cold.open(200 << 10);
    for n in 0..segment.top().unwrap().len() {
        segment.partition(n).unwrap();
    }
    cold.objects.fetched();
    let mut asked = 0;
    for n in 0..20_000_u64 {
        // Odd numbers, far from each other.
        let at = (n * 7_919 % 20_000 * 6 + 1).to_be_bytes();
        assert!(segment.get(key(3, &at)).unwrap().is_none());
        asked += usize::from(cold.requests() > 0);
    }
    assert!((1..=400).contains(&asked), "{asked} of 20,000");
    // Before the first and behind the last row nobody even looks for an index.
    let unread = cold.open(0);
    for at in [key(2, b"x"), key(3, b"\xff"), key(4, b"")] {
        assert!(unread.get(at).unwrap().is_none());
    }
    assert_eq!(cold.requests(), 0);
}

#[test]
fn a_scan_asks_for_many_blocks_at_once() {
    let cold = Cold::new();
    let blocks = cold.blocks();
    assert!(blocks > 150, "{blocks}");
    for order in [Order::Ascending, Order::Descending] {
        for (reading, cache) in [(Reading::Some, 0), (Reading::All, 1 << 20)] {
            let segment = cold.open(cache);
            let rows = read(&segment, &Span::all(), order, reading);
            assert_eq!(rows.len(), cold.rows.len());
            let fetched = cold.objects.fetched();
            let few = 6;
            assert!(
                fetched.len() <= blocks / 8 + few,
                "{} requests for {blocks} blocks, {order:?}, {reading:?}",
                fetched.len()
            );
            let all: u64 = fetched.iter().map(|it| it.end - it.start).sum();
            assert!(all <= cold.outline.length, "nothing is fetched twice");
            assert!(fetched.iter().all(|it| it.end - it.start <= AHEAD));
        }
    }
}

/// Each page is a reading of its own, that stops somewhere.
#[test]
fn pages_that_follow_each_other_ask_for_each_block_once() {
    let cold = Cold::new();
    let blocks = cold.blocks();
    for order in [Order::Ascending, Order::Descending] {
        let segment = cold.open(4 << 20);
        let (mut span, mut rows, mut fetched) = (Span::all(), Vec::new(), Vec::new());
        loop {
            let page = || {
                let mut cursor = segment.cursor(span.clone(), order, Reading::Some);
                let rows = std::iter::from_fn(|| cursor.next().transpose());
                rows.take(50).collect::<Result<Vec<_>>>()
            };
            // As who may not wait, and leaves it to another one.
            cold.objects.fail(true);
            let refused = page();
            assert_eq!(refused.is_err(), cold.requests() > 0);
            cold.objects.fail(false);
            let page = page().unwrap();
            fetched.extend(cold.objects.fetched());
            let Some(last) = page.last() else { break };
            span = match order {
                Order::Ascending => Span::all().after(last.at()),
                Order::Descending => Span::all().before(last.at()),
            };
            rows.extend(page);
        }
        if order == Order::Descending {
            rows.reverse();
        }
        assert!(rows == cold.rows);
        let few = 10;
        assert!(
            fetched.len() <= blocks / 8 + few,
            "{} requests for {blocks} blocks, {order:?}",
            fetched.len()
        );
        let all: u64 = fetched.iter().map(|it| it.end - it.start).sum();
        assert!(
            all <= cold.outline.length + AHEAD,
            "hardly anything is fetched twice"
        );
    }
}

/// What is likely not to be wanted does not push out what is.
#[test]
fn a_page_that_none_follows_keeps_what_it_read_alone() {
    let cold = Cold::new();
    let cache = Arc::new(BlockCache::new(4 << 20));
    let segment = open(cold.outline.clone(), &cold.objects, &cache);
    let mut cursor = segment.cursor(Span::all(), Order::Ascending, Reading::Some);
    // Into the second block, with which others came.
    for _ in 0..600 {
        cursor.next().unwrap();
    }
    let before = cache.counts().held;
    drop(cursor);
    assert_eq!(cache.counts().held, before);
}

#[test]
fn reading_all_leaves_the_cache_to_others() {
    let cold = Cold::new();
    let cache = Arc::new(BlockCache::new(64 << 20));
    let segment = open(cold.outline.clone(), &cold.objects, &cache);
    read(&segment, &Span::all(), Order::Ascending, Reading::All);
    let after_all = cache.counts().held;
    assert!(after_all < 300 << 10, "{after_all}");
    read(&segment, &Span::all(), Order::Ascending, Reading::Some);
    assert!(cache.counts().held > 2 << 20);
    cold.objects.fetched();
    read(&segment, &Span::all(), Order::Descending, Reading::All);
    assert_eq!(cold.requests(), 0);
}

#[test]
fn a_few_rows_cost_a_block_and_no_more() {
    let cold = Cold::new();
    for order in [Order::Ascending, Order::Descending] {
        let segment = cold.open(1 << 20);
        segment.top().unwrap();
        cold.objects.fetched();
        let (low, high) = (50_000_u64.to_be_bytes(), 50_100_u64.to_be_bytes());
        let span = Span::keys(3, low.to_vec(), Some(high.to_vec().into()));
        let rows = read(&segment, &span, order, Reading::Some);
        assert_eq!(rows.len(), 51);
        let requests = cold.requests();
        assert!((2..=3).contains(&requests), "{requests}");
        // A range that begins with the first row of a block does not look into the block before.
        let partition = segment.partition(0).unwrap();
        let (_, first) = partition.index.at(5);
        let span = Span::keys(3, first.to_vec(), Some(first.to_vec().into()));
        cold.objects.fetched();
        assert_eq!(read(&segment, &span, order, Reading::All).len(), 1);
        assert!(cold.requests() <= 1);
    }
    // A cursor that nobody moves asks for nothing, and one of a range that is elsewhere neither.
    let segment = cold.open(0);
    let cursor = segment.cursor(Span::all(), Order::Ascending, Reading::All);
    assert!(cursor.bound().is_some());
    let mut cursor = segment.cursor(Span::table(4), Order::Ascending, Reading::Some);
    assert!(cursor.bound().is_none() && cursor.next().unwrap().is_none());
    assert_eq!(cold.requests(), 0);
}

#[test]
fn a_small_segment_is_fetched_whole_and_once() {
    let rows = many(3, 1_000, 60);
    for embedded in [true, false] {
        let (object, mut outline) = write(SegmentWriter::new(Id([7; 16])), &rows).unwrap();
        if !embedded {
            outline.tail = None;
        }
        let objects = Arc::new(Objects::default());
        objects.put(outline.id, object.clone());
        let cache = Arc::new(BlockCache::new(1 << 20));
        let segment = open(outline, &objects, &cache);
        for n in (0..2_000_u64).step_by(2) {
            assert!(segment.get(key(3, &n.to_be_bytes())).unwrap().is_some());
        }
        assert!(read(&segment, &Span::all(), Order::Descending, Reading::Some).len() == 1_000);
        let whole = 0..object.len() as u64;
        assert_eq!(objects.fetched(), vec![whole]);
    }
}

#[test]
fn what_was_just_written_is_read_without_asking() {
    let rows = many(3, 5_000, 60);
    let cache = Arc::new(BlockCache::new(16 << 20));
    let writer = SegmentWriter::new(Id([7; 16])).caching(Arc::clone(&cache));
    let (object, outline) = write(writer, &rows).unwrap();
    let objects = Arc::new(Objects::default());
    objects.put(outline.id, object);
    let segment = open(outline, &objects, &cache);
    let found = read(&segment, &Span::all(), Order::Ascending, Reading::Some);
    assert!(found == rows);
    assert_eq!(objects.fetched().len(), 0);
}

#[test]
fn the_cache_counts_what_was_there_and_what_was_not() {
    let rows: Vec<_> = (0..9).map(|n| numbered(1, n, vec![7; 20_000])).collect();
    let (segment, _, cache) = segment(&rows, 1 << 20);
    segment.get(key(1, &3_u64.to_be_bytes())).unwrap();
    let counts = cache.counts();
    assert_eq!(counts.hits, 1, "the block came with the index, being small");
    assert_eq!(counts.misses, 1);
    segment.get(key(1, &3_u64.to_be_bytes())).unwrap();
    assert_eq!(cache.counts().hits, 3);
}
