//! How one container becomes another, one level deep.

use std::cmp::Ordering;
use std::iter;
use std::ops::Range;

use serde_json::Value;

use super::align::{self, Budget, Gap};
use super::forest::Forest;

/// One difference between two containers; the numbers are places in the forest.
///
/// In a list of steps both the places before and the places after ascend.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Removed(usize),
    Added(usize),
    /// The first became the second and is not equal to it.
    Became(usize, usize),
}

/// The steps between two objects or two arrays; none when the two are not of one such kind.
pub(super) fn between(
    forest: &Forest<'_>,
    before: usize,
    after: usize,
    budget: &mut Budget,
) -> Option<Vec<Step>> {
    match (forest.node(before).value, forest.node(after).value) {
        (Value::Object(_), Value::Object(_)) => Some(members(forest, before, after)),
        (Value::Array(_), Value::Array(_)) => Some(elements(forest, before, after, budget)),
        _ => None,
    }
}

/// A merge of two runs of members sorted by key.
fn members(forest: &Forest<'_>, before: usize, after: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut before, mut after) = (forest.children(before), forest.children(after));
    loop {
        let order = match (before.is_empty(), after.is_empty()) {
            (true, true) => return steps,
            (false, true) => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, false) => {
                let (one, other) = (forest.node(before.start), forest.node(after.start));
                one.key.cmp(other.key)
            }
        };
        match order {
            Ordering::Less => steps.extend(before.next().map(Step::Removed)),
            Ordering::Greater => steps.extend(after.next().map(Step::Added)),
            Ordering::Equal => {
                let pair = before.next().zip(after.next());
                let changed = pair.filter(|&(one, other)| !forest.same(one, other));
                steps.extend(changed.map(|(one, other)| Step::Became(one, other)));
            }
        }
    }
}

fn elements(forest: &Forest<'_>, before: usize, after: usize, budget: &mut Budget) -> Vec<Step> {
    let (before, after) = (forest.children(before), forest.children(after));
    let mut steps = Vec::new();
    let classes = (
        forest.classes(before.clone()),
        forest.classes(after.clone()),
    );
    for Gap {
        before: removed,
        after: added,
    } in align::gaps(&classes.0, &classes.1, budget)
    {
        let removed = before.start + removed.start..before.start + removed.end;
        let added = after.start + added.start..after.start + added.end;
        pair(forest, removed, added, &mut steps);
    }
    steps
}

/// Tells which removed element became which added one: first by identity, then by position.
fn pair(forest: &Forest<'_>, removed: Range<usize>, added: Range<usize>, steps: &mut Vec<Step>) {
    let identified = |at: usize| identity(forest, at).map(|identity| (at, identity));
    // Where there is but one element a side, its position tells as much.
    let known = if removed.len().min(added.len()) == 0 || removed.len() + added.len() == 2 {
        Vec::new()
    } else {
        align::anchors(
            removed.clone().filter_map(identified),
            added.clone().filter_map(identified),
        )
    };
    let (mut from_before, mut from_after) = (removed.start, added.start);
    for (to_before, to_after) in known
        .into_iter()
        .chain(iter::once((removed.end, added.end)))
    {
        by_position(forest, from_before..to_before, from_after..to_after, steps);
        if to_before < removed.end && !forest.same(to_before, to_after) {
            steps.push(Step::Became(to_before, to_after));
        }
        (from_before, from_after) = (to_before + 1, to_after + 1);
    }
}

fn by_position(
    forest: &Forest<'_>,
    mut removed: Range<usize>,
    mut added: Range<usize>,
    steps: &mut Vec<Step>,
) {
    loop {
        match (removed.next(), added.next()) {
            (None, None) => return,
            (Some(before), Some(after)) if forest.same(before, after) => {}
            (Some(before), Some(after)) if alike(forest, before, after) => {
                steps.push(Step::Became(before, after));
            }
            (before, after) => {
                steps.extend(before.map(Step::Removed));
                steps.extend(after.map(Step::Added));
            }
        }
    }
}

/// Whether one can have become the other: of one kind, and not two things with names of their own.
fn alike(forest: &Forest<'_>, before: usize, after: usize) -> bool {
    match (forest.node(before).value, forest.node(after).value) {
        (Value::Object(_), Value::Object(_)) => {
            match (identity(forest, before), identity(forest, after)) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            }
        }
        (Value::Array(_), Value::Array(_)) => true,
        (one, other) => is_scalar(one) && is_scalar(other),
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// The member that names an object among its siblings, as (which, class of its value): the first of
/// `id`, `key`, `name` that is a string or a number.
fn identity(forest: &Forest<'_>, at: usize) -> Option<(&'static str, usize)> {
    if !forest.node(at).value.is_object() {
        return None;
    }
    ["id", "key", "name"].into_iter().find_map(|key| {
        let member = forest.member(at, key)?;
        let names = member.value.is_string() || member.value.is_number();
        names.then_some((key, member.class))
    })
}
