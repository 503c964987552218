//! `run`: runs a command that goes on where it was.
//!
//! `start` says what the command begins with, `place` looks at the file in which it keeps its place, `child` is the
//! process and the signals passed on to it, `again` how often and how soon it is started again.

mod again;
mod child;
mod place;
mod start;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use checkpoint::{ErrorKind, Session, SessionId, Trigger};

use self::again::Again;
use self::child::{Child, End, Signals};
use self::place::{Found, Place};
use self::start::Start;
use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::shown;

const EXAMPLES: &str = "\
The command finds the newest good state of the session in the file that CHECKPOINT_RESTORED_FILE names; when there is none
yet, that is not set. It keeps its place with `checkpoint save \"$CHECKPOINT_SESSION\"`, or in the file of --watch, which
is best replaced as a whole: written under another name, then renamed.

Examples:
  $ checkpoint run nightly -- sh -c 'cat \"$CHECKPOINT_RESTORED_FILE\"'
  $ checkpoint run counter --watch n.json --restart 3 -- sh -c 'echo 1 > n.json'";

/// How long a command that lost its session may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a command that goes on from the newest good state of a session; ends as the command does
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The session
    session: SessionId,

    /// Saves this file whenever it has changed, and at the end; claims the session, so that nobody else does
    #[arg(long, value_name = "FILE")]
    watch: Option<PathBuf>,

    /// How often the file is looked at
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = interval)]
    every: Duration,

    /// The file is saved as it is, not looked into; else only while it is JSON
    #[arg(long, requires = "watch")]
    raw: bool,

    /// Puts the newest good state into the watched file before the command starts
    #[arg(long, requires = "watch")]
    put_back: bool,

    /// Starts the command again so often when it fails or is killed
    #[arg(long, value_name = "N", default_value_t = 0)]
    restart: u32,

    /// How long it waits before that: then twice as long each time, up to a minute, until something is saved
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    backoff: Duration,

    /// The command, and what it is given
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn interval(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if parsed < Duration::from_millis(10) {
        return Err("it is looked at every 10ms at most".to_owned());
    }
    Ok(parsed)
}

/// A session whose newest state is the content of a file.
struct Kept {
    session: Session,
    place: Place,
    saved: u64,
    /// Why what is in the file now is not saved.
    unsaved: Option<Fault>,
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let mut signals = Signals::listen()?;
        let mut kept = self.kept(context).await?;
        let mut again = Again::new(self.restart, self.backoff);
        loop {
            let start = self.start(kept.as_ref(), context).await?;
            if let Some(kept) = &mut kept {
                if self.put_back {
                    kept.place.put_back(&start)?;
                } else if again.count() == 0 && kept.place.differs(&start) {
                    let file = shown(&kept.place.name());
                    context.out.note(format_args!("{file} is not what was saved last, and is saved once it changes; --put-back puts the newest good state into it"));
                }
                kept.place.begin(&start);
            }
            let saved = kept.as_ref().map_or(0, |kept| kept.saved);
            let child = Child::spawn(&self.command, &start, &self.session, context)?;
            let (end, asked) = self
                .follow(child, &mut signals, kept.as_mut(), context)
                .await?;
            if end.is_good() || asked {
                return ended(end, kept, context);
            }
            if kept.as_ref().is_some_and(|kept| kept.saved > saved) {
                again.progressed();
            }
            let Some(wait) = again.next() else {
                return ended(end, kept, context);
            };
            let (count, of) = (again.count(), self.restart);
            let soon = humantime::format_duration(wait);
            context.out.note(format_args!(
                "the command {end}; it starts again in {soon} ({count} of {of})"
            ));
            if asked_within(wait, &mut signals).await {
                return ended(end, kept, context);
            }
        }
    }

    /// The session that a file is saved in.
    async fn kept(&self, context: &mut Context) -> Result<Option<Kept>, Fault> {
        let Some(path) = &self.watch else {
            return Ok(None);
        };
        if path.is_dir() {
            let problem = format!("{} is a directory", path.display());
            return Err(Fault::usage(problem).hint("--watch names a file"));
        }
        context.spare(path)?;
        let store = context.store(Access::Write).await?;
        // Whoever ran it before, and does so still, saves no more.
        let session = store.session(&self.session).await?.claim().await?;
        let place = Place::new(path, self.raw, store.info().limits.state);
        Ok(Some(Kept {
            session,
            place,
            saved: 0,
            unsaved: None,
        }))
    }

    /// What the command begins with. Without a file to watch the store is let go of, so that the command can open it.
    async fn start(&self, kept: Option<&Kept>, context: &mut Context) -> Result<Start, Fault> {
        if let Some(kept) = kept {
            return Start::of(Some(&kept.session), context).await;
        }
        let store = context.store(Access::Read).await?;
        let session = match store.session(&self.session).existing().await {
            Ok(session) => Some(session),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let start = Start::of(session.as_ref(), context).await;
        context.close().await?;
        start
    }

    /// Waits for the command, saves its file meanwhile, and passes signals on. Answers whether it was asked to end.
    async fn follow(
        &self,
        mut child: Child,
        signals: &mut Signals,
        mut kept: Option<&mut Kept>,
        context: &mut Context,
    ) -> Result<(End, bool), Fault> {
        let mut asked = false;
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                end = child.wait() => break end?,
                signal = signals.next() => {
                    asked |= signal.is_end();
                    child.pass(signal);
                }
                _ = ticks.tick(), if kept.is_some() => {
                    if let Some(kept) = kept.as_deref_mut()
                        && let Err(fault) = kept.look(context).await
                    {
                        child.end(GRACE).await;
                        return Err(fault);
                    }
                }
            }
        };
        if let Some(kept) = kept {
            kept.place.over(end.is_good());
            kept.look(context).await?;
        }
        Ok((end, asked))
    }
}

impl Kept {
    /// Saves the file if it has changed. What passes is tried again; what ends the command is answered.
    async fn look(&mut self, context: &mut Context) -> Result<(), Fault> {
        let looked = tokio::task::block_in_place(|| self.place.look());
        let bytes = match looked {
            Ok(Found::New(bytes)) => bytes,
            Ok(Found::Saved) => {
                self.unsaved = None;
                return Ok(());
            }
            Ok(Found::Nothing) => return Ok(()),
            Err(fault) => {
                self.fail(fault, context);
                return Ok(());
            }
        };
        let content_type = self.place.content_type();
        let file = shown(&self.place.name());
        let save = self.session.save_bytes(content_type, bytes);
        let save = save
            .trigger(Trigger::Scheduled)
            .reason(format!("{file} changed"));
        match save.await {
            Ok(_) => {
                self.saved += 1;
                self.unsaved = None;
                self.place.is_saved();
                Ok(())
            }
            Err(error) => {
                let is_lost = matches!(error.kind(), ErrorKind::Conflict(_) | ErrorKind::Denied);
                self.place.is_not_saved();
                let fault = Fault::from(error);
                if is_lost {
                    return Err(
                        fault.hint("the command was ended, since its place can no longer be kept")
                    );
                }
                self.fail(fault, context);
                Ok(())
            }
        }
    }

    /// Says why the file is not saved, once for each reason.
    fn fail(&mut self, fault: Fault, context: &mut Context) {
        let before = self.unsaved.as_ref().map(ToString::to_string);
        if before.as_deref() != Some(&fault.to_string()) {
            context
                .out
                .warn(format_args!("not saved: {}", shown(&fault.to_string())));
        }
        self.unsaved = Some(fault);
    }
}

/// Waits; answers whether somebody asked to end meanwhile. Other signals have nobody to go to.
async fn asked_within(wait: Duration, signals: &mut Signals) -> bool {
    let asked = async { while !signals.next().await.is_end() {} };
    tokio::time::timeout(wait, asked).await.is_ok()
}

/// Ends as the command did, unless that went well and its last state is not saved.
fn ended(end: End, kept: Option<Kept>, context: &mut Context) -> Answer {
    if let Some(kept) = kept.as_ref().filter(|kept| kept.saved == 0)
        && !kept.place.is_there()
    {
        let file = shown(&kept.place.name());
        context
            .out
            .warn(format_args!("{file} is not there; nothing was saved"));
    }
    match kept.and_then(|kept| kept.unsaved) {
        Some(fault) if end.is_good() => Err(fault),
        _ => Ok(match end.code() {
            0 => Exit::Done,
            code => Exit::Command(code),
        }),
    }
}
