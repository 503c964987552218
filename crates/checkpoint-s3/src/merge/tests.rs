use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::cache::BlockCache;
use crate::id::Id;
use crate::segment::{Reading, SegmentWriter};
use crate::testing::{
    Model, Objects, changes, expected, model, numbered, open, order, rows, span, write,
};

/// What layers show together, the newest first.
fn layered(layers: &[Vec<Change>], removals: Removals) -> Model {
    let mut all = model(layers.iter().rev().flatten());
    if removals == Removals::Drop {
        all.retain(|_, value| value.is_some());
    }
    all
}

fn removals() -> impl Strategy<Value = Removals> {
    prop::sample::select(&[Removals::Keep, Removals::Drop][..])
}

proptest! {
    #[test]
    fn runs_and_segments_merge_as_maps_do(
        layers in prop::collection::vec((changes(20), any::<bool>()), 0..6),
        span in span(),
        order in order(),
        removals in removals(),
    ) {
        let objects = Arc::new(Objects::default());
        let cache = Arc::new(BlockCache::new(1 << 20));
        let mut cursors: Vec<Cursor> = Vec::new();
        for (n, (changes, stored)) in layers.iter().enumerate() {
            let id = Id([n as u8; 16]);
            let run = Run::of(changes.clone()).unwrap();
            match write(SegmentWriter::new(id), &rows(&model(changes))) {
                Some((object, outline)) if *stored => {
                    objects.put(id, object);
                    let segment = open(outline, &objects, &cache);
                    cursors.push(segment.cursor(span.clone(), order, Reading::Some).into());
                }
                _ => cursors.push(run.cursor(&span, order).into()),
            }
        }
        let merged: Result<Vec<_>> = Merge::new(cursors, order, removals).unwrap().collect();
        let layers: Vec<_> = layers.into_iter().map(|(changes, _)| changes).collect();
        prop_assert_eq!(merged.unwrap(), expected(&layered(&layers, removals), &span, order));
    }

    #[test]
    fn runs_become_one_that_says_the_same(
        layers in prop::collection::vec(changes(20), 0..5),
        removals in removals(),
    ) {
        let runs: Result<Vec<_>> = layers.iter().map(|changes| Run::of(changes.clone())).collect();
        let merged = merge_runs(&runs.unwrap(), removals).unwrap();
        let merged: Vec<_> = merged.cursor(&Span::all(), Order::Ascending).collect();
        prop_assert_eq!(merged, rows(&layered(&layers, removals)));
    }
}

/// Three segments, the newest first, whose keys rise from one to the next as sequences do.
fn risen() -> (Arc<Objects>, Vec<crate::segment::Segment>) {
    let objects = Arc::new(Objects::default());
    let cache = Arc::new(BlockCache::new(0));
    let segments = (0..3_u8).rev().map(|part| {
        let rows: Vec<_> = (0..3_000)
            .map(|n| numbered(1, u64::from(part) * 10_000 + n, n.to_string().into_bytes()))
            .collect();
        let id = Id([part; 16]);
        let (object, outline) = write(SegmentWriter::new(id), &rows).unwrap();
        objects.put(id, object);
        open(outline, &objects, &cache)
    });
    let segments = segments.collect();
    (objects, segments)
}

#[test]
fn a_segment_is_not_looked_into_before_its_rows_are_reached() {
    let (objects, segments) = risen();
    let merge = |order| {
        let cursors = segments
            .iter()
            .map(|segment| segment.cursor(Span::table(1), order, Reading::Some).into());
        Merge::new(cursors.collect(), order, Removals::Drop).unwrap()
    };
    let mut newest = merge(Order::Descending);
    assert_eq!(objects.fetched().len(), 0);
    let first = newest.next().unwrap().unwrap();
    assert_eq!(first.key[..], 22_999_u64.to_be_bytes());
    let one = objects.fetched().len();
    assert!((1..=2).contains(&one), "{one} requests for a row");
    assert_eq!(merge(Order::Ascending).count(), 9_000);
    let all = objects.fetched().len();
    assert_eq!(merge(Order::Descending).take(100).count(), 100);
    let few = objects.fetched().len();
    assert!(
        few < all / 2,
        "{few} requests for 100 rows, {all} for 9,000"
    );
}

#[test]
fn an_error_comes_as_it_is_where_it_is_met_and_ends_the_merge() {
    let (objects, segments) = risen();
    let cursors = segments.iter().map(|it| {
        it.cursor(Span::all(), Order::Descending, Reading::Some)
            .into()
    });
    let mut merge = Merge::new(cursors.collect(), Order::Descending, Removals::Keep).unwrap();
    let mut seen = 0;
    while seen < 3_000 {
        merge.next().unwrap().unwrap();
        seen += 1;
    }
    objects.fail(true);
    let error = merge.next().unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error}");
    objects.fail(false);
    assert!(merge.next().is_none());
}
