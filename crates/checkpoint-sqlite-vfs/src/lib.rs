//! A layer between SQLite and its files at which a [`Tap`](checkpoint_torture::disk::Tap) listens: for tests of power
//! cuts and of calls that fail. Nothing that is published depends on it.
//!
//! [`TappedFiles`] puts it below every store in the tap's directory, and takes the file calls of the backend's own. The
//! engine's shared memory (`-shm`) is left out: it is no part of what a disk holds after a cut.

mod file;
mod files;
mod registry;
mod vfs;

pub use files::TappedFiles;
