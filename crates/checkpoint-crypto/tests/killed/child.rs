//! The process that changes the keys of a store until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use checkpoint_core::Result;

use crate::common::{key, open_sealed};

/// Set in the environment of a child: the engine, and where the store lies.
pub(crate) const JOB: &str = "CHECKPOINT_CRYPTO_JOB";
/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Says a line in one write.
fn say(what: &str) {
    let line = format!("{what}\n");
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).is_err() {
        exit(0);
    }
}

/// Works until it is killed.
pub(crate) fn work(job: &str) -> ! {
    // Without its parent it would work for ever.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_line(&mut String::new());
        exit(0);
    });
    let (engine, place) = job.split_once('\n').expect("an engine and a place");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let why = runtime.block_on(change_keys(engine, Path::new(place)));
    say(&format!("! {:?}", why.expect_err("it does not end")));
    exit(1);
}

async fn change_keys(engine: &str, place: &Path) -> Result<()> {
    let sealed = open_sealed(engine, place, false, key(7)).await?;
    say("opened");
    loop {
        sealed.rotate(&[key(7)]).await?;
        say("rotated");
        sealed
            .reseal(|done| say(&format!("resealing {}", done.sealed)))
            .await?;
        say("resealed");
        sealed.rewrap(&[key(7), key(8)]).await?;
        say("rewrapped");
        sealed.drop_old_keys(&[key(7)]).await?;
        say("dropped");
    }
}

/// A child as its parent sees it.
pub(crate) struct Spawned {
    process: Child,
    lines: Receiver<String>,
    /// The line that it said last.
    pub(crate) last: String,
}

impl Spawned {
    pub(crate) fn start(engine: &str, place: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .env(JOB, format!("{engine}\n{}", place.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let out = process.stdout.take().expect("its output");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(|line| line.ok()) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            process,
            lines,
            last: String::new(),
        }
    }

    /// Waits for the next line with which it says that it has come so far.
    pub(crate) fn wait(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            self.last = line.expect("it says something");
            assert!(!self.last.starts_with('!'), "{}", self.last);
            if self.last.starts_with(wanted) {
                return;
            }
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
        while let Ok(line) = self.lines.recv() {
            assert!(!line.starts_with('!'), "{line}");
            self.last = line;
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
