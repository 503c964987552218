//! A small backend that is persistent: everything in memory, and every commit in a journal before it is answered.
//!
//! It is the example of `docs/writing-a-backend.md`, to be read from top to bottom: [`JournalOptions`], then
//! [`JournalBackend`], the worker that writes, the journal, and the calls to the disk. What is judged, read and
//! maintained is [`MemoryBackend`](checkpoint_core::MemoryBackend)'s; what is here is what makes it durable.
//!
//! What it is not for: a store larger than memory, two processes at once, and readers that must not wait while a commit
//! is written. A journal that is damaged anywhere but at its end is refused as a whole.
//!
//! ```
//! use std::sync::Arc;
//!
//! use checkpoint_core::Store;
//! use checkpoint_journal::{JournalBackend, JournalOptions};
//!
//! # #[tokio::main]
//! # async fn main() -> checkpoint_core::Result<()> {
//! # let place = tempfile::tempdir().unwrap();
//! # let place = place.path().join("store");
//! let store = Store::new(Arc::new(JournalBackend::open(JournalOptions::at(&place))?));
//! store.session("research").await?.save(&["a", "b"]).await?;
//! store.close().await?;
//!
//! let store = Store::new(Arc::new(JournalBackend::open(JournalOptions::at(&place))?));
//! let found: Option<Vec<String>> = store.session("research").await?.latest_as().await?;
//! assert_eq!(found, Some(vec!["a".to_owned(), "b".to_owned()]));
//! # Ok(())
//! # }
//! ```

mod backend;
mod config;
mod disk;
mod error;
mod journal;
mod layout;
mod worker;

pub use backend::JournalBackend;
pub use config::JournalOptions;
pub use disk::{Disk, System};
