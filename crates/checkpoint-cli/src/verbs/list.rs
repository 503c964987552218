//! `list`: checkpoints, a line each.

use anstyle::Style;
use checkpoint::{Checkpoint, Status};

use super::Answer;
use super::filters::Filters;
use crate::context::{Access, Context};
use crate::output::{Cell, Column, Rows, bytes, style};
use crate::time::seconds;
use crate::view::CheckpointView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint list --limit 20
  $ checkpoint list nightly --tag good --since -2days
  $ checkpoint list --all -o jsonl";

const COLUMNS: &[Column] = &[
    Column::new("REF"),
    Column::new("SESSION").text(),
    Column::new("ID").dropped(5),
    Column::new("SAVED").dropped(1),
    Column::new("STATUS").dropped(3),
    Column::new("SIZE").number().dropped(4),
    Column::new("TAGS").text().dropped(2),
    Column::new("MESSAGE").text(),
];

/// Lists checkpoints, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, visible_alias = "ls")]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let mut pages = self.filters.pages(&store).await?;
        let mut rows = Rows::new(COLUMNS);
        while let Some(page) = pages.next(context).await? {
            for checkpoint in &page {
                let view = CheckpointView::from(checkpoint);
                rows.push(&mut context.out, &view, || cells(checkpoint))?;
            }
        }
        let count = rows.finish(&mut context.out)?;
        pages.end(count, context)
    }
}

fn cells(checkpoint: &Checkpoint) -> Vec<Cell> {
    let header = checkpoint.header();
    let tags: Vec<_> = header.tags.iter().map(|tag| tag.as_str()).collect();
    let pin = if header.pinned { "*" } else { "" };
    vec![
        Cell::styled(format!("@{}{pin}", header.sequence), style::NAME),
        header.session.to_string().into(),
        Cell::styled(header.id.to_string(), style::DIM),
        seconds(header.committed_at).into(),
        Cell::styled(header.status.name(), of_status(header.status)),
        bytes(header.length).into(),
        Cell::styled(tags.join(" "), style::GOOD),
        checkpoint
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .into(),
    ]
}

pub(super) fn of_status(status: Status) -> Style {
    match status {
        Status::Completed => style::GOOD,
        Status::Failed => style::BAD,
        Status::Active | Status::Restored => style::WARN,
        _ => Style::new(),
    }
}
