//! Checkpoints in one SQLite file, which several processes may share.
//!
//! A save is one transaction in a write-ahead log, synced before it returns; saves that wait together share one sync.
//! The format is described in `docs/format.md`. Keep the file on a local disk: network file systems do not lock it as
//! the engine needs. Copy it with `Store::backup`, or when it is closed, never without the log beside it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> checkpoint_core::Result<()> {
//! use checkpoint_core::Backend;
//! use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
//!
//! let store = SqliteBackend::open(SqliteOptions::memory()).await?;
//! assert_eq!(store.stats().await?.checkpoints, 0);
//! # Ok(())
//! # }
//! ```

mod backend;
mod backup;
mod checkpoint;
mod config;
mod create;
mod error;
mod group;
mod header;
mod log;
mod maintain;
mod migrate;
mod open;
mod place;
mod query;
mod read;
mod reader;
mod row;
mod schema;
mod shared;
mod still;
mod tables;
mod wal_index;
mod worker;

pub use backend::SqliteBackend;
pub use checkpoint_core::files::{Files, SystemFiles};
pub use config::SqliteOptions;
