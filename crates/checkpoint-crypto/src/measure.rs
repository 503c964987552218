//! The envelope alone, for those who measure it. Not for storing anything: who seals by hand has no ring.

use bytes::Bytes;
use checkpoint_core::{Error, Result};

use crate::envelope;
use crate::secret::Secret;

/// A data key.
#[derive(Clone, Debug)]
pub struct Envelope(Secret);

impl Envelope {
    /// Of this data key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Secret::copy(key))
    }

    /// Seals bytes as an object of a store is sealed, under a key and a salt of its own.
    ///
    /// # Errors
    ///
    /// `Storage` when the system gives no random bytes.
    pub fn seal(&self, bound: &[u8], plain: &[u8]) -> Result<Bytes> {
        envelope::seal(&self.0, 1, bound, plain)
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is anything else.
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Result<Bytes> {
        envelope::open(&self.0, bound, sealed).map_err(|_| Error::corrupt("it does not open"))
    }
}
