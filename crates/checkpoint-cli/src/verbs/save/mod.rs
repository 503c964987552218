//! `save`: saves a state, or one a line.

mod lines;
mod state;

use std::path::PathBuf;

use checkpoint::{CheckpointId, Save, Session, SessionId, Status, Store, Tag, Trigger, WorkerId};
use serde_json::Value;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::reference::{self, Reference};
use crate::view::Receipt;

const EXAMPLES: &str = "\
Examples:
  $ echo '{\"step\": 1}' | checkpoint save nightly
  $ checkpoint save nightly state.json -m 'plan agreed' --tag good --status active
  $ printf '%s\\n' '{\"step\": 1}' '{\"step\": 2}' | checkpoint save --lines nightly";

/// Saves a state, and prints the id of its checkpoint
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The session, made when it is not there
    session: SessionId,

    /// The state: a file, or - for standard input
    #[arg(default_value = "-", conflicts_with = "lines")]
    file: PathBuf,

    /// One state a line of standard input, each answered by one line once it is durable
    #[arg(long, conflicts_with_all = ["raw", "id", "expect_head"])]
    lines: bool,

    /// Bytes as they are, not looked into
    #[arg(long)]
    raw: bool,

    /// What the bytes are
    #[arg(
        long,
        value_name = "TYPE",
        requires = "raw",
        default_value = "application/octet-stream"
    )]
    content_type: String,

    #[command(flatten)]
    said: Said,

    /// Made from this checkpoint, or `none`; from the newest of the session when it is left out. With --lines, the
    /// first one
    #[arg(long, value_name = "REF")]
    parent: Option<Known>,

    /// Only if the newest checkpoint of the session is this one, or `none`
    #[arg(long, value_name = "REF")]
    expect_head: Option<Known>,

    /// Only while this epoch, which `claim` printed, is that of the session
    #[arg(long)]
    epoch: Option<u64>,

    /// Under this id: saved again under it, the same is saved once
    #[arg(long, value_parser = own_id)]
    id: Option<CheckpointId>,
}

/// What is said of a checkpoint.
#[derive(Debug, clap::Args)]
struct Said {
    /// What happened
    #[arg(short, long, allow_hyphen_values = true)]
    message: Option<String>,

    /// A tag; may be said several times
    #[arg(short, long)]
    tag: Vec<Tag>,

    /// How far the work has come: created, active, completed, failed, restored
    #[arg(long, value_parser = Status::from_name)]
    status: Option<Status>,

    /// The number of the step
    #[arg(long)]
    step: Option<u64>,

    /// How many steps there are; kept in the metadata as total_steps
    #[arg(long, value_name = "STEPS")]
    total: Option<u64>,

    /// Who saves
    #[arg(long)]
    worker: Option<WorkerId>,

    /// The title of the work
    #[arg(long)]
    title: Option<String>,

    /// Why it is saved: manual, scheduled, tool_call, error, …
    #[arg(long, value_parser = Trigger::from_name)]
    trigger: Option<Trigger>,

    /// Something noted beside the state; a value that is no JSON is text
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, Value)>,

    /// Kept by every retention policy
    #[arg(long)]
    pin: bool,
}

/// A checkpoint, or none.
#[derive(Clone, Debug)]
struct Known(Option<Reference>);

impl std::str::FromStr for Known {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            text => text.parse().map(|reference| Self(Some(reference))),
        }
    }
}

/// What a checkpoint is made from: each is left open, or a checkpoint, or none.
#[derive(Debug)]
struct MadeFrom {
    parent: Option<Option<CheckpointId>>,
    expected_head: Option<Option<CheckpointId>>,
}

async fn find(store: &Store, known: Option<&Known>) -> Result<Option<Option<CheckpointId>>, Fault> {
    Ok(match known {
        Some(Known(Some(reference))) => {
            let found = reference::find(store, reference).await?;
            Some(Some(found.id().clone()))
        }
        Some(Known(None)) => Some(None),
        None => None,
    })
}

/// An id that a reference can name: none that would be read as something else.
fn own_id(text: &str) -> Result<CheckpointId, String> {
    let id = CheckpointId::new(text).map_err(|error| error.to_string())?;
    let is_free = text != "none" && text.parse().is_ok_and(|it: Reference| it.is_id());
    if is_free {
        Ok(id)
    } else {
        Err("as a reference this means something else; choose another id".to_owned())
    }
}

/// A key and what is noted under it.
pub(super) fn pair(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| "write KEY=VALUE".to_owned())?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((key.to_owned(), value))
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Write).await?;
        // Nothing is made for what cannot be saved.
        let made_from = self.made_from(&store).await?;
        if self.lines {
            let session = self.session(&store).await?;
            return lines::run(&self, made_from, &session, context).await;
        }
        let limit = store.info().limits.state;
        let state = state::read(&self.file, limit, context).await?;
        if !self.raw {
            state::check(&state)?;
        }
        let session = self.session(&store).await?;
        let saved = self.save(&made_from, &session, state).await?;
        if saved.deleted {
            let id = crate::output::shown(&saved.id.to_string());
            let problem = format!("{id} was saved before and deleted since; nothing is saved now");
            return Err(Fault::new(Exit::Conflict, problem).hint("save it under another --id"));
        }
        let name = self.session.to_string();
        let receipt = Receipt::of(&name, &saved);
        context.out.confirm(&receipt, &saved.id)?;
        Ok(Exit::Done)
    }

    async fn session(&self, store: &Store) -> Result<Session, Fault> {
        match self.epoch {
            // What was claimed is there.
            Some(epoch) => Ok(self.existing(store).await?.with_epoch(epoch)),
            None => Ok(store.session(&self.session).await?),
        }
    }

    /// What the checkpoint is made from, as far as that is said.
    async fn made_from(&self, store: &Store) -> Result<MadeFrom, Fault> {
        let parent = find(store, self.parent.as_ref()).await?;
        let expected_head = find(store, self.expect_head.as_ref()).await?;
        if let Some(Some(head)) = &expected_head {
            // No session is made in order to be told that it has no such head.
            self.existing(store)
                .await
                .map_err(|fault| fault.hint(format!("its newest checkpoint was to be {head}")))?;
        }
        Ok(MadeFrom {
            parent,
            expected_head,
        })
    }

    async fn existing(&self, store: &Store) -> Result<Session, Fault> {
        reference::session(store, &self.session.to_string()).await
    }

    /// The save of a state, with all that is said of it.
    fn save(&self, made_from: &MadeFrom, session: &Session, state: Vec<u8>) -> Save {
        let content_type = if self.raw {
            self.content_type.as_str()
        } else {
            "application/json"
        };
        let mut save = self.said.of(session.save_bytes(content_type, state));
        save = match &made_from.parent {
            Some(Some(parent)) => save.parent(parent),
            Some(None) => save.no_parent(),
            None => save,
        };
        if let Some(head) = &made_from.expected_head {
            save = save.expect_head(head.clone());
        }
        if let Some(id) = &self.id {
            save = save.id(id);
        }
        save
    }
}

impl Said {
    fn of(&self, save: Save) -> Save {
        let mut save = save.tags(&self.tag);
        if let Some(message) = &self.message {
            save = save.message(message);
        }
        if let Some(status) = self.status {
            save = save.status(status);
        }
        if let Some(step) = self.step {
            save = save.step(step);
        }
        if let Some(total) = self.total {
            save = save.metadata("total_steps", total);
        }
        if let Some(worker) = &self.worker {
            save = save.worker(worker);
        }
        if let Some(title) = &self.title {
            save = save.title(title);
        }
        if let Some(trigger) = self.trigger {
            save = save.trigger(trigger);
        }
        for (key, value) in &self.metadata {
            save = save.metadata(key, value.clone());
        }
        if self.pin { save.pinned() } else { save }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_takes_the_place_of_another_reference() {
        for good in ["job-1", "ann@host", "a~b", "run~2", "latest"] {
            assert!(own_id(good).is_ok(), "{good}");
        }
        for bad in [
            "none",
            "@1",
            "job@latest",
            "job@-90min",
            "job@2026-11-20",
            "@latest",
            "job@-90",
        ] {
            assert!(own_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_noted_is_json_or_text() {
        let read = |text: &str| pair(text).map(|(_, value)| value);
        assert_eq!(pair("a=1"), Ok(("a".to_owned(), 1.into())));
        assert_eq!(read("a=b=c"), Ok("b=c".into()));
        assert_eq!(read("a="), Ok("".into()));
        assert_eq!(read("a=\"1\""), Ok("1".into()));
        assert_eq!(read("a=[1"), Ok("[1".into()));
        for bad in ["", "a", "=1"] {
            assert!(pair(bad).is_err(), "{bad}");
        }
    }
}
