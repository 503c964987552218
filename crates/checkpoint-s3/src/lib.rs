//! Checkpoints in object storage, which many machines share.
//!
//! The store is an ordered map of rows, `(table, key) -> value`. A log of entries says which rows commits changed; a
//! snapshot names immutable segments of sorted rows, newest first, that hold all before it.
//! `docs/format.md` describes the bytes.

mod backend;
mod base;
mod block;
mod cache;
mod chunks;
pub mod client;
mod config;
mod directory;
mod disk;
mod draft;
mod entry;
mod error;
mod fetch;
mod filter;
mod flaw;
mod flush;
mod group;
mod id;
mod layout;
mod linger;
mod log;
mod looked;
mod maintain;
mod manifest;
mod merge;
mod migrate;
mod objects;
mod open;
mod place;
mod probe;
mod repack;
mod requests;
mod room;
mod row;
mod run;
mod runtime;
mod seal;
mod segment;
mod shared;
mod spoil;
mod state;
mod sweep;
#[cfg(test)]
mod testing;
mod trim;
mod turns;
mod worker;

pub use backend::ObjectBackend;
pub use config::ObjectOptions;
pub use directory::DirectoryOptions;
#[doc(hidden)]
pub use flaw::Flaw;
