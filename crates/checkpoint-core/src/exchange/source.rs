//! Where checkpoints come from.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::checksum::checksum;
use crate::description::{Description, StateDigest};
use crate::error::{Error, Result};
use crate::hasher::ContentHasher;
use crate::id::ChunkId;
use crate::query::{Cursor, Page};
use crate::record::{Attachment, Header, Item, SessionRecord, StoredChunk};

/// A store, or a file made from one. Nothing that it says is trusted before it was checked as a writer's would be.
#[async_trait]
pub(crate) trait Source: Debug + Send + Sync {
    /// A name for people, without secrets.
    fn label(&self) -> &str;

    /// What bringing it is called in errors.
    fn doing(&self) -> &'static str {
        "import"
    }

    /// How its chunks are named and cut; none when every state comes whole.
    fn naming(&self) -> Option<Naming<'_>>;

    /// The highest sequence given there, also when its checkpoint is deleted. The receiver's counter rises to it.
    async fn newest(&self) -> Result<u64>;

    /// How many checkpoints there are, for whoever watches; none when nobody knows.
    async fn total(&self) -> Result<Option<u64>>;

    /// Sessions, in the order of their creation. The heads in them mean nothing.
    async fn sessions(&self, after: Option<Cursor>) -> Result<Page<Item<SessionRecord>>>;

    /// Checkpoints with sequences above `after`, lowest first.
    async fn arrivals(&self, after: u64) -> Result<Arrivals>;

    /// The content of an attachment that came without; none when it is gone since.
    async fn attachment(&self, of: &Attachment) -> Result<Option<Bytes>> {
        Ok(of.bytes.clone())
    }

    /// Chunks by id, one answer for each, in the order asked for.
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>>;
}

/// How chunks are named and cut. Where two places do it alike, chunks are moved as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Naming<'a> {
    pub(crate) hasher: &'a ContentHasher,
    pub(crate) gear_seed: u64,
}

/// A page of checkpoints, bounded in bytes as well as in number.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// `Found` or `Corrupt`.
    pub(crate) items: Vec<Item<Arrival>>,
    /// Where the next page starts; none when there is no more.
    pub(crate) next: Option<u64>,
}

/// A checkpoint on its way, with all that belongs to it.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// As it was where it comes from.
    pub(crate) header: Box<Header>,
    /// Its description, as core encodes it, with the checksum that was made when it was saved.
    pub(crate) meta: Bytes,
    /// Its encoded state.
    pub(crate) state: ArrivingState,
    /// All of them. One without its content is [asked for](Source::attachment) when it is needed.
    pub(crate) attachments: Vec<Attachment>,
    /// The description decoded, if whoever read it [verified](Self::verify) it as well.
    pub(crate) verified: Option<Box<Description>>,
}

impl Arrival {
    /// Compares checksum, digest and length with what is here, as far as it is; answers the description.
    ///
    /// # Errors
    ///
    /// `Corrupt` when something is not what it was when it was saved.
    pub(crate) fn verify(&self) -> Result<Description> {
        let description = Description::decode(&self.meta)?;
        if let Some(stored) = &description.checksum
            && checksum(&self.header, &description)? != *stored
        {
            return Err(Error::corrupt("the checksum does not match what is stored"));
        }
        if let ArrivingState::Whole(state) = &self.state {
            if description
                .digest
                .is_some_and(|digest| digest != StateDigest::of(state))
            {
                return Err(Error::corrupt("the state does not match its digest"));
            }
            if state.len() as u64 != self.header.length {
                return Err(Error::corrupt("the state has another length than is said"));
            }
        }
        Ok(description)
    }
}

/// Where the encoded state of an arriving checkpoint is.
#[derive(Debug)]
pub(crate) enum ArrivingState {
    /// Here.
    Whole(Bytes),
    /// A tree of the source's chunks.
    Tree(ChunkId),
}
