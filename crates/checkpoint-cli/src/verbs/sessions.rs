//! `sessions`: the sessions of a store, and what is known of one.

use checkpoint::{Cursor, SessionInfo};
use serde_json::Value;

use super::Answer;
use super::save::pair;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{Cell, Column, Rows, style};
use crate::reference;
use crate::time::seconds;
use crate::view::SessionView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint sessions
  $ checkpoint sessions nightly --name 'Nightly import' --metadata owner=ann";

const COLUMNS: &[Column] = &[
    Column::new("SESSION").text(),
    Column::new("NEWEST"),
    Column::new("CREATED").dropped(1),
    Column::new("EPOCH").number().dropped(2),
    Column::new("NAME").text(),
];

/// How many at most one question is asked for.
const PAGE: usize = 1_000;

/// Lists the sessions, oldest first; or shows one, and gives it a name or metadata
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only this one
    session: Option<String>,

    /// Gives it this name
    #[arg(long, requires = "session")]
    name: Option<String>,

    /// Notes something about it, beside what is noted; a value that is no JSON is text
    #[arg(long, value_name = "KEY=VALUE", requires = "session", value_parser = pair)]
    metadata: Vec<(String, Value)>,

    /// So many at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// All that there are
    #[arg(short, long, conflicts_with = "limit")]
    all: bool,

    /// After where an earlier page ended, as that page said
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        match self.session.clone() {
            Some(name) => self.one(&name, context).await,
            None => self.list(context).await,
        }
    }

    async fn one(self, name: &str, context: &mut Context) -> Answer {
        let changes = self.name.is_some() || !self.metadata.is_empty();
        let store = context
            .store(if changes { Access::Write } else { Access::Read })
            .await?;
        let session = reference::session(&store, name).await?;
        if changes {
            let mut metadata = session.info().await?.metadata;
            metadata.extend(self.metadata);
            session.describe(self.name, Some(metadata)).await?;
        }
        let info = session.info().await?;
        if context.out.is_for_programs() {
            context.out.json(&SessionView::from(&info))?;
            return Ok(Exit::Done);
        }
        let mut rows = Rows::new(COLUMNS);
        rows.push(&mut context.out, &SessionView::from(&info), || cells(&info))?;
        rows.finish(&mut context.out)?;
        for (key, value) in &info.metadata {
            let key = context
                .out
                .paint()
                .with(style::HEAD, crate::output::shown(key));
            context.out.line(format_args!(
                "{key} = {}",
                crate::output::shown(&value.to_string())
            ))?;
        }
        Ok(Exit::Done)
    }

    async fn list(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let mut rows = Rows::new(COLUMNS);
        let mut left = if self.all { usize::MAX } else { self.limit };
        let mut after = self.after;
        let mut damaged = 0;
        loop {
            let listing = store.sessions(left.min(PAGE), after.take()).await?;
            for info in &listing.sessions {
                rows.push(&mut context.out, &SessionView::from(info), || cells(info))?;
            }
            for error in &listing.damaged {
                context.out.warn(format_args!("cannot be read: {error}"));
            }
            damaged += listing.damaged.len();
            left = left.saturating_sub(listing.sessions.len() + listing.damaged.len());
            after = listing.next;
            if left == 0 || after.is_none() {
                break;
            }
        }
        rows.finish(&mut context.out)?;
        if let Some(rest) = after {
            context
                .out
                .note(format_args!("there may be more: --after {rest}, or --all"));
        }
        match damaged {
            0 => Ok(Exit::Done),
            _ => Err(Fault::new(
                Exit::Failed,
                format!("{damaged} of the sessions cannot be read"),
            )),
        }
    }
}

fn cells(info: &SessionInfo) -> Vec<Cell> {
    let newest = info.head.as_ref().map(|head| format!("@{}", head.sequence));
    vec![
        info.id.to_string().into(),
        Cell::styled(newest.unwrap_or_default(), style::NAME),
        seconds(info.created_at).into(),
        info.epoch.to_string().into(),
        info.name.as_str().into(),
    ]
}
