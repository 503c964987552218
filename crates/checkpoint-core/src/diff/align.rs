//! Which elements of one sequence stand, unchanged and in order, in another.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What Myers' algorithm may still cost in one diff, over all its arrays, in steps of its search.
///
/// The textbook form is quadratic in the worst case. `similar` gives up on the shortest script of n
/// elements, before and after together, once its search is max(256, √n) edits wide, as Git does, so
/// that it costs near n times that. An array is charged so much before it is searched, its common
/// head and tail left out.
pub(super) struct Budget(usize);

impl Budget {
    /// About a second at worst, in an optimised build of 2026: one array of 160,000 elements, before
    /// and after together, or a thousand of 256.
    pub(super) const DEFAULT: usize = 1 << 26;

    pub(super) fn new(steps: usize) -> Self {
        Self(steps)
    }

    /// Whether a search through so many elements can be afforded; if so, it is paid for.
    fn spend(&mut self, elements: usize) -> bool {
        let width = elements.min(elements.isqrt().max(256));
        let left = self.0.checked_sub(elements.saturating_mul(width));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// A stretch in which nothing matches, between stretches that are equal. Either side can be empty,
/// not both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) before: Range<usize>,
    pub(super) after: Range<usize>,
}

/// The gaps between two sequences of classes, in order.
///
/// Myers' O(ND) algorithm within the budget. Past it, the elements that occur once on each side are
/// the anchors, which is linearithmic and blind only to repeated elements.
pub(super) fn gaps(before: &[usize], after: &[usize], budget: &mut Budget) -> Vec<Gap> {
    let head = common(before.iter(), after.iter());
    let (before, after) = (&before[head..], &after[head..]);
    let tail = common(before.iter().rev(), after.iter().rev());
    let before = &before[..before.len() - tail];
    let after = &after[..after.len() - tail];

    let matches = if before.is_empty() || after.is_empty() {
        Vec::new()
    } else if budget.spend(before.len() + after.len()) {
        shortest_edit(before, after)
    } else {
        let once = |(at, class): (usize, &usize)| (at, *class);
        anchors(
            before.iter().enumerate().map(once),
            after.iter().enumerate().map(once),
        )
        .into_iter()
        .map(|(before, after)| (before, after, 1))
        .collect()
    };
    around(&matches, before.len(), after.len(), head)
}

fn common<'s>(
    before: impl Iterator<Item = &'s usize>,
    after: impl Iterator<Item = &'s usize>,
) -> usize {
    before
        .zip(after)
        .take_while(|(one, other)| one == other)
        .count()
}

/// Runs of equal elements as (start before, start after, length).
fn shortest_edit(before: &[usize], after: &[usize]) -> Vec<(usize, usize, usize)> {
    capture_diff_slices(Algorithm::Myers, before, after)
        .into_iter()
        .filter_map(|op| match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => Some((old_index, new_index, len)),
            _ => None,
        })
        .collect()
}

/// What lies between the matches, moved by the length of the common head.
fn around(matches: &[(usize, usize, usize)], before: usize, after: usize, head: usize) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (mut from_before, mut from_after) = (0, 0);
    for &(to_before, to_after, len) in matches.iter().chain([&(before, after, 0)]) {
        if from_before < to_before || from_after < to_after {
            gaps.push(Gap {
                before: head + from_before..head + to_before,
                after: head + from_after..head + to_after,
            });
        }
        (from_before, from_after) = (to_before + len, to_after + len);
    }
    gaps
}

/// Pairs of places whose mark occurs once on each side, as many as can be had in one order.
///
/// The longest increasing run among them, as in patience diff: O(n log n).
pub(super) fn anchors<M: Copy + Ord>(
    before: impl Iterator<Item = (usize, M)>,
    after: impl Iterator<Item = (usize, M)>,
) -> Vec<(usize, usize)> {
    let mut after = single(after).into_iter().peekable();
    let mut pairs = Vec::new();
    for (mark, at) in single(before) {
        while after.next_if(|other| other.0 < mark).is_some() {}
        let found = after.next_if(|other| other.0 == mark);
        pairs.extend(found.map(|(_, other)| (at, other)));
    }
    pairs.sort_unstable();
    longest_increasing(&pairs)
}

/// The marks that occur once, sorted, each with its place.
fn single<M: Copy + Ord>(places: impl Iterator<Item = (usize, M)>) -> Vec<(M, usize)> {
    let mut marks: Vec<(M, usize)> = places.map(|(at, mark)| (mark, at)).collect();
    marks.sort_unstable();
    let runs = marks.chunk_by(|one, other| one.0 == other.0);
    runs.filter(|run| run.len() == 1)
        .map(|run| run[0])
        .collect()
}

/// The longest run of pairs, sorted by their first, whose seconds increase (Fredman 1975).
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // `ends[n]` is the pair that ends the best run of n + 1 pairs so far; `previous` links back.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < pair.1);
        previous.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut run: Vec<_> = std::iter::successors(ends.last().copied(), |&at| previous[at])
        .map(|at| pairs[at])
        .collect();
    run.reverse();
    run
}
