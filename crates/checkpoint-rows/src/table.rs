//! The tables of a store. `docs/format.md` describes what stands in each.

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident = $name:literal;)+) => {
        /// A table: an ordered map from bytes to bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Table {
            $($(#[$doc])* $table,)+
        }

        impl Table {
            /// Every one, in the order of their numbers.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$table,)+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$table => $name,)+
                }
            }
        }
    };
}

// The number of a table stands in the digests of its rows: none may be moved or taken out.
tables! {
    /// `format` and `store`.
    Store = "store";
    /// Key → session.
    Session = "session";
    /// Id → the newest key.
    SessionId = "session_id";
    /// Sequence → checkpoint.
    Checkpoint = "checkpoint";
    /// Id → sequence, and whether it is that of a checkpoint or of a tombstone.
    CheckpointId = "checkpoint_id";
    /// By what checkpoints and deleted sessions are found.
    Index = "index";
    /// Sequence → what is remembered of a deleted checkpoint.
    Tombstone = "tombstone";
    /// Position → change.
    Change = "change";
    /// Id → what is remembered of a commit.
    Remembered = "remembered";
    /// Time and id of remembered commits.
    RememberedAt = "remembered_at";
    /// Sequence and number → content of an attachment.
    Attachment = "attachment";
    /// Sequence, kind and key → number and digest of an attachment.
    AttachmentKey = "attachment_key";
    /// Name → record.
    Record = "record";
    /// Number → chunk without its stored form.
    Chunk = "chunk";
    /// Number → stored form of a chunk.
    ChunkData = "chunk_data";
    /// Id → number, and when somebody last relied on it.
    ChunkId = "chunk_id";
}

/// How many tables there are.
pub(crate) const TABLES: usize = Table::ALL.len();

impl Table {
    /// Its number, from 0.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }
}
