//! `keys`: the life of the keys of an encrypted store.

mod change;

use checkpoint::crypto::Usage;
use clap::Subcommand;
use serde::Serialize;

use self::change::Sealed;
use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{Cell, Column, Rows, style};
use crate::time::seconds;

const EXAMPLES: &str = "\
A store is sealed under data keys, which lie in it, sealed for each key or passphrase that opens it. When a key is known to
others: `rewrap` for a new one, `rotate`, `reseal`, `drop-old`.

Examples:
  $ checkpoint keys list -s sqlite://vault.db --key-file vault.key
  $ checkpoint keys rotate -s sqlite://vault.db --key-file vault.key";

const COLUMNS: &[Column] = &[
    Column::new("WHAT"),
    Column::new("ID"),
    Column::new("MADE").dropped(1),
    Column::new("SAYS").whole(),
];

/// The keys of an encrypted store: who may open it, and under what it is sealed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists what opens the store, and its data keys; --usage counts what is sealed under which
    List {
        /// Counts what is sealed under which data key; reads everything
        #[arg(long)]
        usage: bool,
    },
    Rewrap(change::Rewrap),
    Rotate(change::Rotate),
    Reseal(change::Reseal),
    DropOld(change::DropOld),
    Shred(change::Shred),
}

#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    id: String,
    made_at: Option<String>,
    current: Option<bool>,
    objects: Option<u64>,
    passphrase: Option<bool>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        match self.what {
            What::List { usage } => list(usage, context).await,
            What::Rewrap(args) => args.run(context).await,
            What::Rotate(args) => args.run(context).await,
            What::Reseal(args) => args.run(context).await,
            What::DropOld(args) => args.run(context).await,
            What::Shred(args) => args.run(context).await,
        }
    }
}

async fn list(usage: bool, context: &mut Context) -> Answer {
    let store = context.encrypted(Access::Read).await?;
    let mut rows = Rows::new(COLUMNS);
    openers(&store, &mut rows, context).await?;
    let usage = if usage {
        Some(store.usage().await?)
    } else {
        None
    };
    sealers(&store, usage.as_ref(), &mut rows, context).await?;
    rows.finish(&mut context.out)?;
    let unreadable = usage.map_or(0, |usage| usage.unreadable.len());
    if unreadable > 0 {
        context.out.warn(format_args!("{unreadable} objects or more cannot be read, so nobody can tell under which key they are"));
    }
    Ok(Exit::Done)
}

/// What opens the store.
async fn openers(store: &Sealed, rows: &mut Rows, context: &mut Context) -> Result<(), Fault> {
    for slot in store.slots().await? {
        let row = Row {
            what: "opens",
            id: slot.id,
            made_at: None,
            current: None,
            objects: None,
            passphrase: Some(slot.passphrase.is_some()),
        };
        let says = match slot.passphrase {
            Some(cost) => format!(
                "a passphrase (Argon2id, {} KiB, {} passes)",
                cost.memory, cost.passes
            ),
            None => "a key".to_owned(),
        };
        rows.push(&mut context.out, &row, || {
            vec![
                row.what.into(),
                row.id.as_str().into(),
                Cell::default(),
                says.into(),
            ]
        })?;
    }
    Ok(())
}

/// Under what it is sealed.
async fn sealers(
    store: &Sealed,
    usage: Option<&Usage>,
    rows: &mut Rows,
    context: &mut Context,
) -> Result<(), Fault> {
    for key in store.keys().await? {
        let objects = usage.map(|usage| usage.objects.get(&key.id).copied().unwrap_or(0));
        let row = Row {
            what: "seals",
            id: key.id.to_string(),
            made_at: Some(key.made_at.to_string()),
            current: Some(key.is_current),
            objects,
            passphrase: None,
        };
        let mut says = if key.is_current {
            "what is new".to_owned()
        } else {
            "what is old".to_owned()
        };
        if let Some(objects) = objects {
            says.push_str(&format!(", {objects} objects"));
        }
        rows.push(&mut context.out, &row, || {
            let style = if key.is_current {
                style::GOOD
            } else {
                style::DIM
            };
            vec![
                row.what.into(),
                row.id.as_str().into(),
                seconds(key.made_at).into(),
                Cell::styled(says, style),
            ]
        })?;
    }
    Ok(())
}
