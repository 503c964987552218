//! `log`: checkpoints with their messages, and how they came from each other.

mod graph;

use checkpoint::Checkpoint;

use self::graph::Graph;
use super::Answer;
use super::filters::Filters;
use crate::context::{Access, Context};
use crate::fault::Fault;
use crate::output::{Rows, bytes, columns, cut, shown, style};
use crate::view::CheckpointView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint log nightly
  $ checkpoint log --graph --all";

/// Shows checkpoints with their messages, newest first; `show` tells annotations too
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,

    /// Draws how they came from each other, a line each
    #[arg(long, conflicts_with = "oldest_first")]
    graph: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let mut pages = self.filters.pages(&store).await?;
        let mut graph = Graph::default();
        let mut rows = Rows::new(&[]);
        let mut count = 0;
        while let Some(page) = pages.next(context).await? {
            for checkpoint in &page {
                count += 1;
                if context.out.is_for_programs() {
                    let view = CheckpointView::from(checkpoint);
                    rows.push(&mut context.out, &view, Vec::new)?;
                } else if self.graph {
                    drawn(&mut graph, checkpoint, context)?;
                } else {
                    told(checkpoint, context)?;
                }
            }
        }
        rows.finish(&mut context.out)?;
        pages.end(count, context)
    }
}

fn drawn(graph: &mut Graph, checkpoint: &Checkpoint, context: &mut Context) -> Result<(), Fault> {
    let parent = checkpoint.parent().map(ToString::to_string);
    let lines = graph.next(&checkpoint.id().to_string(), parent.as_deref());
    for line in lines.before {
        context.out.line(Room(context.out.width()).take(&line, 0))?;
    }
    let sequence = format!("@{}", checkpoint.sequence());
    let session = shown(&checkpoint.session().to_string());
    let tags = match tags(checkpoint) {
        tags if tags.is_empty() => tags,
        tags => format!(" ({tags})"),
    };
    let message = shown(checkpoint.message().lines().next().unwrap_or_default());
    let mut room = Room(context.out.width());
    // The lines leave room for what they are about. Of the rest, the message is cut first.
    let graph = room.take(&lines.line, columns(&sequence) + 2 + LEAST);
    let sequence = room.take(&format!(" {sequence}"), 0);
    let session = room.take(&format!(" {session}"), 0);
    let tags = room.take(&tags, 0);
    let message = room.take(&format!(" {message}"), 0);
    let paint = context.out.paint();
    let (sequence, tags) = (
        paint.with(style::NAME, sequence),
        paint.with(style::GOOD, tags),
    );
    let line = format!("{graph}{sequence}{session}{tags}{message}");
    context.out.line(line.trim_end())
}

/// How narrow a session becomes beside lines that take all the room.
const LEAST: usize = 8;

/// The columns that a line has left; none where it may be as long as it is.
struct Room(Option<usize>);

impl Room {
    /// A text, cut to the room that there is but for so much of it.
    fn take(&mut self, text: &str, but: usize) -> String {
        let Some(room) = &mut self.0 else {
            return text.to_owned();
        };
        let text = cut(text, room.saturating_sub(but));
        *room = room.saturating_sub(columns(&text));
        text
    }
}

fn tags(checkpoint: &Checkpoint) -> String {
    let tags: Vec<_> = checkpoint
        .tags()
        .iter()
        .map(|tag| shown(tag.as_str()))
        .collect();
    tags.join(" ")
}

fn told(checkpoint: &Checkpoint, context: &mut Context) -> Result<(), Fault> {
    let header = checkpoint.header();
    let paint = context.out.paint();
    let id = paint.with(
        style::NAME,
        format_args!("@{} {}", header.sequence, shown(&header.id.to_string())),
    );
    let tags = tags(checkpoint);
    let tags = if tags.is_empty() {
        tags
    } else {
        format!(" {}", paint.with(style::GOOD, format_args!("({tags})")))
    };
    context.out.line(format_args!("checkpoint {id}{tags}"))?;
    context.out.line(format_args!(
        "Session: {}",
        shown(&header.session.to_string())
    ))?;
    if let Some(worker) = &header.worker {
        context
            .out
            .line(format_args!("Worker:  {}", shown(worker.as_str())))?;
    }
    context
        .out
        .line(format_args!("Saved:   {}", header.committed_at))?;
    context.out.line(format_args!(
        "State:   {}, {}",
        bytes(header.length),
        header.status
    ))?;
    if !checkpoint.message().is_empty() {
        context.out.line("")?;
        let message = checkpoint.message().lines();
        context.out.paragraph("    ", 4, message)?;
    }
    context.out.line("")
}
