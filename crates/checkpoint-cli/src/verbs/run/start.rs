//! What a command begins with: the newest good state of its session, in a file.

use std::path::{Path, PathBuf};

use checkpoint::{Checkpoint, CheckpointId, ContentHasher, Purpose, Session};
use tempfile::TempDir;

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::whole::whole;

/// What a command begins with. The file is gone with it.
#[derive(Debug)]
pub(super) struct Start {
    restored: Option<Restored>,
}

#[derive(Debug)]
struct Restored {
    id: CheckpointId,
    digest: [u8; 32],
    path: PathBuf,
    _directory: TempDir,
}

impl Start {
    /// The newest good state of a session, if it has one.
    pub(super) async fn of(
        session: Option<&Session>,
        context: &mut Context,
    ) -> Result<Self, Fault> {
        let Some(session) = session else {
            return Ok(Self { restored: None });
        };
        let good = session.latest_good().await?;
        let head = session.info().await?.head;
        let restored = match (good, head) {
            (Some(good), head) => {
                if head.is_some_and(|head| head.id != *good.id()) {
                    context.out.warn(format_args!(
                        "the newest checkpoint of {} is damaged; going on from {}",
                        crate::output::shown(&session.id().to_string()),
                        good.id()
                    ));
                }
                Some(restore(session, &good).await?)
            }
            (None, Some(_)) => {
                return Err(Fault::new(Exit::Failed, "no checkpoint of the session is good, so there is nothing to go on from")
                    .hint("`checkpoint verify` tells what is damaged; `checkpoint delete --session` begins anew"));
            }
            (None, None) => {
                crate::reference::good_or_empty(session, None).await?;
                None
            }
        };
        Ok(Self { restored })
    }

    /// The file with the state, and whose it is.
    pub(super) fn restored(&self) -> Option<(&Path, &CheckpointId)> {
        let restored = self.restored.as_ref()?;
        Some((&restored.path, &restored.id))
    }

    /// The digest of the state.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        self.restored.as_ref().map(|restored| restored.digest)
    }
}

async fn restore(session: &Session, checkpoint: &Checkpoint) -> Result<Restored, Fault> {
    let state = checkpoint.bytes().await?;
    if !session.store().info().read_only {
        // So that the session tells it.
        session.restore(checkpoint.id()).await?;
    }
    let failed = |error| Fault::file("write into", &std::env::temp_dir(), &error);
    let mut builder = tempfile::Builder::new();
    // The state of a store is for who may read the store.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let directory = builder.prefix("checkpoint-run-").tempdir();
    let directory = directory.map_err(failed)?;
    let name = if checkpoint.content_type() == "application/json" {
        "state.json"
    } else {
        "state"
    };
    let path = directory.path().join(name);
    whole(&path, &state)?;
    Ok(Restored {
        id: checkpoint.id().clone(),
        digest: digest(&state),
        path,
        _directory: directory,
    })
}

/// Tells states apart.
pub(super) fn digest(state: &[u8]) -> [u8; 32] {
    ContentHasher::plain().digest(Purpose::Leaf, state)
}
