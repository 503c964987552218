//! A child as its parent sees it.

use std::io::{BufRead, BufReader, Write};
use std::process::{self, ChildStdin, Command, Stdio};

use crate::config::this_program;

/// A process that runs. Dropped, it is killed.
pub(crate) struct Spawned {
    process: process::Child,
    /// Closed, it tells the child that its parent is gone.
    to: Option<ChildStdin>,
}

impl Spawned {
    /// Starts this program with a job in its environment. What it says is heard line by line, then `None`.
    pub(crate) fn start(
        variable: &str,
        job: &str,
        mut hears: impl FnMut(Option<String>) + Send + 'static,
    ) -> Result<Self, String> {
        let mut process = Command::new(this_program()?)
            .env(variable, job)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start this program again: {error}"))?;
        let out = process.stdout.take().ok_or("the child has no output")?;
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut line = String::new();
            // A line without its end was cut off by the kill: nobody was told.
            while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
                hears(Some(line.trim_end_matches('\n').to_owned()));
                line.clear();
            }
            hears(None);
        });
        Ok(Self {
            to: process.stdin.take(),
            process,
        })
    }

    /// Says a line to it. One that has ended does not hear.
    pub(crate) fn tell(&mut self, line: &str) {
        if let Some(to) = &mut self.to {
            let _ = writeln!(to, "{line}").and_then(|()| to.flush());
        }
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), String> {
        self.process
            .kill()
            .and_then(|()| self.process.wait())
            .map(drop)
            .map_err(|error| format!("cannot kill the child: {error}"))
    }

    /// Holds it where it is, until it may go on.
    pub(crate) fn hold(&self) -> Result<(), String> {
        self.signal("STOP")
    }

    pub(crate) fn go_on(&self) -> Result<(), String> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), String> {
        let mut command = Command::new("sh");
        let id = self.process.id().to_string();
        command.args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal, &id]);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("cannot send {signal} to the child: {status}")),
            Err(error) => Err(format!("cannot send {signal} to the child: {error}")),
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
