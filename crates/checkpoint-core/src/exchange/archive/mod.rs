//! Checkpoints as an archive: one file, by sequence, chained, without loss.
//!
//! # Format
//!
//! Eight bytes, [`MAGIC`], and then frames to the end of the file but for 16 bytes. A frame is
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind |
//! | 4 | length of what follows, little-endian |
//! | length | fields, as everywhere in our formats |
//! | 16 | the first bytes of its link |
//!
//! The link of a frame is BLAKE3 over the link of the frame before (of the first: over `MAGIC`), kind, length and
//! fields. So a frame that is missing, doubled, swapped, cut or changed is noticed at its place, and the last link is a
//! digest of the whole. Behind the last frame stand its offset, eight bytes, little-endian, and `MAGIC` again, so that
//! the end is found from behind.
//!
//! The first frame is the header. Then come sessions, each before its first checkpoint, and checkpoints by sequence.
//! The chunks of a state stand before its checkpoint, children before parents, unless they stood before already; a
//! writer that forgot it may write a chunk again. The attachments of a checkpoint follow it. The index says where every
//! 1,024th checkpoint begins, and the end counts. `docs/format.md` has the fields.
//!
//! Chunks are named and cut as by a store without a key. One whose hasher has a key is read state by state and cut
//! anew, so that an archive tells nothing of the key and needs none; its deltas become whole chunks on the way.

mod checkpoint;
mod entry;
mod frame;
mod read;
mod write;

pub(super) use read::ArchiveReading;
pub(super) use write::ArchiveEncoder;

/// How an archive begins, and ends. A line end that was converted, and text where bytes are meant, spoil it.
pub(super) const MAGIC: [u8; 8] = *b"\x89ckpa\r\n\x1a";
/// The version that is written.
pub(super) const VERSION: u64 = 1;
/// The version that readers must know at least.
pub(super) const MIN_READER: u64 = 1;
/// Bytes of the longest frame that is written or read.
pub(super) const MAX_FRAME: usize = 256 << 20;
/// Checkpoints from one entry of the index to the next.
pub(super) const STRIDE: u64 = 1_024;
/// Entries of the index in one frame.
pub(super) const MARKS: usize = 4_096;
/// Attachments of a checkpoint that are read.
pub(super) const MAX_ATTACHMENTS: u64 = 1 << 20;

/// Kinds of frames.
pub(super) mod kind {
    pub(in super::super) const HEADER: u8 = 1;
    pub(in super::super) const SESSION: u8 = 2;
    pub(in super::super) const CHUNK: u8 = 3;
    pub(in super::super) const CHECKPOINT: u8 = 4;
    pub(in super::super) const ATTACHMENT: u8 = 5;
    pub(in super::super) const INDEX: u8 = 6;
    pub(in super::super) const END: u8 = 7;
}

/// Whether a file that begins so is an archive.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}
