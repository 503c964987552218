//! Memory while a large state is streamed in and out, each way in a process of its own.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, runtime, store_at};
use checkpoint_benches::process;
use checkpoint_benches::report::Report;
use checkpoint_benches::state::{Noise, message};
use checkpoint_core::Durability;
use tokio::io::{AsyncRead, ReadBuf};

/// The first argument of a process that saves or reads back.
pub(crate) const CHILD: &str = "--one-large-state";
/// MiB unless told otherwise.
pub(crate) const FULL: u64 = 1_024;
/// Bytes that are made at once.
const BLOCK: usize = 64 << 10;

pub(crate) fn run(report: &mut Report, mib: u64) {
    report.say(&format!("large: a state of {mib} MiB, streamed"));
    if process::most_resident().is_none() {
        report.skip(Table::Large, "the system does not tell the peak of memory");
        return;
    }
    // Figures of another size are told apart, so that nothing promised of 1 GiB is held against them.
    let size = if mib == FULL {
        String::new()
    } else {
        format!(" ({mib} MiB)")
    };
    for (content, name) in [("json", "JSON"), ("random", "random bytes")] {
        let dir = directory();
        let save = in_a_process("save", content, dir.path(), mib);
        let restore = in_a_process("restore", content, dir.path(), mib);
        let mut tell = |what: &str, unit: &str, value: f64| {
            let load = format!("{name}, {what}{size}");
            let value = Spread::value(value, 1);
            report.tell(Figure::alone(Table::Large, load, unit, value));
        };
        for (way, found) in [("save", &save), ("restore", &restore)] {
            let rate = mib as f64 * 1e3 / found.millis.max(1) as f64;
            tell(&format!("{way}, memory"), "MiB", in_mib(found.peak));
            tell(&format!("{way}, throughput"), "MiB/s", rate);
        }
        tell("the log at its largest", "MiB", in_mib(save.log));
        tell("file", "MiB", in_mib(save.file));
    }
}

fn in_mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What a child tells.
#[derive(Debug)]
struct Found {
    peak: u64,
    millis: u64,
    log: u64,
    file: u64,
}

fn in_a_process(way: &str, content: &str, dir: &Path, mib: u64) -> Found {
    let program = std::env::current_exe().expect("its own path");
    let mut command = Command::new(program);
    command.args([CHILD, way, content]).arg(dir);
    let output = command.arg(mib.to_string()).output().expect("a process");
    let told = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = told
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[peak, millis, log, file] = &numbers[..] else {
        let why = String::from_utf8_lossy(&output.stderr);
        panic!("{way} {content} failed: {told}{why}");
    };
    Found {
        peak,
        millis,
        log,
        file,
    }
}

/// Saves or reads back, and prints what it took.
pub(crate) fn child(args: &[String]) {
    let [way, content, dir, mib, ..] = args else {
        panic!("what is to be done?");
    };
    let path = PathBuf::from(dir).join("store.db");
    let mib: u64 = mib.parse().expect("a number");
    let runtime = runtime();
    let mut state = State::new(content == "json", mib << 20, &path);
    let before = process::resident().expect("counted");
    let start = Instant::now();
    runtime.block_on(async {
        let store = store_at(&path, Durability::Disk).await;
        let session = store.session("large").await.expect("made");
        if way == "save" {
            let save = session.save_reader("application/octet-stream", &mut state);
            save.await.expect("read").await.expect("saved");
        } else {
            let newest = session.latest().await.expect("read").expect("there");
            let mut reader = newest.reader().await.expect("read");
            while let Some(piece) = reader.next().await.expect("read") {
                assert!(state.take(piece.len()) == piece[..], "another state");
            }
            assert_eq!(state.left, 0, "the state is cut off");
        }
        store.close().await.expect("closed");
    });
    let took = start.elapsed().saturating_sub(state.spent);
    let peak = process::most_resident().expect("counted") - before;
    let file = std::fs::metadata(&path).expect("a file").len();
    println!("{peak} {} {} {file}", took.as_millis(), state.longest_log);
}

/// A state that is made as it is read, the same each time.
struct State {
    noise: Noise,
    json: bool,
    left: u64,
    made: Vec<u8>,
    at: usize,
    /// How long making it took.
    spent: Duration,
    log: PathBuf,
    longest_log: u64,
}

impl State {
    fn new(json: bool, length: u64, path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            noise: Noise::new(9),
            json,
            left: length,
            made: Vec::with_capacity(BLOCK + 8_192),
            at: 0,
            spent: Duration::ZERO,
            log: log.into(),
            longest_log: 0,
        }
    }

    /// Makes the next block when the last one is given out.
    fn make(&mut self) {
        if self.at < self.made.len() {
            return;
        }
        let start = Instant::now();
        self.made.clear();
        self.at = 0;
        while self.json && self.made.len() < BLOCK {
            let size = 300 + (self.noise.number() % 3_000) as usize;
            let message = message(&mut self.noise, size);
            serde_json::to_writer(&mut self.made, &message).expect("encodes");
            self.made.push(b',');
        }
        if !self.json {
            let numbers = (0..BLOCK / 8).flat_map(|_| self.noise.number().to_le_bytes());
            self.made.extend(numbers);
        }
        let log = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        self.longest_log = self.longest_log.max(log);
        self.spent += start.elapsed();
    }

    /// At most so many bytes of what comes next; none at the end.
    fn part(&mut self, most: usize) -> &[u8] {
        self.make();
        let most = most.min(self.made.len() - self.at);
        let most = most.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let from = self.at;
        self.at += most;
        self.left -= most as u64;
        &self.made[from..self.at]
    }

    /// The next bytes, as many as there are up to `length`.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let start = Instant::now();
        let spent = self.spent;
        let mut out = Vec::with_capacity(length);
        while out.len() < length {
            let part = self.part(length - out.len());
            if part.is_empty() {
                break;
            }
            out.extend_from_slice(part);
        }
        self.spent = spent + start.elapsed();
        out
    }
}

impl AsyncRead for State {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let most = buffer.remaining();
        buffer.put_slice(self.part(most));
        Poll::Ready(Ok(()))
    }
}
