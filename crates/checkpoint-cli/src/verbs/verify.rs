//! `verify`: whether what is stored is what was saved, and from where to go on where it is not.

mod witness;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use checkpoint::{Finding, Head, Recovery, Store, VerifyReport};
use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault, shell_word};
use crate::output::{Cell, Column, Rows, style};
use crate::progress::Unit;
use crate::reference;
use crate::whole::is_stream;

const EXAMPLES: &str = "\
What is damaged ends it with 1, also when it is set aside.

Examples:
  $ checkpoint verify
  $ checkpoint verify --session nightly --newest 10 -o json
  $ checkpoint verify --quarantine
  $ checkpoint verify --make-witness store.witness";

const RECOVERY: &[Column] = &[
    Column::new("SESSION").text(),
    Column::new("DAMAGED SINCE").number(),
    Column::new("NEWEST GOOD"),
    Column::new("ID"),
];

/// Checks what is stored: every checksum, chunk and parent
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only this session
    #[arg(long)]
    session: Option<String>,

    /// Only the newest so many checkpoints of each session
    #[arg(long, value_name = "N")]
    newest: Option<NonZeroUsize>,

    /// Sets damaged checkpoints aside, so that sessions go on from a good one; deletes nothing
    #[arg(long)]
    quarantine: bool,

    /// Compares the store with what it held when this witness was made of it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["session", "newest", "quarantine", "make_witness"])]
    witness: Option<PathBuf>,

    /// Writes a witness of what the store holds, to keep where nobody can write who can write to the store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["session", "newest", "quarantine"])]
    make_witness: Option<PathBuf>,

    /// The witness takes the place of a file that is there
    #[arg(long, requires = "make_witness")]
    overwrite: bool,
}

/// A report as programs read it.
#[derive(Debug, Serialize)]
struct Report {
    clean: bool,
    checked_at: String,
    valid: u64,
    invalid: u64,
    skipped: u64,
    set_aside: u64,
    newest_good: Option<Place>,
    findings: Vec<Found>,
    findings_left_out: u64,
    recovery: Vec<Recovered>,
}

#[derive(Debug, Serialize)]
struct Place {
    id: String,
    sequence: u64,
}

#[derive(Debug, Serialize)]
struct Found {
    checkpoint: Option<String>,
    session: Option<String>,
    error: String,
    set_aside: bool,
}

#[derive(Debug, Serialize)]
struct Recovered {
    session: String,
    newest_good: Option<Place>,
    damaged_since: u64,
}

impl From<&Head> for Place {
    fn from(head: &Head) -> Self {
        Self {
            id: head.id.to_string(),
            sequence: head.sequence,
        }
    }
}

impl Report {
    fn of(report: &VerifyReport) -> Self {
        Self {
            clean: report.is_clean(),
            checked_at: report.checked_at.to_string(),
            valid: report.valid,
            invalid: report.invalid,
            skipped: report.skipped,
            set_aside: report.set_aside,
            newest_good: report.newest_good.as_ref().map(Place::from),
            findings: report.findings.iter().map(Found::of).collect(),
            findings_left_out: report.left_out,
            recovery: report.recovery.iter().map(Recovered::of).collect(),
        }
    }
}

impl Found {
    fn of(finding: &Finding) -> Self {
        Self {
            checkpoint: finding.checkpoint.as_ref().map(ToString::to_string),
            session: finding.session.as_ref().map(ToString::to_string),
            error: finding.error.to_string(),
            set_aside: finding.set_aside,
        }
    }
}

impl Recovered {
    fn of(recovery: &Recovery) -> Self {
        Self {
            session: recovery.session.to_string(),
            newest_good: recovery.newest_good.as_ref().map(Place::from),
            damaged_since: recovery.damaged_since,
        }
    }
}

impl Args {
    /// Refuses to lose what is in a file: an earlier witness is what there is to compare with.
    fn look(&self, path: &Path, context: &Context) -> Result<(), Fault> {
        context.spare(path)?;
        if self.overwrite || is_stream(path) || !path.exists() {
            return Ok(());
        }
        let problem = format!("{} is there already", path.display());
        Err(Fault::new(Exit::Conflict, problem).hint("--overwrite lets the new one take its place"))
    }

    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let access = if self.quarantine {
            Access::Write
        } else {
            Access::Read
        };
        if let Some(path) = &self.make_witness {
            self.look(path, context)?;
        }
        let store = context.store(access).await?;
        if let Some(path) = &self.make_witness {
            return witness::make(&store, path, context).await;
        }
        if let Some(path) = &self.witness {
            return witness::check(&store, path, context).await;
        }
        let report = self.check(&store, context).await?;
        if context.out.is_for_programs() {
            context.out.json(&Report::of(&report))?;
        } else {
            tell(&report, context)?;
        }
        self.judge(&report)
    }

    async fn check(&self, store: &Store, context: &Context) -> Result<VerifyReport, Fault> {
        let mut verify = store.verify().quarantine(self.quarantine);
        if let Some(name) = &self.session {
            verify = verify.session(named(store, name).await?);
        }
        if let Some(newest) = self.newest {
            verify = verify.newest(newest.get());
        }
        context.progress.begin("checked", Unit::Share);
        let report = verify.progress(context.progress.hears()).await?;
        context.progress.clear();
        Ok(report)
    }

    fn judge(&self, report: &VerifyReport) -> Answer {
        if report.is_clean() {
            return Ok(Exit::Done);
        }
        let count = report.findings.len() as u64 + report.left_out;
        let aside = report.set_aside;
        let fault = Fault::new(
            Exit::Failed,
            format!("{count} damaged, {aside} of them set aside"),
        );
        let good = report
            .recovery
            .iter()
            .filter_map(|one| one.newest_good.as_ref());
        let fault = good.take(3).fold(fault, |fault, head| {
            fault.hint(format!(
                "go on from the newest good one: `checkpoint restore {}`",
                shell_word(&head.id.to_string())
            ))
        });
        Err(if self.quarantine || aside == count {
            fault
        } else {
            fault.hint("`checkpoint verify --quarantine` sets damaged checkpoints aside, so that sessions go on from a good one")
        })
    }
}

/// A session that is there, be it damaged.
async fn named(store: &Store, name: &str) -> Result<checkpoint::SessionId, Fault> {
    match reference::session(store, name).await {
        Ok(session) => Ok(session.id().clone()),
        // What is damaged is what is looked for.
        Err(fault) if fault.exit() == Exit::Failed => {
            checkpoint::SessionId::new(name).map_err(Fault::from)
        }
        Err(fault) => Err(fault),
    }
}

fn tell(report: &VerifyReport, context: &mut Context) -> Result<(), Fault> {
    let paint = context.out.paint();
    for finding in &report.findings {
        let (word, style) = if finding.set_aside {
            ("set aside:", style::WARN)
        } else {
            ("damaged:", style::BAD)
        };
        let heading = format!("{} ", paint.with(style, word));
        let error = finding.error.to_string();
        context
            .out
            .paragraph(heading, word.len() + 1, [error.as_str()])?;
    }
    if report.left_out > 0 {
        let more = report.left_out;
        context.out.line(format_args!("… and {more} more"))?;
    }
    let mut rows = Rows::new(RECOVERY);
    for recovery in &report.recovery {
        rows.push(&mut context.out, &Recovered::of(recovery), || {
            let head = recovery.newest_good.as_ref();
            let newest =
                head.map_or_else(|| "none".to_owned(), |head| format!("@{}", head.sequence));
            vec![
                recovery.session.to_string().into(),
                recovery.damaged_since.to_string().into(),
                Cell::styled(newest, style::GOOD),
                Cell::from(head.map(|head| head.id.to_string()).unwrap_or_default()),
            ]
        })?;
    }
    rows.finish(&mut context.out)?;
    let (valid, invalid, skipped) = (report.valid, report.invalid, report.skipped);
    let mut line = format!("{valid} good, {invalid} damaged");
    if skipped > 0 {
        line.push_str(&format!(", {skipped} readable but without a checksum"));
    }
    if let Some(head) = &report.newest_good {
        line.push_str(&format!(
            "; the newest good one is @{} {}",
            head.sequence, head.id
        ));
    }
    context.out.paragraph("", 0, [line.as_str()])
}
