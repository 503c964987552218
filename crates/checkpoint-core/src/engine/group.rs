//! What waited together, done together: each commit has a fate of its own, told once the group is on disk.

use std::collections::{HashMap, HashSet};

use super::queue::Answer;
use crate::commit::{Commit, NewChunk, Operation};
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::receipt::Receipt;
use crate::record::Position;

/// A commit, and who waits for its fate.
pub type Waiting = (Box<Commit>, Answer<Result<Receipt>>);

/// What became of a group.
#[derive(Debug)]
pub enum Group {
    /// On disk; the fate of each member, in their order, and how far the store has come.
    Done(Vec<Result<Receipt>>, Position),
    /// Nothing of it is known to be written, for this reason that all share.
    Failed(Error),
    /// Nothing of it is written, for a reason that may be one member's alone.
    Apart(Error),
}

/// Does a group by `transaction`, each member again alone when that may help, and answers each. `moved` is told how far
/// the store has come before anybody is answered.
pub fn settle(
    mut members: Vec<Waiting>,
    transaction: &mut dyn FnMut(&[Waiting]) -> Group,
    moved: &dyn Fn(Position),
) {
    for (commit, _) in &mut members {
        order_chunks(&mut commit.chunks);
    }
    in_order(members, transaction, moved);
}

fn in_order(
    members: Vec<Waiting>,
    transaction: &mut dyn FnMut(&[Waiting]) -> Group,
    moved: &dyn Fn(Position),
) {
    match transaction(&members) {
        Group::Done(fates, position) => {
            moved(position);
            for ((_, answer), fate) in members.into_iter().zip(fates) {
                answer.send(fate);
            }
        }
        Group::Apart(_) if members.len() > 1 => {
            for member in members {
                in_order(vec![member], transaction, moved);
            }
        }
        Group::Failed(error) | Group::Apart(error) => {
            for (_, answer) in members {
                answer.send(Err(error.clone()));
            }
        }
    }
}

/// Commits that do nothing but delete and set aside may touch damaged rows.
#[must_use]
pub fn is_lenient(commit: &Commit) -> bool {
    commit
        .operations
        .iter()
        .all(|operation| matches!(operation, Operation::Delete(_) | Operation::Quarantine(_)))
}

/// Brings the chunks of a commit into an order in which each comes after those that it refers to. Of two forms of one
/// chunk the first is kept: which came first can no longer be told afterwards.
fn order_chunks(chunks: &mut Vec<NewChunk>) {
    let mut placed = HashSet::with_capacity(chunks.len());
    chunks.retain(|chunk| placed.insert(chunk.id));
    let own: HashMap<ChunkId, usize> = chunks
        .iter()
        .enumerate()
        .map(|(n, it)| (it.id, n))
        .collect();
    placed.clear();
    let in_order = chunks.iter().all(|chunk| {
        let fits = chunk
            .children
            .iter()
            .all(|id| placed.contains(id) || !own.contains_key(id));
        placed.insert(chunk.id);
        fits
    });
    if in_order {
        return;
    }
    let mut order = Vec::with_capacity(chunks.len());
    let mut state = vec![0_u8; chunks.len()];
    for start in 0..chunks.len() {
        let mut stack = vec![start];
        while let Some(&at) = stack.last() {
            if state[at] == 0 {
                state[at] = 1;
                let children = chunks[at].children.iter();
                let below = children.filter_map(|id| own.get(id).copied());
                stack.extend(below.filter(|child| state[*child] == 0));
            } else {
                stack.pop();
                if state[at] == 1 {
                    state[at] = 2;
                    order.push(at);
                }
            }
        }
    }
    *chunks = order.into_iter().map(|at| chunks[at].clone()).collect();
}
