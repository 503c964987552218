//! What the examples work on: files, listed, counted and written with bounded memory.
//!
//! Nothing here knows of checkpoints; that part is in the examples themselves.

mod count;
mod walk;
mod write;

pub use count::{FileCount, Tally, count_file};
pub use walk::{Found, walk};
pub use write::write_atomically;
