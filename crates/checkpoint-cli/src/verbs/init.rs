//! `init`: makes a store.

use std::error::Error as _;
use std::path::PathBuf;

use checkpoint::ErrorKind;
use checkpoint::crypto;
use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context, options};
use crate::fault::{Exit, Fault};
use crate::settings::{KeyFrom, masked_url};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint init --store sqlite://agent.db
  $ checkpoint init --store sqlite://sealed.db --key-file agent.key --new-key
  $ checkpoint init --if-missing";

/// Makes a store
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A store that is there already is no error
    #[arg(long)]
    if_missing: bool,

    /// Makes the key first, in the file of --key-file, where there must be none yet
    #[arg(long)]
    new_key: bool,
}

#[derive(Debug, Serialize)]
struct Made {
    store: String,
    id: String,
    format: u32,
    encrypted: bool,
    created: bool,
    durability: &'static str,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let key_file = if self.new_key {
            Some(key_file(context)?)
        } else {
            None
        };
        let url = context.settings.store.value.clone();
        let is_there = self.look(&url, context).await?;
        if is_there && !self.if_missing {
            let shown = masked_url(&url);
            return Err(Fault::new(
                Exit::Conflict,
                format!("there is a store at {shown} already"),
            )
            .hint("go on with it, name another place by --store, or say --if-missing"));
        }
        if let Some(path) = key_file.filter(|_| !is_there) {
            crypto::generate(&path)?;
            context
                .out
                .note(format_args!("made a key in {}", path.display()));
        }
        let access = if is_there {
            Access::Read
        } else {
            Access::Create
        };
        let store = context.store(access).await?;
        let info = store.info();
        let made = Made {
            store: masked_url(&url),
            id: info.id.to_string(),
            format: info.format.version,
            encrypted: context.settings.key.is_some(),
            created: !is_there,
            durability: info.durability.name(),
        };
        if made.created && made.encrypted {
            context.out.note("the store is encrypted; keep a copy of its key elsewhere, since without it the store is lost");
        }
        let text = format!("{} (format {}, {})", made.id, made.format, made.store);
        context.out.confirm(&made, text)?;
        Ok(Exit::Done)
    }

    /// Whether there is a store, encrypted or not.
    async fn look(&self, url: &str, context: &Context) -> Result<bool, Fault> {
        // A key that is yet to be made opens nothing.
        let key = if self.new_key {
            None
        } else {
            context.settings.key()?
        };
        match options(url, key, Access::Read).open().await {
            Ok(store) => store.close().await.map(|()| true).map_err(Fault::from),
            Err(error) => match error.kind() {
                // With a cause there is nothing in which to make one, and no key is made for it either.
                ErrorKind::NotFound if error.source().is_none() => Ok(false),
                ErrorKind::Denied if self.new_key => Ok(true),
                _ => Err(Fault::opening(&error, url)),
            },
        }
    }
}

/// The file that the key goes to.
fn key_file(context: &Context) -> Result<PathBuf, Fault> {
    match context.settings.key.as_ref().map(|key| &key.value) {
        Some(KeyFrom::File(path)) => Ok(path.clone()),
        _ => Err(Fault::usage(
            "--new-key needs the name of a file; add --key-file FILE",
        )),
    }
}
