//! Whether a service honours the one condition that everything rests on: that a put may only create.

use bytes::Bytes;
use checkpoint_core::{Clock, Error, Result};

use crate::error::{is_refused, not_applied};
use crate::id::Id;
use crate::layout::Name;
use crate::looked::Looked;
use crate::objects::{Created, Objects};

/// How often a put is tried of which nobody knows what became of it.
const ATTEMPTS: usize = 4;
const FIRST: Bytes = Bytes::from_static(b"first");
const SECOND: Bytes = Bytes::from_static(b"second");

/// Puts one object twice where none may be.
///
/// # Errors
///
/// `Unsupported` when the second put is not refused.
pub(crate) async fn conditional_puts(objects: &Objects, id: Id, clock: &dyn Clock) -> Result<()> {
    let (name, begun) = (Name::Probe(id), Looked::now(clock));
    let honoured = probe(objects, name).await;
    let removed = objects.delete(name).await;
    if honoured? {
        return removed;
    }
    // Another machine sweeps a probe as old as that, and then the second put is the first.
    if begun.is_long_ago(clock) {
        return Err(no_answer());
    }
    Err(Error::unsupported(
        "this service ignores that a put may only create (`If-None-Match: *`), so two machines would overwrite each other; \
         use a service that honours it",
    ))
}

async fn probe(objects: &Objects, name: Name) -> Result<bool> {
    objects.create_own(name, FIRST).await?;
    for _ in 0..ATTEMPTS {
        match objects.create(name, SECOND).await {
            Ok(created) => return Ok(matches!(created, Created::Taken)),
            Err(error) if is_refused(&error) => return Err(error),
            Err(error) => tracing::debug!(%error, "a probe is put once more"),
        }
    }
    Err(no_answer())
}

fn no_answer() -> Error {
    Error::new(
        not_applied(),
        "the service does not tell whether it put an object; try again",
    )
}
