//! What a backend author writes to have a backend tortured: how to open a store in a directory.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Error, Result};

use crate::control::Control;
use crate::disk::Tap;

/// A persistent backend, as the harnesses see it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// By what people call the backend, such as `sqlite`.
    fn name(&self) -> &str;

    /// Opens the store that lies in a directory, with its default settings, making it when it is not there.
    ///
    /// Everything that belongs to the store lies below the directory, and nothing else does: a harness copies it,
    /// throws parts of it away, and opens what is left.
    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>>;

    /// Opens a store to which nobody has written but [`prepare`](crate::load::prepare), with a backend that is broken on
    /// purpose. Who puts a backend around another one breaks that one, where the control
    /// [may lie below](Control::may_lie_below).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    async fn open_broken(&self, place: &Path, control: Control) -> Result<Arc<dyn Backend>> {
        control.spoil(self.open(place).await?).await
    }

    /// Opens it likewise, with a layer below it that lets a tap on the directory hear every call to a file of the store,
    /// and make it fail. Settings that only change how the store is written, such as how often a log is moved, may
    /// differ with the number, so that more is tried; 0 is the default.
    ///
    /// # Errors
    ///
    /// `Unsupported` when there is no such layer: what needs it is left out.
    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        let _ = (place, tap, number);
        Err(Error::unsupported(
            "this backend has no layer that a tap could hear",
        ))
    }

    /// The same backend, broken in ways that only its author can break it, each with what is wrong with it: a cut of the
    /// power must find it out.
    fn loses_on_power_cuts(&self) -> Vec<(&'static str, Arc<dyn Subject>)> {
        Vec::new()
    }
}
