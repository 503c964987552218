//! `show`: all that is known of a checkpoint.

use checkpoint::{Annotation, Checkpoint, Origin};
use serde::Serialize;
use serde_json::Value;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{bytes, shown, style};
use crate::reference::{self, Reference};
use crate::view::{CheckpointView, NoteView};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint show nightly@latest
  $ checkpoint show @2 --state
  $ checkpoint show nightly@latest~1 -o json";

/// Shows all that is known of a checkpoint
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint
    #[arg(value_name = "REF")]
    reference: Reference,

    /// Its state too; `restore` gives it byte by byte
    #[arg(long)]
    state: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    checkpoint: CheckpointView<'a>,
    notes: Vec<NoteView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let checkpoint = reference::find(&store, &self.reference).await?;
        let session = reference::session(&store, &checkpoint.session().to_string()).await?;
        let notes = session.annotations(checkpoint.id()).await?;
        let state = match self.state {
            true => Some(checkpoint.value().await?),
            false => None,
        };
        if context.out.is_for_programs() {
            context.out.json(&Shown {
                checkpoint: CheckpointView::from(&checkpoint),
                notes: notes.iter().map(NoteView::from).collect(),
                state,
            })?;
        } else {
            for (name, value) in facts(&checkpoint) {
                fact(context, name, &value)?;
            }
            for note in &notes {
                fact(context, "note", &told(note))?;
            }
            if let Some(state) = &state {
                context.out.line("")?;
                context.out.json(state)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn fact(context: &mut Context, name: &str, value: &str) -> Result<(), Fault> {
    let paint = context.out.paint();
    let name_painted = paint.with(style::HEAD, format_args!("{name:<13}"));
    if name == "id" {
        let id = paint.with(style::NAME, shown(value));
        return context.out.line(format_args!("{name_painted} {id}"));
    }
    // What a person wrote may have lines.
    let heading = format!("{name_painted} ");
    context.out.paragraph(heading, 14, value.lines())
}

fn told(note: &Annotation) -> String {
    let by = if note.author.is_empty() {
        String::new()
    } else {
        format!(" by {}", note.author)
    };
    format!("{} ({}{by}, {})", note.note, note.severity, note.time)
}

/// What is known, by name; what is not known is left out.
fn facts(checkpoint: &Checkpoint) -> Vec<(&'static str, String)> {
    let facts = place(checkpoint)
        .into_iter()
        .chain(work(checkpoint))
        .chain(content(checkpoint));
    facts
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A name, and what is known under it.
type Fact = (&'static str, Option<String>);

/// What it is, and when.
fn place(checkpoint: &Checkpoint) -> [Fact; 9] {
    let header = checkpoint.header();
    let made = header.created_at;
    let origin = |it: Origin| format!("@{} of another store, {}", it.sequence, it.committed_at);
    [
        ("id", Some(header.id.to_string())),
        ("session", Some(header.session.to_string())),
        ("sequence", Some(format!("@{}", header.sequence))),
        ("parent", header.parent.as_ref().map(ToString::to_string)),
        (
            "enclosing",
            header.enclosing.as_ref().map(ToString::to_string),
        ),
        ("saved", Some(header.committed_at.to_string())),
        (
            "made",
            (made != header.committed_at).then(|| made.to_string()),
        ),
        (
            "updated",
            (header.revision > 1)
                .then(|| format!("{} (revision {})", header.updated_at, header.revision)),
        ),
        ("origin", header.origin.map(origin)),
    ]
}

/// What was said of it.
fn work(checkpoint: &Checkpoint) -> [Fact; 11] {
    let header = checkpoint.header();
    let tags: Vec<_> = header.tags.iter().map(|tag| tag.as_str()).collect();
    [
        ("status", Some(header.status.to_string())),
        ("trigger", Some(header.trigger.to_string())),
        ("reason", text(checkpoint.reason())),
        ("worker", header.worker.as_ref().map(ToString::to_string)),
        ("title", text(checkpoint.title())),
        ("step", header.step.map(|step| step.to_string())),
        ("description", text(checkpoint.step_description())),
        ("message", text(checkpoint.message())),
        ("tags", text(&tags.join(" "))),
        ("pinned", header.pinned.then(|| "yes".to_owned())),
        (
            "set aside",
            header.quarantined.then(|| "yes, as damaged".to_owned()),
        ),
    ]
}

/// What its state is.
fn content(checkpoint: &Checkpoint) -> [Fact; 5] {
    let sections: Vec<_> = checkpoint.section_names().collect();
    let metadata = checkpoint.metadata();
    let json = || serde_json::to_string(metadata).unwrap_or_default();
    let schema = checkpoint.schema();
    let size = bytes(checkpoint.header().length);
    [
        (
            "state",
            Some(format!("{size}, {}", checkpoint.content_type())),
        ),
        (
            "schema",
            schema.map(|(name, version)| format!("{name}, version {version}")),
        ),
        ("sections", text(&sections.join(" "))),
        ("metadata", (!metadata.is_empty()).then(json)),
        ("checksum", checkpoint.checksum()),
    ]
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
