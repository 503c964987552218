//! From the two values down to the entries.

use std::vec;

use serde_json::Value;

use super::align::Budget;
use super::deep::Held;
use super::entry::{Change, DiffEntry};
use super::forest::{AFTER, BEFORE, Forest};
use super::pointer;
use super::steps::{self, Step};

/// How many levels a diff descends. What differs further down shows as the replacement of the
/// value at this level, so that pointers have no more tokens than this. It is the depth to which
/// serde_json parses by default: a value that was read from JSON text never meets it.
pub(super) const MAX_DEPTH: usize = 128;

/// How many bytes the entries' pointers may repeat of the pointers around them. Without a limit one
/// key of a megabyte over a hundred thousand changed members would make a hundred gigabytes. What
/// does not fit shows as the replacement of the value around it.
pub(super) const MAX_POINTER_BYTES: usize = 64 << 20;

/// The entries between two values, in the order of the document.
pub(super) fn walk(before: &Value, after: &Value, budget: Budget) -> Vec<DiffEntry> {
    let mut walk = Walk {
        forest: Forest::new(before, after),
        entries: Vec::new(),
        path: Paths::default(),
        align: budget,
        pointer_bytes: MAX_POINTER_BYTES,
    };
    walk.run();
    walk.entries
}

struct Walk<'v> {
    forest: Forest<'v>,
    entries: Vec<DiffEntry>,
    path: Paths,
    align: Budget,
    pointer_bytes: usize,
}

/// Where the walk stands. The two differ past an array in which elements moved.
#[derive(Default)]
struct Paths {
    before: String,
    after: String,
}

/// Two containers that are being walked through, and the lengths of their paths.
struct Level {
    before: usize,
    after: usize,
    steps: vec::IntoIter<Step>,
    path_before: usize,
    path_after: usize,
}

impl Walk<'_> {
    fn run(&mut self) {
        let mut levels = Vec::from_iter(self.enter(BEFORE, AFTER, 0));
        while let Some(level) = levels.last_mut() {
            self.path.before.truncate(level.path_before);
            self.path.after.truncate(level.path_after);
            match level.steps.next() {
                None => drop(levels.pop()),
                Some(Step::Removed(child)) => {
                    push(&self.forest, &mut self.path.before, level.before, child);
                    let change = Change::Removed(self.held(child));
                    self.entries.push(DiffEntry::new(&self.path.before, change));
                }
                Some(Step::Added(child)) => {
                    push(&self.forest, &mut self.path.after, level.after, child);
                    let change = Change::Added(self.held(child));
                    self.entries.push(DiffEntry::new(&self.path.after, change));
                }
                Some(Step::Became(one, other)) => {
                    push(&self.forest, &mut self.path.before, level.before, one);
                    push(&self.forest, &mut self.path.after, level.after, other);
                    let depth = levels.len();
                    levels.extend(self.enter(one, other, depth));
                }
            }
        }
    }

    /// Goes into two values, or notes that one became the other.
    fn enter(&mut self, before: usize, after: usize, depth: usize) -> Option<Level> {
        if self.forest.same(before, after) {
            return None;
        }
        let Some(steps) = self.affordable(before, after, depth) else {
            let change = Change::Changed(self.held(before), self.held(after));
            self.entries.push(DiffEntry::new(&self.path.after, change));
            return None;
        };
        Some(Level {
            before,
            after,
            steps: steps.into_iter(),
            path_before: self.path.before.len(),
            path_after: self.path.after.len(),
        })
    }

    /// The steps into two containers, unless they lead too deep or cost too much to name.
    fn affordable(&mut self, before: usize, after: usize, depth: usize) -> Option<Vec<Step>> {
        if depth == MAX_DEPTH {
            return None;
        }
        let steps = steps::between(&self.forest, before, after, &mut self.align)?;
        let longer = self.path.before.len().max(self.path.after.len());
        let cost = longer.saturating_mul(steps.len());
        self.pointer_bytes = self.pointer_bytes.checked_sub(cost)?;
        Some(steps)
    }

    fn held(&self, at: usize) -> Held {
        Held::copy_of(self.forest.node(at).value)
    }
}

fn push(forest: &Forest<'_>, path: &mut String, parent: usize, child: usize) {
    if forest.node(parent).value.is_array() {
        pointer::push_index(path, child - forest.children(parent).start);
    } else {
        pointer::push_key(path, forest.node(child).key);
    }
}
