//! What changes keys.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use checkpoint::Backend;
use checkpoint::crypto::{Encrypted, Key};
use serde_json::json;

use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::bytes;
use crate::progress::Unit;
use crate::verbs::Answer;

/// An encrypted store as what it is.
pub(super) type Sealed = Arc<Encrypted<Arc<dyn Backend>>>;

/// Keys that open the store beside the one with which it is opened now.
#[derive(Debug, clap::Args)]
pub(super) struct Others {
    /// Another key that goes on to open the store
    #[arg(long, value_name = "FILE")]
    also_key_file: Vec<PathBuf>,

    /// A passphrase that goes on to open the store
    #[arg(long, value_name = "FILE")]
    also_passphrase_file: Vec<PathBuf>,

    /// Those keys that are not named no longer open the store
    #[arg(long)]
    drop_others: bool,
}

impl Others {
    /// The keys that are named.
    fn named(&self) -> impl Iterator<Item = Key> {
        let files = self.also_key_file.iter().map(Key::from_file);
        let passphrases = self.also_passphrase_file.iter();
        files.chain(passphrases.map(Key::from_passphrase_file))
    }

    /// The present key and those that are named, which are to open the store. That none is dropped by oversight is looked
    /// at first.
    async fn keys(&self, store: &Sealed, context: &Context) -> Result<Vec<Key>, Fault> {
        self.look(store).await?;
        let now = context.settings.key()?;
        Ok(now.into_iter().chain(self.named()).collect())
    }

    /// Refuses to drop keys that are not named: those that are, and the present one, are all that may be there.
    async fn look(&self, store: &Sealed) -> Result<(), Fault> {
        let (there, named) = (store.slots().await?.len(), self.named().count() + 1);
        if named >= there || self.drop_others {
            return Ok(());
        }
        Err(Fault::usage(format!(
            "{there} keys open the store, and {named} of them is named; the others would open it no longer"
        ))
        .hint("name them by --also-key-file and --also-passphrase-file, or say --drop-others"))
    }
}

/// Lets other keys open the store; what is stored stays as it is
///
/// Without --keep the key with which it is opened now does so no longer.
#[derive(Debug, clap::Args)]
pub(super) struct Rewrap {
    /// A key that is to open the store; `checkpoint init --new-key` or 32 random bytes make one
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "new_passphrase_file"
    )]
    new_key_file: Vec<PathBuf>,

    /// A passphrase that is to open the store
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Vec<PathBuf>,

    /// Makes the new keys first, in files that are not there yet
    #[arg(long, requires = "new_key_file")]
    make: bool,

    /// The key with which the store is opened now goes on to open it
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    others: Others,
}

impl Rewrap {
    pub(super) async fn run(self, context: &mut Context) -> Answer {
        let store = context.encrypted(Access::Write).await?;
        let mut keys = if self.keep {
            self.others.keys(&store, context).await?
        } else {
            self.others.look(&store).await?;
            self.others.named().collect()
        };
        for path in &self.new_key_file {
            if self.make {
                checkpoint::crypto::generate(path)?;
                context
                    .out
                    .note(format_args!("made a key in {}", path.display()));
            }
            keys.push(Key::from_file(path));
        }
        let passphrases = self.new_passphrase_file.iter();
        keys.extend(passphrases.map(Key::from_passphrase_file));
        store.rewrap(&keys).await?;
        let count = keys.len();
        context.out.answer(
            &json!({"keys": count}),
            format!("{count} keys open the store now"),
        )?;
        context.out.note("whoever has an old key and an old copy of the store can read that copy; `keys rotate`, `reseal` and `drop-old` end what an old key opens here");
        Ok(Exit::Done)
    }
}

/// Makes a new data key, under which everything new is sealed
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    others: Others,
}

impl Rotate {
    pub(super) async fn run(self, context: &mut Context) -> Answer {
        let store = context.encrypted(Access::Write).await?;
        let keys = self.others.keys(&store, context).await?;
        let id = store.rotate(&keys).await?;
        let text = format!("what is new is sealed under data key {id}");
        context.out.answer(&json!({"data_key": id}), text)?;
        context
            .out
            .note("`checkpoint keys reseal` seals what is old under it as well");
        Ok(Exit::Done)
    }
}

/// Seals what lies under old data keys anew, while others go on; interrupted, it goes on where it was
#[derive(Debug, clap::Args)]
pub(super) struct Reseal {}

impl Reseal {
    pub(super) async fn run(self, context: &mut Context) -> Answer {
        let store = context.encrypted(Access::Write).await?;
        context.progress.begin("looked at", Unit::Of("objects"));
        let progress = context.progress.clone();
        let done = store
            .reseal(move |done| progress.set(done.looked_at, None))
            .await?;
        context.progress.clear();
        let document = json!({
            "looked_at": done.looked_at, "sealed": done.sealed, "bytes": done.bytes, "unreadable": done.unreadable,
        });
        let text = format!(
            "{} of {} objects were sealed anew ({})",
            done.sealed,
            done.looked_at,
            bytes(done.bytes)
        );
        context.out.answer(&document, text)?;
        if done.unreadable > 0 {
            let fault = format!(
                "{} objects do not open, and stay as they are",
                done.unreadable
            );
            return Err(Fault::new(Exit::Failed, fault).hint("`checkpoint verify` names them"));
        }
        context
            .out
            .note("`checkpoint keys drop-old` drops the old keys");
        Ok(Exit::Done)
    }
}

/// Drops the data keys under which nothing is sealed any more; looks at everything first
#[derive(Debug, clap::Args)]
pub(super) struct DropOld {
    #[command(flatten)]
    others: Others,
}

impl DropOld {
    pub(super) async fn run(self, context: &mut Context) -> Answer {
        let store = context.encrypted(Access::Write).await?;
        let keys = self.others.keys(&store, context).await?;
        let dropped = store.drop_old_keys(&keys).await.map_err(|error| {
            let is_used = matches!(error.kind(), checkpoint::ErrorKind::Invalid);
            let fault = Fault::from(error);
            if is_used {
                fault.hint("`checkpoint keys reseal` seals what is old anew")
            } else {
                fault
            }
        })?;
        let text = match dropped.as_slice() {
            [] => "there are no old keys".to_owned(),
            some => {
                let ids: Vec<_> = some.iter().map(ToString::to_string).collect();
                format!("dropped {}", ids.join(", "))
            }
        };
        context.out.answer(&json!({"dropped": dropped}), text)?;
        Ok(Exit::Done)
    }
}

/// Drops all keys: nobody can read the store any more, for good; asks first
#[derive(Debug, clap::Args)]
pub(super) struct Shred {
    /// Does not ask; needed where nobody can answer
    #[arg(short, long)]
    yes: bool,
}

impl Shred {
    pub(super) async fn run(self, context: &mut Context) -> Answer {
        let url = crate::settings::masked_url(&context.settings.store.value);
        if !self.yes && !std::io::stdin().is_terminal() {
            return Err(
                Fault::usage(format!("nobody can be asked whether to shred {url}"))
                    .hint("add --yes"),
            );
        }
        let store = context.encrypted(Access::Write).await?;
        let count = Backend::stats(&*store).await.map(|stats| stats.checkpoints);
        if !self.yes {
            let what = count.map_or_else(|_| "all".to_owned(), |count| format!("all {count}"));
            let question =
                format!("Nobody will ever read {what} checkpoints of {url} again. Drop its keys?");
            if !context.out.ask(&question).await? {
                context.out.note("nothing was done");
                return Ok(Exit::Failed);
            }
        }
        store.shred().await?;
        context.out.answer(
            &json!({"shredded": url}),
            format!("the keys of {url} are gone"),
        )?;
        context.out.note("older versions of the store, such as backups, still open with their keys; destroy the keys too");
        Ok(Exit::Done)
    }
}
