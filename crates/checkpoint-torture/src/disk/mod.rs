//! What a disk holds when the power goes, and calls to it that fail.
//!
//! Nothing here knows an engine. A backend's recording layer takes a [`Turn`] at the [`Tap`] for each file call: it asks
//! whether the call shall fail, makes it, and tells what it did. From the [`Journal`] of all calls come [`Images`]: the
//! states that the directory may be in after a cut.
//!
//! What is certain: what was written to a file before a sync of it returned, and names in a directory before a sync of
//! the directory returned. Anything later may be there or not, in any subset; a write may be torn between sectors; a
//! file may have got its length and not its bytes. A sync that failed makes certain nothing that was written before it,
//! and a later one does not make up for it: the system has forgotten by then that these pages are to be written. A file
//! that was synced and whose name was not is not found.
//!
//! ```no_run
//! use std::fs::File;
//! use std::io::Write;
//! use std::path::Path;
//!
//! use checkpoint_torture::disk::{Images, Op, Tap};
//! use checkpoint_torture::load::Seed;
//!
//! /// A layer below some engine.
//! fn append(tap: &Tap, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
//!     let mut turn = tap.turn();
//!     turn.check(Op::Open)?;
//!     let mut file = File::create_new(path)?;
//!     let id = turn.opened(path, true);
//!     turn.check(Op::Write)?;
//!     file.write_all(bytes)?;
//!     if let Some(id) = id {
//!         turn.wrote(id, 0, bytes);
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let directory = tempfile::tempdir()?;
//! let tap = Tap::on(directory.path())?;
//! append(&tap, &tap.root().join("log"), b"saved")?;
//! let journal = tap.journal();
//! // Nothing was synced: the file may be gone, empty, whole, or have its length alone.
//! assert!(Images::of(&journal, Seed(1), 100).count() >= 4);
//! # Ok(())
//! # }
//! ```

mod fault;
mod files;
mod image;
mod images;
mod journal;
mod state;
mod tap;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Op, Plan};
pub use files::TappedFiles;
pub use image::Image;
pub use images::{Cut, Images};
pub use journal::{FileId, Journal};
pub use tap::{Tap, Turn};
