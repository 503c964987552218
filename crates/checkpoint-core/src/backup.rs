//! Copies that a backend makes of a live store, and hearing how far a long call has come.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::Backend;
use crate::error::Result;

/// Hears how far a long call has come: how much is done, and of how much, in a unit that the call names.
///
/// It is called from whatever thread does the work, so it should be quick; a channel or an atomic number takes the two
/// numbers elsewhere. The default hears nothing.
///
/// ```
/// use checkpoint_core::Meter;
///
/// let meter = Meter::new(|done, total| println!("{done} of {total} bytes"));
/// meter.tell(4_096, 1 << 20);
/// ```
#[derive(Clone, Default)]
pub struct Meter(Option<Arc<dyn Fn(u64, u64) + Send + Sync>>);

impl Meter {
    /// Calls a function with what is done and the total.
    pub fn new(hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hears)))
    }

    /// Says how far it is.
    pub fn tell(&self, done: u64, total: u64) {
        if let Some(hears) = &self.0 {
            hears(done, total);
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Meter(heard)"
        } else {
            "Meter(unheard)"
        })
    }
}

/// A whole copy of a store that does not have its name yet, so that it can be looked at before anybody takes it for a
/// backup. [`Backend::backup`] makes it.
///
/// Dropped without [`keep`](Self::keep) it leaves nothing.
#[async_trait]
pub trait BackupDraft: fmt::Debug + Send + Sync {
    /// The copy, open for reading alone.
    fn backend(&self) -> Arc<dyn Backend>;

    /// Closes the copy and gives it its name, which is on disk when this returns. Answers the bytes it takes.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when something has the name by now; that stays as it is.
    ///
    /// # Cancel safety
    ///
    /// Until this returns there is nothing under the name.
    async fn keep(self: Box<Self>) -> Result<u64>;
}
