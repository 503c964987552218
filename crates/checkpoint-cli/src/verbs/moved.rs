//! What became of checkpoints that were brought from elsewhere, for `copy` and `import`.

use checkpoint::{Progress, Received, Refused};
use serde::Serialize;

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::{bytes, shown};

/// As programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    sessions: u64,
    checkpoints: u64,
    updated: u64,
    skipped: u64,
    deleted: u64,
    refused: u64,
    bytes: u64,
    refusals: Vec<Refusal>,
}

/// What could not be brought.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    checkpoint: Option<String>,
    session: Option<String>,
    error: String,
}

impl Moved {
    pub(super) fn of(received: &Received) -> Self {
        Self {
            sessions: received.sessions,
            checkpoints: received.checkpoints,
            updated: received.updated,
            skipped: received.skipped,
            deleted: received.deleted,
            refused: received.refused,
            bytes: received.bytes,
            refusals: received.refusals.iter().map(Refusal::of).collect(),
        }
    }

    /// In words.
    pub(super) fn told(&self) -> String {
        let mut line = format!(
            "{} checkpoints and {} sessions made ({})",
            self.checkpoints,
            self.sessions,
            bytes(self.bytes)
        );
        let more = [
            (self.updated, "brought up to date"),
            (self.skipped, "there already"),
            (
                self.deleted,
                "left out, since they were deleted here (--revive brings them)",
            ),
            (self.refused, "refused"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            line.push_str(&format!(", {count} {what}"));
        }
        line
    }
}

impl Refusal {
    pub(super) fn of(refused: &Refused) -> Self {
        Self {
            checkpoint: refused.checkpoint.as_ref().map(ToString::to_string),
            session: refused.session.as_ref().map(ToString::to_string),
            error: refused.error.to_string(),
        }
    }
}

/// What hears how far it is.
pub(super) fn watcher(context: &Context) -> impl Fn(&Progress) + Send + Sync + use<> {
    let progress = context.progress.clone();
    move |now| progress.set(now.done, now.total)
}

/// Names what could not be brought.
pub(super) fn warn(refusals: &[Refused], context: &mut Context) {
    for refused in refusals {
        context.out.warn(format_args!(
            "refused: {}",
            shown(&refused.error.to_string())
        ));
    }
}

/// How it ends.
pub(super) fn judge(received: &Received) -> Result<Exit, Fault> {
    match received.refused {
        0 => Ok(Exit::Done),
        count => Err(Fault::new(
            Exit::Failed,
            format!("{count} could not be brought; all else was"),
        )
        .hint("`checkpoint verify` on where they come from tells what is damaged; the same again brings what is missing")),
    }
}
