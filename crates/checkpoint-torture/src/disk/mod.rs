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

mod fault;
mod image;
mod images;
mod journal;
mod state;
mod tap;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Op, Plan};
pub use image::Image;
pub use images::{Cut, Images};
pub use journal::{FileId, Journal};
pub use tap::{Tap, Turn};
