//! `annotate`: notes on a checkpoint.

use checkpoint::Severity;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::Exit;
use crate::output::{Cell, Column, Rows, style};
use crate::reference::{self, Reference};
use crate::time::seconds;
use crate::view::NoteView;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint annotate nightly@latest 'the plan was wrong' --severity warning --author ann
  $ checkpoint annotate nightly@latest";

const COLUMNS: &[Column] = &[
    Column::new("MADE").dropped(1),
    Column::new("SEVERITY"),
    Column::new("AUTHOR").text().dropped(2),
    Column::new("NOTE").whole(),
];

/// Adds a note to a checkpoint, which changes nothing of it; or lists the notes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The checkpoint
    #[arg(value_name = "REF")]
    reference: Reference,

    /// The note
    note: Option<String>,

    /// How much it matters: info, warning, critical
    #[arg(long, default_value = "info", value_parser = Severity::from_name)]
    severity: Severity,

    /// Who says it
    #[arg(long, default_value = "", hide_default_value = true)]
    author: String,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let access = if self.note.is_some() {
            Access::Write
        } else {
            Access::Read
        };
        let store = context.store(access).await?;
        let checkpoint = reference::find(&store, &self.reference).await?;
        let session = reference::session(&store, &checkpoint.session().to_string()).await?;
        if let Some(note) = &self.note {
            session
                .annotate(checkpoint.id(), note, self.severity, &self.author)
                .await?;
            if !context.out.is_for_programs() {
                return Ok(Exit::Done);
            }
        }
        let mut rows = Rows::new(COLUMNS);
        for note in session.annotations(checkpoint.id()).await? {
            rows.push(&mut context.out, &NoteView::from(&note), || {
                let style = match note.severity {
                    Severity::Critical => style::BAD,
                    Severity::Warning => style::WARN,
                    _ => style::DIM,
                };
                vec![
                    seconds(note.time).into(),
                    Cell::styled(note.severity.name(), style),
                    note.author.as_str().into(),
                    note.note.as_str().into(),
                ]
            })?;
        }
        rows.finish(&mut context.out)?;
        Ok(Exit::Done)
    }
}
