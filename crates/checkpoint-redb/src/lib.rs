//! Checkpoints in one redb file, which one process at a time has open.
//!
//! A save is one transaction, synced before it returns; saves that wait together share one. The format is described in
//! `docs/format.md`. A second open, also for reading, is refused as `Locked` while the first one lives.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> checkpoint_core::Result<()> {
//! use checkpoint_core::Backend;
//! use checkpoint_redb::{RedbBackend, RedbOptions};
//!
//! # let directory = std::env::temp_dir().join(format!("checkpoint-redb-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).expect("a directory");
//! let store = RedbBackend::open(RedbOptions::at(directory.join("agent.redb"))).await?;
//! assert_eq!(store.stats().await?.checkpoints, 0);
//! # store.close().await?;
//! # std::fs::remove_dir_all(directory).expect("removed");
//! # Ok(())
//! # }
//! ```

mod backend;
mod backup;
mod base;
mod bridge;
mod config;
mod create;
mod error;
mod group;
mod header;
mod held;
mod maintain;
mod media;
mod migrate;
mod open;
mod page;
mod proof;
mod shadow;
mod shared;
mod snapshot;
mod worker;

pub use backend::RedbBackend;
pub use config::RedbOptions;
pub use media::{Media, Medium, SystemMedia};
