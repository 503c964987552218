//! The digest that names content.

use std::fmt;

use crate::id::ChunkId;

/// Names content by a digest: BLAKE3, keyed where a layer below says so.
///
/// A keyed hasher keeps those who see the storage from testing for a content that they know. Which one a
/// store uses is said by its [`StoreInfo`](crate::StoreInfo) and never changes, since the ids of its chunks
/// and the fingerprints of its checkpoints are made with it. `Debug` does not show the key.
#[derive(Clone)]
pub struct ContentHasher {
    key: Option<[u8; 32]>,
}

/// What a digest is made for; each purpose has digests of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// The id of a leaf: a piece of encoded state.
    Leaf,
    /// The id of a node: a list of children.
    Node,
    /// The fingerprint of a checkpoint, by which a retried append is known.
    Fingerprint,
    /// A block of a [`Witness`](crate::Witness).
    Witness,
}

impl Purpose {
    const fn number(self) -> u8 {
        match self {
            Self::Leaf => 0,
            Self::Node => 1,
            Self::Fingerprint => 2,
            Self::Witness => 3,
        }
    }
}

impl ContentHasher {
    /// Digests that anyone can make.
    #[must_use]
    pub const fn plain() -> Self {
        Self { key: None }
    }

    /// Digests that only who has the key can make.
    #[must_use]
    pub const fn keyed(key: [u8; 32]) -> Self {
        Self { key: Some(key) }
    }

    /// The digest of `bytes` for a purpose: BLAKE3 over the bytes and then one byte that numbers the purpose.
    ///
    /// The number stands last, so that leaves are hashed where they lie.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = match &self.key {
            Some(key) => blake3::Hasher::new_keyed(key),
            None => blake3::Hasher::new(),
        };
        hasher.update(bytes);
        hasher.update(&[purpose.number()]);
        *hasher.finalize().as_bytes()
    }

    /// The id of a chunk with this plain content.
    #[must_use]
    pub fn chunk_id(&self, purpose: Purpose, bytes: &[u8]) -> ChunkId {
        ChunkId::from_bytes(self.digest(purpose, bytes))
    }
}

/// Equal ones make the same digests. Takes as long whatever the keys are.
impl PartialEq for ContentHasher {
    fn eq(&self, other: &Self) -> bool {
        self.key.map(blake3::Hash::from_bytes) == other.key.map(blake3::Hash::from_bytes)
    }
}

impl Eq for ContentHasher {}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.key.is_some() {
            "ContentHasher(keyed)"
        } else {
            "ContentHasher(plain)"
        })
    }
}
