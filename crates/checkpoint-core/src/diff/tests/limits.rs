//! Values that are deep, large or made to hurt.
//!
//! The times allowed are far above what is needed and far below what a quadratic step would take.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::super::align::{self, Budget, Gap};
use super::super::walk::MAX_DEPTH;
use super::super::{Diff, DiffKind};
use super::patched;

const AMPLE: Duration = Duration::from_secs(60);
const MANY: usize = 300_000;

/// `core` in objects and arrays by turns, `depth` of them.
fn nested(depth: usize, core: Value) -> Value {
    (0..depth).fold(core, |inner, level| {
        if level % 2 == 0 {
            Value::Array(vec![inner])
        } else {
            Value::Object(Map::from_iter([("k".to_owned(), inner)]))
        }
    })
}

/// Runs with as much stack as `serde_json` needs for the values of the test.
fn with_deep_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(256 << 20).spawn(test);
    thread
        .expect("a thread")
        .join()
        .expect("a test that passes");
}

/// Runs with a thirty-second part of the stack that threads are given by default.
fn with_shallow_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(64 << 10);
        let handle = thread.spawn_scoped(scope, work).expect("a thread");
        handle.join().expect("work that ends well")
    })
}

#[test]
fn ten_thousand_levels_need_no_deep_stack() {
    with_deep_stack(|| {
        let (before, after) = (nested(10_000, json!(1)), nested(10_000, json!(2)));
        let (diff, patch) = with_shallow_stack(|| {
            assert!(Diff::between(&before, &before).is_empty());
            let diff = Diff::between(&before, &after);
            drop(diff.clone());
            assert!(diff.to_string().contains("KiB"), "{diff}");
            assert_eq!(diff.stat().changed, 1);
            assert_eq!(
                diff.summary(),
                "1 changed, at /k/0/k/0/k/0/k/0/k/0/k/0/k/0/k/0/k/0/k/0…"
            );
            let patch = diff.to_json_patch();
            (diff, patch)
        });
        assert!(patch.is_array());
        assert_eq!(patched(&before, &diff), after);
        with_shallow_stack(move || drop(diff));
    });
}

#[test]
fn a_difference_past_the_depth_limit_replaces_the_value_at_the_limit() {
    for depth in [MAX_DEPTH, MAX_DEPTH + 1, MAX_DEPTH + 40] {
        let (before, after) = (nested(depth, json!(1)), nested(depth, json!(2)));
        let diff = Diff::between(&before, &after);
        let [entry] = diff.entries() else {
            panic!("{diff}");
        };
        assert_eq!(entry.path().matches('/').count(), MAX_DEPTH);
        assert_eq!(entry.before(), before.pointer(entry.path()));
        assert_eq!(entry.after(), after.pointer(entry.path()));
        assert_eq!(patched(&before, &diff), after);
    }
}

#[test]
fn pointers_under_a_long_key_do_not_multiply() {
    let long = "k".repeat(1 << 20);
    let members = |value| (0..1000).map(move |n| (n.to_string(), json!(value)));
    let before = json!({ &long: Map::from_iter(members(1)), "short": {"a": 1} });
    let after = json!({ &long: Map::from_iter(members(2)), "short": {"a": 2} });
    let diff = Diff::between(&before, &after);
    let paths: Vec<_> = diff
        .entries()
        .iter()
        .map(|entry| entry.path().len())
        .collect();
    assert_eq!(paths, [1 + long.len(), "/short/a".len()]);
    assert_eq!(patched(&before, &diff), after);
}

#[test]
fn many_elements_that_slide_are_aligned_in_time() {
    let before = Value::from_iter(0..MANY);
    let after = Value::from_iter(1_000..MANY + 500);
    let start = Instant::now();
    let stat = Diff::between(&before, &after).stat();
    assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    assert_eq!((stat.added, stat.removed, stat.changed), (500, 1_000, 0));
}

#[test]
fn many_elements_reversed_are_compared_in_time() {
    let before = Value::from_iter(0..MANY);
    let after = Value::from_iter((0..MANY).rev());
    let start = Instant::now();
    let diff = Diff::between(&before, &after);
    assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    assert!(!diff.is_empty());
}

#[test]
fn a_million_repeated_elements_are_compared_by_position_in_time() {
    let of = |period| Value::from_iter((0..1_000_000).map(|n| n % period));
    let (before, after) = (of(2), of(3));
    let start = Instant::now();
    let diff = Diff::between(&before, &after);
    assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    assert!(
        diff.into_iter()
            .all(|entry| entry.kind() == DiffKind::Changed)
    );
}

#[test]
fn many_middling_arrays_share_one_budget() {
    // A linear congruence: each array shuffles few values, the worst for Myers' search.
    let mut state = 1_u32;
    let mut array = || {
        Value::from_iter((0..10_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        }))
    };
    let before = Value::from_iter((0..20).map(|_| array()));
    let after = Value::from_iter((0..20).map(|_| array()));
    let start = Instant::now();
    let diff = Diff::between(&before, &after);
    assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    assert_eq!(patched(&before, &diff), after);
}

#[test]
fn a_budget_once_spent_leaves_only_unique_elements_as_anchors() {
    let gap = |before, after| Gap { before, after };
    let mut budget = Budget::new(36);
    let mut gaps = || align::gaps(&[7, 0, 0, 1], &[7, 1, 0, 0], &mut budget);
    assert_eq!(gaps(), [gap(1..1, 1..2), gap(3..4, 4..4)]);
    assert_eq!(gaps(), [gap(1..3, 1..1), gap(4..4, 2..4)]);
}

#[test]
fn anchors_are_the_longest_run_in_one_order() {
    let anchors = |before: &'static [u8], after: &'static [u8]| {
        let places = |list: &'static [u8]| list.iter().copied().enumerate();
        align::anchors(places(before), places(after))
    };
    assert_eq!(anchors(b"abcde", b"eabxd"), [(0, 1), (1, 2), (3, 4)]);
    assert_eq!(anchors(b"aab", b"ab"), [(2, 1)]);
    assert_eq!(anchors(b"abc", b"xyz"), []);
}

#[test]
fn past_the_budget_unique_elements_still_hold_their_place() {
    let before = json!(["a", "x", "x", "b", "c", "d"]);
    let after = json!(["new", "a", "y", "x", "b", "d"]);
    let diff = Diff::within(&before, &after, Budget::new(0));
    assert_eq!(
        diff.to_string(),
        "+ /0: \"new\"\n~ /2: \"x\" → \"y\"\n- /4: \"c\""
    );
    assert_eq!(patched(&before, &diff), after);
}

#[test]
fn an_object_of_many_members_is_compared_in_time() {
    let of = |value: usize| {
        Value::Object(
            (0..200_000)
                .map(|n| (n.to_string(), json!(value)))
                .collect(),
        )
    };
    let (before, after) = (of(1), of(2));
    let start = Instant::now();
    let diff = Diff::between(&before, &after);
    assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    assert_eq!(diff.stat().changed, 200_000);
}
