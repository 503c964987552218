//! The process of a command, and the signals that are passed on to it.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use checkpoint::SessionId;

use super::start::Start;
use crate::context::Context;
use crate::fault::{Exit, Fault};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Code(u8),
    Signal(u8),
}

impl End {
    fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(u8::try_from(signal).unwrap_or(u8::MAX));
        }
        let code = status.code().unwrap_or(1);
        Self::Code(u8::try_from(code).unwrap_or(1))
    }

    pub(super) fn is_good(self) -> bool {
        self == Self::Code(0)
    }

    /// As a shell tells it.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

/// A command that runs.
#[derive(Debug)]
pub(super) struct Child(tokio::process::Child);

impl Child {
    pub(super) fn spawn(
        command: &[OsString],
        start: &Start,
        session: &SessionId,
        context: &Context,
    ) -> Result<Self, Fault> {
        let Some((program, args)) = command.split_first() else {
            return Err(Fault::usage("there is no command"));
        };
        let mut command = tokio::process::Command::new(program);
        command
            .args(args)
            .env("CHECKPOINT_SESSION", session.to_string())
            // What a run around this one restored is none of its business.
            .env_remove("CHECKPOINT_RESTORED_FILE")
            .env_remove("CHECKPOINT_RESTORED_ID");
        for (name, value) in context.settings.handed_on() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some((path, id)) = start.restored() {
            command
                .env("CHECKPOINT_RESTORED_FILE", path)
                .env("CHECKPOINT_RESTORED_ID", id.to_string());
        }
        let spawned = command.spawn().map_err(|error| {
            let code = if error.kind() == std::io::ErrorKind::NotFound {
                127
            } else {
                126
            };
            let program = crate::output::shown(&program.to_string_lossy());
            Fault::new(Exit::Command(code), format!("cannot run {program}")).because(&error)
        });
        spawned.map(Self)
    }

    pub(super) async fn wait(&mut self) -> Result<End, Fault> {
        let status = self.0.wait().await;
        let failed =
            |error| Fault::new(Exit::Failed, "cannot wait for the command").because(&error);
        status.map(End::of).map_err(failed)
    }

    /// Ends it: asks first, and kills it when it takes too long.
    pub(super) async fn end(mut self, grace: Duration) {
        self.pass(Signal::END);
        if tokio::time::timeout(grace, self.0.wait()).await.is_err() {
            // One that is over already cannot be killed.
            let _ = self.0.kill().await;
        }
    }

    /// Passes a signal on; one that is over hears none.
    #[cfg(unix)]
    pub(super) fn pass(&mut self, signal: Signal) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let (Some(process), Some(named), true) = (
            id.and_then(rustix::process::Pid::from_raw),
            rustix::process::Signal::from_named_raw(signal.number),
            signal.is_to_pass,
        ) {
            let _ = rustix::process::kill_process(process, named);
        }
    }

    #[cfg(not(unix))]
    pub(super) fn pass(&mut self, signal: Signal) {
        if signal.is_to_pass {
            let _ = self.0.start_kill();
        }
    }
}

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal {
    number: i32,
    /// Whether the command has not got it by itself.
    is_to_pass: bool,
    is_end: bool,
}

impl Signal {
    const END: Self = Self {
        number: 15,
        is_to_pass: true,
        is_end: true,
    };

    /// Whether it asks to end.
    pub(super) const fn is_end(self) -> bool {
        self.is_end
    }
}

/// The signals of this process.
#[cfg(unix)]
pub(super) struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> Result<Self, Fault> {
        use std::io::IsTerminal;
        use tokio::signal::unix::{SignalKind, signal};

        // A terminal gives what is typed to the command as well.
        let is_typed = std::io::stdin().is_terminal();
        let mut kinds = vec![
            (SignalKind::interrupt(), !is_typed, true),
            (SignalKind::quit(), !is_typed, true),
            (SignalKind::terminate(), true, true),
            (SignalKind::user_defined1(), true, false),
            (SignalKind::user_defined2(), true, false),
        ];
        if !crate::interrupt::hangup_is_ignored() {
            kinds.push((SignalKind::hangup(), true, true));
        }
        let listen = |(kind, is_to_pass, is_end): (SignalKind, bool, bool)| {
            let number = kind.as_raw_value();
            let heard = Signal {
                number,
                is_to_pass,
                is_end,
            };
            signal(kind).map(|stream| (heard, stream))
        };
        let streams: Result<_, _> = kinds.into_iter().map(listen).collect();
        streams.map(Self).map_err(|error| {
            Fault::new(Exit::Failed, "the system tells no signals").because(&error)
        })
    }

    /// The next one. Dropping it loses none.
    pub(super) async fn next(&mut self) -> Signal {
        std::future::poll_fn(|task| {
            for (signal, stream) in &mut self.0 {
                if stream.poll_recv(task).is_ready() {
                    return std::task::Poll::Ready(*signal);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> Result<Self, Fault> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        crate::interrupt::asked().await;
        Signal {
            is_to_pass: false,
            ..Signal::END
        }
    }
}
