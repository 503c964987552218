//! This program once more, as a process that may be killed, and the lines that the two say to each other.

mod served;
mod spawned;

pub(crate) use served::{live, open, say, subject};
pub(crate) use spawned::Spawned;
