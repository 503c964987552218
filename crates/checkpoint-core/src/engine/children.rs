//! How a chunk names its children where chunks have numbers: each by how far its number lies below, as varints.

use crate::commit::NewChunk;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::wire::{put_varint, take_varint};

/// Writes the children of a chunk that is about to have the number `no`. `number_of` looks up theirs.
///
/// # Errors
///
/// `Invalid` when one is not there yet, since then it comes above this one; those of `number_of`.
pub fn put_children(
    chunk: &NewChunk,
    no: u64,
    number_of: impl Fn(&ChunkId) -> Result<Option<u64>>,
) -> Result<Vec<u8>> {
    let mut children = Vec::with_capacity(2 * chunk.children.len());
    for child in chunk.children.iter() {
        let below = number_of(child)?.and_then(|child| no.checked_sub(child));
        match below {
            Some(below) if below > 0 => put_varint(&mut children, below),
            _ => {
                return Err(
                    Error::invalid("a chunk refers to itself, or two to each other")
                        .with("chunk", chunk.id),
                );
            }
        }
    }
    Ok(children)
}

/// Numbers of the children of the chunk `no`.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
pub fn children_of(no: u64, mut rest: &[u8]) -> Result<Vec<u64>> {
    let mut children = Vec::new();
    while !rest.is_empty() {
        let below = take_varint(&mut rest)?;
        let child = no.checked_sub(below).filter(|child| *child < no);
        children.push(child.ok_or_else(|| Error::corrupt("a chunk names a child above itself"))?);
    }
    Ok(children)
}
