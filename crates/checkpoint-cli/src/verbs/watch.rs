//! `watch`: what happens in a store, a line each.

use std::str::FromStr;
use std::time::Duration;

use checkpoint::{Change, ChangeKind, Position, Store};
use serde::Serialize;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::interrupt;
use crate::output::{columns, cut, shown, style};
use crate::time::seconds;

const EXAMPLES: &str = "\
Examples:
  $ checkpoint watch --after start --no-follow
  $ checkpoint watch --after 1 -n 1 -o jsonl";

/// How many changes are asked for at once.
const PAGE: usize = 1_000;

/// How long one question waits for a change.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether somebody still reads.
const LOOK: Duration = Duration::from_millis(500);

/// How much of the name of a session is shown before the time is.
const ENOUGH: usize = 16;
/// How much of it is shown however narrow the terminal is.
const LEAST: usize = 8;

/// Tells what happens in the store, a line for each change, until it is interrupted
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// After this position: start, now, or the one that an earlier line began with
    #[arg(long, value_name = "POSITION", default_value = "now")]
    after: After,

    /// Only this session
    #[arg(long)]
    session: Option<String>,

    /// Ends after so many changes
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,

    /// Ends where nothing more has happened yet
    #[arg(long)]
    no_follow: bool,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Now,
    Position(Position),
}

impl FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let (sequence, n) = match text {
            "now" => return Ok(Self::Now),
            "start" => return Ok(Self::Position(Position::START)),
            _ => text.split_once('.').unwrap_or((text, "0")),
        };
        match (number(sequence), number(n)) {
            (Some(sequence), Some(n)) => Ok(Self::Position(Position { sequence, n })),
            _ => Err("write start, now, or a position such as 12.0".to_owned()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Told {
    position: String,
    kind: &'static str,
    committed_at: String,
    session: Option<String>,
    checkpoint: Option<String>,
    status: Option<&'static str>,
    revision: Option<u64>,
    commit: Option<String>,
}

impl Told {
    fn of(change: &Change) -> Self {
        Self {
            position: change.position.to_string(),
            kind: change.kind.name(),
            committed_at: change.committed_at.to_string(),
            session: change.session.as_ref().map(ToString::to_string),
            checkpoint: change.checkpoint.as_ref().map(ToString::to_string),
            status: change.status.map(|status| status.name()),
            revision: change.revision,
            commit: change.commit.as_ref().map(ToString::to_string),
        }
    }
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let newest = store.changed(Position::START, Duration::ZERO).await?;
        let mut at = match self.after {
            After::Position(position) if position > newest => return Err(ahead(position, newest)),
            After::Position(position) => position,
            After::Now => newest,
        };
        let interrupted = interrupt::asked();
        tokio::select! {
            biased;
            answer = self.follow(&store, &mut at, context) => answer,
            () = interrupted => Err(Fault::new(Exit::Interrupted, "interrupted")
                .hint(format!("`checkpoint watch --after {at}` goes on from here"))),
        }
    }

    async fn follow(&self, store: &Store, at: &mut Position, context: &mut Context) -> Answer {
        let mut told = 0;
        let mut damaged = 0;
        while self.limit.is_none_or(|limit| told < limit) {
            let page = store.changes(*at, PAGE).await.map_err(forgotten)?;
            for error in &page.damaged {
                damaged += 1;
                context.out.warn(shown(&error.to_string()));
            }
            for change in &page.changes {
                if self.limit.is_some_and(|limit| told >= limit) {
                    break;
                }
                if self.wants(change) {
                    told += 1;
                    tell(change, context)?;
                }
                *at = change.position;
            }
            // Who reads the lines waits for them.
            context.out.flush()?;
            if self.limit.is_some_and(|limit| told >= limit) {
                break;
            }
            let is_over = page.end == *at && page.changes.is_empty();
            *at = page.end;
            if is_over && self.no_follow {
                break;
            }
            if is_over {
                tokio::select! {
                    changed = store.changed(*at, PATIENCE) => drop(changed?),
                    fault = nobody_reads(context) => return Err(fault),
                }
            }
        }
        match damaged {
            0 => Ok(Exit::Done),
            _ => Err(Fault::new(
                Exit::Failed,
                format!("{damaged} of the changes cannot be read"),
            )),
        }
    }

    fn wants(&self, change: &Change) -> bool {
        let Some(name) = &self.session else {
            return true;
        };
        let session = change.session.as_ref().map(ToString::to_string);
        session.as_deref() == Some(name)
    }
}

/// Returns when who read the lines has gone, and waits for nothing else.
async fn nobody_reads(context: &Context) -> Fault {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        if context.out.is_closed() {
            return Fault::output(&std::io::ErrorKind::BrokenPipe.into());
        }
    }
}

/// A line, the same for one document and for many: nobody knows which is the last.
fn tell(change: &Change, context: &mut Context) -> Result<(), Fault> {
    let told = Told::of(change);
    if context.out.is_for_programs() {
        return context.out.json_line(&told);
    }
    let style = match change.kind {
        ChangeKind::Created | ChangeKind::Completed => style::GOOD,
        ChangeKind::Failed | ChangeKind::Quarantined => style::BAD,
        ChangeKind::Deleted | ChangeKind::SessionDeleted => style::WARN,
        _ => style::NAME,
    };
    let kind = context
        .out
        .paint()
        .with(style, format!("{:<16}", told.kind));
    let checkpoint = told.checkpoint.as_deref().map(shown).unwrap_or_default();
    let mut time = format!("{}  ", seconds(change.committed_at));
    let position = format!("{:<8}", told.position);
    let mut session = shown(told.session.as_deref().unwrap_or_default());
    if let Some(width) = context.out.width() {
        // What is told of a checkpoint is one line: without the time where there is no room, and of a long name a part.
        let others = columns(&position) + columns(&checkpoint) + 16 + 3 * 2;
        let wanted = columns(&session).min(ENOUGH);
        if others + columns(&time) + wanted > width {
            time.clear();
        }
        let room = width.saturating_sub(others + columns(&time));
        session = cut(&session, room.max(LEAST));
    }
    let line = format!("{position}  {time}{kind}  {session}  {checkpoint}");
    context.out.line(line.trim_end())
}

/// What is after a position that never was would be missed until the store comes there.
fn ahead(position: Position, newest: Position) -> Fault {
    Fault::new(
        Exit::Conflict,
        format!("{position} is after the newest change, {newest}"),
    )
    .hint("is it of another store, or was this one put back to an earlier state?")
    .hint(format!("begin with `checkpoint watch --after {newest}`"))
}

/// Changes may be asked for that are no longer kept.
fn forgotten(error: checkpoint::Error) -> Fault {
    let oldest = match error.kind() {
        checkpoint::ErrorKind::Truncated { oldest } => Some(*oldest),
        _ => None,
    };
    let fault = Fault::from(error);
    match oldest {
        Some(oldest) => fault.hint(format!("begin with `checkpoint watch --after {oldest}`")),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_shown() {
        let at = |sequence, n| Ok(After::Position(Position { sequence, n }));
        assert_eq!("12.3".parse(), at(12, 3));
        assert_eq!("12".parse(), at(12, 0));
        assert_eq!("start".parse(), at(0, 0));
        assert_eq!("now".parse(), Ok(After::Now));
        for bad in [
            "",
            ".",
            "1.",
            ".1",
            "+1",
            "1.2.3",
            "99999999999999999999",
            "end",
        ] {
            let error = bad.parse::<After>().expect_err(bad);
            assert!(error.contains("12.0"), "{bad}: {error}");
        }
    }
}
