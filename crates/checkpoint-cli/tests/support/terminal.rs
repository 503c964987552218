//! A terminal of any width, in which commands are run as a person would see them.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A command in a terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) child: Child,
    pieces: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

impl Terminal {
    /// Starts a command that has nothing but a terminal.
    pub(crate) fn start(command: Command, columns: u16) -> Self {
        Self::start_between(command, columns, None, None)
    }

    /// Starts a command that reads from elsewhere than the terminal, or answers to elsewhere.
    pub(crate) fn start_between(
        mut command: Command,
        columns: u16,
        from: Option<Stdio>,
        to: Option<Stdio>,
    ) -> Self {
        let (ours, theirs) = pair(columns);
        let share = || Stdio::from(theirs.try_clone().expect("a terminal"));
        command
            .env("TERM", "xterm-256color")
            .stdin(from.unwrap_or_else(share))
            .stdout(to.unwrap_or_else(share))
            .stderr(share());
        let child = command.spawn().expect("started");
        // When the command is over nobody else has the terminal, and reading it ends.
        drop((command, theirs));
        let (to, pieces) = channel();
        let mut ours = File::from(ours);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // Its end is told as a failure.
            while let Ok(length) = ours.read(&mut piece) {
                if length == 0 || to.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            pieces,
            seen: Vec::new(),
        }
    }

    /// Waits until this is seen.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) {
        let is_there = |seen: &[u8]| String::from_utf8_lossy(seen).contains(text);
        while !is_there(&self.seen) {
            let piece = self.pieces.recv_timeout(PATIENCE);
            self.seen.extend(piece.expect("it is seen in the end"));
        }
    }

    /// Looks at the terminal for so long.
    pub(crate) fn look(&mut self, long: Duration) {
        let until = Instant::now() + long;
        while let Ok(piece) = self.pieces.recv_timeout(until - Instant::now()) {
            self.seen.extend(piece);
        }
    }

    /// How the command ended, and what the terminal was given.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while let Ok(piece) = self.pieces.recv_timeout(PATIENCE) {
            self.seen.extend(piece);
        }
        let status = self.child.wait().expect("over");
        let seen = String::from_utf8(self.seen).expect("text");
        (status.code(), seen.replace("\r\n", "\n"))
    }
}

/// Both ends of a terminal.
fn pair(columns: u16) -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).expect("granted");
    unlockpt(&ours).expect("unlocked");
    let name = ptsname(&ours, Vec::new()).expect("a name");
    let name = name.to_str().expect("a path");
    let theirs = File::options().read(true).write(true).open(name);
    let theirs = theirs.expect("opened");
    let size = Winsize {
        ws_row: 50,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size).expect("a size");
    (ours, theirs.into())
}

/// What is seen of a text: without what paints it.
pub(crate) fn unpainted(text: &str) -> String {
    let mut seen = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        seen.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        let end = end.expect("the end of what paints");
        assert!(after[end..].starts_with('m'), "more than paint: {text:?}");
        rest = &after[end + 1..];
    }
    seen + rest
}
