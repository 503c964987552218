//! Checkpoints as JSON lines, for people and scripts.
//!
//! The first line says what the file is, the last counts what stands between and holds the SHA-256 of all bytes before
//! it. Between them each line is a session or a checkpoint, by sequence, all in clear names (`docs/format.md` lists
//! them). A line holds a whole state, so memory follows the longest line, of at most [`MAX_LINE`] bytes; an archive has
//! no such bound.
//!
//! Nothing is lost: where the clear names cannot say what the bytes were (a state that is JSON of unusual spelling, a
//! description with a field that this version does not know), the bytes stand there too.

mod attachment;
mod canonical;
mod object;
mod parse;
mod read;
mod text;
mod write;

pub(super) use read::{LinesReading, is_lines};
pub(super) use write::LinesEncoder;

/// How a file of lines is recognised.
pub(super) const FORMAT: &str = "checkpoint-lines";
/// The version that is written, and the oldest that a reader of it must know.
pub(super) const VERSION: u64 = 1;
pub(super) const MIN_READER: u64 = 1;
/// Bytes of the longest line that is written or read.
pub(super) const MAX_LINE: usize = 256 << 20;
