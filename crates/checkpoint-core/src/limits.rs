//! How large things may be.

/// Limits of a store. What is larger is refused with [`TooLarge`](crate::ErrorKind::TooLarge) before anything is
/// written. Sizes are of plain bytes, before compression and sealing; of what was [sealed](crate::Commit::sealed) on its
/// way [`SEALING`](Self::SEALING) more is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of an encoded state. Default: 10 MiB.
    pub state: u64,
    /// Bytes of a message. Default: 64 KiB.
    pub message: u64,
    /// Bytes of the metadata of a checkpoint or session, as JSON. Default: 1 MiB.
    pub metadata: u64,
    /// Bytes of an opaque description: message, title, metadata and all. Default: 2 MiB.
    pub meta: u64,
    /// Bytes of an attachment. Default: 10 MiB.
    pub attachment: u64,
    /// Bytes of one of the store's own records. Default: 1 MiB.
    pub record: u64,
    /// Bytes of the stored form of a chunk. Default: 1 MiB.
    pub chunk: u64,
    /// Children of a chunk. Default: 4,096.
    pub children: u64,
    /// Tags of a checkpoint. Default: 64.
    pub tags: u64,
    /// Operations, and chunks, in a commit. Default: 65,536 each.
    pub operations: u64,
    /// Items that one answer may be asked for, wherever a limit is given; a higher limit is refused, not cut down, so
    /// that nobody takes a part for the whole. Default: 10,000.
    pub page: u64,
    /// Levels of nesting in a state or in metadata. Default: 127, and no more can be read back.
    pub depth: u64,
}

impl Limits {
    /// How much larger a sealed object may be than what was sealed, in bytes: besides what sealing adds, a description
    /// holds tags and worker as given.
    pub const SEALING: u64 = 24 << 10;

    /// With as much more for whatever may be sealed.
    #[must_use]
    pub(crate) const fn sealed(mut self) -> Self {
        self.meta = self.meta.saturating_add(Self::SEALING);
        self.attachment = self.attachment.saturating_add(Self::SEALING);
        self.record = self.record.saturating_add(Self::SEALING);
        self.chunk = self.chunk.saturating_add(Self::SEALING);
        self
    }

    /// With another limit for states, in bytes.
    #[must_use]
    pub const fn with_state(mut self, bytes: u64) -> Self {
        self.state = bytes;
        self
    }

    /// With another limit for attachments, in bytes.
    #[must_use]
    pub const fn with_attachment(mut self, bytes: u64) -> Self {
        self.attachment = bytes;
        self
    }

    /// With another limit for messages, in bytes.
    #[must_use]
    pub const fn with_message(mut self, bytes: u64) -> Self {
        self.message = bytes;
        self
    }

    /// With another limit for metadata, in bytes; that of the description is at least 1 MiB above.
    #[must_use]
    pub const fn with_metadata(mut self, bytes: u64) -> Self {
        self.metadata = bytes;
        if self.meta < bytes + (1 << 20) {
            self.meta = bytes + (1 << 20);
        }
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            state: 10 << 20,
            message: 64 << 10,
            metadata: 1 << 20,
            meta: 2 << 20,
            attachment: 10 << 20,
            record: 1 << 20,
            chunk: 1 << 20,
            children: 4_096,
            tags: 64,
            operations: 65_536,
            page: 10_000,
            depth: 127,
        }
    }
}
