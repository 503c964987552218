//! How a commit is judged, written once for every backend.
//!
//! Idempotency, expectations, ownership, closedness, sequences and positions are decided here, against
//! [`Tables`]: what a backend keeps, one small question or write at a time, inside a transaction of its own. A
//! backend opens a transaction, calls [`Commit::check`](crate::Commit::check) and [`apply`], and commits it or rolls it
//! back; several commits may share a transaction when each can be rolled back alone. The answer is given once the
//! transaction is as durable as the receipt claims.
//!
//! Reads are the backend's own. They have [`feed_page`] for the feed, [`Filter::matches`](crate::Filter::matches) for
//! headers, and the queries know their cursors, such as [`Query::remaining`](crate::Query::remaining).

mod apply;
mod aside;
mod check;
mod children;
mod feed;
mod group;
mod operations;
mod pages;
mod queue;
mod recall;
mod receipt;
pub mod row;
mod sessions;
mod shape;
mod start;
mod sweep;
mod sync;
mod tables;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

pub use apply::{Counters, apply};
pub use aside::aside;
pub(crate) use check::{HIGHEST, check_tags, within};
pub use children::{children_of, put_children};
pub use feed::{FeedRow, feed_page, reaches_back};
pub use group::{Group, Waiting, is_lenient, settle};
pub use pages::{Listed, ListedSessions, Room, attachment_page, page_limit, session_page};
pub use queue::{Answer, Asker, Member, Queue, Unanswered, Work, queue};
pub use recall::Recall;
pub use start::uuids_starting_with;
pub use sweep::Sweep;
pub use tables::{Existing, Lookup, NewCheckpoint, SessionRow, Tables, Tombstone};
pub use upkeep::{ChunkAge, StoreRow, Upkeep, Within, or_damage, upkeep};
pub use writer::Writer;

pub use crate::wire::{put_varint, take_varint};
