//! Checkpoints in object storage, which many machines share.
//!
//! The store is an ordered map of rows, `(table, key) -> value`. A log of entries says which rows commits changed; a
//! snapshot names immutable segments of sorted rows, newest first, that hold all before it. What is here are these
//! formats and the structures over them, without a network: bytes are fetched by whoever gives a [`segment::Fetch`].
//! `docs/format.md` describes the bytes.

#![allow(
    dead_code,
    unused_imports,
    reason = "the backend that stands on these formats is not there yet"
)]

mod block;
mod cache;
mod entry;
mod filter;
mod id;
mod layout;
mod manifest;
mod merge;
mod row;
mod run;
mod seal;
mod segment;
#[cfg(test)]
mod testing;
