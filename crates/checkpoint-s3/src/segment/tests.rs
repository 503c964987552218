mod damage;
mod measure;
mod requests;

use std::sync::OnceLock;

use checkpoint_core::Order;
use proptest::prelude::*;

use super::*;
use crate::row::{Change, Key, Span};
use crate::testing::{
    Model, changes, collect, expected, key, model, noise, numbered, order, rows, segment, span,
    write,
};

fn reading() -> impl Strategy<Value = Reading> {
    prop::sample::select(&[Reading::Some, Reading::All][..])
}

/// So many rows under every second number, some of them removed.
pub(super) fn many(table: u8, rows: u64, bytes: usize) -> Vec<Change> {
    let rows = (0..rows).map(|n| {
        let mut row = numbered(table, 2 * n, noise(bytes, n));
        if n % 11 == 0 {
            row.value = None;
        }
        row
    });
    rows.collect()
}

/// One of several partitions, and what it must answer.
fn large() -> &'static (Segment, Model) {
    static LARGE: OnceLock<(Segment, Model)> = OnceLock::new();
    LARGE.get_or_init(|| {
        let mut rows = many(3, 60_000, 10);
        rows.extend(many(9, 2_000, 300));
        let (segment, ..) = segment(&rows, 1 << 20);
        assert!(segment.top().unwrap().len() > 1);
        (segment, model(&rows))
    })
}

fn read(segment: &Segment, span: &Span, order: Order, reading: Reading) -> Vec<Change> {
    let mut cursor = segment.cursor(span.clone(), order, reading);
    let bound = cursor.bound().map(|(table, key)| (table, key.to_vec()));
    let rows = collect(|| cursor.next()).unwrap();
    if let Some(first) = rows.first() {
        let (table, key) = bound.unwrap();
        let compared = (table, &key[..]).cmp(&first.at());
        match order {
            Order::Ascending => assert!(compared.is_le()),
            Order::Descending => assert!(compared.is_ge()),
        }
    }
    rows
}

proptest! {
    #[test]
    fn a_segment_answers_as_a_map(
        changes in changes(60),
        span in span(),
        order in order(),
        reading in reading(),
        cache in prop::sample::select(&[0, 20_000, 1 << 20][..]),
    ) {
        let model = model(&changes);
        prop_assume!(!model.is_empty());
        let (segment, ..) = segment(&rows(&model), cache);
        prop_assert_eq!(read(&segment, &span, order, reading), expected(&model, &span, order));
        for table in [0, 1, 2, 255] {
            for at in [&b""[..], b"a", b"ab", b"b\xff", b"zz"] {
                let there = model.get(&(table, at.to_vec())).cloned();
                let got = segment.get(key(table, at)).unwrap();
                prop_assert_eq!(got.map(|value| value.map(|it| it.to_vec())), there);
            }
        }
        let outline = segment.outline();
        prop_assert_eq!(outline.rows, model.len() as u64);
        let removals = model.values().filter(|value| value.is_none()).count();
        prop_assert_eq!(outline.removals, removals as u64);
        let ends = (model.first_key_value().unwrap().0, model.last_key_value().unwrap().0);
        prop_assert_eq!(outline.smallest(), (ends.0.0, &ends.0.1[..]));
        prop_assert_eq!(outline.largest(), (ends.1.0, &ends.1.1[..]));
    }

    #[test]
    fn a_segment_of_many_partitions_answers_as_a_map(
        table in prop::sample::select(&[3_u8, 9][..]),
        low in 0..125_000_u64,
        rows in 0..6_000_u64,
        order in order(),
        reading in reading(),
    ) {
        let (segment, model) = large();
        let high = (low + rows).to_be_bytes();
        let low_key = low.to_be_bytes().to_vec();
        let span = Span::keys(table, low_key.clone(), Some(high.to_vec().into()));
        let range = (table, low_key.clone())..=(table, high.to_vec());
        let mut there: Vec<_> = model.range(range).map(|((table, key), value)| Change {
            table: *table,
            key: key.clone().into(),
            value: value.clone().map(Bytes::from),
        }).collect();
        if order == Order::Descending {
            there.reverse();
        }
        prop_assert_eq!(read(segment, &span, order, reading), there);
        let value = segment.get(key(table, &low_key)).unwrap();
        let there = model.get(&(table, low_key)).cloned();
        prop_assert_eq!(value.map(|value| value.map(|it| it.to_vec())), there);
    }
}

#[test]
fn all_of_a_large_segment_is_read_in_both_orders() {
    let (segment, model) = large();
    let there = rows(model);
    assert!(read(segment, &Span::all(), Order::Ascending, Reading::All) == there);
    let mut back = read(segment, &Span::all(), Order::Descending, Reading::Some);
    back.reverse();
    assert!(back == there);
}

#[test]
fn a_segment_without_rows_is_none() {
    assert!(write(SegmentWriter::new(Id([1; 16])), &[]).is_none());
}

#[test]
fn what_is_handed_out_at_once_is_bounded() {
    let mut writer = SegmentWriter::new(Id([1; 16]));
    let mut most = 0;
    for row in many(1, 60_000, 10) {
        most = most.max(writer.push(&row).unwrap().len());
    }
    let (last, outline) = writer.finish().unwrap().unwrap();
    assert!(most < BLOCK + 2 * PARTITION, "{most} bytes at once");
    assert!(
        last.len() < BLOCK + 2 * PARTITION,
        "{} bytes at the end",
        last.len()
    );
    assert!(outline.length > 5 * most as u64);
}

#[test]
fn a_large_row_has_a_block_of_its_own() {
    let mut rows = many(1, 10, 20);
    rows[5] = numbered(1, 10, noise(1 << 20, 3));
    let (segment, objects, _) = segment(&rows, 0);
    let small = 12_u64.to_be_bytes();
    assert!(segment.get(key(1, &small)).unwrap().is_some());
    let fetched: u64 = objects.fetched().iter().map(|it| it.end - it.start).sum();
    assert!(fetched < 2_000, "{fetched} bytes for a small row");
    let all = read(&segment, &Span::all(), Order::Ascending, Reading::Some);
    assert!(all == rows);
}

#[test]
fn rows_out_of_order_are_refused_across_blocks_too() {
    for bytes in [1, BLOCK] {
        let mut writer = SegmentWriter::new(Id([1; 16]));
        writer.push(&numbered(1, 5, noise(bytes, 1))).unwrap();
        for n in [5, 4] {
            assert!(writer.push(&numbered(1, n, noise(bytes, 1))).is_err());
        }
        writer.push(&numbered(1, 6, Vec::new())).unwrap();
        let (_, outline) = writer.finish().unwrap().unwrap();
        assert_eq!(outline.rows, 2);
        let end: Key<'_> = (1, &6_u64.to_be_bytes());
        assert_eq!(outline.largest(), end);
    }
}
