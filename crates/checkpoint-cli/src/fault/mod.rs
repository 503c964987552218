//! What went wrong: what, where, and what to try; and how the program ends.

mod holder;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::process::ExitCode;

use checkpoint::{Actual, Error, ErrorKind, Expectation};
use serde_json::{Value, json};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    Usage,
    NoStore,
    Locked,
    Refused,
    NotFound,
    Conflict,
    Interrupted,
    /// As the command that it ran.
    Command(u8),
}

impl Exit {
    /// Its number.
    pub(crate) const fn code(self) -> u8 {
        self.told().0
    }

    /// Its number, and its name for programs.
    const fn told(self) -> (u8, &'static str) {
        match self {
            Self::Done => (0, "done"),
            Self::Failed => (1, "failed"),
            Self::Usage => (2, "usage"),
            Self::NoStore => (10, "no_store"),
            Self::Locked => (11, "locked"),
            Self::Refused => (12, "refused"),
            Self::NotFound => (13, "not_found"),
            Self::Conflict => (14, "conflict"),
            Self::Interrupted => (130, "interrupted"),
            Self::Command(code) => (code, "command"),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What went wrong. Boxed inside, since answers carry it.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    /// Nobody reads what is written: nothing is said.
    silent: bool,
    /// Not found, since several are there.
    several: bool,
}

impl Inner {
    /// Adds a cause and those behind it, but for what the one before it tells too.
    fn cause(&mut self, mut cause: Option<&dyn std::error::Error>) {
        while let Some(error) = cause {
            let text = error.to_string();
            let last = self.causes.last();
            if !last.is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            cause = error.source();
        }
    }
}

impl Fault {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            exit,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            silent: false,
            several: false,
        }))
    }

    /// What was asked for makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something that was named is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Something that was named is not one thing.
    pub(crate) fn several(message: impl Into<String>) -> Self {
        let mut fault = Self::not_found(message);
        fault.0.several = true;
        fault
    }

    /// Whether something that was named is not there.
    pub(crate) fn is_absence(&self) -> bool {
        self.0.exit == Exit::NotFound && !self.0.several
    }

    /// Who reads standard output has had enough, which is no failure.
    fn closed() -> Self {
        let mut fault = Self::new(Exit::Done, "nobody reads standard output any more");
        fault.0.silent = true;
        fault
    }

    /// Standard output did not take what was written.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::closed()
        } else {
            Self::new(Exit::Failed, "cannot write to standard output").because(error)
        }
    }

    /// A file that a person named could not be read or written.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::Refused,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("cannot {doing} {}", path.display())).because(error)
    }

    /// What an error of the store means where the store was being opened.
    pub(crate) fn opening(error: &Error, url: &str) -> Self {
        let mut fault = Self::from_error(error);
        match error.kind() {
            ErrorKind::NotFound => {
                fault.0.exit = Exit::NoStore;
                let init = format!("`checkpoint init --store {}`", shell_word(url));
                // What caused it is that the directory or bucket is not there, in which `init` would make the store.
                fault = fault.hint(if error.source().is_some() {
                    format!(
                        "make the directory or bucket that it is to lie in, then the store: {init}"
                    )
                } else {
                    format!("make it with {init}")
                });
                fault.hint(
                    "or name another one, by --store, CHECKPOINT_STORE or the configuration file",
                )
            }
            // No verb gets further.
            ErrorKind::Corrupt => fault
                .unhinted()
                .hint("check that the right store is named; if it is, only a backup or a copy in its place helps"),
            _ => fault.of_url(error),
        }
    }

    /// What an error of the store means where it was to be made.
    pub(crate) fn making(error: &Error) -> Self {
        Self::from_error(error).of_url(error)
    }

    /// What cannot be a store was named wrongly.
    fn of_url(mut self, error: &Error) -> Self {
        if matches!(error.kind(), ErrorKind::Invalid) {
            self.0.exit = Exit::Usage;
        }
        self
    }

    /// What caused it.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        self.0.cause(Some(error));
        self
    }

    /// What was done until then.
    pub(crate) fn after(mut self, done: &str) -> Self {
        self.0.message.push_str("; done so far: ");
        self.0.message.push_str(done);
        self
    }

    /// What to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Without what there was to try.
    pub(crate) fn unhinted(mut self) -> Self {
        self.0.hints.clear();
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// Whether the system refused it, and no key.
    pub(crate) fn is_of_system(&self) -> bool {
        self.0.exit == Exit::Refused && !self.0.causes.is_empty()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.0.silent
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.0.hints
    }

    pub(crate) fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// As programs read it.
    pub(crate) fn to_json(&self) -> Value {
        let Inner {
            exit,
            message,
            causes,
            hints,
            ..
        } = &*self.0;
        let (code, kind) = exit.told();
        json!({"error": {
            "code": code, "kind": kind, "message": message, "causes": causes, "hints": hints,
        }})
    }

    fn from_error(error: &Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::AlreadyExists | ErrorKind::Conflict(_) => Exit::Conflict,
            ErrorKind::Locked => Exit::Locked,
            ErrorKind::Denied => Exit::Refused,
            _ => Exit::Failed,
        };
        let mut fault = Self::new(exit, error.to_string());
        fault.0.cause(error.source());
        fault.0.hints.extend(hint_of(error));
        fault
    }
}

/// What to try, where the error does not say.
fn hint_of(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Locked => {
            let mut context = error.context();
            let path = context.find_map(|(name, value)| (name == "path").then_some(value))?;
            let holder = holder::of(std::path::Path::new(path))?;
            Some(format!("it is held by {holder}; wait for it, or end it"))
        }
        ErrorKind::Conflict(conflict) => Some(match &conflict.actual {
            Actual::Head(Some(id)) => format!("somebody saved meanwhile; look at `checkpoint show {id}`"),
            Actual::Head(None) => "the session has no checkpoint yet".to_owned(),
            Actual::Epoch(actual) => not_owned(&conflict.expected, *actual).to_owned(),
            _ => "read it again and decide again".to_owned(),
        }),
        ErrorKind::Corrupt => Some(
            "`checkpoint verify` tells all that is damaged, and the newest good checkpoint of each session".to_owned(),
        ),
        ErrorKind::Unavailable { .. } => Some("trying again may help".to_owned()),
        _ => None,
    }
}

/// Why a session is not owned under an epoch.
fn not_owned(expected: &Expectation, actual: Option<u64>) -> &'static str {
    match (expected, actual) {
        (_, None) => "the session was deleted; end this worker",
        (Expectation::Epoch(_, expected), Some(actual)) if actual < *expected => {
            "the session was never claimed so often; `checkpoint claim` tells its epoch"
        }
        _ => "somebody else claimed the session since; end this worker, or claim it again",
    }
}

/// A word as a shell reads it back.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@%+=,~".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::from_error(&error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

#[cfg(test)]
mod tests;
