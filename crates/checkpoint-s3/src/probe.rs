//! Whether a service honours the one condition that everything rests on: that a put may only create.

use bytes::Bytes;
use checkpoint_core::{Error, Result};

use crate::id::Id;
use crate::layout::Name;
use crate::objects::{Created, Objects};

/// Puts one object twice where none may be.
///
/// # Errors
///
/// `Unsupported` when the second put is not refused.
pub(crate) async fn conditional_puts(objects: &Objects, id: Id) -> Result<()> {
    let name = Name::Probe(id);
    objects.create(name, Bytes::from_static(b"first")).await?;
    let second = objects.create(name, Bytes::from_static(b"second")).await;
    let removed = objects.delete(name).await;
    match second? {
        Created::Taken => removed,
        Created::Done => Err(Error::unsupported(
            "this service ignores that a put may only create (`If-None-Match: *`), so two machines would overwrite each \
             other; use a service that honours it",
        )),
    }
}
